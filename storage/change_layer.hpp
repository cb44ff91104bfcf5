#pragma once
#include <vector>

#include "storage/kv.hpp"

namespace tally {

/// Hash of a key in its family, for `change_layer` and `known_keys`. Never leaves the process.
inline std::uint64_t key_hash(family f, byte_view key) {
  return std::hash<byte_view>{}(key) ^ static_cast<std::uint64_t>(f) * 0x9e3779b97f4a7c15U;
}

/// The changes of one group, at most one for each key, found by key. A batch with an index over it: no memory of its
/// own for each change. One owner thread.
class change_layer {
public:
  /// The change of a key, if there is one. The view lives until the layer changes.
  std::optional<kv_batch::operation> find(std::uint64_t hash, family f, byte_view key) const;
  void set(std::uint64_t hash, family f, byte_view key, bool is_put, byte_view value);
  void clear();

  std::size_t size() const { return batch_.size(); }
  const kv_batch& batch() const { return batch_; }

private:
  std::size_t slot_of(std::uint64_t hash, family f, byte_view key) const;
  void grow();

  kv_batch batch_;
  std::vector<std::uint32_t> hashes_;  ///< of each operation: spares a look at most other keys
  std::vector<std::uint32_t> slots_;   ///< open addressing: operation + 1, 0 is empty
};

}  // namespace tally
