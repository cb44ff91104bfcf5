#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/types.hpp"

namespace tally {

/// RFC 4648 base 64, section 4, with padding.
std::string to_base64(byte_view data);
/// RFC 4648 base 64 url, section 5, without padding.
std::string to_base64url(byte_view data);

/// The only text that `to_base64` makes for some octets, and nothing else: no spaces, no missing or surplus padding,
/// no stray bits in the last character. Empty optional otherwise, or when the result would exceed `max` octets.
std::optional<bytes> from_base64(std::string_view text, std::size_t max);
std::optional<bytes> from_base64url(std::string_view text, std::size_t max);

/// Well-formed UTF-8 (RFC 3629: shortest forms, no surrogates) without control characters below U+0020; a newline
/// counts as one unless `newlines` allows it.
bool is_plain_utf8(std::string_view text, bool newlines = false);

/// True when `text` holds a character that Unicode counts as white space. REQUIRES: well-formed UTF-8.
bool has_unicode_space(std::string_view text);

}  // namespace tally
