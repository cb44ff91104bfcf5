#pragma once
#include <vector>

#include "storage/entry_codec.hpp"

namespace tally {

/// A run of entries of one stream, compressed, with the writer's signature over the checkpoint at its end. It proves
/// itself
/// to whoever holds the stream up to `first`, so any carrier will do. Entry bytes never change on the way.
struct segment {
  stream_id stream;
  std::uint64_t first{};    ///< sequence of the first entry
  std::uint32_t entries{};  ///< 1 to segment_entries_max
  signature sign{};         ///< Ed25519 over the checkpoint body at size first + entries
  bytes payload;            ///< zstd frame of (length uv, entry bytes) for each entry

  std::uint64_t size_after() const { return first + entries; }
};

constexpr std::uint32_t segment_entries_max = 4096;
/// Of the entries before compression; a sender cuts there, a receiver refuses more without decompressing it.
constexpr std::size_t segment_bytes_max = 1024 * 1024;

/// Compresses entries. REQUIRES: 1 to segment_entries_max entries whose sum with lengths is at most segment_bytes_max.
bytes pack_entries(const std::vector<bytes>& entries);
/// The entries of a segment, byte for byte. `malformed` for damaged frames, wrong counts, or more octets than allowed.
result<std::vector<bytes>> unpack_entries(const segment& s);

bytes encode_segment(const segment& s);
result<segment> decode_segment(byte_view data);

}  // namespace tally
