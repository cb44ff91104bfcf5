#pragma once
#include "node/admin_internal.hpp"

namespace tally::admin {

/// Head office sells cards that lie with it, at most 500 at once.
void sell_cards(call c);

}  // namespace tally::admin
