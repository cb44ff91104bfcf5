#pragma once
#include <map>

#include "ledger/rules.hpp"
#include "storage/streams.hpp"

namespace tally {

/// All versions of the rules in the directories that are held here, without products: the currency, and what units are
/// worth. Records that do not decode are left out. `published`, where somebody asks: the business date on which head
/// office published each. Reads only; `self` is the node whose data it is. Errors: io, corrupt.
result<catalogue> held_rules(const stream_reader& reader, node_id self,
                             std::map<std::uint64_t, std::uint32_t>* published = nullptr);

}  // namespace tally
