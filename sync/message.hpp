#pragma once
#include <variant>

#include "ledger/pricing.hpp"
#include "ledger/topics.hpp"
#include "storage/segment.hpp"

namespace tally {

/// Nothing is due on the monotonic clock.
inline constexpr tick_ms tick_never = INT64_MAX;

// What two nodes say to each other over one connection. Every message may be lost, repeated or come late; each
// carries all
// that is needed to act on it. Canonical bytes: storage/FORMAT.md, "Messages".

/// From 2 on a hello says what its sender leaves out, and entries that were left out are asked for; from 3 on, which
/// process of its node it is; from 4 on a node says how far its books go when head office asks (closing_talk.hpp).
constexpr std::uint32_t protocol_version = 4, protocol_version_min = 1;
/// Of `hello_message::skips`, and of 17 and 18. Of `hello_message::process`.
constexpr std::uint32_t protocol_topics = 2, protocol_process = 3, protocol_closing = 4;

/// First on a connection, from both sides, and read by every version: a later one may say more behind these fields.
/// Both sides go on with the highest version that both speak. A version speaks the one before it as well, so that nodes
/// are updated one after the other, parents first.
struct hello_message {
  std::uint32_t version_min = protocol_version_min, version_max = protocol_version;
  writer_id writer;
  bool greeted = false;  ///< the peer's hello was heard; otherwise the peer must say it again
  /// The sender says something at least so often, in seconds; 0: it promises nothing.
  std::uint32_t quiet_s = 0;
  /// Topics of head office's directory that the sender does not need; 0 before version 2.
  topic_set skips = 0;
  /// Drawn when the sender's process began, so that two that run with one key are told apart; 0 before version 3, and
  /// from whoever does not say.
  std::uint64_t process = 0;
  friend bool operator==(const hello_message&, const hello_message&) = default;
};
/// Streams that the sender can ship to this peer, and how far it has them durably.
struct heads_message {
  struct item {
    stream_id stream;
    std::uint64_t size{};
    friend bool operator==(const item&, const item&) = default;
  };
  std::vector<item> items;  ///< at most heads_max
  friend bool operator==(const heads_message&, const heads_message&) = default;
};
constexpr std::size_t heads_max = 4096;
/// Send me this stream from there on, and keep sending. When `from` is beyond what the writer has, `proof` is the
/// writer's own
/// signature over its head at `from`: it shows that the writer was rolled back.
struct want_message {
  stream_id stream;
  std::uint64_t from{};
  struct evidence {
    hash256 root{};
    signature sign{};
    friend bool operator==(const evidence&, const evidence&) = default;
  };
  std::optional<evidence> proof;
  friend bool operator==(const want_message&, const want_message&) = default;
};
struct segment_message {
  segment seg;
};
/// I have this stream durably up to size. Gives credit; promises nothing (that is a cosignature).
struct have_message {
  stream_id stream;
  std::uint64_t size{};
  friend bool operator==(const have_message&, const have_message&) = default;
};
/// C2SP tlog-cosignature v1 of a parent over a journal's head: I hold all of it durably, and it extends all that I
/// cosigned before.
struct cosign_message {
  stream_id stream;
  std::uint64_t size{};
  hash256 root{};
  node_id by;
  unix_seconds time{};
  signature sign{};
  friend bool operator==(const cosign_message&, const cosign_message&) = default;
};
/// A segment of the sender's current journal, as its hello named it: the most frequent one, so the name is left out.
struct brief_segment_message {
  std::uint64_t first{};
  std::uint32_t entries{};
  signature sign{};
  bytes payload;
  friend bool operator==(const brief_segment_message&, const brief_segment_message&) = default;
};
/// A cosignature over the receiver's current journal. Name and root are left out: the receiver knows both.
struct brief_cosign_message {
  std::uint64_t size{};
  node_id by;
  unix_seconds time{};
  signature sign{};
  friend bool operator==(const brief_cosign_message&, const brief_cosign_message&) = default;
};
/// Head office's time, signed; parents pass it on.
struct time_message {
  unix_seconds time{};
  signature sign{};
  friend bool operator==(const time_message&, const time_message&) = default;
};
/// I need spending rights of this account (a pull from a child, a recall from a parent). `amount` 0 asks only where
/// value lies.
struct ask_message {
  std::uint64_t id{};  ///< unique per asking node and epoch
  account_id account;
  std::uint32_t purse = purse_paid;
  tally::amount amount{};
  std::uint32_t wait_ms{};  ///< after that nobody waits for it any more
  friend bool operator==(const ask_message&, const ask_message&) = default;
};
constexpr std::size_t told_units_max = 32;
/// The end of an ask: what was sent for it (the sends themselves travel in their stream), and what is known to lie
/// elsewhere.
struct told_message {
  std::uint64_t id{};
  tally::amount granted{};
  tally::amount elsewhere{};
  unix_seconds as_of{};  ///< 0: `elsewhere` is only a part, what lies beyond the sender's parent is not known
  errc code = errc::ok;
  std::vector<unit_use> units = {};  ///< to a question: what lies elsewhere in other purses; at most told_units_max
  friend bool operator==(const told_message&, const told_message&) = default;
};
/// How the nodes below the sender stand, as it knows: for the screens of its ancestors. Signed by nobody, and nobody
/// decides by it.
struct below_message {
  struct item {
    node_id node;
    bool up = false;              ///< its link to its parent
    unix_seconds last_contact{};  ///< of its parent with it; 0: never
    std::uint64_t entries{};      ///< of its journal, as far as the sender has it
    friend bool operator==(const item&, const item&) = default;
  };
  std::vector<item> items;  ///< at most heads_max
  friend bool operator==(const below_message&, const below_message&) = default;
};
/// Nothing but a sign of life, on a link where nothing was said for long.
struct alive_message {
  bool asks = false;  ///< for one of the peer
  friend bool operator==(const alive_message&, const alive_message&) = default;
};
/// A node asks head office for its next certificate: for the keys that it has, before the old one ends, or for new
/// ones. Passed up untouched. See sync/renewal.hpp for what is signed.
struct renew_message {
  node_id node;
  std::uint64_t serial = 0;  ///< of the certificate that it has
  public_key signing{}, curve{};
  epoch_id epoch;  ///< the first that these keys write
  signature by_old{}, by_new{};
  friend bool operator==(const renew_message&, const renew_message&) = default;
};
/// From one node to another, read by these two alone (sync/member_seal.hpp); passed on towards head office or down from
/// it. Nobody keeps it: whoever misses an answer asks again.
struct letter_message {
  node_id from, to;
  bytes body;  ///< at most letter_bytes_max
  friend bool operator==(const letter_message&, const letter_message&) = default;
};
constexpr std::size_t letter_bytes_max = 64 * 1024;
/// A store asks for entries of head office's directory that were left out in its copy, from version 2 on.
struct fetch_message {
  stream_id stream;
  std::uint64_t from{};
  std::uint64_t entries{};  ///< 1 to fetch_entries_max
  friend bool operator==(const fetch_message&, const fetch_message&) = default;
};
constexpr std::uint64_t fetch_entries_max = 1'024;
/// Such entries, from `first` on, as many of those as fit. The asker has hashes of them; nothing else vouches for them.
struct fetched_message {
  stream_id stream;
  std::uint64_t first{};
  std::uint32_t entries{};
  bytes payload;  ///< as of a whole segment
  friend bool operator==(const fetched_message&, const fetched_message&) = default;
};
/// The sender ends the connection, and why: `replaced_code` when a newer connection of the same key has its place.
struct refuse_message {
  errc code = errc::internal;
  std::string text;
  friend bool operator==(const refuse_message&, const refuse_message&) = default;
};
constexpr errc replaced_code = errc::busy;

using message =
    std::variant<hello_message, heads_message, want_message, segment_message, have_message, cosign_message,
                 time_message, ask_message, told_message, refuse_message, below_message, brief_segment_message,
                 brief_cosign_message, alive_message, renew_message, letter_message, fetch_message, fetched_message>;

constexpr std::size_t message_bytes_max = 2 * 1024 * 1024;

bytes encode_message(const message& m);
/// `malformed` for anything that `encode_message` does not make.
result<message> decode_message(byte_view data);

/// What head office signs for `time_message`.
bytes time_text(unix_seconds t);

}  // namespace tally
