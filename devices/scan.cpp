#include "devices/scan.hpp"

#include <algorithm>
#include <optional>

namespace tally {

namespace {

// AIM symbology marks (ISO/IEC 15424) that matter: EAN-8, and EAN-13 with UPC-A and UPC-E.
constexpr std::string_view ean_8_mark = "]E4", upc_mark = "]E0";
constexpr std::size_t voucher_min = 6, voucher_max = 40, voucher_code_max = 160, receipt_max = 80,
                      receipt_proof_max = 440;

/// Whether the last digit makes the weighted sum a multiple of ten; any length.
bool gs1_check(std::string_view digits) {
  int sum = 0;
  int weight = 1;
  for (auto it = digits.rbegin(); it != digits.rend(); ++it) {
    sum += (*it - '0') * weight;
    weight = 4 - weight;
  }
  return sum % 10 == 0;
}

/// UPC-E to UPC-A (GS1 General Specifications, 5.2.2.4.2): number system, six digits, check digit.
std::string spread_upc_e(std::string_view e) {
  const std::string d(e.substr(1, 6));
  std::string body;
  switch (d[5]) {
    case '0':
    case '1':
    case '2': body = d.substr(0, 2) + d[5] + "0000" + d.substr(2, 3); break;
    case '3': body = d.substr(0, 3) + "00000" + d.substr(3, 2); break;
    case '4': body = d.substr(0, 4) + "00000" + d[4]; break;
    default: body = d.substr(0, 5) + "0000" + d[5];
  }
  return std::string(1, e[0]) + body + e[7];
}

/// Eight digits are an EAN-8 or a UPC-E, and some are both. Of those that begin with 0 none is given to a product as
/// EAN-8, so they are UPC-E, unless the scanner says what it read.
std::optional<std::string> product_of_8(std::string_view digits, std::string_view symbology) {
  std::optional<std::string> ean, upc;
  if (gs1_check(digits)) ean = std::string(digits);
  if (digits[0] == '0' || digits[0] == '1')
    if (const auto a = spread_upc_e(digits); gs1_check(a)) upc = "0" + a;
  if (symbology == ean_8_mark) return ean;
  const bool upc_first = digits[0] == '0' || symbology == upc_mark;
  return upc && (upc_first || !ean) ? upc : ean;
}

std::optional<std::string> product_of(std::string_view digits, std::string_view symbology) {
  if (digits.size() == 8) return product_of_8(digits, symbology);
  if (digits.size() == 13 && gs1_check(digits)) return std::string(digits);
  if (digits.size() == 12 && gs1_check(digits)) return "0" + std::string(digits);
  // A GTIN-14 whose first digit is not 0 is a carton, which nobody sells by the piece.
  if (digits.size() == 14 && digits[0] == '0' && gs1_check(digits)) return std::string(digits.substr(1));
  return std::nullopt;
}

bool is_product_length(std::size_t n) { return n == 8 || n == 12 || n == 13 || n == 14; }

bool is_card(std::string_view digits, const scan_options& o) {
  if (digits.size() < o.digits_min || digits.size() > o.digits_max) return false;
  return std::any_of(o.card_prefixes.begin(), o.card_prefixes.end(),
                     [&](const std::string& p) { return !p.empty() && digits.starts_with(p); });
}

reader_event marked(std::string_view text) {
  const auto rest = text.substr(voucher_mark.size());  // the marks are of one length
  static_assert(card_code_mark.size() == voucher_mark.size() && card_code_mark_2.size() == voucher_mark.size() &&
                receipt_mark.size() == voucher_mark.size() && receipt_proof_mark.size() == voucher_mark.size());
  if (text.starts_with(card_code_mark) || text.starts_with(card_code_mark_2))
    return card_code_scanned{std::string(text)};
  if (text.starts_with(voucher_code_mark)) {
    if (rest.empty() || text.size() > voucher_code_max) return misread{misread_reason::bad_format};
    return voucher_scanned{std::string(text)};
  }
  if (text.starts_with(receipt_proof_mark)) {
    if (rest.empty() || text.size() > receipt_proof_max) return misread{misread_reason::bad_format};
    return receipt_scanned{std::string(text)};
  }
  if (text.starts_with(receipt_mark)) {
    if (rest.empty() || rest.size() > receipt_max) return misread{misread_reason::bad_format};
    return receipt_scanned{std::string(rest)};
  }
  const bool plain = std::all_of(rest.begin(), rest.end(),
                                 [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!plain || rest.size() < voucher_min || rest.size() > voucher_max) return misread{misread_reason::bad_format};
  return voucher_scanned{std::string(rest)};
}

/// Length of the element at the front, its identifier included: fixed for some (GS1 General Specifications, 7.8.5),
/// else up to the next FNC1.
std::size_t element_length(std::string_view text) {
  struct fixed {
    std::string_view from, to;
    std::size_t length;
  };
  static constexpr fixed table[] = {{"00", "00", 20}, {"01", "03", 16}, {"04", "04", 18}, {"11", "19", 8},
                                    {"20", "20", 4},  {"31", "36", 10}, {"41", "41", 16}};
  const auto ai = text.substr(0, 2);
  for (const auto& f : table)
    if (ai >= f.from && ai <= f.to) return f.length;
  return text.find('\x1D');
}

/// What stands behind the elements in front of AI 01; the text itself when there is none.
std::string_view from_gtin(std::string_view text) {
  for (auto rest = text; !rest.empty();) {
    if (rest.starts_with("01")) return rest;
    const auto n = element_length(rest);
    if (n >= rest.size()) break;
    rest.remove_prefix(n);
    if (rest.front() == '\x1D') rest.remove_prefix(1);
  }
  return text;
}

/// The GTIN of a GS1 element string; the text itself when it is none.
std::string_view gtin_of(std::string_view text) {
  if (text.starts_with("(01)") && text.size() >= 18) return text.substr(4, 14);
  if (text.size() >= 16 && text.starts_with("01") && all_digits(text.substr(0, 16)) && gs1_check(text.substr(2, 14)))
    return text.substr(2, 14);
  return text;
}

}  // namespace

bool ean_valid(std::string_view ean) {
  return (ean.size() == 8 || ean.size() == 13) && all_digits(ean) && gs1_check(ean);
}

reader_event recognise_scan(std::string_view text, const scan_options& options) {
  const bool gs1 =
      text.starts_with("]C1") || text.starts_with("]Q3") || text.starts_with("]d2") || text.starts_with("]e0");
  std::string_view symbology;
  if (text.size() > 3 && text.front() == ']') {
    symbology = text.substr(0, 3);
    text.remove_prefix(3);
  }
  // FNC1 between the elements of a GS1 code comes as GS (1Dh).
  const bool printable =
      std::all_of(text.begin(), text.end(), [&](char c) { return (c >= 0x20 && c < 0x7F) || (gs1 && c == 0x1D); });
  if (!printable) return misread{misread_reason::bad_character};
  if (text.starts_with(card_code_mark) || text.starts_with(card_code_mark_2) || text.starts_with(voucher_mark) ||
      text.starts_with(voucher_code_mark) || text.starts_with(receipt_mark) || text.starts_with(receipt_proof_mark))
    return marked(text);
  if (gs1) text = from_gtin(text);
  if (gs1 || text.starts_with("(01)")) text = gtin_of(text);
  if (const auto scratch = parse_scratch_number(text); scratch && is_card(scratch->number, options))
    return card_code_scanned{std::string(text)};
  if (!all_digits(text)) return misread{misread_reason::unknown_code};
  const bool card = is_card(text, options);
  if (card && luhn_valid(text)) return card_read{std::string(text), 0};
  if (auto product = product_of(text, symbology)) return product_scanned{std::move(*product)};
  if (card) return misread{misread_reason::bad_number};
  // A carton's number is right, and no product of a till.
  const bool broken = is_product_length(text.size()) && !gs1_check(text);
  return misread{broken ? misread_reason::bad_check : misread_reason::unknown_code};
}

}  // namespace tally
