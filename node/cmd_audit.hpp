#pragma once
#include <filesystem>

namespace tally {

/// `tallystick audit`: recomputes a node's ledger from its data directory and prints what was checked.
///
/// Works beside the running node; then what was durable at that moment is audited, and the output says so.
/// Report on standard output (`json`: one object; `quiet`: problems and the verdict only), progress on standard
/// error when that is a terminal. Exit status: 0 everything holds; 1 a check failed; 2 the data could not be
/// read.
int cmd_audit(const std::filesystem::path& data_dir, bool json, bool quiet);

}  // namespace tally
