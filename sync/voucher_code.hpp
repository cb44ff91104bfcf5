#pragma once
#include <string>
#include <string_view>

#include "ledger/decide.hpp"
#include "sync/keys.hpp"

namespace tally {

/// What the code of a voucher says, signed by head office: any store knows without a link that it is genuine, and what
/// it promises. It is no secret and can be copied: what it promises is given once, or the stores that gave it at their
/// own risk bear it (docs/ledger.md, "Vouchers with codes").
struct voucher_code {
  account_id account;  ///< its own, which nothing else leads to
  code_face face;
  friend bool operator==(const voucher_code&, const voucher_code&) = default;
};

inline constexpr std::size_t voucher_code_text_max = 160;

/// "TALLYV2." and base64url of: account, purse, units and last date `uv`, first four octets of the signer's public key,
/// Ed25519 over "tallystick voucher v1\n", the chain's name, a newline and all before it. REQUIRES: an account, a purse
/// and units above zero.
std::string make_voucher_code(const signer& by, std::string_view chain, const voucher_code& code);

/// Whether the text can be a voucher's code at all: it begins as one and is not too long.
bool looks_like_voucher_code(std::string_view text);

/// Verifies against head office's key. One voucher has one spelling. Errors: as `verify_card_code`.
result<voucher_code> verify_voucher_code(std::string_view text, std::string_view chain, const public_key& key,
                                         const verifier& with);

}  // namespace tally
