#include "devices/driver_printer_link.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tally {

namespace {

constexpr int nothing_pause_ms = 20;

}  // namespace

printer_link::printer_link(const printer_link_options& options, callbacks calls)
    : waits_(options), calls_(std::move(calls)) {}

status printer_link::start() {
  invariant(!thread_.joinable(), "a printer link is started once");
  TALLY_TRY(check());
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
  return done();
}

void printer_link::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake_.signal();
  thread_.join();
}

status printer_link::send(byte_view data) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return {errc::offline, "the printer is not connected"};
    if (queue_.size() + data.size() > waits_.queue_bytes_max)
      return {errc::busy, "the printer does not take its bytes"};
    queue_.append(data);
  }
  wake_.signal();
  return done();
}

void printer_link::drop() {
  {
    const std::lock_guard lock(mutex_);
    drop_ = connected_;
  }
  wake_.signal();
}

void printer_link::run() {
  tick_ms backoff = waits_.backoff_min_ms;
  while (!stopping_) {
    if (const unique_fd fd = connect_once()) {
      backoff = waits_.backoff_min_ms;
      serve(fd.get());
    }
    // A wake-up that is not for stopping must not shorten the wait, or `drop` would turn it into a busy loop.
    const tick_ms until = monotonic_ms() + backoff;
    for (tick_ms left = backoff; left > 0 && !stopping_; left = until - monotonic_ms())
      poll_one(-1, 0, wake_, static_cast<int>(left));
    backoff = std::min(backoff * 2, waits_.backoff_max_ms);
  }
}

long printer_link::write_some(int fd, byte_view data) const { return ::write(fd, data.data(), data.size()); }

void printer_link::serve(int fd) {
  {
    const std::lock_guard lock(mutex_);
    connected_ = true;
    drop_ = false;
    queue_.clear();
  }
  calls_.on_connected();
  tick_ms taken_at = monotonic_ms();  // when the printer last took bytes, or had none to take
  while (!stopping_) {
    std::size_t waiting = 0;
    {
      const std::lock_guard lock(mutex_);
      if (drop_) break;
      waiting = queue_.size();
    }
    const tick_ms now = monotonic_ms();
    if (waiting == 0) taken_at = now;
    const tick_ms left = taken_at + waits_.stall_timeout_ms - now;
    if (left <= 0) break;
    const auto events = static_cast<short>(waiting > 0 ? POLLIN | POLLOUT : POLLIN);
    const short happened = poll_one(fd, events, wake_, waiting > 0 ? static_cast<int>(left) : -1);
    if ((happened & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(fd, (happened & POLLHUP) != 0)) break;
    if ((happened & POLLOUT) != 0) {
      if (!flush(fd)) break;
      taken_at = monotonic_ms();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    connected_ = false;
    queue_.clear();
  }
  calls_.on_disconnected();
}

bool printer_link::flush(int fd) {
  const std::lock_guard lock(mutex_);
  const long n = write_some(fd, queue_);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  queue_.erase(0, static_cast<std::size_t>(n));
  return true;
}

bool printer_link::receive(int fd, bool hung_up) {
  std::array<char, 4096> chunk;
  const ssize_t n = ::read(fd, chunk.data(), chunk.size());
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) {
    if (hung_up || ends_with_nothing(fd)) return false;
    poll_one(-1, 0, wake_, nothing_pause_ms);  // such a file may call itself readable all the time
    return true;
  }
  calls_.on_bytes(std::string(chunk.data(), static_cast<std::size_t>(n)));
  return true;
}

}  // namespace tally
