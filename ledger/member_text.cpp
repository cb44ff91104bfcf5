#include "ledger/member_text.hpp"

#include "ledger/han.hpp"

namespace tally {
namespace {

constexpr char32_t first_syllable = 0xAC00, last_syllable = 0xD7A3;
constexpr int marks_max = 4;

struct span32 {
  char32_t from, to;
};
template <std::size_t N>
constexpr bool within(char32_t c, const span32 (&list)[N]) {
  for (const auto& s : list)
    if (c >= s.from && c <= s.to) return true;
  return false;
}

// Controls; marks that turn the direction of text or cannot be seen; what is private or never assigned.
constexpr span32 refused[] = {
    {0x00, 0x1F},     {0x7F, 0x9F},       {0xAD, 0xAD},       {0x034F, 0x034F}, {0x061C, 0x061C}, {0x115F, 0x1160},
    {0x17B4, 0x17B5}, {0x180B, 0x180F},   {0x200B, 0x200B},   {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
    {0x3164, 0x3164}, {0xE000, 0xF8FF},   {0xFDD0, 0xFDEF},   {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFF}, {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF}};
constexpr span32 marks[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
                            {0x0E31, 0x0E31}, {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},
                            {0x20D0, 0x20FF}, {0x302A, 0x302F}, {0x3099, 0x309A}, {0xFE20, 0xFE2F}};
constexpr span32 unspaced[] = {{0x3005, 0x3007},
                               {0x3041, 0x30FF},
                               {0x3400, 0x4DBF},
                               {0x4E00, 0x9FFF},
                               {0xF900, 0xFAFF},
                               {0x20000, 0x323AF},
                               {first_syllable, last_syllable}};

constexpr bool is_blank(char32_t c) { return c == ' ' || c == 0xA0 || (c >= 0x2000 && c <= 0x200A) || c == 0x3000; }

// U+00C0 to U+017F without their accents, small; a dot: the letter stands for itself.
constexpr std::u32string_view plain_latin =
    U"aaaaaa.ceeeeiiiidnooooo.ouuuuy.."
    U"aaaaaa.ceeeeiiiidnooooo.ouuuuy.y"
    U"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkkkllllllllll"
    U"nnnnnnnnnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(plain_latin.size() == 0x180 - 0xC0);

char32_t plain(char32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFEE0;  // full width
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (is_blank(c)) return ' ';
  if (c >= 0xC0 && c < 0x180) {
    auto letter = plain_latin[c - 0xC0];
    if (letter != '.') return letter;
    return c >= 0xC0 && c <= 0xDE && c != 0xD7 ? c + 32 : c == 0x132 || c == 0x152 ? c + 1 : c;
  }
  if (c >= 0x391 && c <= 0x3A9) return c + 32;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if (c >= 0x30A1 && c <= 0x30F6) return c - 0x60;  // katakana as hiragana
  return c;
}

constexpr bool is_leading(char32_t c) { return c >= 0x1100 && c <= 0x1112; }
constexpr bool is_vowel(char32_t c) { return c >= 0x1161 && c <= 0x1175; }
constexpr bool is_trailing(char32_t c) { return c >= 0x11A8 && c <= 0x11C2; }

// The 19 initial consonants as letters that stand alone.
constexpr std::u32string_view initials = U"ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ";
static_assert(initials.size() == 19);

}  // namespace

std::optional<std::u32string> decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    auto b = static_cast<std::uint8_t>(text[i]);
    int more = b < 0x80 ? 0 : b >= 0xC2 && b < 0xE0 ? 1 : b >= 0xE0 && b < 0xF0 ? 2 : b >= 0xF0 && b < 0xF5 ? 3 : -1;
    if (more < 0 || text.size() - i <= static_cast<std::size_t>(more)) return std::nullopt;
    char32_t c = more == 0 ? b : b & (0x3F >> more);
    for (int k = 1; k <= more; ++k) {
      auto next = static_cast<std::uint8_t>(text[i + static_cast<std::size_t>(k)]);
      if ((next & 0xC0) != 0x80) return std::nullopt;
      c = c << 6 | (next & 0x3F);
    }
    if ((more == 2 && c < 0x800) || (more == 3 && c < 0x10000) || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
      return std::nullopt;
    out += c;
    i += static_cast<std::size_t>(more) + 1;
  }
  return out;
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  auto tail = [&](char32_t c, int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  for (auto c : text) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xC0 | c >> 6);
      tail(c, 0);
    } else if (c < 0x10000) {
      out += static_cast<char>(0xE0 | c >> 12);
      tail(c, 6);
      tail(c, 0);
    } else {
      out += static_cast<char>(0xF0 | c >> 18);
      tail(c, 12);
      tail(c, 6);
      tail(c, 0);
    }
  }
  return out;
}

bool is_clean_text(std::string_view text, bool newlines) {
  auto points = decode_utf8(text);
  if (!points) return false;
  int piled = 0;
  for (auto c : *points) {
    if (c == '\n' && newlines) continue;
    if (within(c, refused) || (c & 0xFFFE) == 0xFFFE) return false;
    piled = within(c, marks) ? piled + 1 : 0;
    if (piled > marks_max) return false;
  }
  auto edge = [](char32_t c) { return is_blank(c) || c == '\n'; };
  return points->empty() || (!edge(points->front()) && !edge(points->back()) && !within(points->front(), marks));
}

std::u32string fold_text(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (auto raw : text) {
    auto c = simplified(plain(raw));
    if (c >= 0x300 && c <= 0x36F) continue;
    // Some systems take Hangul apart.
    if (!out.empty() && is_vowel(c) && is_leading(out.back())) {
      out.back() = first_syllable + ((out.back() - 0x1100) * 21 + (c - 0x1161)) * 28;
    } else if (!out.empty() && is_trailing(c) && out.back() >= first_syllable && out.back() <= last_syllable &&
               (out.back() - first_syllable) % 28 == 0) {
      out.back() += c - 0x11A7;
    } else {
      out += c;
    }
  }
  return out;
}

bool is_unspaced(char32_t c) { return within(c, unspaced); }

char32_t initial_of(char32_t c) {
  return c >= first_syllable && c <= last_syllable ? initials[(c - first_syllable) / (21 * 28)] : 0;
}

bool is_initial(char32_t c) { return initials.find(c) != std::u32string_view::npos; }

}  // namespace tally
