#pragma once
#include <memory>
#include <string_view>

#include "actors/device_options.hpp"
#include "devices/driver_printer_link.hpp"
#include "devices/driver_serial.hpp"
#include "node/config.hpp"
#include "node/ticket.hpp"

namespace tally {

/// What no single key can tell of the devices of a configuration: two of them on one line, which would take each
/// other's octets, also under two names of one file; a printer by a name that must be looked up. `bad_config` with the
/// keys.
status check_devices(const node_config& config);

/// "xonxoff", "hardware", "none".
line_flow flow_named(std::string_view name);

/// The wire to the printer at printer.address or printer.path. REQUIRES: one of them is set.
std::unique_ptr<printer_link> make_printer_link(const node_config& config, printer_link::callbacks on);

/// What the devices' actor needs; the printer prints as `layout` says.
device_options make_devices(const node_config& config, const receipt_layout& layout);

}  // namespace tally
