#pragma once
#include <vector>

#include "ledger/rules.hpp"
#include "ledger/topics.hpp"
#include "storage/segment.hpp"

namespace tally {

// Entries of head office's directory that a store leaves out of its copy (docs/decisions/0018). Pure.

/// In family meta: since goods were left out here, not all were learnt again in the directory's order.
inline constexpr byte_view unlearned_goods_key = "goods";

/// As far as the entry itself says: a product that is not sold by amount.
bool looks_like_goods(const entry& e);
/// The same, but that one which a later program wrote, and this one cannot read, may be one.
bool could_be_goods(const entry& e);
/// It looks like goods, and no version of it that is known was sold by amount: a run may have it.
bool may_be_goods(const entry& e, const catalogue& known);

/// Runs that are announced by entries of this segment, ascending.
std::vector<entry_run> announced_in(const opened_segment& s);

/// The segment as it goes to a store that has the stream up to `from` and does not need these topics: without its
/// beginning, and with hashes in the place of what lies in `runs` and is of the topic. It stays as it is when nothing
/// is saved, or when it is not whole. Errors: malformed.
result<segment> thinned(const segment& s, std::uint64_t from, topic_set topics, const std::vector<entry_run>& runs);

/// `wrongly_left_out`, naming the first entry, unless everything that is left out lies in one of these runs. They are
/// ascending.
status check_left_out(const opened_segment& s, const std::vector<entry_run>& runs);

/// The segment from entry `from` on. The signature is over its end and stays. REQUIRES: `from` lies in it, and `opened`
/// is what it holds. `gap` when `from` lies within what stands for several entries.
result<segment> without_beginning(const segment& s, const opened_segment& opened, std::uint64_t from);

}  // namespace tally
