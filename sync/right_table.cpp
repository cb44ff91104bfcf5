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
std::size_t right_table::place(const part& p, const key& k) {
  auto i = static_cast<std::size_t>((hash(k) & 0xffffffffU) * p.slots.size() >> 32);
  for (;; i = i + 1 == p.slots.size() ? 0 : i + 1) {
    const auto& s = p.slots[i];
    if (s.writer == 0 || (s.account == k.account && s.writer == k.writer && s.what == k.what)) return i;
  }
}

std::int64_t right_table::get(const key& k) const {
  const auto& p = parts_[part_of(k.account)];
  if (p.slots.empty()) return 0;
  const auto& s = p.slots[place(p, k)];
  return s.writer == 0 ? 0 : s.value;
}

// Without keys whose number is zero, and with room for `more`.
void right_table::grow(part& p, std::size_t more) {
  auto old = std::move(p.slots);
  p.changed.clear();
  auto kept = [](const slot& s) { return s.writer != 0 && (s.value != 0 || s.changed); };
  p.used = static_cast<std::size_t>(std::count_if(old.begin(), old.end(), kept));
  // Full to three fifths afterwards, to four fifths before the next time.
  p.slots.assign(std::max<std::size_t>(8, (p.used + more) * 5 / 3), slot{});
  for (const auto& s : old) {
    if (!kept(s)) continue;
    auto i = place(p, {s.writer, s.what, s.account});
    p.slots[i] = s;
    if (s.changed) p.changed.push_back(static_cast<std::uint32_t>(i));
  }
}

void right_table::reserve(std::size_t n, std::size_t more) {
  auto& p = parts_[n];
  if ((p.used + more) * 5 > p.slots.size() * 4) grow(p, more);
}

right_table::slot& right_table::reach(const key& k, part*& p) {
  p = &parts_[part_of(k.account)];
  if ((p->used + 1) * 5 > p->slots.size() * 4) grow(*p, 1);
  auto& s = p->slots[place(*p, k)];
  if (s.writer == 0) {
    s = {k.account, 0, k.writer, k.what & 0x7fffffffU, 0};
    ++p->used;
  }
  return s;
}

void right_table::set(const key& k, std::int64_t value) {
  part* p = nullptr;
  auto& s = reach(k, p);
  s.value = value;
  if (s.changed) return;
  s.changed = 1;
  p->changed.push_back(static_cast<std::uint32_t>(&s - p->slots.data()));
}

void right_table::load(const key& k, std::int64_t value) {
  part* p = nullptr;
  reach(k, p).value = value;
}

std::vector<right_table::item> right_table::take_changed(std::size_t n) {
  auto& p = parts_[n];
  std::vector<item> out;
  out.reserve(p.changed.size());
  for (auto i : std::exchange(p.changed, {})) {
    auto& s = p.slots[i];
    s.changed = 0;
    out.push_back({{s.writer, s.what, s.account}, s.value});
  }
  return out;
}

std::vector<right_table::item> right_table::all(std::size_t n) const {
  std::vector<item> out;
  out.reserve(parts_[n].used);
  for (const auto& s : parts_[n].slots)
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
