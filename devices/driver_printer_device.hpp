#pragma once
#include <string>

#include "devices/driver_printer_link.hpp"

namespace tally {

struct device_printer_options {
  std::string path;      ///< a tty ("/dev/ttyS0", "/dev/serial/by-id/…") or a printer's device file ("/dev/usb/lp0")
  unsigned baud = 9600;  ///< of a tty: 1200 to 115200
  printer_link_options waits{.backoff_max_ms = 500};
};

/// A receipt printer on a serial line (8N1, no flow control) or on a device file of the
/// kernel's USB printer class; behaves as `printer_link` says. Unplugged and back is normal.
class device_printer_link final : public printer_link {
public:
  device_printer_link(device_printer_options options, callbacks calls);
  ~device_printer_link() override { stop(); }

private:
  [[nodiscard]] status check() const override;
  [[nodiscard]] unique_fd connect_once() override;
  /// A printer's device file answers so to an empty packet, which says nothing of the plug.
  [[nodiscard]] bool ends_with_nothing(int fd) const override;

  device_printer_options options_;
};

}  // namespace tally
