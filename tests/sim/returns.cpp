// Customers who put money aside, or come back with goods of another store; cards that come back from theirs.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "sim/world.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"
#include "sync/returned_goods.hpp"

namespace tally::sim {

// Money is put aside for a while, and taken, given back, or forgotten until its time is over.
std::optional<till_command> world::think_hold(sim_node& n, till& t, const till_key& k, account_id card) {
  const auto* open = &t.receipts;
  auto found = std::find_if(open->begin(), open->end(), [&](const till::receipt& r) {
    bool put = std::holds_alternative<authorise_command>(r.command);
    const auto* sale = std::get_if<sale_command>(&r.command);
    return (put || (sale && sale->partial)) && r.writer == n.st->ledger().self();
  });
  if (found == open->end() || dice_.chance(300))
    return authorise_command{k, card, dice_.between(1, 3'000), dice_.between(1, 4'000)};
  auto e = n.st->ledger().find_entry(found->seq);
  if (!e || e->kind != entry_kind::authorise || dice_.chance(150)) {
    t.receipts.erase(found);  // nobody comes back for it
    return std::nullopt;
  }
  auto seq = found->seq;
  if (dice_.chance(300)) return void_command{k, seq};
  capture_command c{{k, {}, e->lines, 0, {}}, seq};
  if (c.sale.lines.empty()) c.sale.lines = {{{static_cast<std::uint32_t>(1 + dice_.below(products))}, 1}};
  c.sale.gifts = e->gifts;
  const auto& rules = n.st->ledger().rules();
  auto basket = rules.price(c.sale.lines, rules.version_at(UINT32_MAX));
  auto total = basket ? basket->total : 100;
  amount aside = 0;
  for (const auto& v : e->values)
    if (v.purse == purse_paid || v.purse == bonus_purse) aside += v.amount;
  c.sale.card = std::min(total, dice_.chance(700) ? aside : dice_.between(0, aside));
  if (total > c.sale.card) c.sale.tenders.push_back({tender_kind::bank, main_unit, total - c.sale.card});
  return c;
}

// Somebody comes with a receipt of another store. What others gave back of it this store cannot know while it is dark.
std::optional<till_command> world::think_elsewhere(sim_node& n, till&, const till_key& k) {
  std::vector<const till::receipt*> found;
  for (const auto& [id, other] : nodes_)
    if (id != n.id)
      for (const auto& t : other.tills)
        for (const auto& r : t.receipts)
          if (std::holds_alternative<sale_command>(r.command)) found.push_back(&r);
  if (found.empty()) return std::nullopt;
  const auto& r = *found[dice_.below(found.size())];
  const auto& journal = oracle_.journal(r.writer);
  if (r.seq >= journal.size()) return std::nullopt;
  auto sale = decode_entry(journal[static_cast<std::size_t>(r.seq)]);
  if (!sale || sale->kind != entry_kind::sale || sale->lines.empty()) return std::nullopt;
  refund_elsewhere_command c{
      k, r.writer, r.seq, *sale, encode_entry(*sale), {}, sale->account.value != 0, tender_kind::cash};
  const auto& line = sale->lines[dice_.below(sale->lines.size())];
  c.lines = {{line.product, dice_.between(1, line.quantity)}};
  return c;
}

bool is_back_elsewhere(const sim_node& hq, const sim_node& n, const till_command& c) {
  if (!n.st || !hq.st || hq.st->is_rebuilding() || !n.st->above() || n.st->parent_silent()) return false;
  // An ended certificate seals nothing.
  if (!n.st->curve_key_of(n.id) || !n.st->curve_key_of(head_office)) return false;
  const auto& book = n.st->ledger();
  const auto* own = std::get_if<refund_command>(&c);
  const auto* undo = std::get_if<reverse_command>(&c);
  const auto* other = std::get_if<refund_elsewhere_command>(&c);
  if (!own && !undo && !other) return false;
  const auto seller = other ? other->writer : book.self();
  const auto seq = other ? other->seq : own ? own->seq : undo->seq;
  const auto sale = other ? std::optional(other->sale) : book.find_entry(seller, seq);
  if (!sale || !sells(sale->kind)) return false;
  const auto& seen = hq.st->seen().st();
  auto back = [&](const state& st, const writer_id& w, product_id p) {
    return number(
        st,
        {.type = cell_type::refunded, .a = seq, .b = p.value, .writer = w, .peer = w == seller ? writer_id{} : seller});
  };
  for (const auto& l : undo ? sale->lines : own ? own->lines : other->lines) {
    std::int64_t sold = 0, others = 0;
    for (const auto& of : sale->lines)
      if (of.product == l.product) sold += of.quantity;
    for (const auto& w : hq.st->seen().writers())
      if (w != book.self()) others += back(seen, w, l.product);
    if (others > 0 && others + (undo ? sold : back(book.st(), book.self(), l.product) + l.quantity) > sold) return true;
  }
  return false;
}

std::uint64_t world::over_returned() const {
  std::uint64_t out = 0;
  stream_reader reader(nodes_.at(head_office).disk);
  const auto& seen = nodes_.at(head_office).st->seen().st();
  for (const auto& [of, pieces] : oracle_.returned()) {
    const auto& [seller, seq] = of;
    auto data = reader.entry_of({seller, sub_stream::journal, {}}, seq, {head_office, {}});
    auto sale = data ? decode_entry(*data) : result<entry>(data.error());
    if (!sale || sale->bearer != 0) continue;  // by code: a case of another kind as well
    if (nodes_.at(head_office).st->seen().late().of(seller, seq) != late_uses::state::none) continue;  // so is that
    bool over = false;
    bool reversed =
        seen.find({.type = cell_type::reversed, .a = seq, .b = 0, .writer = seller, .peer = {}}).has_value();
    for (auto [product, back] : pieces) {
      std::int64_t sold = 0;
      for (const auto& l : sale->lines)
        if (l.product.value == product) sold += l.quantity;
      cell_key own{.type = cell_type::refunded, .a = seq, .b = product, .writer = seller, .peer = {}};
      over = over || back + (reversed ? sold : number(seen, own)) > sold;
    }
    out += over;
  }
  return out;
}

std::uint64_t world::uneven_returns() const {
  const auto& hq = nodes_.at(head_office);
  stream_reader reader(hq.disk);
  const auto& seen = hq.st->seen();
  const auto& books = hq.st->ledger();
  auto today = business_date(books.st(), books.self(), wall(hq), books.hq_time());
  std::uint64_t out = 0;
  for (const auto& [of, pieces] : oracle_.returned()) {
    const auto& [seller, seq] = of;
    auto data = reader.entry_of({seller, sub_stream::journal, {}}, seq, {head_office, {}});
    auto sale = data ? decode_entry(*data) : result<entry>(data.error());
    if (!sale || sale->account.value == 0) continue;
    if (revoking_of(hq.st->ledger().st(), seller)) continue;  // of such a store nothing is put back
    cell_key credited{.type = cell_type::credited, .a = seq, .b = 0, .writer = seller, .peer = {}};
    auto back = returned_of(seen.st(), seen.writers(), seller, seq, *sale);
    auto due = uneven_of(seen.st(), hq.st->ledger().rules(), back, seller, seq, *sale,
                         hq.st->ledger().st().find(credited).has_value());
    // A store that is revoked may be anybody: nothing is put back for it.
    const bool refused =
        revoking_of(hq.st->ledger().st(), seller).has_value() ||
        seen.st().find({.type = cell_type::contested, .a = seq, .b = 0, .writer = seller, .peer = {}}).has_value();
    auto paid = uneven_paid_of(seen.st(), hq.st->ledger().rules(), back, seller, seq, *sale);
    for (const auto* uneven : {&due, &paid}) {
      if (!*uneven) continue;
      const auto& put = (*uneven)->put_back;
      // What the seller's measure of the day has no room for is rightly left for another day.
      bool waits = refused || (!put.empty() && !may_credit(books, seller, put, today));
      out += (!put.empty() && !waits) || !(*uneven)->take_back.empty();
    }
  }
  return out;
}

node_id world::some_store() {
  std::vector<node_id> stores;
  for (const auto& [id, n] : nodes_)
    if (n.role == node_role::store) stores.push_back(id);
  return stores[dice_.below(stores.size())];
}

}  // namespace tally::sim
