#pragma once
#include <filesystem>
#include <iosfwd>

namespace tally {

/// `tallystick export --format hledger`: writes all journals held in a data directory as one hledger journal.
///
/// Works beside the running node. The journal goes to `out`, a sentence about it to standard error. Exit
/// status: 0 written; 2 the data could not be read, or `out` not written. Damaged data writes nothing.
int cmd_export_hledger(const std::filesystem::path& data_dir, std::ostream& out);

}  // namespace tally
