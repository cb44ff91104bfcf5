#pragma once
#include <string_view>

#include "node/demo_network.hpp"

namespace tally {

/// Runs the demo network until SIGINT or SIGTERM: head office, a region and two stores as processes of their own, with
/// readers, scanners and printers, wires that can be cut, cards and prices. Prints the pages. Leaves no process behind.
///
/// Call it on the main thread, before there are others. Answers the exit status: 0 after an orderly end, else 1 with a
/// sentence on standard error.
int run_demo(const demo_options& options);

/// Makes what is not there yet: keys, certificates, prices, cards. REQUIRES: `network.make` succeeded. Starts the nodes
/// on the way. `stopped` is asked between steps and while it waits; true ends it with `offline`.
status set_up_demo(demo_network& network, const std::function<bool()>& stopped);

/// config/demo-rules.toml as it was when this program was built.
std::string_view demo_rules();

}  // namespace tally
