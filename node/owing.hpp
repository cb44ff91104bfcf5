#pragma once
#include <vector>

#include "ledger/types.hpp"
#include "storage/kv.hpp"

namespace tally {

/// Cards with a sum each, in minor units.
struct card_sums {
  struct row {
    account_id account;
    tally::amount value{};
  };
  std::size_t count = 0;   ///< all of them
  tally::amount sum = 0;   ///< of all of them
  std::vector<row> first;  ///< by account, at most so many as were asked for
};

/// Cards that owe money (docs/ledger.md, "At risk") as one node's own books say. A store's debts travel to head office
/// when there is a line, so head office's books have them all but those of stores that are dark.
/// From the durable state; any thread. Errors: io, overflow.
result<card_sums> cards_owing(const kv_store& store, const writer_id& self, std::size_t most);

/// Cards that were given back or cancelled and on which this node holds paid money or a deposit still: at head office,
/// what `tallystick card --pay-out` can pay, less what the card owes. What lies at stores is not in it until they have
/// sent it up. From the durable state, every holding of this node looked at; any thread. Errors: io, overflow.
result<card_sums> cards_left_over(const kv_store& store, const writer_id& self, std::size_t most);

}  // namespace tally
