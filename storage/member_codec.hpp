#pragma once
#include "ledger/member.hpp"

namespace tally {

// Bytes of members: storage/FORMAT.md, "Members".

/// What is sealed: the fields of a profile, or of a claim, that are said. Not secret by itself.
bytes encode_change(const member_change& c);
/// `malformed` for bytes that `encode_change` does not make. Bounds are checked, sense is not (`check_member`).
result<member_change> decode_change(byte_view data);

/// The blob of a profile or a claim: ciphertext, and what binds it to its key and its text.
struct sealed_profile {
  std::array<std::uint8_t, 24> nonce{};
  hash256 commitment{};
  bytes box;  ///< at most sealed_profile_max
  friend bool operator==(const sealed_profile&, const sealed_profile&) = default;
};
inline constexpr std::size_t sealed_profile_max = 40'000;
bytes encode_sealed(const sealed_profile& s);
result<sealed_profile> decode_sealed(byte_view data);

}  // namespace tally
