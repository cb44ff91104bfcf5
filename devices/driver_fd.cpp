#include "devices/driver_fd.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <system_error>

#include "ledger/result.hpp"

namespace tally {

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

wakeup::wakeup() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  invariant(static_cast<bool>(fd_), "no file descriptor left for a device's thread");
}

void wakeup::signal() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the sleeper wakes anyway.
  [[maybe_unused]] const auto n = ::write(fd_.get(), &one, sizeof one);
}

void wakeup::clear() const {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(fd_.get(), &count, sizeof count);
}

tick_ms monotonic_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

short poll_one(int fd, short events, const wakeup& wake, int timeout_ms) {
  std::array<pollfd, 2> fds{{{wake.fd(), POLLIN, 0}, {fd, events, 0}}};
  if (::poll(fds.data(), fds.size(), timeout_ms) <= 0) return 0;
  if (fds[0].revents != 0) wake.clear();
  return fds[1].revents;
}

std::string os_error(const std::string& what, int number) {
  return what + ": " + std::system_category().message(number);
}

}  // namespace tally
