#include "devices/keyboard.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tally {

namespace {

// Numbers of the kernel's interface, which never change (linux/input-event-codes.h).
constexpr std::uint16_t ev_syn = 0, ev_key = 1, syn_report = 0, syn_dropped = 3;
constexpr std::uint16_t key_enter = 28, key_left_control = 29, key_left_shift = 42, key_right_shift = 54,
                        key_caps_lock = 58, key_keypad_enter = 96, key_right_control = 97;

/// Characters of consecutive key codes; 0: none.
struct row {
  std::uint16_t first;
  std::string_view plain, shifted;
};
using namespace std::string_view_literals;
constexpr std::array rows{row{2, "1234567890-="sv, "!@#$%^&*()_+"sv},  //
                          row{15, "\t"sv, "\t"sv},
                          row{16, "qwertyuiop[]"sv, "QWERTYUIOP{}"sv},
                          row{30, "asdfghjkl;'`"sv, "ASDFGHJKL:\"~"sv},
                          row{43, "\\zxcvbnm,./"sv, "|ZXCVBNM<>?"sv},
                          row{55, "*"sv, "*"sv},
                          row{57, " "sv, " "sv},
                          row{71, "789-456+1230."sv, "789-456+1230."sv},  // keypad; a scanner means the digits
                          row{98, "/"sv, "/"sv}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

char keyboard_decoder::character(std::uint16_t code) const {
  if (code == key_enter || code == key_keypad_enter) return '\r';
  const bool shift = left_shift_ || right_shift_;
  for (const auto& r : rows) {
    if (code < r.first || code >= r.first + r.plain.size()) continue;
    const auto i = static_cast<std::size_t>(code - r.first);
    const char plain = r.plain[i];
    if (control_ && (plain == '[' || plain == '\\' || plain == ']')) return static_cast<char>(plain & 0x1F);
    if (!is_letter(plain)) return shift ? r.shifted[i] : plain;
    if (control_) return static_cast<char>(plain & 0x1F);
    return shift != caps_ ? r.shifted[i] : plain;
  }
  return 0;
}

keyboard_decoder::typed keyboard_decoder::feed(const input_key& key) {
  typed out;
  if (key.type == ev_syn) {
    if (key.code == syn_dropped) {
      reset();
      skipping_ = true;
      out.lost = true;
    } else if (key.code == syn_report) {
      skipping_ = false;
    }
    return out;
  }
  if (skipping_ || key.type != ev_key || key.value < 0 || key.value > 1) return out;
  const bool down = key.value == 1;
  switch (key.code) {
    case key_left_shift: left_shift_ = down; return out;
    case key_right_shift: right_shift_ = down; return out;
    case key_left_control:
    case key_right_control: control_ = down; return out;
    case key_caps_lock: caps_ = caps_ != down; return out;
    default: break;
  }
  if (!down) return out;
  if (const char c = character(key.code); c != 0) out.text.push_back(c);
  return out;
}

}  // namespace tally
