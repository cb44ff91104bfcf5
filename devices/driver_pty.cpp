#include "devices/driver_pty.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace tally {

status pty_device::plug() {
  const std::lock_guard lock(mutex_);
  if (master_) return done();
  unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  if (!master) return {errc::io, os_error("open a pseudo-terminal", errno)};
  std::array<char, 64> name{};
  if (::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
      ::ptsname_r(master.get(), name.data(), name.size()) != 0)
    return {errc::io, os_error("unlock a pseudo-terminal", errno)};
  unique_fd slave(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios t{};
  if (!slave || ::tcgetattr(slave.get(), &t) != 0) return {errc::io, os_error(name.data(), errno)};
  ::cfmakeraw(&t);
  if (::tcsetattr(slave.get(), TCSANOW, &t) != 0) return {errc::io, os_error(name.data(), errno)};

  std::error_code ec;
  if (std::filesystem::is_symlink(link_, ec)) std::filesystem::remove(link_, ec);
  std::filesystem::create_symlink(name.data(), link_, ec);
  if (ec) return {errc::io, link_.string() + ": " + ec.message()};
  master_ = std::move(master);
  slave_ = std::move(slave);
  return done();
}

void pty_device::unplug() {
  const std::lock_guard lock(mutex_);
  if (!master_) return;
  std::error_code ec;  // a link that is gone already is what we want
  std::filesystem::remove(link_, ec);
  slave_.reset();
  master_.reset();
}

bool pty_device::plugged() const {
  const std::lock_guard lock(mutex_);
  return static_cast<bool>(master_);
}

result<bytes> pty_device::read() {
  const std::lock_guard lock(mutex_);
  if (!master_) return error{errc::offline, "the device is unplugged"};
  std::array<char, 4096> chunk;
  const ssize_t n = ::read(master_.get(), chunk.data(), chunk.size());
  return bytes(chunk.data(), n > 0 ? static_cast<std::size_t>(n) : 0);
}

status pty_device::write(byte_view data) {
  const std::lock_guard lock(mutex_);
  if (!master_) return {errc::offline, "the device is unplugged"};
  while (!data.empty()) {
    const ssize_t n = ::write(master_.get(), data.data(), data.size());
    if (n > 0) {
      data.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      return {errc::busy, "nobody reads the device"};
    } else if (n >= 0 || errno != EINTR) {
      return {errc::io, os_error(link_.string(), errno)};
    }
  }
  return done();
}

}  // namespace tally
