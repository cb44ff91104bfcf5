#include "sync/card_sales.hpp"

#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"

namespace tally {
namespace {

/// The numbers of the office's own terminal go on over all lives of head office, as those of every till do: one of a
/// life before would be taken for the same request.
std::uint64_t next_office_counter(book& b, unix_seconds now) {
  auto newest = b.st().newest_counter(b.self(), office_terminal);
  for (const auto& w : b.at(now).earlier)
    newest = std::max(newest, b.st().newest_counter(w, office_terminal));
  return newest + 1;
}

}  // namespace

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
  if (load != 0 && kind && !kind->loaded_at(b.self().node, b.owner()))
    return error{errc::not_here, "no_top_up_at of the rules names head office: sell the cards without a load"};
  e.terminal = office_terminal;
  e.counter = next_office_counter(b, now);
  return state_card_sale(e, e.account, *card, *rules, load, tender);
}

status complete_top_up(entry& e, book& b, unix_seconds now) {
  if (e.blob.empty() || e.blob.size() > reference_max)
    return error{errc::bad_amount, "a payment has a reference of 1 to " + std::to_string(reference_max) + " octets"};
  if (top_up_for(b.st(), e.blob)) return error{errc::key_reused, "a payment with this reference was booked"};
  if (e.values.size() != 1 || e.tenders.size() != 1) return error{errc::malformed, "a payment of one amount"};
  if (!card_of(b.st(), e.account)) return error{errc::unknown_card, "account " + std::to_string(e.account.value)};
  top_up_command c;
  c.key.terminal = office_terminal;
  c.key.counter = next_office_counter(b, now);
  c.account = e.account;
  c.value = e.values.front().amount;
  c.tender = e.tenders.front().kind;
  c.package = e.package;
  auto decided = decide(till_command{c}, b.at(now));
  if (const auto* no = std::get_if<refusal>(&decided)) {
    auto why = no->why;
    if (why.code == errc::card_blocked) why.detail = "the card takes no money: " + why.detail;
    return why;
  }
  auto* made = std::get_if<entry>(&decided);
  if (!made) return error{errc::key_reused, "the next number of the office's own terminal"};
  made->blob = std::move(e.blob);
  e = std::move(*made);
  return done();
}

status complete_adjustment(entry& e, book& b, unix_seconds now) {
  const auto note = bytes(e.blob);
  auto [reference, reason] = parse_hand_note(note);
  if (reference.empty() || reference.size() > reference_max)
    return error{errc::malformed,
                 "units by hand have a reference of 1 to " + std::to_string(reference_max) + " octets"};
  if (reason.empty() || reason.size() > note_max)
    return error{errc::malformed, "a reason of 1 to " + std::to_string(note_max) + " octets is needed"};
  if (adjustment_for(b.st(), reference))
    return error{errc::key_reused, "units were given or taken under this reference"};
  if (e.values.size() + e.earned.size() != 1) return error{errc::malformed, "units of one purse, given or taken"};
  if (!card_of(b.st(), e.account)) return error{errc::unknown_card, "account " + std::to_string(e.account.value)};
  const auto& item = e.earned.empty() ? e.values.front() : e.earned.front();
  adjust_command c;
  c.key.terminal = office_terminal;
  c.key.counter = next_office_counter(b, now);
  c.account = e.account;
  c.purse = item.purse;
  c.units = e.earned.empty() ? -item.amount : item.amount;
  c.reason = note;
  auto decided = decide(till_command{c}, b.at(now));
  if (const auto* no = std::get_if<refusal>(&decided)) {
    auto why = no->why;
    if (why.code == errc::insufficient)
      why.detail = "of " + why.detail + " " + std::to_string(no->here.value_or(0)) + " lie at head office, " +
                   std::to_string(no->missing) + " too few: what lies at a store is taken there";
    return why;
  }
  auto* made = std::get_if<entry>(&decided);
  if (!made) return error{errc::key_reused, "the next number of the office's own terminal"};
  e = std::move(*made);
  return done();
}

