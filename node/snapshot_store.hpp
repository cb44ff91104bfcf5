#pragma once
#include <filesystem>
#include <memory>

#include "ledger/result.hpp"
#include "storage/kv.hpp"

namespace tally {

/// A database as it was at one moment, opened for reading only, also beside the node that owns it.
struct store_snapshot {
  std::unique_ptr<kv_store> store;
  bool node_runs = false;  ///< another process had the database open for writing
};

/// Opens `<data>/db` so that what is seen is a prefix of what the node wrote: whole groups, none from the
/// middle missing.
///
/// RocksDB's read-only mode reads the list of tables first and the write-ahead logs second. If the node turns a
/// log into a table in between, that log's entries would be in neither, so the names of logs and the size of
/// the list are compared before and after, and the open is repeated when they changed. Tables that the node
/// merges away later make a read answer `io`; the caller then starts again with a new snapshot. Errors:
/// `not_found`, `io`, `corrupt`, `unsupported`, and `busy` when the node never stood still.
result<store_snapshot> open_snapshot(const std::filesystem::path& data_dir);

/// What `work` makes of a snapshot. A running node may merge away what a snapshot still needs: then it is done again,
/// with a new one that sees the merged form, a few times. Errors: those of `open_snapshot` and of `work`.
template <class Work>
auto read_snapshot(const std::filesystem::path& data_dir, Work work) -> decltype(work(store_snapshot{})) {
  constexpr int attempts_max = 5;
  for (int attempt = 1;; ++attempt) {
    auto snapshot = open_snapshot(data_dir);
    if (!snapshot) return snapshot.error();
    auto out = work(*snapshot);
    if (out || out.code() != errc::io || !snapshot->node_runs || attempt == attempts_max) return out;
  }
}

/// Makes durable what a snapshot that was opened before showed: syncs the write-ahead logs, whoever writes them. A
/// medium that cannot be written needs none. Error: `io`.
status sync_snapshot(const std::filesystem::path& data_dir);

/// Whether a process has the database open for writing; false too when that cannot be told.
bool node_runs(const std::filesystem::path& data_dir);

}  // namespace tally
