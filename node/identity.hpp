#pragma once
#include <filesystem>

#include "ledger/entry.hpp"
#include "ledger/result.hpp"
#include "sync/certificate.hpp"

namespace tally {

/// Whom a node believes: the chain's name and the root key that signs head office's certificates.
struct trust {
  std::string chain;
  public_key root{};
};

/// Who a node is: `identity.toml` in its data directory, written once by `init-hq` or `enrol`. No secrets in it.
struct node_identity {
  trust believes;
  node_id node;
  node_role role{};
  std::string name;
  epoch_id first_epoch;
};

/// Files and folders of a data directory.
struct data_layout {
  std::filesystem::path root;
  std::filesystem::path identity() const { return root / "identity.toml"; }
  std::filesystem::path db() const { return root / "db"; }
  std::filesystem::path keys() const { return root / "keys"; }
  std::filesystem::path signing_key() const { return keys() / "signing.key"; }
  std::filesystem::path curve_key() const { return keys() / "curve.key"; }
  std::filesystem::path door_key() const { return keys() / "door.key"; }
  /// Keys that head office has not certified yet (node/key_change.hpp).
  std::filesystem::path next_keys() const { return keys() / "next"; }
  /// Keys of members: no backup, parcel or rescue takes this along (docs/privacy.md).
  std::filesystem::path member_keys() const { return root / "members" / "keys.store"; }
  std::filesystem::path pin_key() const { return keys() / "pin.key"; }  ///< of head office
  std::filesystem::path secret() const { return keys() / "node.secret"; }
  std::filesystem::path admin_token() const { return root / "admin.token"; }
  std::filesystem::path http_address() const { return root / "http.address"; }
  std::filesystem::path log() const { return root / "log"; }
};

/// Errors: not_found (not a data directory), corrupt, each with the path and what to do.
result<node_identity> read_identity(const std::filesystem::path& data_dir);
result<trust> read_trust(const std::filesystem::path& data_dir);
/// Creates the file, mode 0600, durable on return. `not_allowed` if there is one.
status write_identity(const std::filesystem::path& data_dir, const node_identity& id);

/// Writes a text file of mode 0600 atomically: complete or not at all, durable on return.
status write_private_file(const std::filesystem::path& file, std::string_view text);
/// Makes the names in a folder durable.
status sync_folder(const std::filesystem::path& dir);
result<std::string> read_small_file(const std::filesystem::path& file, std::size_t bytes_max = 1 << 20);

/// The same error with the whole path of the file; the files of keys are told by their names alone.
error at_file(const std::filesystem::path& file, error e);

}  // namespace tally
