#pragma once
#include "ledger/rules.hpp"
#include "storage/streams.hpp"

namespace tally {

/// All versions of the rules in the directories that are held here, without products: the currency, and what units are
/// worth. Records that do not decode are left out. Reads only; `self` is the node whose data it is.
/// Errors: io, corrupt.
result<catalogue> held_rules(const stream_reader& reader, node_id self);

}  // namespace tally
