// Kinds of cards, and what a run of new cards says of itself, looked at before any card is made: see node/admin.hpp.
#include <map>

#include "ledger/cards.hpp"
#include "node/admin_internal.hpp"
#include "storage/kv_state.hpp"
#include "sync/text.hpp"

namespace tally::admin {
namespace {

/// Kinds of the rules in force and of the newest ones, which may be of a later date: cards are made before it.
std::map<std::uint32_t, std::string> kinds_of(const node_snapshot& s) {
  std::map<std::uint32_t, std::string> out;
  for (const auto* rules : {s.rules->newest(), s.rules->rules(s.rules->version_at(s.business_date))})
    if (rules)
      for (const auto& k : rules->programme.card_kinds)
        out.emplace(k.id, k.names[0]);
  return out;
}

}  // namespace

result<std::string> card_kind_name(const node_facade& node, std::int64_t kind) {
  auto shown = node.snapshot();
  if (!shown->rules->newest()) return std::string();  // rules may come after the cards
  auto known = kinds_of(*shown);
  if (known.empty() && kind == 1) return std::string();
  if (auto it = known.find(static_cast<std::uint32_t>(kind)); it != known.end()) return it->second;
  std::string list;
  for (const auto& [id, name] : known)
    list += (list.empty() ? "" : ", ") + std::to_string(id) + " (" + name + ")";
  return error{errc::not_found, "the rules have no [[card_kind]] " + std::to_string(kind) + "; there " +
                                    (known.empty() ? "is 1 alone until rules name others"
                                                   : (known.size() == 1 ? "is " : "are ") + list)};
}

status check_good_until(const node_facade& node, std::int64_t day, std::string_view what) {
  auto today = node.snapshot()->business_date;
  if (day == 0 || day >= today) return done();
  return error{errc::bad_amount, std::string(what) + " is in the past: today is " + date_text(today)};
}

// Whoever made such cards would have cards that their own rules know nothing of: no price, no limit, no purse.
status check_kinds_kept(const call& c, const rules_record* now, const rules_record& next) {
  if (!now) return done();
  std::map<std::uint32_t, std::uint64_t> gone;
  for (const auto& k : now->programme.card_kinds)
    if (!next.programme.card_kind(k.id)) gone.emplace(k.id, 0);
  if (gone.empty()) return done();
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::card)};
  durable_state st(c.node.store());
  auto cursor = c.node.store().scan(family::state, prefix);
  for (; cursor->valid() && cursor->key().starts_with(prefix); cursor->next()) {
    auto k = parse_cell_key(cursor->key());
    auto card = k ? card_of(st, {k->a}) : std::nullopt;
    auto of = card ? gone.find(card->kind) : gone.end();
    if (of != gone.end() && !is_final(card->status)) ++of->second;
  }
  TALLY_TRY(cursor->state());
  for (const auto& [id, cards] : gone) {
    if (cards == 0) continue;
    return error{errc::bad_rules, "card_kind " + std::to_string(id) + " (" + now->programme.card_kind(id)->names[0] +
                                      ") is not in the file, and " + std::to_string(cards) +
                                      (cards == 1 ? " card is" : " cards are") +
                                      " of it: leave it in, or give them another kind first (tallystick card --kind); "
                                      "nothing was published"};
  }
  return done();
}

result<writer_id> seller_in(const state& st, std::int64_t node) {
  auto to = node_of(st, {static_cast<std::uint32_t>(node)});
  const bool here = node == head_office.value;  // which sells them itself
  if (!to || (!here && to->role != node_role::store) || to->epoch == epoch_id{})
    return error{errc::not_found, "node " + std::to_string(node) + " is no store of this chain"};
  writer_id out{{static_cast<std::uint32_t>(node)}, to->epoch};
  if (revoking_of(st, out)) return error{errc::revoked, "node " + std::to_string(node)};
  return out;
}

// Everything that the cards are told after they are made is looked at before: a list of numbers that nobody can deliver
// helps nobody. Nothing is written.
void may_issue(const call& c) {
  auto kind = number_in(c.in, "kind", 1, 100);
  auto node = number_in(c.in, "node", 0, nodes_max);
  auto name = text_in(c.in, "name", batch_name_max);
  for (const auto* bad :
       {!kind ? &kind.error() : nullptr, !node ? &node.error() : nullptr, !name ? &name.error() : nullptr})
    if (bad) return c.refuse(*bad);
  auto known = card_kind_name(c.node, *kind);
  if (!known) return c.refuse(known.error());
  if (c.in.contains("expires")) {
    auto day = number_in(c.in, "expires", 0, days_max);
    if (!day) return c.refuse(day.error());
    if (auto ok = check_good_until(c.node, *day, "the last day on which they are good"); !ok)
      return c.refuse(ok.error());
  }
  durable_state st(c.node.store());
  if (*node != 0)
    if (auto to = seller_in(st, *node); !to) return c.refuse(to.error());
  if (!name->empty()) {
    if (!is_plain_utf8(*name))
      return c.refuse({errc::malformed, "the name of a batch is text without control characters"});
    auto batches = batches_of(c.node.store());
    if (!batches) return c.refuse(batches.error());
    for (const auto& b : *batches)
      if (b.name == *name)
        return c.refuse({errc::key_reused, "there is a batch \"" + *name +
                                               "\" already (tallystick stock): choose "
                                               "another name"});
  }
  c.ok({{"kind", *kind}, {"kind_name", *known}, {"kinds", kinds_of(*c.node.snapshot()).size()}});
}

}  // namespace tally::admin
