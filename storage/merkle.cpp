#include "storage/merkle.hpp"

#include <algorithm>
#include <bit>
#include <optional>

#include "storage/sha256.hpp"

namespace tally {
namespace {

constexpr bool has_bit(std::uint64_t size, unsigned level) { return (size >> level) & 1; }

error missing(unsigned level, std::uint64_t index) {
  return {errc::not_found, "log hash missing: level " + std::to_string(level) + " index " + std::to_string(index)};
}

/// Calls `visit(level, index)` for the full subtrees that make up `count` leaves from `first` on, from right to left.
/// REQUIRES: `first` is a multiple of the smallest power of two that is not below `count`, as in RFC 9162's splits.
template <class Visit>
status each_subtree(std::uint64_t first, std::uint64_t count, Visit visit) {
  for (unsigned level = 0; level < 64; ++level) {
    if (!has_bit(count, level)) continue;
    // All lower bits lie to the right of this subtree.
    TALLY_TRY(visit(level, ((first + count) >> level) - 1));
  }
  return done();
}

/// Hash of `count` leaves from `first` on; `count` is not zero.
result<hash256> range_hash(std::uint64_t first, std::uint64_t count, const node_reader& reader) {
  std::optional<hash256> right;
  TALLY_TRY(each_subtree(first, count, [&](unsigned level, std::uint64_t index) -> status {
    hash256 left;
    if (!reader(level, index, left)) return missing(level, index);
    right = right ? merkle_node(left, *right) : left;
    return done();
  }));
  return *right;
}

/// Adds the hash of a range to a proof.
status add_range(merkle_proof& proof, std::uint64_t first, std::uint64_t count, const node_reader& reader) {
  auto hash = range_hash(first, count, reader);
  if (!hash) return hash.error();
  proof.push_back(*hash);
  return done();
}

/// Largest power of two below `n`; `n` is at least 2.
constexpr std::uint64_t split(std::uint64_t n) { return std::bit_floor(n - 1); }

/// Hash of the full tree over `nodes`, whose number is a power of two; overwrites them.
hash256 fold(std::span<hash256> nodes) {
  for (; nodes.size() > 1; nodes = nodes.first(nodes.size() / 2))
    for (std::size_t i = 0; i < nodes.size() / 2; ++i)
      nodes[i] = merkle_node(nodes[2 * i], nodes[2 * i + 1]);
  return nodes[0];
}

}  // namespace

// -- frontier ------------------------------------------------------------------

hash256 merkle_frontier::root() const {
  if (size_ == 0) return sha256({});
  auto level = static_cast<unsigned>(std::countr_zero(size_));
  auto hash = hash_[level];
  for (++level; level < 64; ++level)
    if (has_bit(size_, level)) hash = merkle_node(hash_[level], hash);
  return hash;
}

// Adds a full subtree. REQUIRES: the size is a multiple of its leaves.
void merkle_frontier::add(unsigned level, hash256 hash, std::vector<merkle_subtree>* full) {
  invariant(size_ <= ~std::uint64_t{0} - (std::uint64_t{1} << level), "a log holds less than 2^64 entries");
  auto grown = std::uint64_t{1} << level;
  for (; has_bit(size_, level); ++level) {
    hash = merkle_node(hash_[level], hash);
    if (full && (level + 1) % tile_levels == 0) full->push_back({level + 1, size_ >> (level + 1), hash});
  }
  hash_[level] = hash;
  size_ += grown;
}

void merkle_frontier::append(const hash256& leaf) { add(0, leaf, nullptr); }
void merkle_frontier::append(const hash256& leaf, std::vector<merkle_subtree>& full) { add(0, leaf, &full); }

void merkle_frontier::append(const merkle_run& run, std::vector<merkle_subtree>& full) {
  invariant(run.first() == size_, "a run continues its log");
  full.insert(full.end(), run.tiles().begin(), run.tiles().end());
  for (const auto& s : run.subtrees())
    add(s.level, s.hash, &full);
}

void merkle_run::append(const hash256& leaf) {
  subtrees_.push_back({0, end_++, leaf});
  join();
}

void merkle_run::append(const merkle_subtree& s) {
  invariant(s.level < 64 && s.index << s.level == end_, "a subtree continues its run");
  subtrees_.push_back(s);
  end_ += std::uint64_t{1} << s.level;
  if (s.level > 0 && s.level % tile_levels == 0) tiles_.push_back(s);
  join();
}

void merkle_run::join() {
  for (;;) {
    auto n = subtrees_.size();
    if (n < 2) return;
    const auto &left = subtrees_[n - 2], &right = subtrees_[n - 1];
    if (left.level != right.level || left.index % 2 != 0) return;
    merkle_subtree both{left.level + 1, left.index / 2, merkle_node(left.hash, right.hash)};
    subtrees_.pop_back();
    subtrees_.back() = both;
    if (both.level % tile_levels == 0) tiles_.push_back(both);
  }
}

void merkle_frontier::write(byte_writer& out) const {
  out.uv(size_);
  for (unsigned level = 64; level-- > 0;)
    if (has_bit(size_, level)) out.fixed(hash_[level]);
}

merkle_frontier merkle_frontier::read(byte_reader& in) {
  merkle_frontier f;
  f.size_ = in.uv();
  for (unsigned level = 64; level-- > 0;)
    if (has_bit(f.size_, level)) in.fixed(f.hash_[level]);
  return in.ok() ? f : merkle_frontier{};
}

result<merkle_frontier> merkle_frontier::parse(byte_view text) {
  byte_reader in(text);
  auto f = read(in);
  if (!in.at_end()) return {errc::malformed, "log frontier of " + std::to_string(text.size()) + " bytes"};
  return f;
}

bool operator==(const merkle_frontier& a, const merkle_frontier& b) {
  if (a.size_ != b.size_) return false;
  for (unsigned level = 0; level < 64; ++level)
    if (has_bit(a.size_, level) && a.hash_[level] != b.hash_[level]) return false;
  return true;
}

// -- reading a stored log ------------------------------------------------------

node_reader tile_reader(node_reader tile_roots, leaf_reader leaves) {
  return
      [roots = std::move(tile_roots), leaves = std::move(leaves)](unsigned level, std::uint64_t index, hash256& out) {
        const unsigned above = level % tile_levels;
        const unsigned base = level - above;
        if (above == 0 && base > 0) return roots(level, index, out);
        std::array<hash256, std::size_t{1} << (tile_levels - 1)> room;
        auto nodes = std::span(room).first(std::size_t{1} << above);
        if (base == 0) {
          if (!leaves(index << above, nodes)) return false;
        } else {
          for (std::size_t i = 0; i < nodes.size(); ++i)
            if (!roots(base, (index << above) + i, nodes[i])) return false;
        }
        out = fold(nodes);
        return true;
      };
}

result<merkle_frontier> frontier_at(std::uint64_t size, const node_reader& reader) {
  merkle_frontier f;
  TALLY_TRY(each_subtree(0, size, [&](unsigned level, std::uint64_t index) -> status {
    if (!reader(level, index, f.hash_[level])) return missing(level, index);
    return done();
  }));
  f.size_ = size;
  return f;
}

result<hash256> root_at(std::uint64_t size, const node_reader& reader) {
  if (size == 0) return sha256({});
  return range_hash(0, size, reader);
}

// -- proofs --------------------------------------------------------------------

result<merkle_proof> inclusion_proof(std::uint64_t index, std::uint64_t size, const node_reader& reader) {
  if (index >= size) return {errc::not_found, "the log has only " + std::to_string(size) + " entries"};
  merkle_proof proof;
  std::uint64_t first = 0;
  while (size > 1) {
    const auto k = split(size);
    if (index - first < k) {
      TALLY_TRY(add_range(proof, first + k, size - k, reader));
      size = k;
    } else {
      TALLY_TRY(add_range(proof, first, k, reader));
      first += k;
      size -= k;
    }
  }
  std::reverse(proof.begin(), proof.end());
  return proof;
}

result<merkle_proof> consistency_proof(std::uint64_t old_size, std::uint64_t new_size, const node_reader& reader) {
  if (old_size > new_size) return {errc::bad_proof, "a log does not shrink"};
  merkle_proof proof;
  if (old_size == 0) return proof;
  std::uint64_t first = 0;
  while (old_size != new_size) {
    const auto k = split(new_size);
    if (old_size <= k) {
      TALLY_TRY(add_range(proof, first + k, new_size - k, reader));
      new_size = k;
    } else {
      TALLY_TRY(add_range(proof, first, k, reader));
      first += k;
      old_size -= k;
      new_size -= k;
    }
  }
  // The verifier knows the old root; it needs the last subtree only where that is not the old root itself.
  if (first != 0) TALLY_TRY(add_range(proof, first, old_size, reader));
  std::reverse(proof.begin(), proof.end());
  return proof;
}

bool verify_inclusion(const hash256& leaf, std::uint64_t index, std::uint64_t size, std::span<const hash256> proof,
                      const hash256& root) {
  if (index >= size) return false;
  auto fn = index, sn = size - 1;
  auto r = leaf;
  for (const auto& p : proof) {
    if (sn == 0) return false;
    if ((fn & 1) || fn == sn) {
      r = merkle_node(p, r);
      while (!(fn & 1) && fn != 0)
        fn >>= 1, sn >>= 1;
    } else {
      r = merkle_node(r, p);
    }
    fn >>= 1, sn >>= 1;
  }
  return sn == 0 && r == root;
}

bool verify_consistency(std::uint64_t old_size, const hash256& old_root, std::uint64_t new_size,
                        const hash256& new_root, std::span<const hash256> proof) {
  if (old_size > new_size) return false;
  if (old_size == new_size) return proof.empty() && old_root == new_root;
  if (old_size == 0) return proof.empty() && old_root == sha256({});
  if (proof.empty()) return false;

  auto fn = old_size - 1, sn = new_size - 1;
  while (fn & 1)
    fn >>= 1, sn >>= 1;
  // If the old log is one full subtree, its root begins the proof unsaid.
  const bool whole = std::has_single_bit(old_size);
  auto fr = whole ? old_root : proof[0];
  auto sr = fr;
  for (const auto& c : proof.subspan(whole ? 0 : 1)) {
    if (sn == 0) return false;
    if ((fn & 1) || fn == sn) {
      fr = merkle_node(c, fr);
      sr = merkle_node(c, sr);
      while (!(fn & 1) && fn != 0)
        fn >>= 1, sn >>= 1;
    } else {
      sr = merkle_node(sr, c);
    }
    fn >>= 1, sn >>= 1;
  }
  return sn == 0 && fr == old_root && sr == new_root;
}

}  // namespace tally