status complete_pay_out(entry& e, book& b, unix_seconds now, amount owes) {
  if (e.blob.empty() || e.blob.size() > reference_max)
    return error{errc::bad_amount, "a payment has a reference of 1 to " + std::to_string(reference_max) + " octets"};
  if (top_up_for(b.st(), e.blob)) return error{errc::key_reused, "a payment with this reference was booked"};
  if (e.tenders.size() != 1) return error{errc::malformed, "a payment of one amount"};
  auto card = card_of(b.st(), e.account);
  if (!card) return error{errc::unknown_card, "account " + std::to_string(e.account.value)};
  if (!is_final(card->status))
    return error{errc::not_applicable, "the card is " + standing_text(card->status, card->expires) +
                                           ": what lies on it is paid out once it was given back ('--returned')"};
  const auto wanted = e.tenders.front();
  if (wanted.amount <= 0 || wanted.amount > amount_max) return error{errc::bad_amount, "what is paid out"};
  const auto paid = holding(b.st(), b.self(), e.account), deposit = holding(b.st(), b.self(), e.account, purse_deposit);
  const auto here = std::max<amount>(paid - owes, 0) + deposit;
  if (wanted.amount > here) {
    const auto* rules = b.rules().newest();
    auto text = [&](amount v) { return format_amount(v, rules ? static_cast<int>(rules->exponent) : 2); };
    return error{errc::insufficient, text(here) + " of the card can be paid out at head office" +
                                         (owes > 0 ? ", after what it owes: " + text(owes) : "") +
                                         ". What lies at stores, if anything does, is asked for now: run this again in "
                                         "a moment, or when they have a line"};
  }
  entry out;
  out.kind = entry_kind::hand_back;
  out.account = e.account;
  out.account_version = card->version;
  out.tenders = {{wanted.kind, main_unit, wanted.amount}};
  out.blob = std::move(e.blob);
  const auto first = std::min(wanted.amount, std::max<amount>(paid - owes, 0));
  if (first > 0) out.values.push_back({purse_paid, main_unit, 0, first});
  if (first < wanted.amount) out.values.push_back({purse_deposit, main_unit, 0, wanted.amount - first});
  out.terminal = office_terminal;
  out.counter = next_office_counter(b, now);
  date_entry(out, b.st(), b.self(), now, b.hq_time());
  e = std::move(out);
  return done();
}

status may_undo_card_sale(const entry& sale, const writer_id& self, const state& st, const rules_record* rules,
                          const is_about& elsewhere) {
  const auto name = "card " + std::to_string(sale.account.value);
  auto card = card_of(st, sale.account);
  if (!card || card->status != card_status::active)
    return error{errc::not_applicable,
                 name + " is " + (card ? standing_text(card->status, card->expires) : "not known") + " by now"};
  if (card->pin.set) return error{errc::not_applicable, name + " was given a PIN: somebody uses it"};
  std::vector<std::uint32_t> purses{purse_paid, purse_deposit};
  if (rules)
    for (const auto& p : rules->programme.purses)
      purses.push_back(p.id);
  for (auto purse : purses) {
    amount sold = 0;
    for (const auto& v : sale.values)
      if (v.purse == purse) sold += v.amount;
    if (holding(st, self, sale.account, purse) != sold || elsewhere(sale.account, purse))
      return error{errc::not_applicable, name + " was used since: what it was sold with does not lie here untouched"};
  }
  return done();
}

status complete_card_fact(entry& e, const card_record& card) {
  if (e.pin.version < card.pin.version) e.pin = card.pin;
  const bool same = e.status == card.status && (e.card_kind == 0 || e.card_kind == card.kind) &&
                    e.level == card.level && e.expires == card.expires && e.birth_month == card.birth_month &&
                    e.pin == card.pin;
  if (e.account_version > card.version || same) return done();
  return error{errc::busy, "this card was changed by somebody else at this moment: run this again"};
}

status complete_card_undo(entry& e, book& b, unix_seconds now, const is_about& elsewhere) {
  const auto name = "card " + std::to_string(e.account.value);
  auto sale = e.cites ? b.find_entry(*e.cites) : std::nullopt;
  if (!sale || !sells_card(sale->kind) || sale->account != e.account)
    return error{errc::not_found, "head office has no sale of " + name + " there since its data was last restored"};
  if (b.st().find({.type = cell_type::reversed, .a = *e.cites, .b = 0, .writer = b.self(), .peer = {}}))
    return error{errc::already_reversed, name};
  TALLY_TRY(may_undo_card_sale(*sale, b.self(), b.st(), b.rules().newest(), elsewhere));
  const auto cites = e.cites;
  e = {};
  e.kind = entry_kind::reverse;
  e.cites = cites;
  e.cited_kind = sale->kind;
  e.account = sale->account;
  e.account_version = sale->account_version;
  e.shift = sale->shift;
  e.values = sale->values;
  e.tenders = sale->tenders;
  e.terminal = office_terminal;
  e.counter = next_office_counter(b, now);
  date_entry(e, b.st(), b.self(), now, b.hq_time());
  return done();
}

}  // namespace tally
