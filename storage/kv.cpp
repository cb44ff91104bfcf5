#include "storage/kv.hpp"

namespace tally {

std::uint32_t kv_batch::keep(byte_view octets) {
  auto at = memory_.size();
  invariant(at + octets.size() <= UINT32_MAX, "a batch stays far below 4 GiB");
  memory_.append(octets);
  return static_cast<std::uint32_t>(at);
}

void kv_batch::add(family f, bool is_put, byte_view key, byte_view value) {
  auto at = keep(key), value_at = keep(value);
  places_.push_back(
      {at, static_cast<std::uint32_t>(key.size()), value_at, static_cast<std::uint32_t>(value.size()), f, is_put});
  octets_ += key.size() + value.size();
}

void kv_batch::replace(std::size_t i, bool is_put, byte_view value) {
  auto& p = places_[i];
  octets_ += value.size();
  octets_ -= p.value_size;
  if (value.size() <= p.value_size) {
    memory_.replace(p.value, value.size(), value);
  } else {
    p.value = keep(value);
  }
  p.value_size = static_cast<std::uint32_t>(value.size());
  p.is_put = is_put;
}

void kv_batch::clear() {
  memory_.clear();
  places_.clear();
  octets_ = 0;
}

}  // namespace tally
