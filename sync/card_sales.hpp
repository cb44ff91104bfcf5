#pragma once
#include "storage/book.hpp"

namespace tally {

/// Head office sells a card of a run that lies with it. Of the entry account, load (purse 1) and kind of tender are
/// looked at; the rest is stated by the rules and the state of the card as they are now, under the next number of the
/// office's own terminal. Errors: unknown_card, not_applicable (it is not for sale), bad_rules, bad_amount, overflow.
status complete_card_sale(entry& e, book& b, unix_seconds now);

}  // namespace tally
