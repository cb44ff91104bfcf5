#pragma once
#include <optional>

#include "ledger/rules.hpp"
#include "storage/streams.hpp"

namespace tally {

/// The rules of the greatest version in the directories that are held here; nothing when there are none. Records that
/// do not decode are left out. Reads only; `self` is the node whose data it is. Errors: io, corrupt.
result<std::optional<rules_record>> newest_rules(const stream_reader& reader, node_id self);

/// All versions of the rules that are held here, without products: what units are worth. Errors as above.
result<catalogue> all_rules(const stream_reader& reader, node_id self);

}  // namespace tally
