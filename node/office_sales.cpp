#include "node/office_sales.hpp"

#include <algorithm>
#include <map>

#include "sync/certificate.hpp"
#include "sync/medium.hpp"

namespace tally {

namespace {

result<std::vector<sold_card>> read_sold(const nlohmann::json& answer) {
  auto list = answer.find("sold");
  if (list == answer.end() || !list->is_array()) return error{errc::unsupported, "head office answered something else"};
  std::vector<sold_card> out;
  for (const auto& c : *list)
    out.push_back({c.value("account", std::uint64_t{0}), c.value("load", amount{0}), c.value("deposit", amount{0}),
                   c.value("price", amount{0}), c.value("expires", std::uint32_t{0}),
                   c.value("position", std::uint64_t{0}), c.value("undone", false), c.value("stays", std::string())});
  return out;
}

}  // namespace

namespace {

/// Something that head office books under a reference; whether it had been before.
result<bool> booked(const admin_client& hq, const char* path, const nlohmann::json& body) {
  auto a = hq.post(path, body);
  if (!a) return a.error();
  auto before = a->find("booked_before");
  if (before == a->end() || !before->is_boolean()) return error{errc::malformed, "head office answered something else"};
  return before->get<bool>();
}

}  // namespace

result<bool> top_up_card(const admin_client& hq, const std::string& chain, const std::string& number,
                         const card_payment& paid) {
  nlohmann::json body{{"medium", to_hex(medium_of(chain, number))},
                      {"amount", paid.value},
                      {"tender", paid.tender},
                      {"reference", paid.reference}};
  if (paid.package != 0) body["package"] = paid.package;
  return booked(hq, "card/top-up", body);
}

result<bool> pay_out_card(const admin_client& hq, const std::string& chain, const card_name& card,
                          const card_payment& out) {
  auto body = named(chain, card);
  body["amount"] = out.value;
  body["tender"] = out.tender;
  body["reference"] = out.reference;
  return booked(hq, "card/pay-out", body);
}

result<std::vector<sold_card>> sold_of(const admin_client& hq, const card_run& run) {
  constexpr std::uint64_t at_once = 5'000;
  std::vector<sold_card> out;
  for (std::uint64_t done = 0; done < run.count; done += at_once) {
    auto a = hq.post("cards/sold", {{"first", run.first + done}, {"count", std::min(at_once, run.count - done)}});
    if (!a) return a.error();
    auto part = read_sold(*a);
    if (!part) return part.error();
    out.insert(out.end(), part->begin(), part->end());
  }
  return out;
}

status undo_sales(const admin_client& hq, const std::vector<sold_card>& cards,
                  const std::function<status(const std::vector<undone_card>& part)>& told, const progress& tell) {
  constexpr std::size_t at_once = 100;
  for (std::size_t done_so_far = 0; done_so_far < cards.size();) {
    const auto end = std::min(cards.size(), done_so_far + at_once);
    std::map<std::uint64_t, undone_card> part;
    auto asked = nlohmann::json::array();
    for (auto i = done_so_far; i < end; ++i) {
      const auto& c = cards[i];
      part[c.account] = {c, c.place == 0 ? std::string(sold_in_earlier_life) : ""};
      if (c.place != 0) asked.push_back({{"account", c.account}, {"position", c.place}});
    }
    if (!asked.empty()) {
      auto a = hq.post("cards/sales/undo", {{"cards", asked}});
      if (!a) return a.error();
      auto rows = a->find("cards");
      if (rows == a->end() || rows->size() != asked.size())
        return error{errc::unsupported, "head office answered something else"};
      for (const auto& r : *rows) {
        auto it = part.find(r.value("account", std::uint64_t{0}));
        // One that was undone a moment ago, by this command broken off, is undone.
        auto code = r.value("error", std::string());
        if (it != part.end() && !code.empty() && code != errc_name(errc::already_reversed))
          it->second.why = r.value("detail", code);
      }
    }
    std::vector<undone_card> list;
    for (auto& [account, c] : part)
      list.push_back(std::move(c));
    TALLY_TRY(told(list));
    done_so_far = end;
    if (tell) tell(done_so_far, cards.size());
  }
  return done();
}

result<std::size_t> sell_run(const admin_client& hq, card_run run, amount load, const std::string& tender,
                             const std::function<status(const std::vector<sold_card>& part)>& sold,
                             const progress& tell) {
  constexpr std::uint64_t at_once = 250;
  auto wanted = [&](std::uint64_t done, std::uint64_t n) {
    return nlohmann::json{{"first", run.first + done}, {"count", n}, {"load", load}, {"tender", tender}};
  };
  if (run.node.value == 0) {
    // Cards that lie at head office go to no store any more: what is refused leaves them where they are.
    auto first = wanted(0, std::min(at_once, run.count));
    first["check"] = true;
    if (auto could = hq.post("cards/sell", first); !could) return could.error();
    run.node = head_office;
    TALLY_TRY(allot_run(hq, run));
  }
  std::size_t before = 0;
  for (std::uint64_t done = 0; done < run.count;) {
    auto n = std::min(at_once, run.count - done);
    auto a = hq.post("cards/sell", wanted(done, n));
    if (!a) return a.error();
    auto part = read_sold(*a);
    if (!part) return part.error();
    before += a->value("before", std::size_t{0});
    TALLY_TRY(sold(*part));
    done += n;
    if (tell) tell(done, run.count);
  }
  return before;
}

}  // namespace tally
