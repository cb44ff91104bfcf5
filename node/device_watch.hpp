#pragma once
#include <functional>
#include <string>

#include "node/config.hpp"

namespace tally {

/// Opens every reader of a configuration and tells each thing that happens in one line, for `seconds` or, with 0, until
/// the process ends. `tell` is called from several threads, one at a time. The node must not run: readers serve one.
/// Errors: `bad_config` when no reader is configured, or a name is none.
status watch_devices(const node_config& config, std::int64_t seconds,
                     const std::function<void(const std::string&)>& tell);

/// Prints a test page in the configured code, which opens the drawer, and shows a text on the customer's display; what
/// is not configured is left out. Waits up to 30 s for the printer's proof, and 5 s for the display. The node must not
/// run. Errors: `bad_config` with neither, `offline`, `timeout` with the printer's state.
status test_devices(const node_config& config, const std::function<void(const std::string&)>& tell);

}  // namespace tally
