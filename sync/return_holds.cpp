#include "sync/return_holds.hpp"

#include <algorithm>

namespace tally {

bool return_holds::ask(const writer_id& seller, sequence seq, node_id asker, tick_ms now, tick_ms hold) {
  auto it = held_.find({seller, seq});
  if (it != held_.end() && it->second.until > now) {
    auto& h = it->second;
    if (h.by == asker && !h.sent_away) {
      h.until = now + hold;
      ++h.asked;
      return true;
    }
    h.sent_away = true;
    return false;
  }
  if (it == held_.end() && held_.size() >= sales_max) {
    std::erase_if(held_, [&](const auto& one) { return one.second.until <= now; });
    auto sooner = [](const auto& a, const auto& b) { return a.second.until < b.second.until; };
    if (held_.size() >= sales_max) held_.erase(std::min_element(held_.begin(), held_.end(), sooner));
  }
  held_[{seller, seq}] = {asker, now + hold, 1, false};
  return true;
}

void return_holds::came(const entry& e, const writer_id& writer) {
  if (!gives_goods_back(e.kind) || !e.cites) return;
  auto it = held_.find({e.kind == entry_kind::refund_elsewhere ? e.subject : writer, *e.cites});
  if (it == held_.end() || it->second.by != writer.node) return;
  if (--it->second.asked == 0) held_.erase(it);
}

bool gives_goods_back(entry_kind k) {
  return k == entry_kind::refund || k == entry_kind::refund_elsewhere || k == entry_kind::reverse;
}

bool is_awaited(const entry& e, std::uint64_t held) {
  if (!gives_goods_back(e.kind) || !e.cites || (e.kind == entry_kind::reverse && !sells(e.cited_kind))) return false;
  return e.kind == entry_kind::refund_elsewhere || *e.cites < held;
}

}  // namespace tally
