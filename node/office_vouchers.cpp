#include "node/office_vouchers.hpp"

#include <algorithm>

#include "sync/medium.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

constexpr std::uint64_t at_once = 250;

error other_answer() { return {errc::unsupported, "head office answered something else"}; }

}  // namespace

status grant_vouchers(const admin_client& hq, const voucher_order& order, std::uint64_t count,
                      const std::function<status(const std::vector<granted_voucher>& part)>& made,
                      const progress& tell) {
  auto reserved = hq.post("cards/reserve", {{"count", count}});
  if (!reserved) return reserved.error();
  const auto first = reserved->value("first", std::uint64_t{0});
  if (first == 0) return other_answer();
  for (std::uint64_t done = 0; done < count;) {
    const auto n = std::min(at_once, count - done);
    nlohmann::json wanted{{"first", first + done},     {"count", n},
                          {"purse", order.face.purse}, {"units", order.face.units},
                          {"until", order.face.until}, {"batch", order.batch}};
    if (!order.tender.empty()) wanted["tender"] = order.tender;
    if (auto a = hq.post("vouchers/grant", wanted); !a) return a.error();
    std::vector<granted_voucher> part;
    for (std::uint64_t i = 0; i < n; ++i)
      part.push_back({first + done + i, order.face, order.face.units, false, false});
    TALLY_TRY(made(part));
    done += n;
    if (tell) tell(done, count);
  }
  return tally::done();
}

result<std::vector<voucher_batch>> voucher_batches(const admin_client& hq) {
  auto a = hq.get("vouchers");
  if (!a) return a.error();
  auto list = a->find("batches");
  if (list == a->end() || !list->is_array()) return other_answer();
  std::vector<voucher_batch> out;
  for (const auto& b : *list)
    out.push_back({b.value("batch", ""), b.value("purse", 0U), b.value("until", 0U), b.value("count", std::uint64_t{0}),
                   b.value("units", amount{0}), b.value("left", amount{0}), b.value("void", std::uint64_t{0})});
  return out;
}

result<std::vector<granted_voucher>> vouchers_of(const admin_client& hq, const std::string& batch) {
  std::vector<granted_voucher> out;
  for (bool more = true; more;) {
    const auto after = out.empty() ? std::uint64_t{0} : out.back().account;
    auto a = hq.post("vouchers/list", {{"batch", batch}, {"after", after}});
    if (!a) return a.error();
    auto list = a->find("vouchers");
    if (list == a->end() || !list->is_array()) return other_answer();
    for (const auto& v : *list)
      out.push_back({v.value("account", std::uint64_t{0}),
                     {v.value("purse", 0U), v.value("units", amount{0}), v.value("until", 0U)},
                     v.value("left", amount{0}),
                     v.value("void", false),
                     v.value("sent", false)});
    more = a->value("more", false) && !list->empty();
  }
  return out;
}

result<std::size_t> void_vouchers(const admin_client& hq, const std::vector<granted_voucher>& list,
                                  const progress& tell) {
  std::size_t ended = 0;
  for (std::size_t at = 0; at < list.size();) {
    std::uint64_t n = 1;
    while (n < at_once && at + n < list.size() && list[at + n].account == list[at].account + n)
      ++n;
    auto a = hq.post("vouchers/void", {{"first", list[at].account}, {"count", n}});
    if (!a) return a.error();
    ended += a->value("voided", std::size_t{0});
    at += n;
    if (tell) tell(at, list.size());
  }
  return ended;
}

result<std::vector<voucher_outcome>> send_vouchers(const admin_client& hq, const std::string& chain,
                                                   const std::string& batch, const std::vector<std::string>& numbers) {
  auto media = nlohmann::json::array();
  for (const auto& n : numbers)
    media.push_back(to_hex(medium_of(chain, n)));
  auto a = hq.post("vouchers/send", {{"batch", batch}, {"media", media}});
  if (!a) return a.error();
  auto list = a->find("sent");
  if (list == a->end() || !list->is_array() || list->size() != numbers.size()) return other_answer();
  std::vector<voucher_outcome> out;
  for (const auto& v : *list)
    out.push_back({v.value("account", std::uint64_t{0}), v.value("voucher", std::uint64_t{0}), v.value("state", ""),
                   v.value("why", ""), v.value("detail", "")});
  return out;
}

}  // namespace tally
