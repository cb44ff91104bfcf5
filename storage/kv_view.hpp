#pragma once
#include <optional>

#include "storage/change_layer.hpp"
#include "storage/known_keys.hpp"

namespace tally {

/// Two layers of changes over a store: the group that is being decided, and the group that the disk is writing.
///
/// Reads see all three, newest first: the speculative view on which the next decision is made. Answers to people read
/// the store below instead. One owner thread; `commit` of the sealed batch may run on another thread meanwhile.
/// What the family `state` answered is remembered (known_keys.hpp), so nobody else may change that family below.
/// Limits: the caller seals before a layer grows beyond what it wants to hold in memory.
class kv_view {
public:
  explicit kv_view(const kv_store& below) : below_(below) {}

  lookup get(family f, byte_view key, bytes& out) const;
  void put(family f, byte_view key, byte_view value);
  void erase(family f, byte_view key);

  /// Keys that begin so and that either layer changes, in no order, some twice: for who reads all of the store below.
  std::vector<bytes> changed(family f, byte_view prefix) const;
  std::size_t open_changes() const { return open_.size(); }
  bool in_flight() const { return in_flight_; }
  /// The open layer as a batch; it becomes the layer in flight. REQUIRES: !in_flight().
  kv_batch seal();
  /// The batch in flight is durable in the store below.
  void settled();
  /// Whether any read from below failed. Sticky: what was decided since then is void.
  bool read_failed() const { return read_failed_; }

private:
  const kv_store& below_;
  change_layer open_, sealed_;
  mutable known_keys known_;
  bool in_flight_ = false;
  mutable bool read_failed_ = false;
};

}  // namespace tally
