#pragma once
#include <vector>

#include "storage/entry_codec.hpp"
#include "storage/merkle.hpp"

namespace tally {

/// A run of entries of one stream, compressed, with the writer's signature over the checkpoint at its end. It proves
/// itself
/// to whoever holds the stream up to `first`, so any carrier will do. Entry bytes never change on the way.
struct segment {
  stream_id stream;
  std::uint64_t first{};    ///< sequence of the first entry
  std::uint32_t entries{};  ///< 1 to segment_entries_max
  signature sign{};         ///< Ed25519 over the checkpoint body at size first + entries
  bytes payload;            ///< form `u8`, then (length uv, entry bytes) for each entry, as they are or as a zstd frame

  /// Hashes stand in the place of some entries. Only a store's copy of head office's directory is such.
  bool is_thin() const;

  std::uint64_t size_after() const { return first + entries; }
};

constexpr std::uint32_t segment_entries_max = 4096;
/// Of the entries before compression; a sender cuts there, a receiver refuses more without decompressing it.
constexpr std::size_t segment_bytes_max = 1024 * 1024;

/// Entries one after the other in one piece of memory, each behind its length: what a segment's frame unpacks to.
/// A plain value.
class entry_list {
public:
  entry_list() = default;
  entry_list(const std::vector<bytes>& entries);

  void add(byte_view entry);
  std::size_t size() const { return places_.size(); }
  bool empty() const { return places_.empty(); }
  /// Views live until the list changes. REQUIRES: i < size().
  byte_view operator[](std::size_t i) const { return byte_view(octets_).substr(places_[i].at, places_[i].size); }
  byte_view front() const { return (*this)[0]; }
  /// Entries and their lengths as they lie in a frame.
  byte_view octets() const { return octets_; }
  std::vector<bytes> copies() const;
  class iterator {
  public:
    iterator(const entry_list& l, std::size_t i) : list_(&l), i_(i) {}
    byte_view operator*() const { return (*list_)[i_]; }
    iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const iterator& o) const { return i_ != o.i_; }

  private:
    const entry_list* list_;
    std::size_t i_;
  };
  iterator begin() const { return {*this, 0}; }
  iterator end() const { return {*this, size()}; }
  friend bool operator==(const entry_list& a, const entry_list& b) { return a.octets_ == b.octets_; }

private:
  friend result<entry_list> unpack_entries(const segment& s);
  struct place {
    std::uint32_t at, size;
  };
  bytes octets_;
  std::vector<place> places_;
};

/// Of a payload: what zstd may add to what does not compress, and the form.
constexpr std::size_t payload_bytes_max = segment_bytes_max + 64 * 1024;

/// Compresses entries if that makes them shorter. REQUIRES: 1 to segment_entries_max entries whose sum with lengths is
/// at most segment_bytes_max.
bytes pack_entries(const entry_list& entries);
/// The entries of a segment, byte for byte. `malformed` for damaged frames, wrong counts, or more octets than allowed;
/// `left_out` for one that does not have all of them (`open_segment` gives those that are there).
result<entry_list> unpack_entries(const segment& s);

/// A segment's entries with the part of its proof that needs nothing but them. Most of the work of taking a segment,
/// and the same on any thread.
struct opened_segment {
  entry_list entries;  ///< that are there
  merkle_run run;      ///< over all, from `first` on
  std::vector<merkle_subtree> left_out =
      {};  ///< what stands for those that are not, ascending; empty for most segments

  /// Sequence of an entry that is there. REQUIRES: i < entries.size().
  std::uint64_t place_of(std::size_t i) const;
  std::vector<std::uint64_t> places = {};  ///< of the entries; empty when all are there
};
/// Errors: malformed.
result<opened_segment> open_segment(const segment& s);

/// So many entries of a stream, from `first` on.
struct entry_run {
  std::uint64_t first{};
  std::uint64_t entries{};
  std::uint64_t end() const { return first + entries; }
  friend bool operator==(const entry_run&, const entry_run&) = default;
};
/// Subtrees of at most a tile's leaves: what is kept of a stream on disk stays enough for any proof of an entry that is
/// there.
constexpr unsigned left_out_level_max = tile_levels;
/// The segment with hashes in the place of the entries of `runs`, which are ascending and do not meet. Entries that it
/// does not have are passed over. It is the same segment when none is in them. REQUIRES: it is whole.
result<segment> leave_out(const segment& s, const std::vector<entry_run>& runs);
/// Puts entries into a thin segment, as far as they fill whole subtrees that stand for them. `bad_proof` when they are
/// not those that were left out, `not_found` when they fill none.
result<segment> put_back(const segment& s, std::uint64_t first, const entry_list& entries);

bytes encode_segment(const segment& s);
result<segment> decode_segment(byte_view data);

}  // namespace tally
