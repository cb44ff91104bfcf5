#pragma once
#include <map>
#include <set>
#include <vector>

#include "storage/book.hpp"
#include "sync/certificate.hpp"
#include "sync/message.hpp"

namespace tally {

/// What a node knows of entries of head office's directories that may be left out (docs/decisions/0018), and of those
/// that are left out of its own copy. Part of a station: what it writes goes into the book's open group. One thread.
class left_out_watch {
public:
  /// `skips`: topics that this node, a store, does not need; 0 for others.
  left_out_watch(node_role role, topic_set skips) : role_(role), skips_(skips) {}
  /// Reads what is durable. Errors: io, corrupt.
  status load(const stream_reader& reader);

  bool skips_goods() const { return (skips_ & topic_goods) != 0; }
  /// With only a part of them, or while they are not learnt in order, no price could be believed.
  bool leaves_goods() const { return skips_goods() || unlearned_; }
  std::uint64_t entries() const { return entries_; }  ///< that are left out here
  /// Goods are needed, and not all are here, or not learnt again.
  bool waits() const { return unlearned_ && !skips_goods(); }
  /// Some of it may still come: not of what stands behind the end of a life that is over.
  bool has_holes(const book& b) const;

  /// The directory holds, in front of entry `first`, the announcement of a run. One that is none counts for nothing.
  void note_run(book& b, const stream_id& directory, std::uint64_t first, const entry& announced);
  /// Who has entry `at` sees whether head office keeps its word: `wrongly_left_out` when it does not.
  status check_announced(const stream_id& directory, std::uint64_t at, const entry& e) const;

  /// Whether a segment may lack what it lacks: only what head office announced, in this segment or before, and only at
  /// a store that asked for it. `wrongly_left_out`: whoever sent it is not to be believed in anything. `not_entitled`:
  /// no node of this kind takes such a segment.
  status may_be_thin(const segment& s, const opened_segment& opened) const;
  /// It was taken.
  void note_thin(book& b, const segment& s, const opened_segment& opened);

  /// What to ask for, when goods are needed after all: the same as before while it is not here, or, when it may get no
  /// answer, the `next` hole, so that it stands in front of nothing. Errors: not_found (nothing is left out); corrupt
  /// (all that is, is in damaged segments).
  result<fetch_message> question(const book& b, bool next);
  bool is_answer(const fetched_message& m) const;  ///< to the last question, which is still open
  /// Puts in what came, as far as the hashes that were taken under head office's signature say that it is that.
  /// `not_found`: nothing of that is left out, or goods are not needed; `bad_proof`, malformed: nothing was taken.
  struct found {
    std::uint64_t at;
    bytes data;
  };
  struct taken {
    std::vector<found> others;     ///< what of it is no goods: head office broke its word, and it must be learnt
    std::optional<error> refused;  ///< why a part of it was not taken; the first
  };
  result<taken> take(book& b, const stream_id& id, std::uint64_t first, const entry_list& entries);

  /// When all is here: learns the products of these directories again, in this order, a piece at a time. Which of two
  /// prices under one version counts is known only so. `busy`: again soon. Done: goods may be sold.
  status learn_again(book& b, const stream_reader& reader, const std::vector<stream_id>& lives);

private:
  using place = std::pair<stream_id, std::uint64_t>;
  status note_newest_runs(const stream_reader& reader, const stream_id& id);
  result<bool> fill(book& b, const place& at, std::uint64_t first, const entry_list& entries,
                    std::vector<found>& others);

  node_role role_;
  topic_set skips_;
  std::map<stream_id, std::vector<entry_run>> runs_;  ///< announced, ascending
  std::set<place> thin_;                              ///< segments that do not have all their entries, by the first
  std::uint64_t entries_ = 0;
  bool unlearned_ = false;  ///< since something was left out here, not all was learnt again; durable
  fetch_message asked_;     ///< the last question; no entries: it was answered, and the next begins there or behind
  std::vector<stream_id> lives_;
  std::size_t life_ = 0;      ///< learning again: of `lives_`
  std::uint64_t learnt_ = 0;  ///< and up to there
};

/// Head office's directories that are held here, each behind the one before it.
std::vector<stream_id> lives_in_order(const std::vector<stream_id>& held, const state& s,
                                      const certificate_book& known);

}  // namespace tally
