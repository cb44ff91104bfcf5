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

/// A card's own QR code came from a scanner: a text signed by head office, not verified yet (sync/card_qr.hpp); or a
/// scratch-off number with its covered digits (luhn.hpp).
struct card_code_scanned {
  std::string text;
  friend bool operator==(const card_code_scanned&, const card_code_scanned&) = default;
};

/// The code of a voucher: a whole one that head office signed ("TALLYV2.…", sync/voucher_code.hpp), or 6 to 40 of A-Z,
/// 0-9 and '-', as it stands after "TALLYV1:".
struct voucher_scanned {
  std::string code;
  friend bool operator==(const voucher_scanned&, const voucher_scanned&) = default;
};

/// The QR code of a receipt: its id, as it stands after "TALLYR1:", or the whole text of a code that proves it, which
/// begins with "TALLYR2.".
struct receipt_scanned {
  std::string text;
  friend bool operator==(const receipt_scanned&, const receipt_scanned&) = default;
};

/// What kind of chip answered, as far as its ATR tells (PC/SC part 3, supplemental document for contactless cards).
enum class chip_type : std::uint8_t {
  contact,           ///< a chip with contacts, ISO/IEC 7816-3
  iso14443_4,        ///< a contactless processor card
  mifare_1k,         ///< MIFARE Classic 1K
  mifare_4k,         ///< MIFARE Classic 4K
  mifare_mini,       ///<
  ultralight,        ///< MIFARE Ultralight and NTAG
  felica,            ///<
  other_contactless  ///< a storage card of another kind, ISO/IEC 15693 for one
};

/// Stable name, for screens and logs: "mifare_1k".
std::string_view chip_type_name(chip_type type);

/// A chip was read, by contact or without. Like a stripe it identifies, and proves nothing.
struct chip_read {
  std::string medium;  ///< 8 to 19 digits from our own application on the card, else "uid:" and 8 to 20 of 0-9 A-F
  std::string uid;     ///< upper-case hexadecimal; empty when the reader does not tell it (contact cards)
  chip_type type = chip_type::contact;
  friend bool operator==(const chip_read&, const chip_read&) = default;
};

/// The chip that was read is taken away.
struct chip_removed {
  friend bool operator==(const chip_removed&, const chip_removed&) = default;
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
  torn,           ///< a chip was taken away before it was read: hold it still
  silent,         ///< a chip is there and does not answer: upside down, or broken
  random_id,      ///< a phone or passport, whose number is another one each time
  occupied,       ///< another program uses the chip reader
};

/// Stable name, for logs and metrics: "too_long".
std::string_view misread_name(misread_reason reason);

/// Tell the cashier to try again.
struct misread {
  misread_reason reason = misread_reason::bad_format;
  friend bool operator==(const misread&, const misread&) = default;
};

using reader_event = std::variant<card_read, product_scanned, card_code_scanned, voucher_scanned, receipt_scanned,
                                  chip_read, chip_removed, misread>;
using reader_events = std::vector<reader_event>;

}  // namespace tally
