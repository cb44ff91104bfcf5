#pragma once
#include "ledger/money.hpp"

namespace tally {

/// Who asks: the idempotency key, and the person at the till.
struct till_key {
  std::uint32_t terminal{};
  std::uint64_t counter{};
  std::uint32_t operator_id{};
  friend bool operator==(const till_key&, const till_key&) = default;
};

/// What was typed as the card's PIN, as it was judged before the request came here.
struct pin_proof {
  enum class verdict : std::uint8_t { none = 0, unknown = 1, wrong = 2, right = 3 };
  verdict is = verdict::none;  ///< unknown: something was typed, and nothing here to judge it by
  std::uint32_t version{};     ///< of the PIN that it was judged by
  friend bool operator==(const pin_proof&, const pin_proof&) = default;
};

/// What was typed as the one-time code that went to the member's telephone, as it was judged before the request came
/// here.
struct code_proof {
  enum class verdict : std::uint8_t { none = 0, unknown = 1, wrong = 2, right = 3 };
  verdict is = verdict::none;  ///< unknown: something was typed, and no code of this card waits here
  std::uint64_t number{};      ///< of the code, at head office; later codes have higher ones
  amount up_to{};              ///< card money that it is for at most
  unix_seconds until{};        ///< it is good before that moment of this node's clock
  std::uint32_t tries{};       ///< wrong: that are left
  friend bool operator==(const code_proof&, const code_proof&) = default;
};

/// A PIN is chosen: the first one of a card, or one in place of another, which is typed as well.
struct pin_command {
  till_key key;
  account_id account;
  pin_proof pin = {};         ///< of the one before
  std::uint32_t version = 1;  ///< that the new one is sealed as
  bytes sealed;               ///< the new one's (sync/pin_seal.hpp)
  bytes digest;               ///< 16 octets, by which a repeated request is known
  friend bool operator==(const pin_command& a, const pin_command& b) {
    return a.key == b.key && a.account == b.account && a.pin == b.pin && a.digest == b.digest;
  }
};

}  // namespace tally
