#pragma once
#include <string>
#include <string_view>

#include "ledger/result.hpp"
#include "sync/keys.hpp"

namespace tally {

/// What the QR code of a card says, signed by head office: a store that never heard of the card knows that it is
/// genuine, and its account, without any link. It is no secret and can be copied, like a stripe.
///
/// A card has a code from when it was made, and may have more, as on a telephone. Each has a medium (`code_medium`),
/// which head office maps to another account when the code counts no more.
struct card_code {
  account_id account;
  std::string tail;          ///< the last digits of the number on the card, at most 4, for people; may be empty
  std::uint32_t serial = 0;  ///< which of the card's codes; 0: the one from when it was made
  friend bool operator==(const card_code&, const card_code&) = default;
};

inline constexpr std::size_t card_code_text_max = 160;

/// "TALLYC1." and base64url of: account `uv`, tail `str(4)`, first four octets of the signer's public key, Ed25519 over
/// "tallystick card v1\n", the chain's name, a newline and all before it. With a serial it is "TALLYC2.", "card v2",
/// and the serial `uv` follows the account. REQUIRES: an account; a tail of at most 4 digits or letters A-F.
std::string make_card_code(const signer& office, std::string_view chain, const card_code& code);

/// Whether the text can be a card's code at all: it begins as one and is not too long.
bool looks_like_card_code(std::string_view text);

/// Verifies against head office's key. One card has one spelling. Errors: `malformed`; `bad_signature`, which says
/// whether another key signed it (another chain, or a key that is not known here yet) or somebody changed it.
result<card_code> verify_card_code(std::string_view text, std::string_view chain, const public_key& office,
                                   const verifier& with);

/// By which head office says that a code leads elsewhere: 16 octets, as a card number's (medium.hpp). A store that has
/// no such mapping takes the code's own account.
bytes code_medium(std::string_view chain, account_id account, std::uint32_t serial);

}  // namespace tally
