#pragma once
#include <string>

#include "devices/driver_printer_link.hpp"
#include "devices/driver_serial.hpp"

namespace tally {

struct device_printer_options {
  std::string path;      ///< a tty ("/dev/ttyS0", "/dev/serial/by-id/…") or a printer's device file ("/dev/usb/lp0")
  unsigned baud = 9600;  ///< of a tty: 1200 to 115200
  line_flow flow = line_flow::xonxoff;  ///< of a tty
  printer_link_options waits{.backoff_max_ms = 500};
};

/// A receipt printer on a serial line (8N1) or on a device file of the kernel's USB printer class; behaves as
/// `printer_link` says. Unplugged and back is normal. A regular file is no printer: it counts as away.
/// A line is given octets no faster than it sends them, whatever stands between, and `ahead_max` ahead at most: what an
/// adapter or the kernel has still comes after the printer has said "wait", and stands in front of what is urgent.
/// Printers say "wait" when they have room for 128 octets more, or for more. XOFF and XON are obeyed here: the drivers
/// of some adapters (CH340, CH341) and the chips of others do not.
class device_printer_link final : public printer_link {
public:
  static constexpr std::size_t ahead_max = 64;  ///< octets

  device_printer_link(device_printer_options options, callbacks calls);
  ~device_printer_link() override { stop(); }

private:
  [[nodiscard]] status check() const override;
  [[nodiscard]] unique_fd connect_once() override;
  /// A printer's device file answers so to an empty packet, which says nothing of the plug.
  [[nodiscard]] bool ends_with_nothing(int fd) const override;
  [[nodiscard]] std::size_t room(int fd) override;
  void obey(std::string& data) override;
  [[nodiscard]] long write_some(int fd, byte_view data) override;
  void give_up(int fd) const override;

  device_printer_options options_;
  bool waiting_ = false;  // the printer said XOFF, and not XON since
  tick_ms paced_at_ = 0;
  std::size_t budget_ = 0;  // thousandths of an octet that the line can have sent since
};

}  // namespace tally
