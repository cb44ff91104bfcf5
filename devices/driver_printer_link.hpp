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
  /// Bytes wait to be sent and the printer takes none: disconnect. Whoever asks it for its state knows earlier.
  tick_ms stall_timeout_ms = 600000;
  tick_ms backoff_min_ms = 250;  ///< wait after the first failure; doubled up to the maximum
  tick_ms backoff_max_ms = 5000;
  std::size_t queue_bytes_max = 256 * 1024;
};

/// What the kernel holds of what was written to a terminal or socket and is not sent, or not acknowledged; 0 when it
/// does not tell.
std::size_t kernel_unsent(int fd);

/// The two-way wire to a receipt printer. Connects, and connects again for as long as it lives.
///
/// Owns one thread, from `start` to `stop`. The callbacks run on that thread, one at a time; they must not throw, and
/// must not call `stop`; they may call `send` and `drop`. `on_connected` and `on_disconnected` alternate; `on_bytes`
/// gets 1 to 4096 bytes and comes between them. `send`, `send_ahead`, `unsent` and `drop` may come from any thread.
/// Sent does not mean printed: bytes queued or on the wire are lost with the connection, and nothing is sent twice.
class printer_link {
public:
  struct callbacks {
    std::function<void()> on_connected;
    std::function<void()> on_disconnected;
    std::function<void(std::string)> on_bytes;
    /// What `send_ahead` took was not sent in its time, and will not be. May be empty.
    std::function<void()> on_late = {};
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
  /// REQUIRES: whole commands of ESC/POS.
  status send(byte_view data);
  /// Sends a short command in front of all that is queued, as soon as a command or line that has begun is whole; within
  /// `within_ms` or not at all. `busy` while another such waits, `offline` when not connected.
  status send_ahead(byte_view data, tick_ms within_ms);
  /// How many octets that it took have not left this machine yet, as far as the kernel tells; 0 when not connected.
  [[nodiscard]] std::size_t unsent();

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
  /// How many octets the kernel is given now: the fewer it holds, the less stands in front of what is urgent, and
  /// the less comes after the printer has said "wait". None while it says that.
  [[nodiscard]] virtual std::size_t room(int fd);
  /// Sees what came first, and takes out what says "wait" or "go on".
  virtual void obey(std::string&) {}
  /// The connection is over and about to be closed.
  virtual void give_up(int) const {}
  /// As write(2).
  [[nodiscard]] virtual long write_some(int fd, byte_view data);

  [[nodiscard]] const wakeup& wake() const { return wake_; }
  [[nodiscard]] bool stopping() const { return stopping_; }
  printer_link_options waits_;

private:
  void run();
  void serve(int fd);
  void open_up(int fd);
  bool flush(int fd, std::size_t room);
  bool flush_ahead(int fd);
  void drop_ahead(bool late);
  bool receive(int fd, bool hung_up);

  callbacks calls_;
  wakeup wake_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // guards all below but the thread
  int fd_ = -1;       // while connected
  bool connected_ = false;
  bool drop_ = false;
  bytes queue_;
  std::size_t place_ = 0;  // so many octets of the queue stand before the next place where a command may be put in
  bytes ahead_;
  bool ahead_begun_ = false;
  tick_ms ahead_until_ = 0;

  std::thread thread_;
};

}  // namespace tally
