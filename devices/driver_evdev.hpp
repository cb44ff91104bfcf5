#pragma once
#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "devices/driver_fd.hpp"
#include "devices/keyboard.hpp"
#include "ledger/result.hpp"

namespace tally {

struct evdev_options {
  std::string device;  ///< as resolve_device: a path below /dev/input, "usb:VENDOR:PRODUCT" or "name:TEXT"
  tick_ms retry_interval_ms = 300;
};

/// A reader or scanner that pretends to be a keyboard, through the kernel's event interface. While it is open it is
/// grabbed: what it types reaches nobody else, no console and no desktop. Unplugged and back is normal.
///
/// Owns one thread, from `start` to `stop` or the destructor. Callbacks run on it; they must not throw and must not
/// call `stop`. `on_key` gets each event in order, a SYN_DROPPED too; `on_state` the first state and every change.
class evdev_keyboard {
public:
  enum class state : std::uint8_t {
    ready,
    unplugged,
    denied,  ///< it is there, and may not be opened, or another program has grabbed it
  };
  struct callbacks {
    std::function<void(const input_key&)> on_key;
    std::function<void(state)> on_state;
  };

  evdev_keyboard(evdev_options options, callbacks calls);
  ~evdev_keyboard() { stop(); }
  evdev_keyboard(const evdev_keyboard&) = delete;
  evdev_keyboard& operator=(const evdev_keyboard&) = delete;

  /// Starts reading; a device that is away is no error. `bad_config` for a name that is none. REQUIRES: not started.
  status start();
  void stop();

private:
  void run();
  state serve();
  void report(state s);

  evdev_options options_;
  callbacks calls_;
  wakeup wake_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> told_{-1};
  std::thread thread_;
};

/// Whether an open file is an input device that types digits: no mouse, no other file.
bool types_digits(int fd);

/// "ready", "unplugged", "denied".
std::string_view evdev_state_name(evdev_keyboard::state s);

}  // namespace tally
