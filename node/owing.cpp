#include "node/owing.hpp"

#include "ledger/accounts.hpp"
#include "ledger/cards.hpp"
#include "ledger/money.hpp"
#include "storage/kv_state.hpp"
#include "storage/varint.hpp"

namespace tally {
namespace {

/// Calls `f(account, balance)` for each account of that type and of the currency that is this node's. Keys follow each
/// other by account number. `f` gives false: stop. Errors: io, overflow.
template <class F>
status each_balance(const kv_store& store, const writer_id& self, account_type type, F f) {
  byte_writer w;
  w.u8(static_cast<std::uint8_t>(balance_prefix));
  w.u8(static_cast<std::uint8_t>(type));
  w.uv(main_unit.value);
  const auto prefix = w.take();
  auto c = store.scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix); c->next()) {
    auto a = parse_balance_key(c->key());
    auto v = decode_balance(c->value());
    if (a && v && a->writer == self && !f(*a, *v)) return error{errc::overflow, "a sum of what lies on cards"};
  }
  if (!c->state()) return error{errc::io, "the database could not be read"};
  return done();
}

}  // namespace

result<card_sums> cards_owing(const kv_store& store, const writer_id& self, std::size_t most) {
  card_sums out;
  auto read = each_balance(store, self, account_type::debt, [&](const ledger_account& a, amount v) {
    if (static_cast<std::uint32_t>(a.b) != purse_paid || v <= 0) return true;
    ++out.count;
    if (out.first.size() < most) out.first.push_back({{a.a}, v});
    return checked_add(out.sum, v, out.sum);
  });
  if (!read) return read.error();
  return out;
}

result<card_sums> cards_left_over(const kv_store& store, const writer_id& self, std::size_t most) {
  durable_state st(store);
  card_sums out;
  card_sums::row now;
  auto end_row = [&] {
    auto card = now.value > 0 ? card_of(st, now.account) : std::nullopt;
    if (!card || !is_final(card->status)) return true;
    ++out.count;
    if (out.first.size() < most) out.first.push_back(now);
    return checked_add(out.sum, now.value, out.sum);
  };
  auto read = each_balance(store, self, account_type::hold, [&](const ledger_account& a, amount v) {
    const bool is_money = a.b == purse_paid || a.b == purse_deposit;
    if (a.a != now.account.value) {
      if (!end_row()) return false;
      now = {{a.a}, 0};
    }
    return !is_money || checked_add(now.value, -v, now.value);
  });
  if (!read) return read.error();
  if (!end_row()) return error{errc::overflow, "a sum of what lies on cards"};
  return out;
}

}  // namespace tally
