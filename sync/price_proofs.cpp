// What the audit asks of PINs and one-time codes: that they were checked where the rules want them.
#include <algorithm>

#include "ledger/pins.hpp"
#include "storage/varint.hpp"
#include "sync/price_check.hpp"

namespace tally {

// Sums as the store's own fold has them (money_taken_on): what came back, or was put aside and captured, adds nothing.
void price_checker::proofs(sequence seq, const entry& e) {
  const auto* record = rules_of(e);
  const auto* kind = record ? record->programme.card_kind(e.card_kind) : nullptr;
  if (e.code_checked != 0) one_code(seq, e);
  if (!kind || !kind->asks_for_proof()) return;
  ground_.checked();
  amount money = 0;
  for (const auto& v : e.values) {
    const auto* purse = record->programme.purse(v.purse);
    if (v.unit == main_unit || (purse && purse->kind == purse_kind::bonus))
      money = std::min(money + std::clamp<amount>(v.amount, 0, amount_max), INT64_MAX / 4);
  }
  auto& before = spent_[e.account];
  auto under = " under rules " + std::to_string(e.rules_version);
  if (e.pin_checked == 0 && asks_for_pin(kind, money, !e.values.empty(), before))
    differs(seq, "at most " + money_text(free_of_pin(*kind, before)) + " without the card's PIN" + under,
            money_text(money));
  if (e.code_checked == 0 && asks_for_code(kind, money, !e.values.empty()))
    differs(seq, "at most " + money_text(*kind->code_above) + " without a one-time code" + under, money_text(money));
  if (e.kind != entry_kind::hand_back) before = std::min(before + money, INT64_MAX / 2);
}

void price_checker::one_code(sequence seq, const entry& e) {
  byte_writer w;
  w.u8('c');
  w.uv(e.account.value);
  auto key = w.take();
  auto newest = static_cast<std::uint64_t>(ground_.figure(journal_, key));
  if (e.code_checked <= newest)
    differs(seq, "a one-time code after number " + std::to_string(newest), "number " + std::to_string(e.code_checked));
  if (e.code_checked > newest) ground_.set_figure(journal_, key, static_cast<amount>(e.code_checked));
}

}  // namespace tally
