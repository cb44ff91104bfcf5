#include "sync/rules_shelf.hpp"

#include <algorithm>

#include "sync/certificate.hpp"

namespace tally {

void rules_shelf::certified(const stream_id& directory, std::uint64_t index, byte_view signed_form) {
  auto form = decode_signed_certificate(signed_form);
  auto c = form ? decode_certificate(form->body) : result<certificate>(form.error());
  if (c) owned_[c->node].push_back({directory, index, c->serial, c->epoch, c->owner});
}

std::optional<std::uint32_t> rules_shelf::owner_of(const writer_id& w, const directory_sizes& sizes) const {
  auto it = owned_.find(w.node);
  if (it == owned_.end()) return std::nullopt;
  const owned *first = nullptr, *newest = nullptr;
  for (const auto& o : it->second)
    if (o.epoch == w.epoch && (!first || o.serial < first->serial)) first = &o;
  for (const auto& o : it->second) {
    auto taken = sizes.find(o.directory);
    bool known = &o == first || (taken != sizes.end() && o.index < taken->second);
    if (known && (!newest || o.serial > newest->serial)) newest = &o;
  }
  return newest ? std::optional(newest->owner) : std::nullopt;
}

std::shared_ptr<const catalogue> rules_shelf::published(const directory_sizes& sizes) {
  counts wanted;
  for (const auto& [directory, size] : sizes) {
    auto it = places_.find(directory);
    if (it == places_.end()) continue;
    auto n = static_cast<std::size_t>(std::ranges::lower_bound(it->second, size) - it->second.begin());
    if (n != 0) wanted[directory] = n;
  }
  return at(wanted);
}

std::shared_ptr<const catalogue> rules_shelf::everything() {
  counts wanted;
  for (const auto& [directory, list] : places_)
    if (!list.empty()) wanted[directory] = list.size();
  return at(wanted);
}

// From the one on the shelf that has most of it and nothing else.
std::shared_ptr<const catalogue> rules_shelf::at(const counts& wanted) {
  auto same = std::ranges::find(shelf_, wanted, &kept::of);
  if (same != shelf_.end()) {
    shelf_.splice(shelf_.begin(), shelf_, same);
    return shelf_.front().rules;
  }
  const kept* base = nullptr;
  std::size_t most = 0;
  for (const auto& k : shelf_) {
    std::size_t sum = 0;
    bool within = std::ranges::all_of(k.of, [&](const auto& part) {
      auto it = wanted.find(part.first);
      sum += part.second;
      return it != wanted.end() && part.second <= it->second;
    });
    if (within && sum > most) base = &k, most = sum;
  }
  auto made = base ? std::make_shared<catalogue>(*base->rules) : std::make_shared<catalogue>();
  for (const auto& [directory, n] : wanted) {
    auto from = base && base->of.contains(directory) ? base->of.at(directory) : 0;
    const auto& places = places_.at(directory);
    for (auto i = from; i < n; ++i)
      read_(directory, places[i], *made);
  }
  shelf_.push_front({wanted, std::move(made)});
  if (shelf_.size() > kept_max) shelf_.pop_back();
  return shelf_.front().rules;
}

}  // namespace tally
