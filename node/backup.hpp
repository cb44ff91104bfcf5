#pragma once
#include <filesystem>
#include <functional>

#include "node/identity.hpp"

namespace tally {

/// What a backup holds, as its command says it.
struct backup_figures {
  node_identity identity;
  writer_id self;             ///< in the epoch that was current
  std::uint64_t entries = 0;  ///< of that epoch's journal
  std::uint64_t records = 0, octets = 0;
};

using backup_progress = std::function<void(std::uint64_t records, std::uint64_t of)>;

/// Copies the database of a data directory, whose node may run, as it was at this moment, to `to`, which must be new or
/// empty: `to`/db and `to`/identity.toml, for their owner only. Every record is read and its checksum compared. Keys
/// are left out: who finds a backup is not the node. So are tickets that wait for a printer. The copy knows that it is
/// one: a node that starts on it begins a new epoch.
///
/// Durable on return. `tell` is called now and then, and at the end.
/// Errors: not_found, not_allowed (`to` is not empty), io, full, corrupt.
result<backup_figures> write_backup(const std::filesystem::path& data, const std::filesystem::path& to,
                                    const backup_progress& tell = {});

/// Puts the database of a backup into the data directory of the same node, which must stand still. The database that
/// was there is kept beside it, as db.before-N. What is there and can be read must not be newer than the backup (of a
/// later life of the node than the backup's, however short that life is yet, or else longer), unless `even_if_longer`:
/// then it is sound, and better than any backup.
///
/// Head office then asks its children for what it had published since, and goes on when all have answered but those in
/// `without`.
///
/// Complete or not at all. Errors: `not_allowed` (another node's or chain's, or newer data; `without` elsewhere
/// than at head office), `locked` (the node runs), not_found, io, full, corrupt.
result<backup_figures> restore_backup(const std::filesystem::path& from, const std::filesystem::path& data,
                                      bool even_if_longer, const std::vector<node_id>& without = {},
                                      const backup_progress& tell = {});

/// Head office runs on a backup and waits for children that will not answer: from its next start it does not wait for
/// these. Errors: `not_allowed` (it does not wait), `locked` (the node runs), io.
status go_on_without(const std::filesystem::path& data, const std::vector<node_id>& without);

}  // namespace tally
