#include "ledger/purses.hpp"

#include <algorithm>

namespace tally {

std::vector<value_item> spendable(const state& s, const writer_id& w, account_id account, std::uint32_t purse,
                                  const purse_rule* rule, const purse_clock& clock) {
  std::vector<value_item> out;
  auto add = [&](std::uint32_t month) {
    auto n = -s.balance(hold_account(w, account, purse, month, unit_of_purse(purse)));
    if (n > 0) out.push_back({purse, unit_of_purse(purse), month, n});
  };
  if (purse != purse_paid && purse != purse_deposit)
    for (auto month : s.months_held(w, account, purse)) {
      bool gone =
          rule && rule->bucket == bucket_rule::expires && clock.hq_time > 0 && month < month_of(day_of(clock.hq_time));
      bool closed = rule && rule->bucket == bucket_rule::opens && month > month_of(clock.business_date);
      if (!gone && !closed) add(month);
    }
  add(0);
  return out;
}

amount sum_of(std::span<const value_item> items) {
  amount sum = 0;
  for (const auto& v : items)
    if (!checked_add(sum, v.amount, sum)) return INT64_MAX;
  return sum;
}

std::vector<value_item> first_of(std::span<const value_item> items, amount wanted) {
  std::vector<value_item> out;
  for (auto v : items) {
    if (wanted <= 0) break;
    v.amount = std::min(v.amount, wanted);
    wanted -= v.amount;
    out.push_back(v);
  }
  return out;
}

std::vector<value_item> settled_debts(const state& s, const writer_id& w, account_id account,
                                      std::span<const value_item> earned) {
  std::vector<value_item> out;
  std::uint32_t purse = 0;
  amount left = 0;
  for (auto v : earned) {
    if (v.purse != purse) left = debt_of(s, w, account, purse = v.purse);
    auto n = std::min(left, v.amount);
    if (n <= 0) continue;
    left -= n;
    v.amount = -n;
    out.push_back(v);
  }
  return out;
}

}  // namespace tally
