#include "sync/below_report.hpp"

#include <algorithm>

namespace tally {
namespace {

bool same_links(const below_message& a, const below_message& b) {
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [](const auto& x, const auto& y) { return x.node == y.node && x.up == y.up; });
}

bool same_entries(const below_message& a, const below_message& b) {
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                    [](const auto& x, const auto& y) { return x.node == y.node && x.entries == y.entries; });
}

}  // namespace

std::optional<below_message> below_reporter::due(below_message known, bool parent_up, tick_ms now) {
  if (!parent_up) {
    told_.reset();
    return std::nullopt;
  }
  if (known.items.size() > heads_max) known.items.resize(heads_max);
  if (told_) {
    auto wait = !same_links(*told_, known) ? links_ms : !same_entries(*told_, known) ? entries_ms : contact_ms;
    if (known == *told_ || now - told_at_ < wait) return std::nullopt;
  } else if (known.items.empty()) {
    return std::nullopt;
  }
  told_ = known;
  told_at_ = now;
  return known;
}

}  // namespace tally
