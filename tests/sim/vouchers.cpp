// Vouchers with codes: what head office puts behind them, and who shows them where.
#include "sim/world.hpp"

namespace tally::sim {

code_face voucher_face(unsigned i) { return i % 2 == 0 ? code_face{off_purse, 1, 0} : code_face{purse_paid, 600, 0}; }

entry grant_entry(unsigned i) {
  auto face = voucher_face(i);
  entry e;
  e.kind = entry_kind::voucher_grant;
  e.account = voucher_account(i);
  e.blob = "vouchers";
  value_item v{face.purse, unit_of(face.purse), 0, face.units};
  if (face.purse == purse_paid) {
    e.values = {v};
    e.tenders = {{tender_kind::transfer, main_unit, face.units}};
  } else {
    e.earned = {v};
  }
  return e;
}

// A code pays a sale, in whole or in part, or goes onto a card; the same code is shown at several stores.
std::optional<till_command> world::think_voucher(sim_node& n, const till_key& k, account_id card) {
  auto i = static_cast<unsigned>(dice_.below(vouchers));
  auto face = voucher_face(i);
  if (dice_.chance(300)) {
    gift_command c{k, voucher_account(i), card, face.purse, face.units, true, {}, face};
    return c;
  }
  sale_command s{k, voucher_account(i), {{{1}, dice_.between(4, 9)}}, 0, {}};
  s.genuine = true;
  s.bearer = face;
  if (face.purse != purse_paid) s.uses = {{face.purse, face.units}};
  auto quote = quote_sale(s, n.st->ledger().at(wall(n)));
  auto due = quote ? quote->price.due : 100;
  if (face.purse == purse_paid) s.card = std::min(due, dice_.between(1, face.units));
  if (due > s.card) s.tenders.push_back({tender_kind::cash, main_unit, due - s.card});
  return s;
}

}  // namespace tally::sim
