#pragma once
#include "sync/pin_seal.hpp"

namespace tally {

// Letters about one-time codes, between a store and head office: inside what letters about PINs are sealed in
// (`as_pin_letter`), and told from these by their first octet.

/// A store asks for a code to be sent to the telephone of a card's member.
struct code_question {
  std::uint64_t id{};  ///< random; an answer without a question is not taken, a question is served once
  account_id account;
  amount up_to{};  ///< card money, in minor units, that it is to be good for
  friend bool operator==(const code_question&, const code_question&) = default;
};
struct code_answer {
  std::uint64_t id{};
  /// not_found: no member with a telephone; busy: too many, for `seconds`; full: the outbox is.
  errc code = errc::ok;
  std::uint64_t number{};      ///< of the code
  std::uint32_t seconds{};     ///< that it is good for, from when it was asked for; busy: until it can be asked again
  std::string ends_in = {};    ///< last digits of the telephone's number
  pin_verifier verifier = {};  ///< by which the code is judged
  friend bool operator==(const code_answer&, const code_answer&) = default;
};
constexpr std::size_t code_ends_in_max = 4;
bytes encode_code_question(const code_question& q);
bytes encode_code_answer(const code_answer& a);
/// Errors: malformed.
result<code_question> decode_code_question(byte_view data);
result<code_answer> decode_code_answer(byte_view data);
/// Whether an opened letter is one of these, rather than about a PIN.
bool is_code_question(byte_view data);
bool is_code_answer(byte_view data);

}  // namespace tally
