#include "storage/kv_view.hpp"

#include <utility>

#include "ledger/result.hpp"

namespace tally {

lookup kv_view::get(family f, byte_view key, bytes& out) const {
  auto hash = key_hash(f, key);
  for (const auto* l : {&open_, &sealed_})
    if (auto op = l->find(hash, f, key)) {
      if (!op->is_put) return lookup::absent;
      out = op->value;
      return lookup::found;
    }
  if (f == family::state) {
    auto known = known_.find(hash, key, out);
    if (known == known_keys::answer::found) return lookup::found;
    if (known == known_keys::answer::absent) return lookup::absent;
  }
  auto found = below_.get(f, key, out);
  if (found == lookup::failed) {
    read_failed_ = true;
  } else if (f == family::state) {
    known_.put(hash, key, found == lookup::found ? std::optional<byte_view>(out) : std::nullopt);
  }
  return found;
}

void kv_view::put(family f, byte_view key, byte_view value) { open_.set(key_hash(f, key), f, key, true, value); }

void kv_view::erase(family f, byte_view key) { open_.set(key_hash(f, key), f, key, false, {}); }

std::vector<bytes> kv_view::changed(family f, byte_view prefix) const {
  std::vector<bytes> out;
  for (const auto* l : {&open_, &sealed_})
    for (const auto op : l->batch())
      if (op.where == f && op.key.starts_with(prefix)) out.emplace_back(op.key);
  return out;
}

kv_batch kv_view::seal() {
  invariant(!in_flight_, "one group in flight");
  in_flight_ = true;
  std::swap(open_, sealed_);
  open_.clear();
  return sealed_.batch();
}

void kv_view::settled() {
  // What was written is what the store below answers from now on.
  for (const auto op : sealed_.batch())
    if (op.where == family::state)
      known_.put(key_hash(op.where, op.key), op.key, op.is_put ? std::optional(op.value) : std::nullopt);
  sealed_.clear();
  in_flight_ = false;
}

}  // namespace tally
