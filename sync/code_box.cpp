#include "sync/code_box.hpp"

#include <algorithm>

namespace tally {

void code_box::forget_old(unix_seconds now) {
  std::erase_if(codes_, [&](const auto& x) { return now >= x.second.until; });
}

bool code_box::put(account_id card, std::uint64_t number, amount up_to, unix_seconds until, const pin_verifier& v,
                   unix_seconds now) {
  forget_old(now);
  auto it = codes_.find(card);
  if (it == codes_.end() && codes_.size() >= codes_max) return false;
  // Answers may overtake each other; the higher number is the newer message.
  if (it != codes_.end() && it->second.number > number) return true;
  codes_.insert_or_assign(card, code{number, up_to, until, v, {}});
  return true;
}

code_proof code_box::judge(account_id card, std::string_view typed, const till_key& key, unix_seconds now,
                           const std::function<std::optional<bool>(const pin_verifier&, std::string_view)>& fits) {
  using is = code_proof::verdict;
  auto it = codes_.find(card);
  if (it == codes_.end() || now >= it->second.until) return {is::unknown, 0, 0, 0, 0};
  auto& c = it->second;
  auto left = [&] { return code_tries_max - static_cast<std::uint32_t>(c.wrong.size()); };
  std::pair tried(key, std::string(typed));
  if (std::ranges::find(c.wrong, tried) != c.wrong.end()) return {is::wrong, c.number, c.up_to, c.until, left()};
  // The code stays until its time is over, so that the last try, asked for again, is still a wrong one.
  if (left() == 0) return {is::unknown, 0, 0, 0, 0};
  auto right = fits(c.verifier, typed);
  if (!right) return {is::unknown, 0, 0, 0, 0};
  if (*right) return {is::right, c.number, c.up_to, c.until, left()};
  c.wrong.push_back(std::move(tried));
  return {is::wrong, c.number, c.up_to, c.until, left()};
}

}  // namespace tally
