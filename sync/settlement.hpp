#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/clearing.hpp"
#include "storage/kv.hpp"
#include "sync/certificate.hpp"

namespace tally {

struct settlement_options {
  std::uint32_t first_day = 0, last_day = 0;  ///< business dates, both included; what was before is carried over
  /// Called now and then with the entries that were looked at, and how many there are.
  std::function<void(std::uint64_t seen, std::uint64_t total)> progress;
  std::uint32_t today = UINT32_MAX;  ///< rules that come into force later are not named; they price nothing anyway
};

/// What one node owes the scheme, or is owed (`clearing_position::owes`, minor units of the currency).
struct settlement_line {
  std::string name;
  node_role role = node_role::store;
  std::uint32_t owner = 0;  ///< by its newest certificate
  clearing_position before;
  clearing_sums sums;  ///< of the days asked for
  clearing_position period;
  tally::amount owes = 0;         ///< at the end of the last day
  std::uint32_t heard_until = 0;  ///< newest business date of its journal that is held here; 0: nothing is
};

struct settlement_report {
  node_id self;
  node_role role{};
  std::uint32_t first_day = 0, last_day = 0;
  std::string currency;
  int exponent = 0;
  std::uint64_t rules_version = 0;  ///< in force on the last day, or today; 0: none are held here
  /// Whose rates priced the units of these days, and from which day on (`price_history::in_force`).
  std::vector<std::pair<std::uint32_t, std::uint64_t>> priced_by;
  std::map<node_id, settlement_line> nodes;
  std::map<std::uint32_t, tally::amount> owners;  ///< sums of `owes`
  tally::amount pool = 0;                         ///< Σ `owes`: what the scheme holds for what lies on cards
  tally::amount money = 0;  ///< of it, for money; `units`: for units beside it, at the same prices, expired ones too
  tally::amount units = 0;
  /// The same units at the prices of `rules_version`. `revalued`: some were given or used at other prices; then what
  /// `units` is more, or less, is what changes of the rates left with the scheme, or lack there.
  tally::amount units_now = 0;
  bool revalued = false;
  /// What cards hold in money, wherever it lies or travels, less what they owe. `folded`: as the node itself keeps it
  /// while it runs, so that it proves `money`; else added up with the rest (an earlier last day, a store's data).
  tally::amount on_cards = 0;
  bool folded = false;
  tally::amount aside = 0;  ///< money of contested entries that is counted for nobody: `money + aside` is `on_cards`
  std::uint64_t entries = 0, contested = 0, later = 0;  ///< read; of them contested; of days after the last
};

/// Adds up all journals that are held here (docs/settlement.md). A contested entry never takes from what its writer
/// owes, unless head office ruled that it stands. Pure but for reads of
/// `store`, which must not change meanwhile; one thread; memory: the observed fold, a line for each node.
/// Errors: not_found (no node ever ran on it), corrupt, io, overflow.
result<settlement_report> settle(const kv_store& store, const certificate_book& certificates,
                                 const settlement_options& options);

}  // namespace tally
