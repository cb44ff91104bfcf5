#pragma once
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

/// Looks at every device of a configuration, for a few seconds at most: is it there, may it be opened, does it answer.
/// Reads nothing from readers, so it may run beside a node; a network printer that takes one connection at a time then
/// looks busy, and the sentence says so.
std::vector<device_finding> examine_devices(const node_config& config);

/// One paragraph for each kind of device that is plugged into this machine.
std::string plugged_in_text();

}  // namespace tally
