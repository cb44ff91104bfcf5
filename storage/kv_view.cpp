#include "storage/kv_view.hpp"

#include "ledger/result.hpp"

namespace tally {

lookup kv_view::get(family f, byte_view key, bytes& out) const {
  key_.assign(1, static_cast<char>(f));
  key_.append(key);
  for (const auto* l : {&open_, &sealed_})
    if (auto it = l->find(byte_view(key_)); it != l->end()) {
      if (!it->second) return lookup::absent;
      out = *it->second;
      return lookup::found;
    }
  if (f != family::state) {
    auto found = below_.get(f, key, out);
    if (found == lookup::failed) read_failed_ = true;
    return found;
  }
  if (const auto* value = known()) {
    if (!*value) return lookup::absent;
    out = **value;
    return lookup::found;
  }
  auto found = below_.get(f, key, out);
  if (found == lookup::failed) {
    read_failed_ = true;
  } else if (found == lookup::absent) {
    remember(std::nullopt);
  } else if (out.size() <= known_value_max) {
    remember(out);
  }
  return found;
}

// These work on the key that lies in `key_`.
const std::optional<bytes>* kv_view::known() const {
  if (auto it = newer_.find(byte_view(key_)); it != newer_.end()) return &it->second;
  auto it = older_.find(byte_view(key_));
  if (it == older_.end()) return nullptr;
  auto node = older_.extract(it);
  make_room();
  return &newer_.insert(std::move(node)).position->second;
}

void kv_view::remember(std::optional<bytes> value) const {
  make_room();
  newer_.insert_or_assign(key_, std::move(value));
}

void kv_view::make_room() const {
  if (newer_.size() < known_max / 2) return;
  older_.swap(newer_);
  newer_.clear();
}

void kv_view::put(family f, byte_view key, bytes value) {
  key_.assign(1, static_cast<char>(f));
  key_.append(key);
  open_.insert_or_assign(key_, std::move(value));
}

void kv_view::erase(family f, byte_view key) {
  key_.assign(1, static_cast<char>(f));
  key_.append(key);
  open_.insert_or_assign(key_, std::nullopt);
}

kv_batch kv_view::seal() {
  invariant(!in_flight_, "one group in flight");
  in_flight_ = true;
  sealed_ = std::move(open_);
  open_.clear();
  kv_batch batch;
  for (const auto& [key, value] : sealed_) {
    auto f = static_cast<family>(key[0]);
    byte_view k = byte_view(key).substr(1);
    if (value) {
      batch.put(f, bytes(k), *value);
    } else {
      batch.erase(f, bytes(k));
    }
  }
  return batch;
}

void kv_view::settled() {
  // What was written is what the store below answers from now on.
  while (!sealed_.empty()) {
    auto node = sealed_.extract(sealed_.begin());
    if (static_cast<family>(node.key()[0]) != family::state) continue;
    if (node.mapped() && node.mapped()->size() > known_value_max) {
      newer_.erase(node.key());
      older_.erase(node.key());
      continue;
    }
    make_room();
    auto placed = newer_.insert(std::move(node));
    if (!placed.inserted) placed.position->second = std::move(placed.node.mapped());
  }
  in_flight_ = false;
}

}  // namespace tally
