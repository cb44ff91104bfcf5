#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "node/identity.hpp"
#include "node/snapshot_store.hpp"
#include "sync/stream_log.hpp"

namespace tally {

/// A data directory opened for reading, so that its streams can be proved, exported or carried. The node may run
/// meanwhile, or be dead: nothing in the directory is changed.
///
/// Everything that the snapshot shows was synced to the disk before `open` returned, since a head that is signed here
/// must never be taken back by a power cut. One thread; not movable, because its parts refer to each other.
class log_data {
public:
  /// `key_file` names the signing key's file, empty: the one of the data directory. A key that cannot be read is no
  /// error: then heads of own streams cannot be signed, and `no_key` says why. Errors: whatever read_identity and
  /// open_snapshot say; `io` when the disk does not sync; `not_found` for a node that never ran.
  static result<std::unique_ptr<log_data>> open(const std::filesystem::path& data_dir,
                                                const std::filesystem::path& key_file = {});

  const node_identity& identity() const { return identity_; }
  const kv_store& store() const { return *snapshot_.store; }
  bool node_runs() const { return snapshot_.node_runs; }
  /// The node in its current epoch.
  const writer_id& self() const { return self_; }
  const certificate_book& certificates() const { return *certificates_; }
  const ed25519_signer* key() const { return own_.get(); }
  /// Keys that the node had before, of those that lie in its data, by the epoch that each began.
  std::map<epoch_id, const signer*> older_keys() const;
  const std::string& no_key() const { return no_key_; }
  const ed25519_verifier& with() const { return with_; }
  stream_log::parts parts() const {
    return {store(), *certificates_, own_.get(), identity_.believes.chain, identity_.node};
  }

  /// A stream by its name: empty for the node's own journal, "journal" or "directory" of this node, "3/journal" where
  /// it cannot be mistaken, or as `parse_stream_name`. `not_found` lists what there is.
  result<stream_id> find_stream(std::string_view name) const;
  result<stream_log> open_stream(std::string_view name) const;

private:
  log_data() = default;

  node_identity identity_;
  store_snapshot snapshot_;
  ed25519_verifier with_;
  std::unique_ptr<certificate_book> certificates_;
  std::unique_ptr<ed25519_signer> own_;
  std::map<epoch_id, std::unique_ptr<const signer>> older_;
  std::string no_key_;
  writer_id self_;
};

}  // namespace tally
