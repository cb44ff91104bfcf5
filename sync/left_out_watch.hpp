#pragma once
#include <map>
#include <set>
#include <vector>

#include "storage/book.hpp"
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
  /// With only a part of them no price could be believed.
  bool leaves_goods() const { return skips_goods() || !thin_.empty(); }
  std::uint64_t entries() const { return entries_; }  ///< that are left out here
  bool waits() const { return !thin_.empty() && !skips_goods(); }

  /// The directory holds, in front of entry `first`, the announcement of a run.
  void note_run(book& b, const stream_id& directory, std::uint64_t first, const entry& announced);
  /// Who has entry `at` sees whether head office keeps its word: `wrongly_left_out` when it does not.
  status check_announced(const stream_id& directory, std::uint64_t at, const entry& e) const;

  /// Whether a segment may lack what it lacks: only what head office announced, in this segment or before, and only at
  /// a store that asked for it. `wrongly_left_out`: whoever sent it is not to be believed in anything. `not_entitled`:
  /// no node of this kind takes such a segment.
  status may_be_thin(const segment& s, const opened_segment& opened) const;
  /// It was taken.
  void note_thin(const segment& s, const opened_segment& opened);

  /// What to ask for next, when goods are needed after all; nothing when all is here.
  std::optional<fetch_message> question(const book& b) const;
  /// Puts in what came, as far as the hashes that were taken under head office's signature say that it is that.
  /// `not_found`: it is here already; `busy`: again, when what is here is durable (`settled` false); `bad_proof`,
  /// malformed.
  status take(book& b, const stream_reader& reader, const fetched_message& m, bool settled);

private:
  node_role role_;
  topic_set skips_;
  std::map<stream_id, std::vector<entry_run>> runs_;    ///< announced, ascending
  std::set<std::pair<stream_id, std::uint64_t>> thin_;  ///< segments that do not have all their entries, by the first
  std::uint64_t entries_ = 0;
};

}  // namespace tally
