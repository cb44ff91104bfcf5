#pragma once
#include <cstdint>
#include <string>

#include "devices/driver_printer_link.hpp"

namespace tally {

struct tcp_printer_options {
  std::string host;  ///< a numeric IPv4 or IPv6 address, or "localhost": no name server is asked
  std::uint16_t port = 9100;
  printer_link_options waits{};
};

/// A network printer's raw port; behaves as `printer_link` says.
class tcp_printer_link final : public printer_link {
public:
  tcp_printer_link(tcp_printer_options options, callbacks calls);
  ~tcp_printer_link() override { stop(); }

private:
  [[nodiscard]] status check() const override;
  [[nodiscard]] unique_fd connect_once() override;
  [[nodiscard]] std::size_t room(int fd) override;
  [[nodiscard]] long write_some(int fd, byte_view data) override;

  tcp_printer_options options_;
};

}  // namespace tally
