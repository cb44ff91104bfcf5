#include "storage/memory_table.hpp"

#include <algorithm>
#include <cstring>

#include "ledger/result.hpp"

namespace tally {
namespace {

struct sizes {
  std::uint32_t key, value, room;
};

sizes sizes_of(const char* pair) {
  sizes out;
  std::memcpy(&out, pair, sizeof out);
  return out;
}

/// Eight octets from `at` on as a number that is ordered as they are; what is missing counts as zeros.
std::uint64_t head_at(byte_view key, std::size_t at) {
  std::uint64_t out = 0;
  if (key.size() >= at + sizeof out) {
    std::memcpy(&out, key.data() + at, sizeof out);
  } else if (key.size() > at) {
    std::memcpy(&out, key.data() + at, key.size() - at);
  }
  return __builtin_bswap64(out);
}

std::size_t common(byte_view a, byte_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

// -- pairs ---------------------------------------------------------------------

byte_view memory_table::key_of(const char* pair) { return {pair + sizeof(sizes), sizes_of(pair).key}; }

byte_view memory_table::value_of(const char* pair) {
  auto n = sizes_of(pair);
  return {pair + sizeof(sizes) + n.key, n.value};
}

memory_table::pair_block memory_table::make(byte_view key, byte_view value) {
  invariant(key.size() < UINT32_MAX / 2 && value.size() < UINT32_MAX / 2, "a pair in memory is below 4 GiB");
  const sizes n{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(value.size()),
                static_cast<std::uint32_t>(value.size())};
  pair_block out(static_cast<char*>(::operator new(sizeof n + key.size() + value.size())));
  std::memcpy(out.get(), &n, sizeof n);
  std::copy(key.begin(), key.end(), out.get() + sizeof n);
  std::copy(value.begin(), value.end(), out.get() + sizeof n + key.size());
  return out;
}

// -- a page --------------------------------------------------------------------

std::size_t memory_table::page::place_of(byte_view key, bool& found) const {
  found = false;
  if (pairs.empty()) return 0;
  const auto begin = key.substr(0, prefix).compare(key_of(pairs.front().get()).substr(0, prefix));
  if (begin != 0) return begin < 0 ? 0 : pairs.size();
  const auto head = head_at(key, prefix);
  const auto same = std::ranges::equal_range(heads, head);
  auto low = static_cast<std::size_t>(same.begin() - heads.begin());
  const auto high = static_cast<std::size_t>(same.end() - heads.begin());
  // Only among keys with these octets does the rest decide.
  const auto rest = key.substr(prefix);
  auto at = std::partition_point(pairs.begin() + static_cast<std::ptrdiff_t>(low),
                                 pairs.begin() + static_cast<std::ptrdiff_t>(high),
                                 [&](const pair_block& p) { return key_of(p.get()).substr(prefix) < rest; });
  low = static_cast<std::size_t>(at - pairs.begin());
  found = low < high && key_of(at->get()).substr(prefix) == rest;
  return low;
}

void memory_table::page::insert(std::size_t at, byte_view key, byte_view value) {
  const bool outside = at == 0 || at == pairs.size();
  heads.insert(heads.begin() + static_cast<std::ptrdiff_t>(at), head_at(key, prefix));
  pairs.insert(pairs.begin() + static_cast<std::ptrdiff_t>(at), make(key, value));
  if (outside) look_again();  // between two keys it begins as they do
}

void memory_table::page::look_again() {
  const auto now = common(key_of(pairs.front().get()), key_of(pairs.back().get()));
  if (now == prefix) return;
  prefix = now;
  for (std::size_t i = 0; i < pairs.size(); ++i)
    heads[i] = head_at(key_of(pairs[i].get()), prefix);
}

// -- the table -----------------------------------------------------------------

memory_table::memory_table(const memory_table& other) : begins_(other.begins_), begin_heads_(other.begin_heads_) {
  pages_.reserve(other.pages_.size());
  for (const auto& from : other.pages_) {
    auto& to = *pages_.emplace_back(std::make_unique<page>());
    to.prefix = from->prefix;
    to.heads = from->heads;
    to.pairs.reserve(from->pairs.size());
    for (const auto& p : from->pairs)
      to.pairs.push_back(make(key_of(p.get()), value_of(p.get())));
  }
}

// REQUIRES: there is a page.
std::size_t memory_table::page_of(byte_view key) const {
  const auto same = std::ranges::equal_range(begin_heads_, head_at(key, 0));
  auto from = begins_.begin() + (same.begin() - begin_heads_.begin());
  auto to = begins_.begin() + (same.end() - begin_heads_.begin());
  auto at = std::partition_point(from, to, [&](const bytes& b) { return byte_view(b) <= key; });
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(at - begins_.begin(), 1) - 1);
}

void memory_table::begin_at(std::size_t n, byte_view key) {
  const auto at = static_cast<std::ptrdiff_t>(n);
  begins_.insert(begins_.begin() + at, bytes(key));
  begin_heads_.insert(begin_heads_.begin() + at, head_at(key, 0));
}

void memory_table::split(std::size_t n) {
  auto& full = *pages_[n];
  auto more = std::make_unique<page>();
  const auto half = static_cast<std::ptrdiff_t>(full.pairs.size() / 2);
  more->heads.assign(full.heads.begin() + half, full.heads.end());
  more->pairs.assign(std::make_move_iterator(full.pairs.begin() + half), std::make_move_iterator(full.pairs.end()));
  more->prefix = full.prefix;
  full.heads.resize(static_cast<std::size_t>(half));
  full.pairs.resize(static_cast<std::size_t>(half));
  full.look_again();
  more->look_again();
  begin_at(n + 1, key_of(more->pairs.front().get()));
  pages_.insert(pages_.begin() + static_cast<std::ptrdiff_t>(n) + 1, std::move(more));
}

std::optional<byte_view> memory_table::find(byte_view key) const {
  if (pages_.empty()) return std::nullopt;
  const auto& p = *pages_[page_of(key)];
  bool found = false;
  auto at = p.place_of(key, found);
  return found ? std::optional(value_of(p.pairs[at].get())) : std::nullopt;
}

void memory_table::put(byte_view key, byte_view value) {
  if (pages_.empty()) {
    pages_.push_back(std::make_unique<page>());
    begin_at(0, {});
  }
  const auto n = page_of(key);
  auto& p = *pages_[n];
  bool found = false;
  const auto at = p.place_of(key, found);
  if (!found) {
    p.insert(at, key, value);
    if (p.pairs.size() >= page_max) split(n);
    return;
  }
  auto* pair = p.pairs[at].get();
  auto now = sizes_of(pair);
  if (value.size() > now.room) {
    p.pairs[at] = make(key, value);
    return;
  }
  now.value = static_cast<std::uint32_t>(value.size());
  std::memcpy(pair, &now, sizeof now);
  std::copy(value.begin(), value.end(), pair + sizeof now + now.key);
}

void memory_table::erase(byte_view key) {
  if (pages_.empty()) return;
  const auto n = page_of(key);
  auto& p = *pages_[n];
  bool found = false;
  const auto at = static_cast<std::ptrdiff_t>(p.place_of(key, found));
  if (!found) return;
  p.heads.erase(p.heads.begin() + at);
  p.pairs.erase(p.pairs.begin() + at);
  if (!p.pairs.empty()) return;
  // What begins behind it begins where it began: of the first page, at nothing.
  pages_.erase(pages_.begin() + static_cast<std::ptrdiff_t>(n));
  const auto gone = static_cast<std::ptrdiff_t>(pages_.size() > n ? n + 1 : n);
  begins_.erase(begins_.begin() + gone);
  begin_heads_.erase(begin_heads_.begin() + gone);
}

memory_table::place memory_table::lower_bound(byte_view key) const {
  if (pages_.empty()) return end();
  const auto n = page_of(key);
  bool found = false;
  const auto at = pages_[n]->place_of(key, found);
  return at < pages_[n]->pairs.size() ? place{n, at} : place{n + 1, 0};
}

memory_table::place memory_table::last_at_or_before(byte_view key) const {
  if (pages_.empty()) return end();
  const auto n = page_of(key);
  bool found = false;
  const auto at = pages_[n]->place_of(key, found);
  if (found) return {n, at};
  if (at > 0) return {n, at - 1};
  return n > 0 ? place{n - 1, pages_[n - 1]->pairs.size() - 1} : end();
}

memory_table::place memory_table::next(place at) const {
  if (++at.item < pages_[at.page]->pairs.size()) return at;
  return {at.page + 1, 0};
}

}  // namespace tally
