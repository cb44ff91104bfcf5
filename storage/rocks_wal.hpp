#pragma once
#include <filesystem>

#include "ledger/result.hpp"

namespace tally {

/// Looks through RocksDB's write-ahead logs in `dir` for damage that RocksDB 7.8 itself takes for a log's torn end.
///
/// RocksDB verifies the checksum of every record that it reads, but two kinds of damage make it read no further and
/// still open: a record's length that points beyond the end of the file, and zeroes where a record should begin. What
/// was acknowledged there and behind would be gone without a word. Here both are `corrupt` when a whole record follows,
/// or when the record itself is whole but for its length; and so is a gap in the sequence numbers from one record to
/// the next, within a log and from log to log. A log that just ends early in its last record is what a power cut
/// leaves, and is fine.
///
/// Reads only, 32 KB at a time, and also while another process appends. Checksums are left to RocksDB. `dir` need not
/// exist. Errors: `corrupt`, with file and offset; `io`.
status check_write_ahead_logs(const std::filesystem::path& dir);

}  // namespace tally
