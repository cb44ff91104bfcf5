#pragma once
#include <cstdint>
#include <string>

#include "ledger/types.hpp"

namespace tally {

/// One event of a Linux input device (input_event of <linux/input.h> without its time).
struct input_key {
  std::uint16_t type = 0;  ///< EV_SYN 0, EV_KEY 1; others are ignored
  std::uint16_t code = 0;  ///< KEY_… or SYN_…
  std::int32_t value = 0;  ///< of a key: 0 up, 1 down, 2 repeated
};

/// Text typed by a reader or scanner that pretends to be a keyboard (HID), in its factory setting: a US keyboard.
/// Both shift keys, caps lock, the numeric keypad and control+letter count; both enter keys give CR; other keys give
/// nothing. A key held down is one character.
///
/// Pure: events in, bytes out. One owner; not thread-safe. `lost` is set when the kernel dropped events (SYN_DROPPED):
/// what was typed since the last line end is incomplete, and so is what comes up to the next one; events up to the next
/// report are skipped.
class keyboard_decoder {
public:
  struct typed {
    bytes text;
    bool lost = false;
  };

  [[nodiscard]] typed feed(const input_key& key);
  /// The device was unplugged: no key is down.
  void reset() { *this = keyboard_decoder{}; }

private:
  [[nodiscard]] char character(std::uint16_t code) const;

  bool left_shift_ = false, right_shift_ = false, control_ = false, caps_ = false;
  bool skipping_ = false;
};

}  // namespace tally
