// What the check of prices asks of cards that a store lent to while nobody could be asked.
#include "ledger/risk.hpp"
#include "storage/varint.hpp"
#include "sync/price_check.hpp"

namespace tally {
namespace {

bytes account_key(char what, account_id account) {
  byte_writer w;
  w.u8(static_cast<std::uint8_t>(what));
  w.uv(account.value);
  return w.take();
}
bytes owed_key(account_id account) { return account_key('o', account); }
bytes lent_key(account_id account) { return account_key('l', account); }

}  // namespace

// Signs as in the postings: what is sent goes away, what an entry says otherwise is added here.
void price_checker::owing(const entry& e) {
  amount sum = 0;
  bool money = false;
  for (const auto& d : e.debts) {
    if (d.purse != purse_paid) continue;
    money = true;
    if (!checked_add(sum, d.amount, sum)) return;  // judged elsewhere
  }
  if (!money) return;
  auto key = owed_key(e.account);
  auto owed = ground_.figure(journal_, key);
  if (checked_add(owed, e.kind == entry_kind::send ? -sum : sum, owed)) ground_.set_figure(journal_, key, owed);
  if (e.kind == entry_kind::send) ground_.set_figure(journal_, lent_key(e.account), 0);
}

void price_checker::risk(sequence seq, const entry& e) {
  ground_.checked();
  const auto* record = rules_of(e);
  const auto* kind = record ? record->programme.card_kind(e.card_kind) : nullptr;
  auto under = " under rules " + std::to_string(e.rules_version);
  const amount most = e.bearer != 0 ? amount_max : kind ? kind->risk_sale : 0;
  auto worth = record ? worth_at_risk(e, record->programme) : std::nullopt;
  if (worth != e.risk || e.risk > most)
    differs(seq, "at most " + money_text(most) + " at risk, and " + money_text(worth.value_or(0)) + under,
            money_text(e.risk));
  if (e.bearer != 0 || !kind) return;
  auto owed = ground_.figure(journal_, owed_key(e.account));
  if (owed > kind->risk_total)
    differs(seq, "a card that owes at most " + money_text(kind->risk_total) + " here" + under, money_text(owed));
  auto times = ground_.figure(journal_, lent_key(e.account)) + 1;
  ground_.set_figure(journal_, lent_key(e.account), times);
  if (kind->risk_count != 0 && times > static_cast<amount>(kind->risk_count))
    differs(seq, "at most " + std::to_string(kind->risk_count) + " times at risk until the store was heard of" + under,
            std::to_string(times));
}

}  // namespace tally
