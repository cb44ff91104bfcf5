// Kinds of cards, and what a run of new cards says of itself, looked at before any card is made: see node/admin.hpp.
#include <algorithm>
#include <map>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "node/admin_internal.hpp"
#include "storage/kv_state.hpp"
#include "sync/text.hpp"

namespace tally::admin {
namespace {

constexpr std::size_t kind_name_max = 60;  // octets, as in the rules

/// Kinds of the newest rules, which may be of a later date: cards are made before it, none of a kind that ends then.
std::map<std::uint32_t, std::string> kinds_of(const node_snapshot& s) {
  std::map<std::uint32_t, std::string> out;
  if (const auto* rules = s.rules->newest())
    for (const auto& k : rules->programme.card_kinds)
      out.emplace(k.id, k.names[0]);
  return out;
}

std::string list_of(const std::map<std::uint32_t, std::string>& kinds) {
  std::string list;
  for (const auto& [id, name] : kinds)
    list += (list.empty() ? "" : ", ") + std::to_string(id) + " (" + name + ")";
  return list;
}

/// The kind that somebody names in any language of the rules. Errors: not_found, not_applicable (two have that name).
result<std::uint32_t> kind_named(const node_snapshot& s, const std::map<std::uint32_t, std::string>& known,
                                 std::string_view name) {
  std::vector<std::uint32_t> found;
  if (const auto* rules = s.rules->newest())
    for (const auto& k : rules->programme.card_kinds)
      if (std::ranges::any_of(k.names, [&](const std::string& n) { return !n.empty() && same_reference(n, name); }))
        found.push_back(k.id);
  if (found.size() == 1) return found.front();
  if (found.empty() && known.empty())
    return error{errc::not_found, "the rules name no kinds of card, so there is kind 1 alone"};
  return error{found.empty() ? errc::not_found : errc::not_applicable,
               (found.empty() ? "no kind of card is called \"" : "several kinds of card are called \"") +
                   std::string(name) + "\"; there " + (known.size() == 1 ? "is " : "are ") + list_of(known)};
}

}  // namespace

result<std::uint32_t> card_kind_asked(const call& c) {
  auto it = c.in.find("kind");
  const bool left_out = it == c.in.end() || it->is_null();
  if (!left_out && !it->is_string()) {
    auto number = number_in(c.in, "kind", 1, 100);
    if (!number) return number.error();
    return static_cast<std::uint32_t>(*number);
  }
  auto shown = c.node.snapshot();
  auto known = kinds_of(*shown);
  if (left_out) {
    if (known.size() > 1)
      return error{errc::malformed, "which kind of card is not said, and the rules have several: " + list_of(known) +
                                        "; name one of them, by its number or its name"};
    return known.empty() ? 1 : known.begin()->first;
  }
  auto text = text_in(c.in, "kind", kind_name_max);
  if (!text) return text.error();
  return kind_named(*shown, known, *text);
}

result<std::string> card_kind_name(const node_facade& node, std::int64_t kind) {
  auto shown = node.snapshot();
  if (!shown->rules->newest()) return std::string();  // rules may come after the cards
  auto known = kinds_of(*shown);
  if (known.empty() && kind == 1) return std::string();
  if (auto it = known.find(static_cast<std::uint32_t>(kind)); it != known.end()) return it->second;
  return error{errc::not_found, "the rules have no [[card_kind]] " + std::to_string(kind) + "; there " +
                                    (known.empty() ? "is 1 alone until rules name others"
                                                   : (known.size() == 1 ? "is " : "are ") + list_of(known))};
}

status check_good_until(const node_facade& node, std::int64_t day, std::string_view what) {
  auto today = node.snapshot()->business_date;
  if (day == 0 || day >= today) return done();
  return error{errc::bad_amount, std::string(what) + " is in the past: today is " + date_text(today)};
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
  auto kind = card_kind_asked(c);
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
