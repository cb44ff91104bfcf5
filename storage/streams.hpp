#pragma once
#include <map>

#include "storage/kv_view.hpp"
#include "storage/merkle.hpp"
#include "storage/segment.hpp"

namespace tally {

// Streams on disk: keys in storage/FORMAT.md, "Streams". A node's own streams are kept as entries; what others wrote is
// kept as the segments that they signed. Either way the frontier and the tile hashes lie in the batch that brings the
// entries.

/// Adds to streams within an open group. One owner thread. What it wrote is durable when the view's group is.
class stream_writer {
public:
  explicit stream_writer(kv_view& view) : view_(view) {}

  /// Frontier of a stream as the open group sees it; empty if the stream is new.
  const merkle_frontier& tip(const stream_id& id);
  /// Appends to an own journal and, when `also` names one, to the sub-stream that carries the entry too.
  /// REQUIRES: `journal.sub == journal`; the sub-stream has the same writer.
  sequence append_own(const stream_id& journal, byte_view entry, const std::optional<stream_id>& also);
  /// Stores a verified segment that continues its stream. The tip moves to the segment's end.
  /// REQUIRES: `run` is over its entries, from the tip's size on.
  void append_foreign(const segment& s, const merkle_run& run);
  /// Puts a segment in the place of the one that has the same entries, some of which it left out (`put_back`).
  void replace_foreign(const segment& s);
  /// The stream announces that these entries of it are of a topic that may be left out.
  void note_run(const stream_id& id, const entry_run& run);
  /// Streams that got their first entry here since the start.
  std::uint64_t born() const { return born_; }
  /// Writes the frontiers that changed. Call before the view is sealed.
  void flush();

private:
  struct open_tip {
    merkle_frontier frontier;
    bool changed = false;
  };
  open_tip& open(const stream_id& id);
  void add_leaf(const stream_id& id, open_tip& t, byte_view entry);
  void put_tiles(const stream_id& id);

  kv_view& view_;
  std::uint64_t born_ = 0;
  std::map<stream_id, open_tip> tips_;  // as many as streams were touched since the start
  std::vector<merkle_subtree> full_;    // scratch
};

/// Reads durable streams. Const, any thread.
class stream_reader {
public:
  explicit stream_reader(const kv_store& store) : store_(store) {}

  /// The node whose database this is, in its current epoch. Errors: `not_found` (a node never started on it), io,
  /// corrupt.
  result<writer_id> self() const;
  /// `not_found` never: a stream that nobody wrote has size 0. Errors: io, corrupt.
  result<merkle_frontier> frontier(const stream_id& id) const;
  std::uint64_t size(const stream_id& id) const;  ///< 0 also when it cannot be read
  /// All streams that have a head here, in key order.
  result<std::vector<stream_id>> list() const;

  /// One entry of an own journal. `not_found`, io.
  result<bytes> own_entry(const writer_id& self, sequence seq) const;
  /// Entries [from, …) of an own stream: at most segment bounds, at most `max_entries`. What others gave back of a
  /// sub-stream whose end was lost here lies in segments behind the index.
  result<entry_list> own_entries(const stream_id& id, std::uint64_t from, std::uint64_t until,
                                 std::size_t max_entries) const;
  /// How much of an own sub-stream carries entries of the journal that is here; what lies behind was given back.
  std::uint64_t indexed(const stream_id& id) const;
  /// The stored segment that contains `seq` of a stream of somebody else.
  result<segment> foreign_segment(const stream_id& id, std::uint64_t seq) const;
  /// One entry of any stream, own or foreign.
  result<bytes> entry_of(const stream_id& id, std::uint64_t seq, const writer_id& self) const;
  /// Signature over the newest head of a stream of somebody else.
  std::optional<signature> foreign_signature(const stream_id& id) const;

  /// Announced runs of entries that may be left out, which lie in [from, until) at least in part; ascending.
  result<std::vector<entry_run>> runs(const stream_id& id, std::uint64_t from, std::uint64_t until) const;
  /// First entries of the segments of a stream that have entries left out here; ascending.
  result<std::vector<std::uint64_t>> thin_segments(const stream_id& id) const;
  /// Entries that are left out here of all streams; a damaged segment counts for none. Reads each thin segment: not for
  /// every second. Errors: io.
  result<std::uint64_t> left_out() const;

  /// Subtrees of a stream for roots and proofs at any size up to the durable one.
  node_reader nodes(const stream_id& id, const writer_id& self) const;
  const kv_store& store() const { return store_; }

private:
  bool thin_subtree(const stream_id& id, unsigned level, std::uint64_t index, hash256& out) const;
  result<entry_list> given_back(const stream_id& id, std::uint64_t from, std::uint64_t until,
                                std::size_t max_entries) const;

  const kv_store& store_;
};

bytes own_entry_key(const epoch_id& epoch, sequence seq);
bytes head_key(const stream_id& id);
bytes segment_key(const stream_id& id, std::uint64_t first);

}  // namespace tally
