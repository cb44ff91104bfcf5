#pragma once
#include "actors/context.hpp"

namespace tally {

/// The outside view of a station, rules and `below` apart. Ledger's thread.
std::shared_ptr<node_snapshot> describe(station& s, const node_context& context);
/// Every node below a region or head office, from its journal as observed. Exposure as docs/ledger.md defines it.
std::vector<node_snapshot::remote> describe_below(station& s, const node_context& context, std::int64_t exposure_days);
/// Of a store, as it knows itself: not what is on its way to it.
tally::amount own_exposure(station& s, std::int64_t days);
/// Contested entries without a ruling, as observed.
std::shared_ptr<const node_snapshot::case_list> list_cases(const observer& seen);
/// What a region may tell its parent of the nodes below it.
below_message report_below(const std::vector<node_snapshot::remote>& below, node_id self, const node_context& context);

}  // namespace tally
