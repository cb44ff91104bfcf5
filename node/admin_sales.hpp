#pragma once
#include "node/admin_internal.hpp"

namespace tally::admin {

/// Head office sells cards that lie with it, at most 500 at once.
void sell_cards(call c);
/// Undoes sales of head office, at most 100 at once, each by its place in the journal; each is answered by itself.
void undo_card_sales(call c);

}  // namespace tally::admin
