#include "devices/driver_printer_link.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "devices/escpos_skip.hpp"

namespace tally {

namespace {

constexpr int nothing_pause_ms = 20, full_pause_ms = 5;

}  // namespace

// Of a terminal and of a socket alike (SIOCOUTQ is the same number); others do not tell.
std::size_t kernel_unsent(int fd) {
  int n = 0;
  return ::ioctl(fd, TIOCOUTQ, &n) == 0 && n > 0 ? static_cast<std::size_t>(n) : 0;
}

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

status printer_link::send_ahead(byte_view data, tick_ms within_ms) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return {errc::offline, "the printer is not connected"};
    if (!ahead_.empty()) return {errc::busy, "the printer has not taken the last such command yet"};
    ahead_ = data;
    ahead_begun_ = false;
    ahead_until_ = monotonic_ms() + within_ms;
  }
  wake_.signal();
  return done();
}

std::size_t printer_link::unsent() {
  const std::lock_guard lock(mutex_);
  return connected_ ? queue_.size() + ahead_.size() + kernel_unsent(fd_) : 0;
}

std::size_t printer_link::room(int) { return std::numeric_limits<std::size_t>::max(); }

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

long printer_link::write_some(int fd, byte_view data) { return ::write(fd, data.data(), data.size()); }

void printer_link::open_up(int fd) {
  const std::lock_guard lock(mutex_);
  fd_ = fd;
  connected_ = true;
  drop_ = false;
  queue_.clear();
  ahead_.clear();
  place_ = 0;
}

/// `late`: only when its time is over, else in any case.
void printer_link::drop_ahead(bool late) {
  {
    const std::lock_guard lock(mutex_);
    if (ahead_.empty() || ahead_begun_ || (late && monotonic_ms() < ahead_until_)) return;
    ahead_.clear();
  }
  if (calls_.on_late) calls_.on_late();
}

void printer_link::serve(int fd) {
  open_up(fd);
  calls_.on_connected();
  tick_ms taken_at = monotonic_ms();  // when the printer last took bytes, or had none to take
  while (!stopping_) {
    drop_ahead(true);
    std::size_t waiting = 0;
    tick_ms ahead_until = std::numeric_limits<tick_ms>::max();
    {
      const std::lock_guard lock(mutex_);
      if (drop_) break;
      waiting = queue_.size() + ahead_.size();
      if (!ahead_.empty() && !ahead_begun_) ahead_until = ahead_until_;
    }
    const tick_ms now = monotonic_ms();
    if (waiting == 0) taken_at = now;
    const tick_ms left = taken_at + waits_.stall_timeout_ms - now;
    if (left <= 0) break;
    const std::size_t room_now = waiting > 0 ? room(fd) : 0;
    const tick_ms patience = room_now > 0 ? std::min(left, std::max<tick_ms>(ahead_until - now, 0)) : full_pause_ms;
    const auto events = static_cast<short>(room_now > 0 ? POLLIN | POLLOUT : POLLIN);
    const short happened = poll_one(fd, events, wake_, waiting > 0 ? static_cast<int>(patience) : -1);
    if ((happened & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(fd, (happened & POLLHUP) != 0)) break;
    if ((happened & POLLOUT) != 0) {
      if (!flush(fd, room_now)) break;
      taken_at = monotonic_ms();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    connected_ = false;
    fd_ = -1;
    queue_.clear();
    ahead_begun_ = false;
  }
  give_up(fd);
  drop_ahead(false);
  calls_.on_disconnected();
}

bool printer_link::flush(int fd, std::size_t room) {
  const std::lock_guard lock(mutex_);
  if (!ahead_.empty() && place_ == 0) return flush_ahead(fd);
  const std::size_t most = std::min(room, ahead_.empty() ? queue_.size() : place_);
  const long n = write_some(fd, byte_view(queue_).substr(0, most));
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  const auto taken = static_cast<std::size_t>(n);
  while (place_ < taken)
    place_ += escpos::to_next_place(byte_view(queue_).substr(place_));
  place_ -= taken;
  queue_.erase(0, taken);
  return true;
}

bool printer_link::flush_ahead(int fd) {
  const long n = write_some(fd, ahead_);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  ahead_begun_ = n > 0 || ahead_begun_;
  ahead_.erase(0, static_cast<std::size_t>(n));
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
  std::string data(chunk.data(), static_cast<std::size_t>(n));
  obey(data);
  if (!data.empty()) calls_.on_bytes(std::move(data));
  return true;
}

}  // namespace tally
