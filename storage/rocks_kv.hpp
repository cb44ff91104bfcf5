#pragma once
#include <filesystem>

#include "storage/kv.hpp"

namespace tally {

/// How a directory is opened.
struct rocks_options {
  bool create = false;     ///< make a store where there is none yet
  bool read_only = false;  ///< look at a store, also one that a running node owns; every commit is a programmer's error
};

/// Opens the RocksDB store in `dir`.
///
/// `create` makes the directory and missing parents, for their owner only (0700), and syncs their names to the disk.
/// One process at a time has a directory for writing. Bounds: 8 MB of changes that are not yet in tables, 8 MB of
/// cached blocks with their indexes, 64 open files, 16 MB of write-ahead log, 3 MB of diagnostics. RocksDB may pass
/// the first and the fourth for a moment, by one batch.
///
/// Nothing is ever repaired in silence: a write-ahead log that is damaged before its end is `corrupt`, and the way out
/// is a restore. A log that only ends in the middle of a record is what a power cut leaves; that record was never
/// answered, and it is dropped. A last record that is complete in length but not in content is refused, since nothing
/// tells it from rot in an answered one. With `read_only` the store is seen as it was when it was opened, whatever its
/// node merges and deletes meanwhile; all its files are open then.
///
/// Errors, each with a detail for the operator: `not_found` no store there (and `create` not asked); `locked` another
/// process has it; `io` permissions, read-only medium, failing disk; `full`; `corrupt`;
/// `unsupported` written by a newer version.
result<std::unique_ptr<kv_store>> open_rocks(const std::filesystem::path& dir, const rocks_options& options);

}  // namespace tally
