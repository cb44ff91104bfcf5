#pragma once
#include "ledger/member.hpp"

namespace tally {

// Finding members. An index keeps a token of a profile for each thing that a query may ask for; it knows tokens only as
// keyed hashes (sync/member_index.hpp). Tokens name candidates, `matches` decides.

/// What a search asks for; parts must all fit.
struct member_query {
  std::vector<std::u32string> words;     ///< beginnings of words in scripts with spaces, and of pinyin
  std::vector<std::u32string> parts;     ///< anywhere in the name: Chinese, kana, Hangul
  std::vector<std::u32string> initials;  ///< Hangul consonants: the beginnings of successive syllables
  std::vector<std::string> digits;       ///< end of a telephone number, or its beginning
  std::string email;                     ///< folded, whole
  bool empty() const { return words.empty() && parts.empty() && initials.empty() && digits.empty() && email.empty(); }
};

inline constexpr std::size_t member_query_max = 120;  ///< octets
inline constexpr std::size_t member_query_digits_min = 3;

/// Errors: `malformed` for bytes that are no text, for a query that is too long, or that asks for nothing.
result<member_query> parse_member_query(std::string_view text);

/// Whether a profile is meant. REQUIRES: it passed `check_member`.
bool matches(const member_profile& p, const member_query& q);

/// Tokens of a profile; without repeats. The first octet is the token's kind.
std::vector<std::string> tokens_of(const member_profile& p);
/// Tokens that a profile which `matches` has, all of them. Digits are apart: a number has one of the two.
std::vector<std::string> tokens_of(const member_query& q);
std::array<std::string, 2> digit_tokens(std::string_view digits);
/// Tokens that two profiles of one person share: a whole telephone number; name and date of birth.
std::vector<std::string> identity_tokens(const member_profile& p);

}  // namespace tally
