#pragma once
#include <filesystem>
#include <string_view>

#include "ledger/result.hpp"
#include "sync/tlog_tiles.hpp"

namespace tally {

// Files for others to read: proofs, tiles, parcels. No secrets, so the user's own umask decides about their mode.

/// Writes a file, whole or not at all under its name: a `.new` beside it, then a rename. Missing directories are
/// made. Not durable before `sync_files`. Error: `io`, with path and reason; `full`.
status write_public_file(const std::filesystem::path& file, byte_view data);

/// The same, durable when it returns ok: the file and the directory that names it.
status write_durable_file(const std::filesystem::path& file, byte_view data);

/// Everything that was written to the file system of `dir` survives power loss, or a stick that is pulled. Error: `io`.
status sync_files(const std::filesystem::path& dir);

/// At most `bytes_max`; `not_found`, `io`, `malformed` when it is larger. For files from anywhere.
result<bytes> read_public_file(const std::filesystem::path& file, std::size_t bytes_max);

/// Tiles below a directory. A file that says the same already is left alone, so an export that is repeated writes what
/// is new, and what somebody damaged or took away.
class file_tiles final : public tile_sink {
public:
  explicit file_tiles(std::filesystem::path dir) : dir_(std::move(dir)) {}
  status put(const std::string& path, byte_view data) override;
  std::uint64_t written() const { return written_; }

private:
  std::filesystem::path dir_;
  std::uint64_t written_ = 0;
};

}  // namespace tally
