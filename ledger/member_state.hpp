#pragma once
#include "ledger/fold.hpp"

namespace tally {

// What a fold knows of members: numbers only. A member's number is drawn from those of accounts, and holds no value.

/// A member as head office's journal says. At a store only `erased` is known.
struct member_record {
  std::uint64_t version{};  ///< of the newest profile, from 1
  epoch_id epoch;           ///< of head office: in that journal it is
  sequence at{};            ///< and there
  bool erased = false;      ///< for good: its key is gone, and what is said of it later is void
};
std::optional<member_record> member_of(const state& s, account_id member);
void note_erased(state& s, account_id member);

/// Claims of one writer about a member. Those that are not published yet are the writer's own view.
inline constexpr std::size_t claims_kept_max = 16;
struct claim_record {
  std::uint64_t newest{};      ///< its number, from 1
  std::vector<sequence> last;  ///< at the writer: the newest claims, oldest first, at most claims_kept_max
};
claim_record claims_of(const state& s, const writer_id& w, account_id member);
/// Sequence of the newest claim of that writer that head office published, and one more; 0: none.
sequence claims_published(const state& s, const writer_id& w, account_id member);

cell_key member_cell(account_id member);
/// A claim that no profile cites, or (`answered`) the answer to one that was not seen yet. Watched folds only.
cell_key open_claim_key(const writer_id& w, sequence seq, bool answered);

namespace fold_detail {

/// Profiles count up and end with an erasure; claims of a writer count up, so an old one cannot be said again.
status check_member_entry(const entry& e, const entry_place& p, const state& s);
void apply_member_entry(const entry& e, const entry_place& p, state& s);

}  // namespace fold_detail
}  // namespace tally
