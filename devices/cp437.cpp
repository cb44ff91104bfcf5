#include "devices/cp437.hpp"

#include <algorithm>
#include <array>

namespace tally {

namespace {

/// Code points of 0x80 to 0xFF, as in the Unicode Consortium's mapping file CP437.TXT.
constexpr std::array<char16_t, 128> upper_half{
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE,
    0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6,
    0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA,
    0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514,
    0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518, 0x250C,
    0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4,
    0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x00A0};

struct decoded {
  char32_t code = 0;
  std::size_t length = 1;
  bool ok = false;
};

/// One code point (RFC 3629): no overlong form, no surrogate, nothing above U+10FFFF.
decoded decode_one(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    code = (code << 6) | (next & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return {code, length, !overlong && !surrogate && code <= 0x10FFFF};
}

void append_utf8(std::string& out, char16_t code) {
  const auto unit = [&](unsigned value) { out.push_back(static_cast<char>(value)); };
  if (code < 0x80) {
    unit(code);
  } else if (code < 0x800) {
    unit(0xC0U | (code >> 6));
    unit(0x80U | (code & 0x3FU));
  } else {
    unit(0xE0U | (code >> 12));
    unit(0x80U | ((code >> 6) & 0x3FU));
    unit(0x80U | (code & 0x3FU));
  }
}

}  // namespace

std::string cp437_from_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const decoded d = decode_one(text);
    text.remove_prefix(d.ok ? d.length : 1);
    const auto* found = std::find(upper_half.begin(), upper_half.end(), d.code);
    if (d.ok && d.code >= 0x20 && d.code < 0x7F)
      out.push_back(static_cast<char>(d.code));
    else if (d.ok && found != upper_half.end())
      out.push_back(static_cast<char>(0x80 + (found - upper_half.begin())));
    else
      out.push_back('?');
  }
  return out;
}

std::string utf8_from_cp437(std::string_view data) {
  std::string out;
  out.reserve(data.size());
  for (const char c : data) {
    const auto byte = static_cast<unsigned char>(c);
    append_utf8(out, byte < 0x80 ? char16_t{byte} : upper_half[byte - 0x80U]);
  }
  return out;
}

}  // namespace tally
