#pragma once
#include "node/config.hpp"

namespace tally {

/// Runs one node until SIGINT or SIGTERM: database, keys, actors, links, devices, HTTP. Prints where it listens.
/// Blocks the caller's
/// thread, which must be the only one yet.
///
/// Returns the process's exit status: 0 after an orderly end, 2 when it could not start (one plain sentence on
/// standard error). If the
/// disk fails while it runs the process ends with status 75 (EX_TEMPFAIL): start it again, it recovers from its ledger.
int run_node(const node_config& config);

}  // namespace tally
