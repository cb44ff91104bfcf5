#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tally {

// Text of people: what may be stored, and how it is compared in a search. Without a library of Unicode: the scripts of
// the product's languages and of Latin names are known, others are compared as they are.

/// Code points of well-formed UTF-8 (shortest forms, no surrogates); nothing for other bytes.
std::optional<std::u32string> decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view text);

/// Whether a form may hold this: printable, without characters that change the direction of what stands beside them,
/// that are not seen, or that nobody assigned for exchange; at most 4 combining marks in a row; no blank at an end.
bool is_clean_text(std::string_view text, bool newlines = false);

/// For comparison: small letters, without accents, full-width forms and kana as their plain ones, Hangul as syllables,
/// Traditional Chinese characters as the Simplified ones (han.hpp).
std::u32string fold_text(std::u32string_view text);

/// Chinese characters, kana and Hangul syllables: no spaces stand between their words.
bool is_unspaced(char32_t c);
/// The initial consonant of a Hangul syllable as a letter of its own (U+3131 …); 0 for anything else.
char32_t initial_of(char32_t syllable);
/// A Hangul consonant that stands alone, as one types it to find initials.
bool is_initial(char32_t c);

}  // namespace tally
