#pragma once
#include <optional>

#include "storage/member_codec.hpp"
#include "sync/keys.hpp"

namespace tally {

/// The key of one member. Whoever has it reads all that was ever said of the member; when every copy is destroyed,
/// nobody does.
using member_key = secret_octets<32>;
member_key make_member_key(entropy& source);

/// Where sealed data belongs; it opens nowhere else.
struct seal_place {
  std::string chain;
  account_id member;
  writer_id writer;        ///< of a claim; nobody for what head office publishes
  std::uint64_t number{};  ///< version of the profile, number of the claim
};

/// XChaCha20-Poly1305 under the member's key; padded, so that the length tells little. Head office and stores write
/// what comes of it into their journals. The commitment is a keyed hash of place and text: with the key it proves
/// what was said, without it nothing.
bytes seal_member(const member_key& key, const seal_place& at, const member_change& c, entropy& source);
/// Errors: `malformed` (no such record, or it holds nonsense), `bad_proof` (another key, member, chain, writer or
/// number, or a changed octet).
result<member_change> open_member(const member_key& key, const seal_place& at, byte_view blob);

// -- letters (sync/message.hpp) between two nodes, read by nobody on the way ------------

/// Seals with the writer's CURVE key for the reader's: authentic, and for it alone.
bytes seal_letter(const curve_key& from, const public_key& to, byte_view text, entropy& source);
std::optional<bytes> open_letter(const curve_key& to, const public_key& from, byte_view sealed);

/// A store asks head office for the key of a member.
struct lease_question {
  std::uint64_t id{};  ///< random; an answer without a question is not taken
  account_id card;     ///< of a card; none: by number
  account_id member;
  bool open = false;          ///< make the member of this card if there is none
  std::uint64_t version = 0;  ///< of the profile that it has; the answer leaves out what it knows
  friend bool operator==(const lease_question&, const lease_question&) = default;
};
/// Head office's answer. For a member that is not there, `member` 0.
struct lease_answer {
  std::uint64_t id{};
  errc code = errc::ok;
  account_id member = {};
  std::uint64_t version{};
  sequence published{};  ///< of the asking writer's claims, those before this are in the profile
  unix_seconds until{};  ///< then the key is destroyed
  unix_seconds now{};    ///< head office's time
  std::array<std::uint8_t, 32> key{};
  bytes blob = {};  ///< the profile as it was published; empty: the asker has this version
  friend bool operator==(const lease_answer&, const lease_answer&) = default;
};
bytes encode_question(const lease_question& q);
result<lease_question> decode_question(byte_view data);
bytes encode_answer(const lease_answer& a);
result<lease_answer> decode_answer(byte_view data);

}  // namespace tally
