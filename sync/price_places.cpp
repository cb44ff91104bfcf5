// What the audit asks of the place and the day of an entry: where cards are good, units by hand, fees.
#include <algorithm>

#include "ledger/kinds.hpp"
#include "ledger/pricing.hpp"
#include "sync/certificate.hpp"
#include "sync/price_check.hpp"

namespace tally {

// A store that never heard of the card, and believed its signed code, names no kind and no version. A gift names the
// kind only where it matters.
void price_checker::kind_of_card(sequence seq, const entry& e) {
  bool named = sells(e.kind) || e.kind == entry_kind::authorise || e.kind == entry_kind::top_up;
  bool may_be_unknown = e.account_version == 0 || e.kind == entry_kind::gift;
  if (!named && e.kind != entry_kind::gift) return;
  const auto* r = rules_of(e);
  if (!r || !r->programme.asks_for_kinds() || e.account.value == 0) return;
  if (e.card_kind == 0 && may_be_unknown) return;
  // A kind may change with the card's state: of an older one, or one that is not known here yet, nothing is said.
  auto card = ground_.card_at(e.account);
  if (card && card->version == e.account_version && card->kind != e.card_kind)
    differs(seq, "a card of kind " + std::to_string(card->kind) + ", as head office published it",
            "kind " + std::to_string(e.card_kind));
}

void price_checker::place(sequence seq, const entry& e) {
  bool spends = e.kind == entry_kind::sale || e.kind == entry_kind::authorise || e.kind == entry_kind::gift;
  bool loads = e.kind == entry_kind::top_up ||
               (e.kind == entry_kind::issue &&
                std::ranges::any_of(e.values, [](const value_item& v) { return v.purse == purse_paid; }));
  if (e.card_kind == 0 || (!spends && !loads)) return;
  const auto* r = rules_of(e);
  const auto* kind = r ? r->programme.card_kind(e.card_kind) : nullptr;
  auto here = journal_.writer.node;
  if (!kind) return;
  auto owner = kind->has_owners() && here != head_office ? ground_.owner_of(journal_.writer, adopted_) : std::nullopt;
  if (spends ? kind->good_at(here, owner) : kind->loaded_at(here, owner)) return;
  differs(seq,
          "no card of kind " + std::to_string(kind->id) + (spends ? " used" : " loaded") + " at node " +
              std::to_string(here.value) + (owner ? ", of owner " + std::to_string(*owner) + "," : "") +
              " under rules " + std::to_string(e.rules_version),
          "one");
}

void price_checker::by_hand(sequence seq, const entry& e) {
  ground_.checked();
  const auto* r = rules_of(e);
  bool taken = !e.values.empty();
  const auto& items = taken ? e.values : e.earned;
  if (items.empty()) return;  // judged elsewhere
  auto purse = items.front().purse;
  auto& sum = by_hand_[{purse, taken}];
  for (const auto& v : items)
    if (!checked_add(sum, v.amount, sum)) sum = INT64_MAX;
  const auto* rule = r ? r->programme.purse(purse) : nullptr;
  auto most = rule ? rule->manual_per_day : 0;
  if (sum > most)
    differs(seq,
            "at most " + std::to_string(most) + " of purse " + std::to_string(purse) + (taken ? " taken" : " given") +
                " by hand in a day, under rules " + std::to_string(e.rules_version),
            std::to_string(sum));
  if (taken || !rule) return;
  amount units = 0;
  for (const auto& v : e.earned)
    if (!checked_add(units, v.amount, units)) return;  // judged elsewhere
  // Bonus in parts opens as all bonus does.
  if (auto due = in_buckets(*rule, units, e.business_date); due != e.earned)
    differs(seq, "units by hand in the month buckets of the rules", "other ones");
}

void price_checker::fee(sequence seq, const entry& e) {
  ground_.checked();
  const auto* r = rules_of(e);
  const auto* kind = r ? r->programme.card_kind(e.card_kind) : nullptr;
  amount sum = 0;
  bool fits = kind != nullptr;
  for (const auto& v : e.values)
    fits = fits && checked_add(sum, v.amount, sum) && std::ranges::binary_search(kind->dormant.purses, v.purse);
  if (fits && kind->dormant.months != 0 && sum <= kind->dormant.fee) return;
  differs(seq,
          "a fee of at most " + money_text(kind ? kind->dormant.fee : 0) + ", from the purses that rules " +
              std::to_string(e.rules_version) + " name",
          money_text(sum));
}

}  // namespace tally
