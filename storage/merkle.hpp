#pragma once
#include <functional>
#include <span>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"
#include "storage/varint.hpp"

namespace tally {

/// A full subtree of a log: `2^level` leaves, the first of which is `index * 2^level`. Level 0 is a leaf.
struct merkle_subtree {
  unsigned level = 0;
  std::uint64_t index = 0;
  hash256 hash{};
  friend bool operator==(const merkle_subtree&, const merkle_subtree&) = default;
};

/// Levels whose full subtrees are worth keeping on disk: 8, 16, 24 … (256 leaves, 256 of those, …). With them and the
/// entries of one tile any hash of the log is rebuilt from at most 255 leaves and 255 stored hashes a level.
inline constexpr unsigned tile_levels = 8;

/// Answers the hash of the full subtree at (level, index), false if it is not there. It is asked only for subtrees
/// that lie within the size in question. Whatever it returns is believed: the verifiers below are the check.
using node_reader = std::function<bool(unsigned level, std::uint64_t index, hash256& out)>;

/// Hashes of a run of leaves as far as they follow from the run alone: the full subtrees that lie in it. What is left
/// is to join them to the log before it (`merkle_frontier::append`).
///
/// Pure value, at most two subtrees a level.
class merkle_run {
public:
  explicit merkle_run(std::uint64_t first) : first_(first), end_(first) {}
  void append(const hash256& leaf);
  /// A full subtree whose leaves need not be known. REQUIRES: it begins at `end()`.
  void append(const merkle_subtree& s);

  std::uint64_t first() const { return first_; }
  std::uint64_t end() const { return end_; }
  const std::vector<merkle_subtree>& subtrees() const { return subtrees_; }  ///< from left to right
  const std::vector<merkle_subtree>& tiles() const { return tiles_; }        ///< that lie in the run as a whole

private:
  void join();

  std::uint64_t first_, end_;
  std::vector<merkle_subtree> subtrees_, tiles_;
};

/// The right edge of an RFC 6962 / RFC 9162 log: one hash for each set bit of its size. Enough to append and to know
/// the root, without history.
///
/// Pure value; copying costs 2 KB and no allocation, so a speculative view keeps its own. Not thread-safe. Durable
/// only as far as the caller writes `write()` in the same batch as the entries.
class merkle_frontier {
public:
  std::uint64_t size() const { return size_; }
  /// Hash of the whole log; SHA-256 of nothing when it is empty.
  hash256 root() const;

  /// Adds the hash that `merkle_leaf` gave. Amortised two node hashes.
  void append(const hash256& leaf);
  /// The same, and adds to `full` each tile that this leaf filled, lowest level first.
  void append(const hash256& leaf, std::vector<merkle_subtree>& full);
  /// Adds a run that begins here, and to `full` each tile that it filled, in no order. REQUIRES: run.first() == size().
  void append(const merkle_run& run, std::vector<merkle_subtree>& full);

  // -- canonical bytes -------------------------------------------------------

  /// `uv(size)`, then the hashes of the full subtrees from left to right, as many as `size` has set bits.
  void write(byte_writer& out) const;
  /// Reads what `write` wrote; on anything else `in` has failed and the frontier is empty.
  static merkle_frontier read(byte_reader& in);
  /// `read` of the whole of `text`; `malformed` if bytes are missing or left.
  static result<merkle_frontier> parse(byte_view text);

  friend bool operator==(const merkle_frontier& a, const merkle_frontier& b);

private:
  void add(unsigned level, hash256 hash, std::vector<merkle_subtree>* full);
  friend result<merkle_frontier> frontier_at(std::uint64_t size, const node_reader& reader);

  std::uint64_t size_ = 0;
  std::array<hash256, 64> hash_{};  ///< by level; meaningful where `size_` has the bit
};

// -- reading a stored log ------------------------------------------------------

/// Fills `out` with the hashes of `out.size()` leaves (at most 128) from `first` on; false if they are not all there.
using leaf_reader = std::function<bool(std::uint64_t first, std::span<hash256> out)>;

/// Answers every subtree from what is kept: tile roots (asked only for levels 8, 16, 24 …) and the leaves of one tile,
/// whose hashes the caller computes from the entries.
node_reader tile_reader(node_reader tile_roots, leaf_reader leaves);

/// Frontier and root of the first `size` leaves. `not_found`, naming the subtree, if the reader lacks one.
result<merkle_frontier> frontier_at(std::uint64_t size, const node_reader& reader);
result<hash256> root_at(std::uint64_t size, const node_reader& reader);

// -- proofs --------------------------------------------------------------------

using merkle_proof = std::vector<hash256>;  ///< at most 65 hashes

/// RFC 9162 §2.1.3.1. `not_found` if `index >= size`, or if the reader lacks a subtree.
result<merkle_proof> inclusion_proof(std::uint64_t index, std::uint64_t size, const node_reader& reader);
/// RFC 9162 §2.1.4.1; empty for `old_size` 0 and for equal sizes. `bad_proof` if `old_size > new_size`.
result<merkle_proof> consistency_proof(std::uint64_t old_size, std::uint64_t new_size, const node_reader& reader);

/// RFC 9162 §2.1.3.2: is `leaf` (a hash) at `index` of the log of `size` leaves with `root`?
[[nodiscard]] bool verify_inclusion(const hash256& leaf, std::uint64_t index, std::uint64_t size,
                                    std::span<const hash256> proof, const hash256& root);
/// RFC 9162 §2.1.4.2: is the log (`old_size`, `old_root`) the beginning of (`new_size`, `new_root`)? The empty log is
/// the beginning of every log, if `old_root` is its root; equal sizes need equal roots; both need an empty proof.
[[nodiscard]] bool verify_consistency(std::uint64_t old_size, const hash256& old_root, std::uint64_t new_size,
                                      const hash256& new_root, std::span<const hash256> proof);

}  // namespace tally
