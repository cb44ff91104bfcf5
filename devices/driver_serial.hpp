#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "devices/driver_fd.hpp"
#include "ledger/result.hpp"

namespace tally {

struct serial_options {
  std::string path;      ///< a tty: /dev/ttyUSB0, a pty, a link to one, or as resolve_device: "usb:VENDOR:PRODUCT"
  unsigned baud = 9600;  ///< 1200 to 115200, one of the usual rates
  tick_ms retry_interval_ms = 300;
};

/// How the two ends of a line tell each other to wait.
enum class line_flow : std::uint8_t {
  none,      ///< they do not: what does not fit the other's buffer is lost
  xonxoff,   ///< by the octets 13h and 11h, which whoever owns the line obeys: many adapters and drivers do not
  hardware,  ///< by the lines RTS and CTS. Nothing is ever sent while CTS is not wired
};

/// One of the usual rates, 1200 to 115200.
[[nodiscard]] bool is_baud_rate(unsigned baud);
[[nodiscard]] bool is_terminal(int fd);
/// Sets an open tty to raw, 8N1, that rate and `hardware` or no flow control, and keeps others out until
/// `give_up_line`. 11h and 13h come through as data. What comes in is passed on at once where an adapter would wait
/// for more. A break or an octet with a wrong stop bit is no data. What stopped the line before does not count.
/// False: it is gone, or no tty.
/// REQUIRES: is_baud_rate(baud).
[[nodiscard]] bool set_up_line(int fd, unsigned baud, line_flow flow = line_flow::none);
/// Before it is closed: lets others in.
void give_up_line(int fd);
/// Whether the wire CTS lets us send. Nothing: this tty has no such wire (a pseudo-terminal), or does not tell.
[[nodiscard]] std::optional<bool> clear_to_send(int fd);

/// Reads a serial line, 8N1 and raw, and keeps reading over unplugging: while the device is away it is opened again
/// every `retry_interval_ms`.
///
/// Owns one thread, from `start` to `stop` or the destructor. Both callbacks run on that thread; they must not
/// throw, and must not call `stop`. `on_bytes` gets 1 to 4096 bytes as they came. `on_state` tells the first
/// state and every change: true plugged in, false away. Reads no faster than `on_bytes` returns, so nothing
/// piles up here. `write` may come from any thread.
class serial_port {
public:
  struct callbacks {
    std::function<void(std::string)> on_bytes;
    std::function<void(bool plugged)> on_state;
  };

  serial_port(serial_options options, callbacks calls);
  ~serial_port();
  serial_port(const serial_port&) = delete;
  serial_port& operator=(const serial_port&) = delete;

  /// Starts reading; a device that is away is no error. `bad_config` for a baud rate that does not exist or an empty
  /// path. REQUIRES: not started.
  status start();
  /// Ends the thread and closes the device, within what one callback takes. Harmless when not started.
  void stop();
  /// Sends a short text, as much as the line takes at once. `offline` while the device is away; `busy` when it did not
  /// take all.
  status write(byte_view data);

private:
  void run();
  void set_open(int fd);
  unique_fd open_port() const;
  void read_until_gone(int fd);
  void report(bool plugged);

  serial_options options_;
  callbacks calls_;
  wakeup wake_;
  std::atomic<bool> stopping_{false};
  std::mutex open_mutex_;
  int open_ = -1;                                                                   // the descriptor while it is open
  enum class told : std::uint8_t { nothing, plugged, away } told_ = told::nothing;  // thread only
  std::thread thread_;
};

}  // namespace tally
