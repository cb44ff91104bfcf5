#pragma once
#include <span>

#include "ledger/pricing.hpp"
#include "ledger/state.hpp"

namespace tally {

/// The calendar as a node may use it against and for a holder: what expires is judged by head office's signed time (0:
/// never told, nothing expires), what opens by the business date.
struct purse_clock {
  std::int64_t hq_time{};
  std::uint32_t business_date{};
};

/// What may be spent of a purse at one node, in the order in which it is spent: what expires first, then what does not
/// expire. `rule` null: the paid purse, or one that the rules do not name any more (its buckets are not looked at).
std::vector<value_item> spendable(const state& s, const writer_id& w, account_id account, std::uint32_t purse,
                                  const purse_rule* rule, const purse_clock& clock);
/// Their sum; saturates.
tally::amount sum_of(std::span<const value_item> items);
/// The first `wanted` units of them. REQUIRES: wanted is not above their sum.
std::vector<value_item> first_of(std::span<const value_item> items, tally::amount wanted);

/// How much of each item of `earned` goes to older debts of the account at that node: items as an entry's `debts`.
std::vector<value_item> settled_debts(const state& s, const writer_id& w, account_id account,
                                      std::span<const value_item> earned);

}  // namespace tally
