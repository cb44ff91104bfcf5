#include "node/voucher_grants.hpp"

#include "ledger/cards.hpp"
#include "storage/kv_state.hpp"

namespace tally {
namespace {

std::optional<granted> grant_in(byte_view key, byte_view value) {
  const auto k = parse_cell_key(key);
  const auto v = decode_cell(value);
  if (!k || !v || k->b != 1) return std::nullopt;
  auto words = parse_grant_text(v->data);
  if (!words) return std::nullopt;
  return granted{{k->a}, k->writer, v->n, std::move(*words)};
}

}  // namespace

bool each_granted(const kv_store& store, const std::function<bool(const granted&)>& visit) {
  const bytes prefix{cell_prefix, static_cast<char>(cell_type::bearer)};
  auto c = store.scan(family::state, prefix);
  for (; c->valid() && c->key().substr(0, 2) == prefix; c->next())
    if (auto g = grant_in(c->key(), c->value()); g && !visit(*g)) return true;
  return static_cast<bool>(c->state());
}

std::optional<granted> granted_at(const kv_store& store, account_id account) {
  std::optional<granted> out;
  byte_writer from;
  from.u8(static_cast<std::uint8_t>(cell_prefix));
  from.u8(static_cast<std::uint8_t>(cell_type::bearer));
  from.uv(account.value);
  from.uv(1);
  const auto prefix = from.take();
  auto c = store.scan(family::state, prefix);
  for (; !out && c->valid() && c->key().starts_with(prefix); c->next())
    out = grant_in(c->key(), c->value());
  return out;
}

amount left_of(const state& st, const granted& g, const writer_id& self) {
  return g.writer == self ? holding(st, g.writer, g.account, g.words.purse) : 0;
}

bool is_whole(const state& st, const granted& g, const writer_id& self, std::uint32_t today) {
  auto card = card_of(st, g.account);
  return (!card || card->status == card_status::active) && left_of(st, g, self) == g.units &&
         (g.words.until == 0 || g.words.until >= today);
}

}  // namespace tally
