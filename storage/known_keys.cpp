#include "storage/known_keys.hpp"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace tally {

void known_keys::free_slots::operator()(slot* p) const { std::free(p); }

known_keys::table known_keys::make_table(std::size_t slots) {
  table out(static_cast<slot*>(std::calloc(slots, sizeof(slot))));
  invariant(out != nullptr, "memory for what is known of the database");
  return out;
}

known_keys::known_keys() : slots_(make_table(size_)) {}

// Twice as many sets: what was in one goes to two, so everything finds a place.
void known_keys::grow() {
  auto old = std::exchange(slots_, make_table(size_ * 2));
  auto before = std::exchange(size_, size_ * 2);
  for (std::size_t i = 0; i < before; ++i) {
    if (old[i].used == 0) continue;
    auto* to = set_of(old[i].hash);
    while (to->used != 0)
      ++to;
    *to = old[i];
  }
}

// An empty slot of its set, else the one that was not used for longest.
known_keys::slot* known_keys::room_for(std::uint32_t hash) {
  for (;;) {
    auto* oldest = set_of(hash);
    for (auto *at = oldest, *end = at + ways; at != end; ++at)
      if (at->used < oldest->used) oldest = at;
    if (oldest->used == 0 || size_ >= slots_max) return oldest;
    grow();
  }
}

// Counts uses. Before it would wrap all are forgotten: once in four billion.
std::uint32_t known_keys::now() {
  if (++clock_ == 0) {
    for (std::size_t i = 0; i < size_; ++i)
      slots_[i].used = 0;
    clock_ = 1;
  }
  return clock_;
}

bool known_keys::fits(byte_view key, const std::optional<byte_view>& value) {
  return key.size() + (value ? value->size() : 0) <= inline_octets;
}

known_keys::slot* known_keys::look_up(std::uint64_t hash, byte_view key) const {
  auto short_hash = shorten(hash);
  auto* set = set_of(short_hash);
  for (std::size_t i = 0; i < ways; ++i)
    if (set[i].used != 0 && set[i].hash == short_hash && byte_view(set[i].octets, set[i].key_size) == key)
      return set + i;
  return nullptr;
}

known_keys::answer known_keys::find(std::uint64_t hash, byte_view key, bytes& out) {
  if (auto* s = look_up(hash, key)) {
    s->used = now();
    if (!s->present) return answer::absent;
    out.assign(s->octets + s->key_size, s->value_size);
    return answer::found;
  }
  if (large_.empty()) return answer::unknown;
  auto it = large_.find(bytes(key));
  if (it == large_.end()) return answer::unknown;
  if (!it->second) return answer::absent;
  out = *it->second;
  return answer::found;
}

void known_keys::put(std::uint64_t hash, byte_view key, std::optional<byte_view> value) {
  if (value && value->size() > value_max) return forget(hash, key);
  auto* s = look_up(hash, key);
  if (!fits(key, value)) {
    if (s) s->used = 0;
    if (large_.size() >= large_max) large_.clear();
    large_.insert_or_assign(bytes(key), value ? std::optional<bytes>(*value) : std::nullopt);
    return;
  }
  if (!s) {
    if (!large_.empty()) large_.erase(bytes(key));
    s = room_for(shorten(hash));
    s->hash = shorten(hash);
    s->key_size = static_cast<std::uint8_t>(key.size());
    std::memcpy(s->octets, key.data(), key.size());
  }
  s->used = now();
  s->present = value.has_value();
  s->value_size = static_cast<std::uint8_t>(value ? value->size() : 0);
  if (value && !value->empty()) std::memcpy(s->octets + s->key_size, value->data(), value->size());
}

void known_keys::forget(std::uint64_t hash, byte_view key) {
  if (auto* s = look_up(hash, key)) s->used = 0;
  if (!large_.empty()) large_.erase(bytes(key));
}

}  // namespace tally
