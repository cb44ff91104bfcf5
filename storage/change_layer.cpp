#include "storage/change_layer.hpp"

namespace tally {

// The slot that names the key, or the empty one where it would go. REQUIRES: there is an empty slot.
std::size_t change_layer::slot_of(std::uint64_t hash, family f, byte_view key) const {
  auto mask = slots_.size() - 1;
  auto short_hash = static_cast<std::uint32_t>(hash >> 32);
  for (auto i = static_cast<std::size_t>(hash) & mask;; i = (i + 1) & mask) {
    if (slots_[i] == 0) return i;
    auto n = slots_[i] - 1;
    if (hashes_[n] != short_hash) continue;
    auto op = batch_.at(n);
    if (op.where == f && op.key == key) return i;
  }
}

std::optional<kv_batch::operation> change_layer::find(std::uint64_t hash, family f, byte_view key) const {
  if (batch_.empty()) return std::nullopt;
  auto n = slots_[slot_of(hash, f, key)];
  if (n == 0) return std::nullopt;
  return batch_.at(n - 1);
}

void change_layer::set(std::uint64_t hash, family f, byte_view key, bool is_put, byte_view value) {
  if (2 * (batch_.size() + 1) > slots_.size()) grow();
  auto& slot = slots_[slot_of(hash, f, key)];
  if (slot != 0) return batch_.replace(slot - 1, is_put, value);
  if (is_put) {
    batch_.put(f, key, value);
  } else {
    batch_.erase(f, key);
  }
  hashes_.push_back(static_cast<std::uint32_t>(hash >> 32));
  slot = static_cast<std::uint32_t>(batch_.size());
}

void change_layer::grow() {
  slots_.assign(slots_.empty() ? 64 : slots_.size() * 2, 0);
  for (std::size_t n = 0; n < batch_.size(); ++n) {
    auto op = batch_.at(n);
    slots_[slot_of(key_hash(op.where, op.key), op.where, op.key)] = static_cast<std::uint32_t>(n + 1);
  }
}

void change_layer::clear() {
  // A group that was large once must not make every later one pay for its size.
  if (slots_.size() > 4096) slots_ = {};
  std::fill(slots_.begin(), slots_.end(), 0);
  batch_.clear();
  hashes_.clear();
}

}  // namespace tally
