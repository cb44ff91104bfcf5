#pragma once
#include <string>
#include <utility>

#include "ledger/types.hpp"

namespace tally {

/// Owns one file descriptor and closes it. Not thread-safe.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~unique_fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);

private:
  int fd_ = -1;
};

/// Wakes a thread that sleeps in poll(2): give `fd()` to it, call `signal` from any thread, `clear` after waking.
class wakeup {
public:
  wakeup();
  [[nodiscard]] int fd() const { return fd_.get(); }
  void signal() const;
  void clear() const;

private:
  unique_fd fd_;
};

/// Milliseconds on a clock that only moves forward.
tick_ms monotonic_ms();

/// poll(2) on `fd` for `events` and on `wake`, at most `timeout_ms` (negative: without limit). Returns what
/// happened on `fd`, 0 if nothing; `fd` may be -1. Clears `wake`. An interrupting signal counts as nothing.
short poll_one(int fd, short events, const wakeup& wake, int timeout_ms);

/// "open …: No such file or directory".
std::string os_error(const std::string& what, int number);

}  // namespace tally
