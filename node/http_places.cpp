#include "node/http_places.hpp"

namespace tally::http {

/// Changes what an address is ranked by.
template <class Change>
void http_places::change(address& a, Change c) {
  if (!a.waits.empty()) ranks_.erase(rank_of(a));
  c();
  if (!a.waits.empty()) ranks_.insert(rank_of(a));
}

void http_places::wait_anew(number id, guest& g) {
  auto& all = g.from->waits;
  if (g.wait) all.erase(*g.wait);
  g.wait = all.insert(all.end(), {id, ++now_});
}

void http_places::remove(std::unordered_map<number, guest>::iterator at) {
  auto& a = *at->second.from;
  change(a, [&] {
    if (at->second.wait) a.waits.erase(*at->second.wait);
    --a.places;
  });
  guests_.erase(at);
  if (a.places == 0) addresses_.erase(a.name);
}

std::optional<http_places::arrival> http_places::arrive(const std::string& from, std::size_t home) {
  std::lock_guard lock(mutex_);
  arrival out{next_++, std::nullopt};
  if (guests_.size() >= places_max_) {
    if (ranks_.empty()) return std::nullopt;
    const auto& first = *ranks_.begin();
    // Whoever works at more places than that address has at all must not have its places as well.
    auto own = addresses_.find(from);
    if (own != addresses_.end() && own->second.places > first.places) return std::nullopt;
    auto victim = guests_.find(first.of->waits.front().id);
    out.pushed_out = place{victim->first, victim->second.home};
    remove(victim);
  }
  auto& a = addresses_[from];
  if (a.places == 0) a.name = from;
  auto& g = guests_.emplace(out.id, guest{&a, home, std::nullopt}).first->second;
  change(a, [&] {
    ++a.places;
    wait_anew(out.id, g);
  });
  return out;
}

void http_places::waits(number id) {
  std::lock_guard lock(mutex_);
  auto at = guests_.find(id);
  if (at == guests_.end()) return;
  change(*at->second.from, [&] { wait_anew(id, at->second); });
}

bool http_places::works(number id) {
  std::lock_guard lock(mutex_);
  auto at = guests_.find(id);
  if (at == guests_.end()) return false;
  auto& g = at->second;
  change(*g.from, [&] {
    if (g.wait) g.from->waits.erase(*g.wait);
    g.wait.reset();
  });
  return true;
}

void http_places::leave(number id) {
  std::lock_guard lock(mutex_);
  if (auto at = guests_.find(id); at != guests_.end()) remove(at);
}

}  // namespace tally::http
