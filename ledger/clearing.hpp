#pragma once
#include <functional>
#include <map>
#include <vector>

#include "ledger/accounts.hpp"

namespace tally {

/// What a unit beside money counts as in clearing: `units` of it are worth `money` minor units. 0 units: nothing.
struct unit_price {
  amount units{}, money{};
  friend bool operator==(const unit_price&, const unit_price&) = default;
};
using unit_price_list = std::map<unit_id, unit_price>;
struct programme;
/// By these rules: bonus one for one, points and visits at the rate at which they pay, vouchers at what a piece takes
/// off. A unit that pays no money by a fixed rate (visits without one, vouchers of a part) counts as nothing.
unit_price_list unit_prices(const programme& p);

class catalogue;
/// What units count as on each business date: by the newest rules that were published by then and in force. So nothing
/// that is published later changes a day that is over, whatever date of effect it names. Before the first rules those
/// count; a purse that is newer than the rules of a day counts by the first that have it. A value; copies the prices.
class price_history {
public:
  price_history() = default;
  /// `published`: the business dates on which head office published them; versions that are not in it are left out.
  price_history(const catalogue& rules, const std::map<std::uint64_t, std::uint32_t>& published);

  std::uint64_t version_on(std::uint32_t day) const;  ///< 0: there are no rules
  /// The oldest version under which all units count the same; of an unknown version itself.
  std::uint64_t same_prices(std::uint64_t version) const;
  const unit_price_list& prices_of(std::uint64_t version) const;  ///< empty for an unknown one
  /// What was in force in these days, oldest first: the day from which (the first: `first`), and the version. Versions
  /// under which units count the same as under the one before are not named, but the last version is the last one's.
  std::vector<std::pair<std::uint32_t, std::uint64_t>> in_force(std::uint32_t first, std::uint32_t last) const;

private:
  struct era {
    std::uint32_t from{};
    std::uint64_t same{};
    unit_price_list prices;
  };
  std::map<std::uint64_t, era> versions_;
};

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
  /// False on overflow; then it is of no use.
  [[nodiscard]] bool add(const clearing_position& more);
};
[[nodiscard]] bool position_of(const clearing_sums& s, const unit_price_list& prices, clearing_position& out);

}  // namespace tally
