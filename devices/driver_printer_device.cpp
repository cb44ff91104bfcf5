#include "devices/driver_printer_device.hpp"

#include <fcntl.h>

#include "devices/driver_find.hpp"
#include "devices/driver_serial.hpp"

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
  if (is_terminal(fd.get()) && !set_up_line(fd.get(), options_.baud)) return {};
  return fd;
}

bool device_printer_link::ends_with_nothing(int fd) const { return is_terminal(fd); }

}  // namespace tally
