#pragma once
#include <string>
#include <string_view>

#include "devices/charset.hpp"
#include "ledger/types.hpp"

namespace tally {

/// A customer display of two lines of twenty characters, as on most poles (Epson DM-D and those that copy it). Pure.
inline constexpr std::size_t display_columns = 20;

/// Two lines as they are to stand there: cut to the width, in UTF-8.
struct display_text {
  std::string upper, lower;
  friend bool operator==(const display_text&, const display_text&) = default;
};

/// Left and right on one line, the right one whole; the left is cut where they do not fit.
std::string display_row(std::string_view left, std::string_view right, const text_codec& codec);

/// The bytes to send: reset, code page (displays for codes of two octets have but theirs), clear, both lines filled up
/// with spaces. Never longer than 64 octets.
bytes encode_display(const display_text& text, const text_codec& codec);

}  // namespace tally
