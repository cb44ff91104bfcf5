#include "devices/charset.hpp"

#include <unicode/ucnv.h>

#include <algorithm>
#include <array>

#include "ledger/result.hpp"

namespace tally {

namespace {

struct row {
  charset set;
  std::string_view name;
  const char* icu;
};
constexpr std::array rows{row{charset::cp437, "cp437", "ibm-437"},        row{charset::cp858, "cp858", "ibm-858"},
                          row{charset::cp852, "cp852", "ibm-852"},        row{charset::cp866, "cp866", "ibm-866"},
                          row{charset::cp1252, "cp1252", "ibm-5348"},     row{charset::gb18030, "gb18030", "gb18030"},
                          row{charset::big5, "big5", "windows-950-2000"}, row{charset::euc_kr, "euc-kr", "ibm-970"}};

constexpr char32_t bad = 0xFFFFFFFF;

struct code_point {
  char32_t code = bad;
  std::size_t length = 1;
};

/// One code point (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF.
code_point decode_one(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto unit = static_cast<unsigned char>(text[i]);
    if ((unit & 0xC0) != 0x80) return {};
    code = (code << 6) | (unit & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {};
  return {code, length};
}

void append_utf8(std::string& out, char32_t code) {
  const auto unit = [&](char32_t value) { out.push_back(static_cast<char>(value)); };
  if (code < 0x80) return unit(code);
  if (code < 0x800) {
    unit(0xC0U | (code >> 6));
  } else {
    if (code < 0x10000) {
      unit(0xE0U | (code >> 12));
    } else {
      unit(0xF0U | (code >> 18));
      unit(0x80U | ((code >> 12) & 0x3FU));
    }
    unit(0x80U | ((code >> 6) & 0x3FU));
  }
  unit(0x80U | (code & 0x3FU));
}

/// East Asian codes have some signs of currencies in full width only.
char32_t full_width_form(char32_t code) {
  switch (code) {
    case 0x00A5: return 0xFFE5;
    case 0x20A9: return 0xFFE6;
    default: return bad;
  }
}

/// What is printed for a character that the code lacks.
char plain_form(char32_t code) {
  switch (code) {
    case 0x00A0:
    case 0x2002:
    case 0x2003:
    case 0x2009:
    case 0x202F:
    case 0x3000: return ' ';
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212: return '-';
    case 0x2018:
    case 0x2019: return '\'';
    case 0x201C:
    case 0x201D: return '"';
    case 0x00D7: return 'x';
    default: return '?';
  }
}

bool is_control(char32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

}  // namespace

std::string_view charset_name(charset set) { return rows[static_cast<std::size_t>(set)].name; }

std::optional<charset> charset_named(std::string_view name) {
  for (const auto& r : rows)
    if (r.name == name) return r.set;
  return std::nullopt;
}

struct text_codec::converter {
  explicit converter(const char* name) {
    UErrorCode problem = U_ZERO_ERROR;
    icu = ::ucnv_open(name, &problem);
    invariant(U_SUCCESS(problem), "ICU knows the printers' codes");
    ::ucnv_setFromUCallBack(icu, UCNV_FROM_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &problem);
    ::ucnv_setToUCallBack(icu, UCNV_TO_U_CALLBACK_SUBSTITUTE, nullptr, nullptr, nullptr, &problem);
    // One character, one code: no best fit, which would print a lookalike.
    ::ucnv_setFallback(icu, false);
    invariant(U_SUCCESS(problem), "ICU's converters can be set up");
  }
  ~converter() { ::ucnv_close(icu); }
  converter(const converter&) = delete;
  converter& operator=(const converter&) = delete;

  /// Empty when the code lacks it.
  bytes code_of(char32_t code) const {
    std::array<UChar, 2> units{};
    int count = 1;
    if (code < 0x10000) {
      units[0] = static_cast<UChar>(code);
    } else {
      units[0] = static_cast<UChar>(0xD7C0 + (code >> 10));
      units[1] = static_cast<UChar>(0xDC00 + (code & 0x3FF));
      count = 2;
    }
    std::array<char, 8> out{};
    UErrorCode problem = U_ZERO_ERROR;
    const auto n = ::ucnv_fromUChars(icu, out.data(), out.size(), units.data(), count, &problem);
    if (U_FAILURE(problem) || n <= 0) return {};
    return {out.data(), static_cast<std::size_t>(n)};
  }

  UConverter* icu = nullptr;
};

text_codec::text_codec(charset set)
    : set_(set), converter_(std::make_unique<converter>(rows[static_cast<std::size_t>(set)].icu)) {}
text_codec::~text_codec() = default;
text_codec::text_codec(text_codec&&) noexcept = default;
text_codec& text_codec::operator=(text_codec&&) noexcept = default;

text_codec::piece text_codec::next(std::string_view utf8) const {
  const auto at = decode_one(utf8);
  if (at.code == bad || is_control(at.code)) return {"?", "?", at.length};
  if (at.code < 0x7F) {
    const auto c = static_cast<char>(at.code);
    return {bytes(1, c), std::string(1, c), 1};
  }
  auto coded = converter_->code_of(at.code);
  if (const auto wide = full_width_form(at.code); coded.empty() && wide != bad) {
    coded = converter_->code_of(wide);
    if (!coded.empty()) {
      std::string shown;
      append_utf8(shown, wide);
      return {std::move(coded), std::move(shown), at.length};
    }
  }
  const bool commands =
      std::any_of(coded.begin(), coded.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (coded.empty() || commands) {
    const char c = plain_form(at.code);
    return {bytes(1, c), std::string(1, c), at.length};
  }
  return {std::move(coded), std::string(utf8.substr(0, at.length)), at.length};
}

bytes text_codec::encode(std::string_view utf8) const {
  bytes out;
  while (!utf8.empty()) {
    const auto p = next(utf8);
    out += p.coded;
    utf8.remove_prefix(p.length);
  }
  return out;
}

std::size_t text_codec::columns(std::string_view utf8) const {
  std::size_t n = 0;
  while (!utf8.empty()) {
    const auto p = next(utf8);
    n += p.coded.size() > 1 ? 2 : 1;
    utf8.remove_prefix(p.length);
  }
  return n;
}

std::string text_codec::fit(std::string_view utf8, std::size_t columns_max) const {
  std::size_t end = 0, used = 0;
  while (end < utf8.size()) {
    const auto p = next(utf8.substr(end));
    used += p.coded.size() > 1 ? 2 : 1;
    if (used > columns_max) break;
    end += p.length;
  }
  return std::string(utf8.substr(0, end));
}

std::string text_codec::shown(std::string_view utf8) const {
  std::string out;
  while (!utf8.empty()) {
    const auto p = next(utf8);
    out += p.shown;
    utf8.remove_prefix(p.length);
  }
  return out;
}

std::string text_codec::decode(byte_view coded) const {
  std::string out;
  while (!coded.empty()) {
    // ICU takes some controls for its own; a printer's stay what they are.
    const auto end =
        std::find_if(coded.begin(), coded.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    const auto plain = static_cast<std::size_t>(end - coded.begin());
    out.append(coded.substr(0, plain));
    coded.remove_prefix(plain);
    if (coded.empty()) break;
    UErrorCode problem = U_ZERO_ERROR;
    const char* at = coded.data();
    ::ucnv_reset(converter_->icu);
    const auto code = ::ucnv_getNextUChar(converter_->icu, &at, coded.data() + coded.size(), &problem);
    const bool good = U_SUCCESS(problem) && at > coded.data();
    append_utf8(out, good ? static_cast<char32_t>(code) : 0xFFFD);
    coded.remove_prefix(good ? static_cast<std::size_t>(at - coded.data()) : 1);
  }
  return out;
}

}  // namespace tally
