#include "sync/card_sales.hpp"

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"

namespace tally {

status complete_card_sale(entry& e, book& b, unix_seconds now) {
  auto card = card_of(b.st(), e.account);
  if (!card) return error{errc::unknown_card, "account " + std::to_string(e.account.value)};
  if (card->status != card_status::stock)
    return error{errc::not_applicable, "card " + std::to_string(e.account.value) + " is not for sale: it is " +
                                           standing_text(card->status, card->expires)};
  amount load = 0;
  for (const auto& v : e.values)
    if (v.purse == purse_paid) load = v.amount;
  auto tender = e.tenders.empty() ? tender_kind::cash : e.tenders.front().kind;
  date_entry(e, b.st(), b.self(), now, b.hq_time());
  const auto* rules = b.rules().rules(b.rules().version_at(e.business_date));
  if (!rules) return error{errc::bad_rules, "no rules are in force yet"};
  const auto* kind = rules->programme.card_kind(card->kind);
  if (load != 0 && kind && !kind->loaded_at(b.self().node))
    return error{errc::not_here, "no_top_up_at of the rules names head office: sell the cards without a load"};
  e.terminal = office_terminal;
  e.counter = b.st().newest_counter(b.self(), office_terminal) + 1;
  return state_card_sale(e, e.account, *card, *rules, load, tender);
}

}  // namespace tally
