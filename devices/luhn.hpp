#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tally {

/// Shortest and longest card number taken anywhere here (ISO/IEC 7812-1 allows up to 19 digits).
inline constexpr std::size_t card_digits_min = 8;
inline constexpr std::size_t card_digits_max = 19;

/// True when `text` is not empty and holds only '0' to '9'.
bool all_digits(std::string_view text);

/// ISO/IEC 7812-1 annex B: the last digit makes the weighted sum a multiple of ten. False for fewer than two
/// digits and for anything that is not a digit.
bool luhn_valid(std::string_view number);

/// The digit to append to `payload` so that `luhn_valid` holds; nothing when `payload` is empty or not all digits.
std::optional<char> luhn_digit(std::string_view payload);

/// A scratch-off number: the number on the card, a full stop, and the 8 digits that lie under its coating,
/// "9704000012345678.48291357". The number alone opens nothing; the digits show that the card was in hand.
inline constexpr std::size_t scratch_digits = 8;
struct scratch_number {
  std::string_view number, covered;  ///< both point into the text
};
/// Nothing unless the number passes Luhn and the covered digits are as many as they must be.
std::optional<scratch_number> parse_scratch_number(std::string_view text);

/// What may be shown, printed or logged of a card number: "**** 9123". Of a number as head office draws them, 16 digits
/// that pass Luhn, these are the end of its serial number: the four behind them are secret, and the last one follows
/// from them. Of any other number they are its last ones; one shorter than 8 characters shows nothing of itself,
/// "****"; and of a scratch-off number the covered digits are never shown.
std::string mask_number(std::string_view number);

}  // namespace tally
