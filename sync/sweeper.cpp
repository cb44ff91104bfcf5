#include "sync/sweeper.hpp"

#include <algorithm>

#include "ledger/money.hpp"

namespace tally {

void sweeper::left(account_id account, tick_ms now) {
  if (limits_.quiet_ms == 0) return;
  if (quiet_since_.size() >= accounts_max && !quiet_since_.count(account)) {
    auto oldest = std::ranges::min_element(quiet_since_, {}, [](const auto& q) { return q.second; });
    quiet_since_.erase(oldest);
  }
  quiet_since_[account] = now;
}

std::vector<account_id> sweeper::due(tick_ms now) {
  std::vector<std::pair<tick_ms, account_id>> ripe;
  if (next_due() > now) return {};
  for (const auto& [account, since] : quiet_since_)
    if (since + limits_.quiet_ms <= now) ripe.emplace_back(since, account);
  std::sort(ripe.begin(), ripe.end());
  if (ripe.size() > batch_max) ripe.resize(batch_max);
  std::vector<account_id> out;
  for (const auto& [since, account] : ripe) {
    quiet_since_.erase(account);
    out.push_back(account);
  }
  return out;
}

amount sweeper::share(account_id account, amount held, tick_ms now) {
  if (held < std::max<amount>(limits_.dust, 1)) return 0;
  auto n = std::min(held, room());
  // What is left over is taken up again when the parent has acknowledged the rest.
  if (n < held) quiet_since_[account] = now - limits_.quiet_ms;
  return n < std::max<amount>(limits_.dust, 1) ? 0 : n;
}

void sweeper::sent(sequence seq, amount value) {
  unacknowledged_.push_back({seq, value});
  figures_.in_transit += value;
  ++figures_.sends;
  if (!checked_add(figures_.value, value, figures_.value)) figures_.value = amount_max;
}

void sweeper::acknowledged(std::uint64_t size) {
  for (; !unacknowledged_.empty() && unacknowledged_.front().seq < size; unacknowledged_.pop_front())
    figures_.in_transit -= unacknowledged_.front().value;
}

tick_ms sweeper::next_due() const {
  if (quiet_since_.empty() || room() < std::max<amount>(limits_.dust, 1)) return INT64_MAX;
  auto first = std::ranges::min_element(quiet_since_, {}, [](const auto& q) { return q.second; });
  return first->second + limits_.quiet_ms;
}

sweeper::figures sweeper::counted() const {
  auto out = figures_;
  out.waiting = quiet_since_.size();
  return out;
}

}  // namespace tally
