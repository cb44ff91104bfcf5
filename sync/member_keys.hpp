#pragma once
#include <vector>

#include "sync/member_seal.hpp"

namespace tally {

/// Keys of members, kept apart from everything that is copied. In a node a file of slots (driver_keyslots.hpp).
///
/// One owner, one thread. When `put` or `destroy` returns ok, it is durable.
class member_keys {
public:
  virtual ~member_keys() = default;
  struct held {
    account_id member;
    unix_seconds until{};  ///< at a store: when the lease ends; at head office: when the last lease that it gave ends
  };
  virtual std::optional<member_key> find(account_id member) const = 0;
  virtual std::optional<held> look(account_id member) const = 0;
  /// Adds a key, or gives the one that is there another end. Errors: full, io, key_reused (another key is there).
  virtual status put(account_id member, const member_key& key, unix_seconds until) = 0;
  /// Ok as well when there is none.
  virtual status destroy(account_id member) = 0;
  virtual std::vector<held> list() const = 0;
  virtual std::size_t size() const = 0;
  /// Keys that could not be read at the start, and are gone.
  virtual std::size_t damaged() const = 0;

  /// The latest moment that this node ever knew: a clock that is set back revives no lease.
  virtual unix_seconds latest() const = 0;
  virtual status note_time(unix_seconds now) = 0;
  /// What head office said the time is, in answer to a question of this node: where that is earlier, the node's own
  /// clock ran ahead once. Keys that ended meanwhile stay gone.
  virtual status correct_time(unix_seconds now) = 0;
};

}  // namespace tally
