#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/config.hpp"

namespace tally {

/// What a look at one configured device found, in a sentence that a shopkeeper can act on.
struct device_finding {
  std::string device;  ///< "reader", "scanner", "wedge", "chip", "printer", "display"
  bool good = false;
  std::string text;
};

/// How a running node sees each device, by the names above, as its status says: "ready", "paper_out", "none".
using seen_devices = std::map<std::string, std::string>;

/// Looks at every device of a configuration, a few seconds at each at most: is it there, may it be opened, does it
/// answer. A printer is given a reset and asked whether it can prove what it prints; nothing comes out. While its node
/// runs, `running` says what that sees: then nothing is opened that the node has open, because two who read from one
/// line take each other's answers.
std::vector<device_finding> examine_devices(const node_config& config,
                                            const std::optional<seen_devices>& running = std::nullopt);

/// One paragraph for each kind of device that is plugged into this machine.
std::string plugged_in_text();

}  // namespace tally
