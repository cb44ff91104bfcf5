#include "node/device_config.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>

#include "devices/driver_find.hpp"
#include "devices/driver_printer_device.hpp"
#include "devices/driver_tcp.hpp"
#include "node/config_text.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

/// The file behind a configured name as it is now, or the name while there is none.
fs::path file_of(const std::string& configured) {
  const auto found = resolve_device(configured, device_class::serial);
  if (found.empty()) return configured;
  std::error_code bad;
  auto path = fs::weakly_canonical(found, bad);
  return bad ? fs::path(found) : path;
}

}  // namespace

status check_devices(const node_config& config) {
  struct line {
    std::string_view key;
    const std::string& path;
  };
  const std::array lines{line{"reader.path", config.reader.path}, line{"scanner.path", config.scanner.path},
                         line{"display.path", config.display.path}, line{"rewriter.path", config.rewriter.path},
                         line{"printer.path", config.printer.path}};
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!lines[i].path.empty() && !lines[j].path.empty() && file_of(lines[i].path) == file_of(lines[j].path))
        return {errc::bad_config, setting_text(config, lines[i].key) + " and " + setting_text(config, lines[j].key) +
                                      " are one device: each would get some of its octets. Two readers on one line "
                                      "need one key: any reader may read cards and codes"};
  if (const auto at = parse_host_port(config.printer.address); at && at->host != "localhost") {
    boost::system::error_code bad;
    boost::asio::ip::make_address(at->host, bad);
    if (bad)
      return {errc::bad_config, setting_text(config, "printer.address") +
                                    " is no IP address, and no name server is asked for a printer: write it "
                                    "in full, "
                                    "as 192.168.1.20:9100"};
  }
  return done();
}

line_flow flow_named(std::string_view name) {
  if (name == "hardware") return line_flow::hardware;
  return name == "none" ? line_flow::none : line_flow::xonxoff;
}

std::unique_ptr<printer_link> make_printer_link(const node_config& config, printer_link::callbacks on) {
  if (auto at = parse_host_port(config.printer.address))
    return std::make_unique<tcp_printer_link>(tcp_printer_options{.host = at->host, .port = at->port}, std::move(on));
  return std::make_unique<device_printer_link>(
      device_printer_options{.path = config.printer.path,
                             .baud = static_cast<unsigned>(config.printer.baud),
                             .flow = flow_named(config.printer.flow)},
      std::move(on));
}

}  // namespace tally
