#include "node/office_sales.hpp"

#include <algorithm>

#include "sync/certificate.hpp"

namespace tally {

namespace {

result<std::vector<sold_card>> read_sold(const nlohmann::json& answer) {
  auto list = answer.find("sold");
  if (list == answer.end() || !list->is_array()) return error{errc::unsupported, "head office answered something else"};
  std::vector<sold_card> out;
  for (const auto& c : *list)
    out.push_back({c.value("account", std::uint64_t{0}), c.value("load", amount{0}), c.value("deposit", amount{0}),
                   c.value("price", amount{0}), c.value("expires", std::uint32_t{0})});
  return out;
}

}  // namespace

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
