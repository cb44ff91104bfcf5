// What money an account should have by the entries that somebody knows of.
#include "ledger/fold.hpp"
#include "ledger/kinds.hpp"
#include "sim/oracle.hpp"

namespace tally::sim {
namespace {

amount money_of(const entry& e) {
  amount sum = 0;
  for (const auto& v : evens_paid(e) ? e.earned : e.values)
    if (v.unit == main_unit) sum += v.amount;
  return sum;
}

}  // namespace

amount oracle::known_balance(account_id a, const std::function<std::uint64_t(const writer_id&)>& size) const {
  amount sum = 0;
  for (const auto& [writer, list] : known_) {
    auto end = size(writer);
    for (const auto& k : list) {
      if (k.seq >= end) break;
      if (k.account == a) sum += k.value;
    }
  }
  return sum;
}

void oracle::note_known(const writer_id& writer, sequence seq, const entry& e) {
  auto value = money_of(e);
  if (value == 0) return;
  auto& list = known_[writer];
  const bool undo = e.kind == entry_kind::reverse;
  const auto kind = undo ? e.cited_kind : e.kind;
  amount own = 0;
  if (e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere || e.kind == entry_kind::issue ||
      e.kind == entry_kind::voucher_grant || e.kind == entry_kind::earn)
    own += value;
  if (e.kind == entry_kind::hand_back || e.kind == entry_kind::fee || e.kind == entry_kind::execute ||
      e.kind == entry_kind::take_back)
    own -= value;
  if (undo && kind == entry_kind::issue) own -= value;
  if (kind == entry_kind::gift) own -= value * (undo ? -1 : 1);
  if (sells(kind) || kind == entry_kind::top_up) own += value * (undo ? -1 : 1) * (kind == entry_kind::top_up ? 1 : -1);
  if (own != 0) list.push_back({seq, e.account, own});
  if (kind == entry_kind::gift && e.to_account != e.account)
    list.push_back({seq, e.to_account, value * (undo ? -1 : 1)});
}

}  // namespace tally::sim
