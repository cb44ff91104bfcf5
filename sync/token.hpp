#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"
#include "sync/keys.hpp"

namespace tally {

// Secrets that people or tills carry. What a database keeps of them is a hash, never the secret. All pure.

using token_id = std::array<std::uint8_t, 8>;
using secret_hash = std::array<std::uint8_t, 32>;

// -- enrolment -----------------------------------------------------------------

/// What an operator carries from head office to a new node: where to knock, whom to trust, and a one-time secret.
struct enrolment_token {
  std::string chain;                   ///< 1 to 40 bytes
  std::vector<std::string> endpoints;  ///< 1 to 4 doors, "tcp://host:port", each 1 to 200 bytes
  public_key door{};                   ///< CURVE key of those doors
  public_key hq{};                     ///< head office's signing key
  token_id id{};
  std::array<std::uint8_t, 16> secret{};
  unix_seconds expiry = 0;  ///< exclusive

  friend bool operator==(const enrolment_token&, const enrolment_token&) = default;
};

/// Fills `id` and `secret`.
void draw(enrolment_token& token, entropy& source);
/// "tally1." and base64url of the canonical bytes and a check sum. REQUIRES: the bounds above.
std::string to_text(const enrolment_token& token);
/// Leading and trailing white space is ignored. `bad_token` says what is wrong: no token, cut off, or mistyped.
result<enrolment_token> parse_enrolment_token(std::string_view text);
/// `bad_token` at and after the expiry.
status check_expiry(const enrolment_token& token, unix_seconds now);
/// What the parent stores; the secret has 128 random bits, so a plain hash is enough.
secret_hash hash_enrolment_secret(const token_id& id, byte_view secret);

// -- rollback ------------------------------------------------------------------

/// How far a ledger was when it answered.
struct rollback_mark {
  epoch_id epoch;
  sequence seq = 0;

  friend bool operator==(const rollback_mark&, const rollback_mark&) = default;
};

/// 43 characters that the till returns unread; a MAC under the node's secret makes them unforgeable.
std::string make_rollback_token(const node_secret& secret, const rollback_mark& mark);
/// Nothing unless this node made it, whatever the reason. Constant time in the MAC.
std::optional<rollback_mark> verify_rollback_token(const node_secret& secret, std::string_view token);

// -- tills ---------------------------------------------------------------------

/// "482-913": one of a million, evenly. Short-lived and rate-limited by the caller.
std::string make_pairing_code(entropy& source);
/// Six digits, a hyphen or spaces between them ignored; nothing for other text. Keyed with the node's secret, because
/// a million codes are soon tried against a plain hash from a stolen database.
std::optional<secret_hash> hash_pairing_code(const node_secret& secret, std::string_view code);

/// 24 random bytes, base64url (32 characters).
std::string make_bearer_token(entropy& source);
/// For storage and look-up. Any text has a hash; only issued ones will be found.
secret_hash hash_bearer_token(std::string_view token);

}  // namespace tally
