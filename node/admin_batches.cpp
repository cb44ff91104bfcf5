#include <algorithm>
#include <map>

#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "ledger/pins.hpp"
#include "node/admin_internal.hpp"
#include "node/owing.hpp"
#include "storage/kv_state.hpp"
#include "sync/text.hpp"

// Runs of cards, and what stores claimed of cards: see node/admin.hpp.
namespace tally::admin {
namespace {

constexpr std::size_t claims_shown_max = 1'000;
constexpr std::size_t sums_shown_max = 1'000;
constexpr std::size_t claims_undone_max = 20'000;

/// Cells of a type of head office's own fold, in the order of their keys, until `visit` says no.
template <class Visit>
status each_cell(const kv_store& store, cell_type type, Visit visit) {
  bytes prefix{cell_prefix, static_cast<char>(type)};
  auto cursor = store.scan(family::state, prefix);
  for (; cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    auto k = parse_cell_key(cursor->key());
    auto v = decode_cell(cursor->value());
    if (k && v && !visit(*k, *v)) break;
  }
  return cursor->state();
}

bool overlaps(const card_batch& a, const card_batch& b) {
  return a.first.value < b.first.value + b.count && b.first.value < a.first.value + a.count;
}

/// Why these cards cannot lie at another node now.
std::optional<error> taken(const std::vector<card_batch>& known, const card_batch& wanted, const state& st) {
  for (const auto& b : known) {
    if (!overlaps(b, wanted) || b.holder == writer_id{}) continue;
    bool gone = closing_of(st, b.holder) || revoking_of(st, b.holder);
    bool same = b.first == wanted.first && b.count == wanted.count;
    if (gone && same) continue;
    return error{errc::not_allowed, "cards " + std::to_string(b.first.value) + " to " +
                                        std::to_string(b.first.value + b.count - 1) + " lie at node " +
                                        std::to_string(b.holder.node.value) +
                                        (same ? ", which may sell them without a line" : "")};
  }
  return std::nullopt;
}

/// PINs that a journal set from an entry on: the one before lies with nobody any more, so a card has none then.
result<std::size_t> take_pins_away(const kv_store& store, const state& st, const writer_id& w, sequence from,
                                   std::map<account_id, card_record>& cards) {
  std::size_t n = 0;
  auto read = each_cell(store, cell_type::pin_from, [&](const cell_key& k, const cell&) {
    auto source = pin_source(st, {k.a});
    auto card = card_of(st, {k.a});
    if (!source || !card || source->first != w || source->second < from || !card->pin.set || is_final(card->status))
      return true;
    auto& next = cards.try_emplace(account_id{k.a}, *card).first->second;
    next.pin = {card->pin.version + 1, card->pin.refills, false};
    ++n;
    return cards.size() < claims_undone_max;
  });
  if (!read) return read.error();
  return n;
}

/// Of an order from whose middle a part is taken, what lies before it: an order of its own, so that the rest is one.
std::optional<card_batch> before_part(const std::vector<card_batch>& known, const card_batch& part) {
  for (const auto& b : known) {
    if (b.holder != writer_id{} || b.first >= part.first || b.first.value + b.count <= part.first.value) continue;
    auto out = b;
    out.count = part.first.value - b.first.value;
    return out;
  }
  return std::nullopt;
}

}  // namespace

result<std::vector<card_batch>> batches_of(const kv_store& store) {
  std::vector<card_batch> out;
  auto read = each_cell(store, cell_type::batch, [&](const cell_key& k, const cell& v) {
    if (auto b = parse_batch({k.a}, v)) out.push_back(std::move(*b));
    return true;
  });
  if (!read) return read.error();
  std::ranges::sort(out, {}, [](const card_batch& b) { return b.first; });
  return out;
}

void allot_cards(call c) {
  auto first = number_in(c.in, "first", 1, INT64_MAX - static_cast<std::int64_t>(batch_cards_max));
  auto count = number_in(c.in, "count", 1, static_cast<std::int64_t>(batch_cards_max));
  auto kind = number_in(c.in, "kind", 1, 100);
  auto name = text_in(c.in, "name", batch_name_max);
  auto node = number_in(c.in, "node", 0, nodes_max);
  for (const auto* bad :
       {!first ? &first.error() : nullptr, !count ? &count.error() : nullptr, !kind ? &kind.error() : nullptr,
        !name ? &name.error() : nullptr, !node ? &node.error() : nullptr})
    if (bad) return c.refuse(*bad);
  if (name->empty() || !is_plain_utf8(*name)) return c.refuse({errc::malformed, "a batch has a name"});
  card_batch wanted{{static_cast<std::uint64_t>(*first)},
                    static_cast<std::uint64_t>(*count),
                    static_cast<std::uint32_t>(*kind),
                    {},
                    *name};
  {
    std::lock_guard lock(c.context.mutex);
    if (wanted.first.value + wanted.count > next_account(c.node, c.context))
      return c.refuse({errc::not_allowed, "these account numbers were not reserved"});
  }
  durable_state st(c.node.store());
  if (*node != 0) {
    auto to = seller_in(st, *node);
    if (!to) return c.refuse(to.error());
    wanted.holder = *to;
  }
  auto known = batches_of(c.node.store());
  if (!known) return c.refuse(known.error());
  if (auto why = taken(*known, wanted, st)) return c.refuse(*why);
  std::vector<entry> facts;
  if (auto before = before_part(*known, wanted)) facts.push_back(allot_fact(*before));
  facts.push_back(allot_fact(wanted));
  write_facts(c, std::move(facts),
              {{"first", *first}, {"count", *count}, {"kind", *kind}, {"name", *name}, {"node", *node}});
}

void show_batches(const call& c) {
  auto known = batches_of(c.node.store());
  if (!known) return c.refuse(known.error());
  durable_state st(c.node.store());
  json list = json::array();
  for (const auto& b : *known) {
    bool gone = b.holder != writer_id{} && closing_of(st, b.holder).has_value();
    bool called = b.holder != writer_id{} && is_recalled(st, b.holder, b.first, b.count);
    list.push_back({{"first", b.first.value},
                    {"count", b.count},
                    {"kind", b.kind},
                    {"name", b.name},
                    {"node", b.holder.node.value},
                    {"called_back", called && !gone},
                    {"closed", gone}});
  }
  c.ok({{"batches", list}});
}

// What lies there may be sold until the store has answered, so nothing of it is free before.
void recall_cards(call c) {
  auto first = number_in(c.in, "first", 1, INT64_MAX - static_cast<std::int64_t>(batch_cards_max));
  if (!first) return c.refuse(first.error());
  durable_state st(c.node.store());
  auto run = batch_at(st, {static_cast<std::uint64_t>(*first)});
  if (!run) return c.refuse({errc::not_found, "no batch begins with card " + std::to_string(*first)});
  if (run->holder == writer_id{}) return c.refuse({errc::not_allowed, "these cards lie at no node: deliver them"});
  if (closing_of(st, run->holder) || revoking_of(st, run->holder))
    return c.refuse({errc::not_allowed, "that node's books were closed: deliver them again"});
  entry e;
  e.kind = entry_kind::recall;
  e.account = run->first;
  e.size = run->count;
  e.subject = run->holder;
  std::uint64_t left = 0;
  for (std::uint64_t i = 0; i < run->count; ++i)
    if (auto card = card_of(st, {run->first.value + i}); card && card->status == card_status::stock) ++left;
  json out{{"first", run->first.value}, {"count", run->count}, {"node", run->holder.node.value}, {"left", left}};
  if (is_recalled(st, run->holder, run->first, run->count)) return c.ok(out);  // said before
  write_facts(c, {e}, std::move(out));
}

namespace {

void answer_sums(const call& c, const result<card_sums>& cards, const char* of_each) {
  if (!cards) return c.refuse(cards.error());
  json list = json::array();
  for (const auto& r : cards->first)
    list.push_back({{"account", r.account.value}, {of_each, r.value}});
  c.ok({{"cards", list}, {"count", cards->count}, {"sum", cards->sum}});
}

}  // namespace

void show_owing(const call& c) {
  answer_sums(c, cards_owing(c.node.store(), c.node.snapshot()->self, sums_shown_max), "owes");
}

void show_left_over(const call& c) {
  answer_sums(c, cards_left_over(c.node.store(), c.node.snapshot()->self, sums_shown_max), "left");
}

void show_claims(const call& c) {
  durable_state st(c.node.store());
  json list = json::array();
  std::size_t more = 0;
  auto read = each_cell(c.node.store(), cell_type::last_claim, [&](const cell_key& k, const cell& v) {
    auto from = parse_claim_origin(v);
    auto card = card_of(st, {k.a});
    if (!from || !card) return true;
    if (list.size() >= claims_shown_max) return ++more, true;
    list.push_back({{"account", k.a},
                    {"state", card_status_name(card->status)},
                    {"before", card_status_name(from->before)},
                    {"node", from->writer.node.value},
                    {"entry", writer_name(from->writer) + "." + std::to_string(from->seq)},
                    {"position", from->seq}});
    return true;
  });
  if (!read) return c.refuse(read.error());
  json silenced = json::array();
  read = each_cell(c.node.store(), cell_type::claims_stand, [&](const cell_key& k, const cell& v) {
    auto record = node_of(st, k.writer.node);
    if (static_cast<std::uint64_t>(v.n) < every_claim && record && record->epoch == k.writer.epoch)
      silenced.push_back({{"node", k.writer.node.value}, {"from", v.n}});
    return true;
  });
  if (!read) return c.refuse(read.error());
  c.ok({{"claims", list}, {"more", more}, {"silenced", silenced}});
}

namespace {

/// The present life of a node that claims.
result<writer_id> claimant_in(const call& c, const state& st) {
  auto node = number_in(c.in, "node", 2, nodes_max);
  if (!node) return node.error();
  auto record = node_of(st, {static_cast<std::uint32_t>(*node)});
  if (!record || record->epoch == epoch_id{})
    return error{errc::not_found, "node " + std::to_string(*node) + " is no node of this chain"};
  return writer_id{{static_cast<std::uint32_t>(*node)}, record->epoch};
}

/// Its claims stand up to there, and what comes later is answered without effect.
entry stand_fact(const writer_id& w, std::uint64_t size) {
  entry e;
  e.kind = entry_kind::claims_stand;
  e.subject = w;
  e.size = size;
  return e;
}

}  // namespace

void end_silence(call c) {
  durable_state st(c.node.store());
  auto w = claimant_in(c, st);
  if (!w) return c.refuse(w.error());
  if (claims_stand_up_to(st, *w) == every_claim)
    return c.refuse({errc::not_found, "claims of node " + std::to_string(w->node.value) + " stand as they are"});
  write_facts(c, {stand_fact(*w, every_claim)}, {{"node", w->node.value}});
}

// What that journal claimed up to now; with `and_later`, what comes from there later as well.
void undo_claims(call c) {
  auto from = number_in(c.in, "from", 0, INT64_MAX - 1);
  const auto later = c.in.value("and_later", json(false));
  durable_state st(c.node.store());
  auto node = claimant_in(c, st);
  if (!node) return c.refuse(node.error());
  if (!from) return c.refuse(from.error());
  if (!later.is_boolean()) return c.refuse({errc::malformed, "and_later is true or false"});
  const auto w = *node;
  const auto stand = stand_fact(w, static_cast<std::uint64_t>(*from));
  std::map<account_id, card_record> undone;  // one new state for each card, of both its status and its PIN
  auto read = each_cell(c.node.store(), cell_type::last_claim, [&](const cell_key& k, const cell& v) {
    auto origin = parse_claim_origin(v);
    auto card = card_of(st, {k.a});
    if (!origin || !card || origin->writer != w || origin->seq < stand.size || is_final(card->status)) return true;
    card->status = origin->before;
    undone[{k.a}] = *card;
    return undone.size() < claims_undone_max;
  });
  if (!read) return c.refuse(read.error());
  auto cards = undone.size();
  auto pins = take_pins_away(c.node.store(), st, w, stand.size, undone);
  if (!pins) return c.refuse(pins.error());
  std::vector<entry> facts;
  if (later.get<bool>()) facts.push_back(stand);
  for (const auto& [account, card] : undone)
    facts.push_back(card_fact(account, card));
  json out{{"node", w.node.value}, {"from", *from}, {"undone", cards}, {"pins", *pins}};
  if (facts.empty()) return c.ok(out);  // nothing stands of it
  write_facts(c, std::move(facts), std::move(out));
}

}  // namespace tally::admin
