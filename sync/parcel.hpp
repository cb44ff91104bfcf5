#pragma once
#include <array>
#include <vector>

#include "sync/message.hpp"

namespace tally {

/// A file that carries messages between two nodes by hand: one of the files of a shipment. Bytes: storage/FORMAT.md.
///
/// It holds what a link carries and nothing that a link would not: wants (how far the sender holds the receiver's
/// streams), head office's time, cosignatures, segments. Each of these proves itself, so the file needs no signature;
/// its checksum tells a file that was cut short or damaged on the way from one that somebody made up, which the
/// proofs find.
struct parcel {
  std::string chain;
  writer_id from;  ///< who wrote it
  node_id to;
  std::array<std::uint8_t, 8> shipment{};  ///< the same in all files of one shipment
  std::uint32_t number = 1;                ///< counts from 1
  bool last = false;
  unix_seconds written = 0;       ///< for people; nothing is decided by it
  std::vector<message> messages;  ///< in the order in which they are to be taken
};

inline constexpr std::size_t parcel_messages_max = 16'384;
/// A sender ends a file above this, and one message may still follow.
inline constexpr std::size_t parcel_bytes_full = 4 * 1024 * 1024;
inline constexpr std::size_t parcel_bytes_max = parcel_bytes_full + message_bytes_max + 64 * 1024;
inline constexpr std::uint32_t parcel_number_max = 99'999;

/// Whether a parcel may carry such a message.
bool is_carried(const message& m);

/// Canonical bytes. REQUIRES: every message `is_carried`, numbers within their bounds, a chain's name of 1 to 40
/// octets.
bytes encode_parcel(const parcel& p);
/// `malformed` for what is no parcel at all, `corrupt` when the checksum does not fit (cut short or damaged),
/// `unsupported` for a later version; `malformed` too for a message that a parcel may not carry.
result<parcel> decode_parcel(byte_view data);

}  // namespace tally
