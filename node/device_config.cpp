#include "node/device_config.hpp"

#include <array>
#include <boost/asio/ip/address.hpp>

#include "devices/driver_find.hpp"
#include "devices/driver_printer_device.hpp"
#include "devices/driver_tcp.hpp"
#include "devices/escpos.hpp"
#include "node/config_text.hpp"
#include "node/receipt_config.hpp"

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

/// "host:port" apart; the configuration has checked the form.
std::pair<std::string, std::uint16_t> split_address(const std::string& address) {
  auto colon = address.rfind(':');
  if (colon == std::string::npos) return {};
  return {address.substr(0, colon), static_cast<std::uint16_t>(std::atoi(address.c_str() + colon + 1))};
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

device_options make_devices(const node_config& config, const receipt_layout& layout) {
  device_options d;
  d.reader_path = config.reader.path;
  d.reader_baud = static_cast<unsigned>(config.reader.baud);
  d.scanner_path = config.scanner.path;
  d.scanner_baud = static_cast<unsigned>(config.scanner.baud);
  d.chip_reader = config.chip.reader;
  d.wedge = config.wedge.device;
  d.display_path = config.display.path;
  d.display_baud = static_cast<unsigned>(config.display.baud);
  d.display_charset = layout.display;
  d.rewriter_path = config.rewriter.path;
  d.rewriter_baud = static_cast<unsigned>(config.rewriter.baud);
  d.rewriter_columns = static_cast<std::size_t>(config.rewriter.columns);
  d.rewriter_charset = layout.rewriter;
  d.drawer_pulse = escpos::open_drawer_now(layout.printer);
  if (!config.scanner.card_prefix.empty()) d.card_prefixes = {config.scanner.card_prefix};
  if (!config.printer.address.empty()) std::tie(d.printer_host, d.printer_port) = split_address(config.printer.address);
  d.printer_queue = config.printer.queue;
  d.printer_path = config.printer.path;
  d.printer_baud = static_cast<unsigned>(config.printer.baud);
  d.printer_flow = flow_named(config.printer.flow);
  d.printer_proves_ids = config.printer.process_ids;
  d.duplicate_head = duplicate_head(layout);
  return d;
}

}  // namespace tally
