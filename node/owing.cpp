#include "node/owing.hpp"

#include "ledger/accounts.hpp"
#include "ledger/money.hpp"
#include "storage/kv_state.hpp"
#include "storage/varint.hpp"

namespace tally {

result<owing_cards> cards_owing(const kv_store& store, const writer_id& self, std::size_t most) {
  byte_writer w;
  w.u8(static_cast<std::uint8_t>(balance_prefix));
  w.u8(static_cast<std::uint8_t>(account_type::debt));
  w.uv(main_unit.value);
  const auto prefix = w.take();
  owing_cards out;
  auto c = store.scan(family::state, prefix);
  for (; c->valid() && c->key().starts_with(prefix); c->next()) {
    auto a = parse_balance_key(c->key());
    auto v = decode_balance(c->value());
    if (!a || !v || a->writer != self || static_cast<std::uint32_t>(a->b) != purse_paid || *v <= 0) continue;
    ++out.count;
    if (!checked_add(out.sum, *v, out.sum)) return error{errc::overflow, "the sum of what cards owe"};
    if (out.first.size() < most) out.first.push_back({{a->a}, *v});
  }
  if (!c->state()) return error{errc::io, "the database could not be read"};
  return out;
}

}  // namespace tally
