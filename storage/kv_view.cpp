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
  auto found = below_.get(f, key, out);
  if (found == lookup::failed) read_failed_ = true;
  return found;
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
  sealed_.clear();
  in_flight_ = false;
}

}  // namespace tally
