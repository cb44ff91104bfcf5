#pragma once
#include <array>
#include <map>
#include <mutex>
#include <span>

#include "storage/streams.hpp"
#include "sync/keys.hpp"
#include "sync/session.hpp"

namespace tally {

/// The durable streams of one node, as its sessions ship them.
///
/// Own streams (of any epoch of this node) are cut and signed when they are asked for, so a signature is never made
/// over
/// what the disk does not hold. Streams of others are answered with the segments as their writers signed them.
/// The roots of the newest heads that were signed are remembered: cosignatures over them come back by size alone.
/// Const and thread-safe as far as `store` and `key` are; reads only what is committed. Both outlive this.
class durable_source final : public stream_source {
public:
  durable_source(const kv_store& store, const signer& key, std::string chain, node_id self)
      : reader_(store), key_(key), chain_(std::move(chain)), self_(self) {}

  /// Before anything is read: an epoch that began with an older key of this node, and that key, which outlives this.
  void sign_with(const epoch_id& epoch, const signer& key) { older_[epoch] = &key; }

  std::uint64_t size(const stream_id& id) const override;
  /// Errors: not_found (nothing at `from`), io, corrupt.
  result<segment> next_segment(const stream_id& id, std::uint64_t from,
                               std::size_t entries_max = segment_entries_max) const override;
  /// Stays as it is when what was announced cannot be read.
  segment without(const segment& whole, std::uint64_t from, topic_set topics) const override;
  /// As many as there are. Errors: not_found (none), left_out (not all of them are here), io, corrupt.
  result<entry_list> entries(const stream_id& id, std::uint64_t from, std::uint64_t entries) const override;
  /// Nothing for own streams, for unknown ones, and when the database does not answer.
  std::optional<signed_head> evidence(const stream_id& id) const override;
  std::optional<hash256> root_at(const stream_id& id, std::uint64_t size) const override;

private:
  result<segment> sign_own(const stream_id& id, std::uint64_t from, std::size_t entries_max) const;
  void remember(const stream_id& id, std::uint64_t size, const hash256& root) const;
  std::optional<hash256> remembered(const stream_id& id, std::uint64_t size) const;

  stream_reader reader_;
  const signer& key_;
  std::string chain_;
  node_id self_;
  static constexpr std::size_t roots_max = 64;
  struct known_root {
    stream_id stream;
    std::uint64_t size = 0;
    hash256 root{};
  };
  mutable std::mutex mutex_;  ///< guards what follows
  mutable std::array<known_root, roots_max> roots_;
  mutable std::size_t newest_ = 0;
  std::map<epoch_id, const signer*> older_;
};

}  // namespace tally
