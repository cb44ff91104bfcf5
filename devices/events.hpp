#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tally {

/// A card number came from a reader. It identifies, and proves nothing: a stripe and a barcode can be copied.
struct card_read {
  std::string number;             ///< 8 to 19 digits
  std::uint8_t source_track = 0;  ///< 1 or 2: magnetic stripe; 0: barcode
  friend bool operator==(const card_read&, const card_read&) = default;
};

/// A product's number came from a scanner; its check digit holds.
struct product_scanned {
  std::string ean;  ///< 13 digits (EAN-13, or UPC-A with a leading 0) or 8 digits (EAN-8)
  friend bool operator==(const product_scanned&, const product_scanned&) = default;
};

/// Why something that came from a reader or scanner was thrown away.
enum class misread_reason : std::uint8_t {
  too_long,       ///< longer than the buffer, or than the standard allows for that track
  incomplete,     ///< the end never came
  bad_character,  ///< a byte that this code cannot hold
  bad_format,     ///< the fields are not where the standard puts them; also a reader's own error mark (";E?")
  bad_number,     ///< a card number of the wrong length, or not digits, or failing its check digit
  bad_check,      ///< the LRC of a track or the check digit of a product number does not fit
  tracks_differ,  ///< tracks 1 and 2 of one swipe hold different numbers
  unknown_code,   ///< neither a product number nor one of our cards
};

/// Stable name, for logs and metrics: "too_long".
std::string_view misread_name(misread_reason reason);

/// Tell the cashier to try again.
struct misread {
  misread_reason reason = misread_reason::bad_format;
  friend bool operator==(const misread&, const misread&) = default;
};

using reader_event = std::variant<card_read, product_scanned, misread>;
using reader_events = std::vector<reader_event>;

}  // namespace tally
