#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "devices/driver_fd.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

struct printer_link_options {
  tick_ms connect_timeout_ms = 3000;
  tick_ms stall_timeout_ms = 60000;  ///< bytes wait to be sent and the printer takes none: disconnect
  tick_ms backoff_min_ms = 250;      ///< wait after the first failure; doubled up to the maximum
  tick_ms backoff_max_ms = 5000;
  std::size_t queue_bytes_max = 256 * 1024;
};

/// The two-way wire to a receipt printer. Connects, and connects again for as long as it lives.
///
/// Owns one thread, from `start` to `stop`. The callbacks run on that thread, one at a time; they must not throw, and
/// must not call `stop`; they may call `send` and `drop`. `on_connected` and `on_disconnected` alternate; `on_bytes`
/// gets 1 to 4096 bytes and comes between them. `send` and `drop` may come from any thread. Sent does not mean
/// printed: bytes queued or on the wire are lost with the connection, and nothing is sent twice.
class printer_link {
public:
  struct callbacks {
    std::function<void()> on_connected;
    std::function<void()> on_disconnected;
    std::function<void(std::string)> on_bytes;
  };

  virtual ~printer_link() = default;  // each kind calls `stop` in its own destructor
  printer_link(const printer_link&) = delete;
  printer_link& operator=(const printer_link&) = delete;

  /// Starts connecting; a printer that is away is no error. `bad_config` for an address that is none.
  /// REQUIRES: not started.
  status start();
  /// Ends the thread and the connection, within what one callback takes; reports `on_disconnected` if it was
  /// connected.
  void stop();

  /// Queues bytes: all or, with `busy`, none when the queue would pass its bound. `offline` when not connected.
  status send(byte_view data);

  /// Closes the connection, which is then made anew.
  void drop();

protected:
  printer_link(const printer_link_options& options, callbacks calls);

  /// Whether the address can be one at all.
  [[nodiscard]] virtual status check() const = 0;
  /// One try, at most `connect_timeout_ms`, non-blocking afterwards; nothing when the printer is away.
  [[nodiscard]] virtual unique_fd connect_once() = 0;
  /// Whether read(2) says 0 for the other side's end, or only that there is nothing now.
  [[nodiscard]] virtual bool ends_with_nothing(int) const { return true; }
  /// As write(2).
  [[nodiscard]] virtual long write_some(int fd, byte_view data) const;

  [[nodiscard]] const wakeup& wake() const { return wake_; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  printer_link_options waits_;

private:
  void run();
  void serve(int fd);
  bool flush(int fd);
  bool receive(int fd, bool hung_up);

  callbacks calls_;
  wakeup wake_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // guards the three below
  bool connected_ = false;
  bool drop_ = false;
  bytes queue_;

  std::thread thread_;
};

}  // namespace tally
