#include "node/json_write.hpp"

#include <array>
#include <charconv>

namespace tally {
namespace {

/// Octets of the UTF-8 character at the front (RFC 3629), 0 if there is none.
std::size_t utf8_length(std::string_view s) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  auto tail = [&](std::size_t i) { return i < s.size() && (at(i) & 0xc0) == 0x80; };
  unsigned char c = at(0);
  if (c < 0x80) return 1;
  if (c >= 0xc2 && c <= 0xdf) return tail(1) ? 2 : 0;
  if (c >= 0xe0 && c <= 0xef) {
    if (!tail(1) || !tail(2) || (c == 0xe0 && at(1) < 0xa0) || (c == 0xed && at(1) > 0x9f)) return 0;
    return 3;
  }
  if (c >= 0xf0 && c <= 0xf4) {
    if (!tail(1) || !tail(2) || !tail(3) || (c == 0xf0 && at(1) < 0x90) || (c == 0xf4 && at(1) > 0x8f)) return 0;
    return 4;
  }
  return 0;
}

bool plain_octet(char c) {
  auto u = static_cast<unsigned char>(c);
  return u >= 0x20 && u < 0x7f && c != '"' && c != '\\';
}

void append_control(std::string& out, char c) {
  static constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  auto u = static_cast<unsigned char>(c);
  out += "\\u00";
  out.push_back(digits[u >> 4]);
  out.push_back(digits[u & 15]);
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    std::size_t n = 0;
    while (n < text.size() && plain_octet(text[n]))
      ++n;
    out.append(text.substr(0, n));
    text.remove_prefix(n);
    if (text.empty()) break;
    char c = text.front();
    std::size_t take = 1;
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      append_control(out, c);
    } else if (auto length = utf8_length(text)) {
      out.append(text.substr(0, length));
      take = length;
    } else {
      out += "\xef\xbf\xbd";
    }
    text.remove_prefix(take);
  }
  out.push_back('"');
}

void json_writer::comma() {
  if (!first_) out_.push_back(',');
  first_ = false;
}

void json_writer::plain(std::string_view text) {
  comma();
  out_.append(text);
}

void json_writer::open(char bracket) {
  comma();
  out_.push_back(bracket);
  first_ = true;
}

void json_writer::close(char bracket) {
  out_.push_back(bracket);
  first_ = false;
}

void json_writer::key(std::string_view name) {
  comma();
  append_json_text(out_, name);
  out_.push_back(':');
  first_ = true;  // its value follows without a comma
}

void json_writer::value(std::int64_t v) {
  std::array<char, 24> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
  plain({text.data(), static_cast<std::size_t>(end - text.data())});
}

void json_writer::value(std::uint64_t v) {
  std::array<char, 24> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), v).ptr;
  plain({text.data(), static_cast<std::size_t>(end - text.data())});
}

void json_writer::value(std::string_view v) {
  comma();
  append_json_text(out_, v);
}

}  // namespace tally
