#include "sync/right_table.hpp"

#include <algorithm>
#include <utility>

namespace tally {

std::uint64_t right_table::hash(const key& k) {
  // Accounts and writers are small numbers in sequence; two rounds spread them over all bits.
  auto h = k.account * 0x9e3779b97f4a7c15U ^ (std::uint64_t{k.writer} << 32 | k.what) * 0xd6e8feb86659fd93U;
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93U;
  return h ^ h >> 29;
}

// The slot of the key, or the empty one where it would go. REQUIRES: there is an empty slot.
std::size_t right_table::place(const part_of& p, std::uint64_t hash, const key& k) {
  auto i = static_cast<std::size_t>((hash & 0xffffffffU) * p.slots.size() >> 32);
  for (;; i = i + 1 == p.slots.size() ? 0 : i + 1) {
    const auto& s = p.slots[i];
    if (s.writer == 0 || (s.account == k.account && s.writer == k.writer && s.what == k.what)) return i;
  }
}

std::int64_t right_table::get(const key& k) const {
  auto h = hash(k);
  const auto& p = parts_[h >> 56];
  if (p.slots.empty()) return 0;
  const auto& s = p.slots[place(p, h, k)];
  return s.writer == 0 ? 0 : s.value;
}

void right_table::grow(part_of& p) {
  auto old = std::move(p.slots);
  p.changed.clear();
  p.used = static_cast<std::size_t>(std::count_if(
      old.begin(), old.end(), [](const slot& s) { return s.writer != 0 && (s.value != 0 || s.changed); }));
  // Full to three fifths afterwards, to four fifths before the next time.
  p.slots.assign(std::max<std::size_t>(8, p.used * 5 / 3), slot{});
  for (const auto& s : old) {
    if (s.writer == 0 || (s.value == 0 && !s.changed)) continue;
    key k{s.writer, s.what, s.account};
    auto i = place(p, hash(k), k);
    p.slots[i] = s;
    if (s.changed) p.changed.push_back(static_cast<std::uint32_t>(i));
  }
}

right_table::slot& right_table::reach(const key& k, part_of*& p) {
  auto h = hash(k);
  p = &parts_[h >> 56];
  if ((p->used + 1) * 5 > p->slots.size() * 4) grow(*p);
  auto& s = p->slots[place(*p, h, k)];
  if (s.writer == 0) {
    s = {k.account, 0, k.writer, k.what & 0x7fffffffU, 0};
    ++p->used;
  }
  return s;
}

void right_table::set(const key& k, std::int64_t value) {
  part_of* p = nullptr;
  auto& s = reach(k, p);
  s.value = value;
  if (s.changed) return;
  s.changed = 1;
  p->changed.push_back(static_cast<std::uint32_t>(&s - p->slots.data()));
}

void right_table::load(const key& k, std::int64_t value) {
  part_of* p = nullptr;
  reach(k, p).value = value;
}

std::vector<right_table::item> right_table::take_changed(std::size_t part) {
  auto& p = parts_[part];
  std::vector<item> out;
  out.reserve(p.changed.size());
  for (auto i : std::exchange(p.changed, {})) {
    auto& s = p.slots[i];
    s.changed = 0;
    out.push_back({{s.writer, s.what, s.account}, s.value});
  }
  return out;
}

std::vector<right_table::item> right_table::all(std::size_t part) const {
  std::vector<item> out;
  out.reserve(parts_[part].used);
  for (const auto& s : parts_[part].slots)
    if (s.writer != 0 && s.value != 0) out.push_back({{s.writer, s.what, s.account}, s.value});
  return out;
}

std::size_t right_table::memory_octets() const {
  std::size_t sum = sizeof *this;
  for (const auto& p : parts_)
    sum += p.slots.capacity() * sizeof(slot) + p.changed.capacity() * sizeof(std::uint32_t);
  return sum;
}

}  // namespace tally
