#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ledger/decide.hpp"
#include "sync/message.hpp"

namespace tally {

// -- what comes in -------------------------------------------------------------

/// One request of a till, of head office's operator, or from a link. `request` is echoed in the answer.
struct till_request {
  std::uint64_t request;
  till_command command;
  bool may_wait = true;
};
/// Facts of head office, written in order; refused as a whole at the first that cannot be written, what came before
/// stands.
struct facts_request {
  std::uint64_t request;
  std::vector<entry> facts;
};
struct segment_arrival {
  node_id from;
  segment seg;
  /// What `open_segment(seg)` gives, if somebody opened it already on another thread.
  std::shared_ptr<const result<opened_segment>> opened = nullptr;
};
/// Entries taken from a neighbour that are not durable yet.
struct run_of_entries {
  stream_id stream;
  std::uint64_t first{};
  std::shared_ptr<const result<opened_segment>> opened;
};
struct control_arrival {
  node_id from;
  message what;
};
struct link_change {
  node_id neighbour;
  bool up;
};
/// Where does value of this account lie? Answered from what is known, refreshed over the link when it is up.
struct elsewhere_request {
  account_id account;
};
/// What came by hand, on a stick or in a file, from a node above or below: segments, cosignatures, head office's
/// time, and what the sender wants of this node's streams. Taken with the same proofs as from a link, answered as a
/// whole; no connection is touched. `have` of a journal asks for this node's cosignature over it.
///
/// Nobody vouches for a carrier, so a stream is taken by what it is, not by who is said to have sent it.
struct carried_request {
  std::uint64_t request;
  std::vector<message> what;  ///< at most `carried_max`; of segments, at most `segment_entries_max` entries in sum
};
constexpr std::size_t carried_max = 64;
using station_input = std::variant<till_request, facts_request, segment_arrival, control_arrival, link_change,
                                   elsewhere_request, carried_request>;

// -- what goes out, never before it is durable ---------------------------------

struct elsewhere_hint {
  tally::amount value{};
  unix_seconds as_of{};
  std::vector<unit_use> units = {};  ///< in other purses
  std::uint64_t told{};              ///< another number with each answer

  /// So much of it came here since.
  void came(std::uint32_t purse, tally::amount n) {
    if (purse == purse_paid) value = std::max<tally::amount>(value - n, 0);
    for (auto& u : units)
      if (u.purse == purse) u.units = std::max<tally::amount>(u.units - n, 0);
  }
};
struct till_answer {
  std::uint64_t request{};
  std::variant<entry, refusal> outcome;  ///< the entry that was written, now or for the same key before
  sequence seq{};
  writer_id writer;
  bool repeated = false;
  tally::amount here{};  ///< holding after it
  std::optional<elsewhere_hint> elsewhere;
  tally::amount pulled{};  ///< what came while the customer waited
};
struct facts_answer {
  std::uint64_t request{};
  errc code = errc::ok;
  std::string detail;
  sequence first{};
  std::size_t written{};
};
struct ingested_effect {
  node_id from;
  stream_id stream;
  std::uint64_t size;
  errc code;
  bool ack;
};
struct to_neighbour {
  node_id neighbour;
  message what;
};
struct advanced_effect {
  bool urgent = false;  ///< the own journal has an entry that a neighbour waits for
};                      ///< durable streams grew: sessions look again
struct rules_effect {
  std::uint64_t version;
};
struct alarm_effect {
  errc code;
  std::string text;
};
/// This node begins a new epoch: connections greet anew under it.
struct lives_anew_effect {
  writer_id self;
};
/// Keys of a node do not count any more: no connection of theirs goes on, but to hear of it (`void_key`).
struct cut_off_effect {
  node_id node;
};
constexpr std::uint64_t any_size = UINT64_MAX;
/// Keys of a child that opened connections once. Whoever knocks with them is told why they do not any more, and no
/// more: head office's directory up to the entry that ended them. Where only the certificate's time is over, the node
/// may ask for the next one, and there is no end.
struct void_key {
  public_key curve{};
  node_id node;
  std::uint64_t directory = 0;  ///< size of head office's directory with that entry; `any_size`: the time is over
  errc why = errc::revoked;
  friend bool operator==(const void_key&, const void_key&) = default;
};
/// Head office certified the new keys of this node: it is to be opened again with them.
struct new_keys_effect {};
using claim_place = std::pair<writer_id, sequence>;
/// A store's claim about a member that head office did not publish yet.
struct claim_at {
  writer_id writer;
  sequence seq{};
  entry claim;
};
/// It became known where value of an account lies.
struct hint_effect {
  account_id account;
  elsewhere_hint hint;
};
/// A letter for this node came.
struct letter_effect {
  node_id from;
  bytes body;
};
/// Head office erased a member: its key must go.
struct erased_effect {
  account_id member;
};
/// A caller's own work that waited for its group.
struct call_effect {
  std::function<void()> call;
};
/// Outcome of a carried_request: one row for each segment, in order.
struct carried_answer {
  std::uint64_t request{};
  errc code = errc::ok;  ///< why nothing of it was taken
  std::string detail;
  struct row {
    stream_id stream;
    std::uint64_t size{};   ///< durable size of the stream after it
    std::uint64_t fresh{};  ///< entries that were new
    errc code = errc::ok;
  };
  std::vector<row> taken;
  std::vector<cosign_message> cosigned;  ///< by this node, the newest of each journal
  std::size_t cosignatures{};            ///< of others, that verified
};
using station_effect = std::variant<till_answer, facts_answer, ingested_effect, to_neighbour, advanced_effect,
                                    rules_effect, alarm_effect, lives_anew_effect, cut_off_effect, new_keys_effect,
                                    hint_effect, call_effect, letter_effect, erased_effect, carried_answer>;

}  // namespace tally
