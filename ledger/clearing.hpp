#pragma once
#include <functional>
#include <map>
#include <vector>

#include "ledger/accounts.hpp"

namespace tally {

/// What a unit beside money counts as in clearing: `units` of it are worth `money` minor units. 0 units: nothing.
struct unit_price {
  amount units{}, money{};
};
struct programme;
/// By the newest rules: bonus one for one, points and visits at the rate at which they pay, vouchers at what a piece
/// takes off. A unit that pays no money by a fixed rate (visits without one, vouchers of a part) counts as nothing.
std::map<unit_id, unit_price> unit_prices(const programme& p);

/// What one node did with the value on cards, in minor units of the currency, and in units beside it.
///
/// Clearing is a star (docs/settlement.md): who takes money for a card owes it to the scheme, who gives goods for it is
/// owed by the scheme. So every entry adds to what its writer's owner owes, or takes from it, and nobody needs to know
/// anybody else. Rights that move between nodes change nothing.
struct clearing_sums {
  amount loaded{};    ///< money taken for value on cards, deposits with it
  amount paid_out{};  ///< money handed out for it
  amount spent{};     ///< goods given for it, and fees kept of it
  amount returned{};  ///< put back on cards for goods that came back
  amount ruled{};     ///< owed to the chain by rulings; of head office the same with the other sign
  struct units {
    amount given{}, redeemed{}, expired{};
  };
  std::map<unit_id, units> beside;

  /// False on overflow; then the sums are of no use.
  [[nodiscard]] bool add(const clearing_sums& more);
  bool empty() const;
};

/// Adds what an entry and its postings (`expand`) mean. `of` gives the sums of a node: the writer's, but for what head
/// office gives for somebody's sale (`earn`), which is that store's. False on overflow. What a contested entry means is
/// for the caller to say.
[[nodiscard]] bool clear_entry(const entry& e, const writer_id& writer, const std::vector<posting>& postings,
                               const std::function<clearing_sums&(node_id)>& of);

/// What sums come to at prices: each unit is rounded by itself, half away from zero. False on overflow.
struct clearing_position {
  amount given{}, redeemed{};  ///< of units beside money
  amount owes{};               ///< to the scheme; below zero: it is owed
};
[[nodiscard]] bool position_of(const clearing_sums& s, const std::map<unit_id, unit_price>& prices,
                               clearing_position& out);

}  // namespace tally
