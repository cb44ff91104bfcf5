// Stores that leave goods sold by the piece out of their copy of head office's directory, and change their mind.
#include <algorithm>

#include "sim/invariants.hpp"
#include "sim/world.hpp"

namespace tally::sim {

/// The last stores; one life in four takes everything.
topic_set world::topics_of(const sim_node& n) {
  if (plan_.skipping == 0 || n.role != node_role::store) return 0;
  const auto first = 2 + plan_.regions + plan_.stores - std::min(plan_.skipping, plan_.stores);
  if (n.id.value < first) return 0;
  return dice_.chance(250) ? 0 : topic_goods;
}

/// Somebody changes `link.skip` at such a store, or back before it has what it lacked.
void world::next_change_of_mind() {
  at(dice_.between(plan_.trade_ms / 20, plan_.trade_ms / 3), [this] {
    if (calm_) return;
    const auto stores = std::min(plan_.skipping, plan_.stores);
    const auto last = 1 + plan_.regions + plan_.stores;
    crash(nodes_.at({last - static_cast<std::uint32_t>(dice_.below(stores))}), "link.skip is changed");
    next_change_of_mind();
  });
}

line_item world::some_line(const sim_node& n) {
  if (n.st->ledger().rules().goods_left_out()) return {{open_product}, dice_.between(1, 2'000)};
  return {{static_cast<std::uint32_t>(1 + dice_.below(products))}, dice_.between(1, 3)};
}

/// A new price list, or a part of it: sometimes too short to be announced.
std::vector<entry> world::goods_decree() {
  std::vector<entry> list;
  const auto from = static_cast<unsigned>(first_goods + dice_.below(50));
  for (unsigned i = 0, n = static_cast<unsigned>(dice_.between(5, 90)); i < n; ++i)
    list.push_back(product_entry(from + i, rules_version_, dice_.between(1, 2'000)));
  return list;
}

bool world::all_put_back() const {
  for (const auto& [id, n] : nodes_)
    if (n.st && !n.gone && !n.outcast && n.st->left_out().waits()) return false;
  return true;
}

// A store that left goods out and takes them again knows all, any other as many as head office, or what is sold by
// amount alone.
void check_goods(const catalogue& own, const catalogue& hq, const sim_node& n) {
  auto offered = [](const catalogue& c, bool by_amount) {
    std::vector<product> out;
    for (const auto* p : c.on_sale(UINT64_MAX))
      if (!by_amount || p->open) out.push_back(*p);
    return out;
  };
  const auto name = "node " + std::to_string(n.id.value);
  const bool skips = n.st->left_out().skips_goods();
  ensure(own.goods_left_out() == skips, name + " did not get what it had left out");
  ensure(offered(own, false) == offered(hq, skips), name + " has other goods");
  auto left = stream_reader(n.disk).left_out();
  ensure(left && *left == n.st->left_out().entries(), name + " counts another number of entries as left out");
}

// Of head office's directory.
bool knows_more(const sim_node& n, const sim_node& parent) {
  stream_reader own(n.disk), other(parent.disk);
  auto list = own.list();
  return list && std::ranges::any_of(*list, [&](const stream_id& id) {
           return id.sub == sub_stream::directory && own.size(id) > other.size(id);
         });
}

}  // namespace tally::sim
