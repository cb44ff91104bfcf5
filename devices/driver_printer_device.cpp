#include "devices/driver_printer_device.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>

#include "devices/driver_find.hpp"

namespace tally {

device_printer_link::device_printer_link(device_printer_options options, callbacks calls)
    : printer_link(options.waits, std::move(calls)), options_(std::move(options)) {}

status device_printer_link::check() const {
  if (options_.path.empty()) return {errc::bad_config, "a printer's device needs a path"};
  if (!is_baud_rate(options_.baud)) return {errc::bad_config, "no such baud rate: " + std::to_string(options_.baud)};
  return done();
}

unique_fd device_printer_link::connect_once() {
  auto path = resolve_device(options_.path, device_class::printer);
  if (path.empty()) path = resolve_device(options_.path, device_class::serial);
  unique_fd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return {};
  struct stat kind {};
  if (::fstat(fd.get(), &kind) != 0 || !S_ISCHR(kind.st_mode)) return {};
  if (is_terminal(fd.get()) && !set_up_line(fd.get(), options_.baud, options_.flow)) return {};
  waiting_ = false;
  return fd;
}

bool device_printer_link::ends_with_nothing(int fd) const { return is_terminal(fd); }

std::size_t device_printer_link::room(int fd) {
  if (!is_terminal(fd)) return printer_link::room(fd);
  constexpr std::size_t bits_of_octet = 10, thousand = 1000, least = 32;  // not each octet by itself
  const std::size_t per_s = options_.baud / bits_of_octet;
  const tick_ms now = monotonic_ms();
  const auto passed = static_cast<std::size_t>(std::clamp<tick_ms>(now - paced_at_, 0, thousand));
  budget_ = std::min(budget_ + per_s * passed, ahead_max * thousand);
  paced_at_ = now;
  if (waiting_) return 0;
  const auto free = std::min(budget_ / thousand, ahead_max - std::min(ahead_max, kernel_unsent(fd)));
  return free < least ? 0 : free;
}

void device_printer_link::obey(std::string& data) {
  constexpr char xon = 0x11, xoff = 0x13;
  if (options_.flow != line_flow::xonxoff) return;
  for (const char c : data)
    if (c == xon || c == xoff) waiting_ = c == xoff;
  std::erase_if(data, [](char c) { return c == xon || c == xoff; });
}

long device_printer_link::write_some(int fd, byte_view data) {
  const long n = printer_link::write_some(fd, data);
  if (n > 0) budget_ -= std::min(budget_, static_cast<std::size_t>(n) * 1000);
  return n;
}

void device_printer_link::give_up(int fd) const {
  if (!is_terminal(fd)) return;
  // Closing waits for what the kernel has, for half a minute while the printer says "wait". All of it counts as lost.
  (void)::tcflush(fd, TCOFLUSH);
  give_up_line(fd);
}

}  // namespace tally
