#include "sync/kept_kinds.hpp"

#include <map>
#include <set>

#include "ledger/cards.hpp"
#include "storage/kv_state.hpp"

namespace tally {
namespace {

/// A card as a cell says it; nothing for one that is over.
std::optional<std::uint32_t> kind_in_use(account_id account, const std::optional<cell>& data) {
  if (!data) return std::nullopt;
  memory_state one;
  one.put({.type = cell_type::card, .a = account.value, .b = 0, .writer = {}, .peer = {}}, *data);
  auto card = card_of(one, account);
  return card && !is_final(card->status) ? std::optional(card->kind) : std::nullopt;
}

/// Counts cards in use of the kinds that `counts` names.
status count_cards(const kv_store& store, const kv_view* open, std::map<std::uint32_t, std::uint64_t>& counts) {
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::card)};
  auto count = [&](byte_view key, const std::optional<cell>& data) {
    auto k = parse_cell_key(key);
    auto kind = k ? kind_in_use({k->a}, data) : std::nullopt;
    if (auto of = kind ? counts.find(*kind) : counts.end(); of != counts.end()) ++of->second;
  };
  std::set<bytes> changed;
  if (open)
    for (auto& key : open->changed(family::state, prefix))
      changed.insert(std::move(key));
  auto cursor = store.scan(family::state, prefix);
  for (; cursor->valid() && cursor->key().starts_with(prefix); cursor->next())
    if (changed.empty() || !changed.contains(bytes(cursor->key()))) count(cursor->key(), decode_cell(cursor->value()));
  TALLY_TRY(cursor->state());
  for (const auto& key : changed) {
    bytes value;
    auto found = open->get(family::state, key, value);
    if (found == lookup::failed) return error{errc::io, "the database could not be read"};
    if (found == lookup::found) count(key, decode_cell(value));
  }
  return done();
}

}  // namespace

status kinds_are_kept(const kv_store& store, const kv_view* open, const rules_record* now, const rules_record& next) {
  if (!now) return done();
  std::map<std::uint32_t, std::uint64_t> gone;
  for (const auto& k : now->programme.card_kinds)
    if (!next.programme.card_kind(k.id)) gone.emplace(k.id, 0);
  if (gone.empty()) return done();
  TALLY_TRY(count_cards(store, open, gone));
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

status kind_is_known(const catalogue& rules, const state& st, const entry& e) {
  if ((e.kind != entry_kind::map_media && e.kind != entry_kind::card_state) || e.card_kind == 0) return done();
  const auto* newest = rules.newest();
  if (!newest || is_final(e.status)) return done();
  const auto& kinds = newest->programme.card_kinds;
  if (kinds.empty() ? e.card_kind == 1 : newest->programme.card_kind(e.card_kind) != nullptr) return done();
  if (auto card = card_of(st, e.account); card && card->kind == e.card_kind) return done();
  return error{errc::not_found, "rules version " + std::to_string(newest->version) + " has no [[card_kind]] " +
                                    std::to_string(e.card_kind) + ", so no card becomes one of it"};
}

}  // namespace tally
