#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "devices/events.hpp"
#include "devices/luhn.hpp"

namespace tally {

/// What the scanner is set to send after each code.
enum class scan_suffix : std::uint8_t { any, cr, lf, crlf };

struct scan_options {
  scan_suffix suffix = scan_suffix::any;     ///< `any`: CR, LF or CRLF
  std::vector<std::string> card_prefixes{};  ///< digits our card numbers start with; none: no plain barcode is a card
  std::size_t digits_min = card_digits_min;
  std::size_t digits_max = card_digits_max;
};

/// How our own two-dimensional codes begin. What follows a card's is judged by sync/card_qr.hpp.
inline constexpr std::string_view card_code_mark = "TALLYC1.", card_code_mark_2 = "TALLYC2.";
inline constexpr std::string_view voucher_mark = "TALLYV1:", voucher_code_mark = "TALLYV2.";
inline constexpr std::string_view receipt_mark = "TALLYR1:";
/// A receipt's code that proves it, all of which is judged by sync/receipt_code.hpp.
inline constexpr std::string_view receipt_proof_mark = "TALLYR2.";

/// True for 8 or 13 digits whose last one is the GS1 check digit (GS1 General Specifications, 7.9).
bool ean_valid(std::string_view ean);

/// What one scanned text is, by its content alone, so that cards, products and vouchers can share a scanner. In
/// this order: our own marks; a scratch-off number (luhn.hpp) whose number would be a card; a card (digits of the
/// configured length that start with a configured prefix and pass Luhn, so choose prefixes that no product has); a
/// product: EAN-13, EAN-8, UPC-A (12 digits, becomes an EAN-13 with a leading 0), UPC-E (8 digits, number system 0
/// or 1, spread to UPC-A; before EAN-8 when it begins with 0), a GTIN-14 of a single item, and the GTIN of a GS1 code
/// ("(01)" with or without brackets). An AIM symbology mark (ISO/IEC 15424) is skipped; it tells EAN-8 ("]E4")
/// from UPC-E ("]E0").
///
/// Pure. The answer is never a stripe's or a chip's event. `misread` says why a text is nothing.
reader_event recognise_scan(std::string_view text, const scan_options& options);

}  // namespace tally
