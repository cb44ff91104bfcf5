// The life of a card at a till: reported, sold, given back.
#include <algorithm>

#include "ledger/card_sale.hpp"
#include "ledger/cards.hpp"
#include "ledger/decide_parts.hpp"
#include "ledger/pins.hpp"

namespace tally::decide_detail {
namespace {

card_clock clock_of(const situation& s, std::uint32_t date) { return {date, s.hq_time}; }

amount value_of(const entry& e, std::uint32_t purse) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (v.purse == purse) sum += v.amount;
  return sum;
}

bool paid_by(const entry& e, tender_kind kind) { return e.tenders.empty() || e.tenders.front().kind == kind; }

}  // namespace

std::string money_text(const rules_record* rules, amount v) {
  return format_amount(v, rules ? static_cast<int>(rules->exponent) : 2);
}

std::string units_text(const rules_record* rules, std::uint32_t purse, amount v) {
  const auto* p = rules ? rules->programme.purse(purse) : nullptr;
  bool money = purse == purse_paid || (p && p->kind == purse_kind::bonus);
  return money ? money_text(rules, v) : std::to_string(v);
}

maybe_refusal check_standing(account_id account, const card_record& card, const situation& s, std::uint32_t date) {
  auto now = standing_of(s.st, s.self, account, card, clock_of(s, date));
  if (now.status == card_status::active) return std::nullopt;
  auto r = refuse(errc::card_blocked, standing_text(now.status, now.expires), account);
  r.standing = now.status;
  return r;
}

maybe_refusal check_once(account_id account, const bytes& once, const card_record& card, const situation& s) {
  if (once.empty()) return std::nullopt;
  // Head office sets its card to expired when it hears of its sale.
  bool used = card.status == card_status::expired;
  for (std::size_t i = 0; i <= s.earlier.size() && !used; ++i) {
    auto seen = once_of(s.st, i == 0 ? s.self : s.earlier[i - 1], account);
    used = seen && seen->used_by != 0 && seen->medium == once;
  }
  if (!used) return std::nullopt;
  return refuse(errc::number_used, "", account);
}

maybe_refusal check_lists(amount from_card, const situation& s, const rules_record* rules, account_id account) {
  if (!rules || from_card <= rules->programme.stale.sale_max) return std::nullopt;
  auto age = directory_age(s.st, s.now, s.hq_time);
  if (!is_older(age, rules->programme.stale.cards_after)) return std::nullopt;
  return refuse(errc::stale_lists,
                "head office was last heard of " + std::to_string(*age / 3600) +
                    " hours ago; until the line is back at most " + money_text(rules, rules->programme.stale.sale_max) +
                    " is taken from a card at once",
                account);
}

bool rules_are_stale(const situation& s, const programme& plan) {
  return is_older(directory_age(s.st, s.now, s.hq_time), plan.stale.rules_after);
}

// Refused before it is written: entries of a store that has not heard are answered without effect, and stand.
maybe_refusal check_heeded(account_id account, const situation& s) {
  if (s.next < claims_stand_up_to(s.st, s.self)) return std::nullopt;
  return refuse(errc::not_entitled, std::string(silenced_text), account);
}

decision decide_claim(const claim_command& c, const situation& s, std::vector<posting>& postings) {
  if (!may_claim(c.status)) return refuse(errc::malformed, "a store reports a card as lost or frozen", c.account);
  if (auto r = check_heeded(c.account, s)) return *r;
  auto card = card_of(s.st, c.account);
  if (!card && !c.genuine) return refuse(errc::unknown_card, "", c.account);
  entry e = start(entry_kind::claim, c.key, s);
  auto now = standing_of(s.st, s.self, c.account, card.value_or(card_record{}), clock_of(s, e.business_date));
  if (tightness(now.status) >= tightness(c.status)) {
    auto r = refuse(errc::card_blocked, standing_text(now.status, now.expires) + " already", c.account);
    r.standing = now.status;
    return r;
  }
  e.account = c.account;
  e.account_version = card ? card->version : 0;
  e.status = c.status;
  return judged(std::move(e), s, postings);
}

decision decide_card_sale(const card_sale_command& c, const situation& s, std::vector<posting>& postings) {
  if (s.stopped != errc::ok) return refuse(s.stopped, "", c.account);
  auto card = card_of(s.st, c.account);
  if (!card) return refuse(errc::unknown_card, "", c.account);
  entry e = start(entry_kind::issue, c.key, s);
  auto now = standing_of(s.st, s.self, c.account, *card, clock_of(s, e.business_date));
  if (now.status != card_status::stock) {
    auto r = refuse(errc::not_applicable, "this card is not for sale: it is " + standing_text(now.status, now.expires),
                    c.account);
    r.standing = now.status;
    return r;
  }
  if (!may_sell(s.st, s.st, s.self, c.account))
    return refuse(
        errc::not_entitled,
        "this card was not delivered to this store, or has gone back, or was delivered before this store began "
        "anew: then head office delivers it again (tallystick stock --to)",
        c.account);
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet", c.account);
  if (c.load != 0)
    if (auto r = check_loading(rules->programme, *card, c.account, s)) return *r;
  if (auto ok = state_card_sale(e, c.account, *card, *rules, c.load, c.tender); !ok)
    return refusal{ok.error(), c.account, {}, 0};
  e.medium = c.once;
  return judged(std::move(e), s, postings);
}

decision decide_hand_back(const hand_back_command& c, const situation& s, std::vector<posting>& postings) {
  if (s.stopped != errc::ok) return refuse(s.stopped, "", c.account);
  auto card = card_of(s.st, c.account);
  if (!card) return refuse(errc::unknown_card, "", c.account);
  amount total = 0;
  if (c.paid < 0 || c.paid > amount_max || c.deposit < 0 || c.deposit > amount_max ||
      !checked_add(c.paid, c.deposit, total))
    return refuse(errc::bad_amount, "what is paid out", c.account);
  if (auto r = check_once(c.account, c.once, *card, s)) return *r;
  entry e = start(entry_kind::hand_back, c.key, s);
  auto now = standing_of(s.st, s.self, c.account, *card, clock_of(s, e.business_date));
  // What expired is still the holder's.
  if (now.status != card_status::expired)
    if (auto r = check_standing(c.account, *card, s, e.business_date)) return *r;
  const auto version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(version);
  static const programme none;
  const auto& plan = rules ? rules->programme : none;
  // What it owes may have gone up, and what came back of a sale at risk may lie here: only head office knows both.
  if (const auto* kind = plan.card_kind(card->kind); kind && kind->risk_sale != 0)
    return refuse(errc::not_applicable, kind->names[0] + ": stores may lend to such cards; head office takes them back",
                  c.account);
  // It is for good, and ends the card with all that lies elsewhere: whoever has a PIN is asked for it.
  const bool chosen = pin_of(s.st, s.self, c.account, *card).set;
  if (auto r =
          check_pin({c.pin, c.account, *card, chosen ? amount_max : total, chosen || total != 0}, plan, e, s, postings))
    return *r;
  if (rules)
    if (auto r = check_code({c.code, c.account, *card, total, total != 0}, *rules, e, s)) return *r;
  if (auto r = check_lists(total, s, rules, c.account)) return *r;
  if (const auto* kind = plan.card_kind(card->kind); kind && kind->asks_for_proof()) {
    e.card_kind = card->kind;
    e.rules_version = version;
  }
  e.account = c.account;
  e.account_version = card->version;
  std::vector<purse_lack> lacks;
  for (auto [purse, wanted] : {std::pair{purse_paid, c.paid}, std::pair{purse_deposit, c.deposit}}) {
    auto here = holding(s.st, s.self, c.account, purse);
    // Whatever lies elsewhere is drawn in first: what is not paid out now stays behind on a card that is gone.
    if (s.pulls) wanted = std::max(amount_max, here + 1);
    if (here < wanted) lacks.push_back({purse, here, wanted - here});
    if (wanted != 0) e.values.push_back({purse, main_unit, 0, wanted});
  }
  if (!lacks.empty()) {
    refusal r{{errc::insufficient, lacks.front().purse == purse_paid ? "paid money" : "the deposit"},
              c.account,
              lacks.front().here,
              lacks.front().missing,
              lacks.front().purse,
              {}};
    r.lacks = std::move(lacks);
    return r;
  }
  if (auto here = holding(s.st, s.self, c.account, purse_paid); c.paid < here)
    return refuse(errc::bad_amount,
                  money_text(rules, here) + " of the card's money lies here: a card is given back with all of it",
                  c.account);
  if (total != 0) e.tenders.push_back({c.tender, main_unit, total});
  return judged(std::move(e), s, postings);
}

bool same_card_request(const claim_command& c, const entry& e) {
  return e.kind == entry_kind::claim && e.account == c.account && e.status == c.status;
}
bool same_card_request(const card_sale_command& c, const entry& e) {
  return (e.kind == entry_kind::issue || e.kind == entry_kind::activate) && e.account == c.account &&
         value_of(e, purse_paid) == c.load && paid_by(e, c.tender);
}
bool same_card_request(const hand_back_command& c, const entry& e) {
  return e.kind == entry_kind::hand_back && e.account == c.account && value_of(e, purse_paid) == c.paid &&
         value_of(e, purse_deposit) == c.deposit && paid_by(e, c.tender);
}

}  // namespace tally::decide_detail

namespace tally {

bool was_given_back(account_id account, const situation& s) {
  auto card = account.value != 0 ? card_of(s.st, account) : std::nullopt;
  auto today = business_date(s.st, s.self, s.now, s.hq_time);
  return card && standing_of(s.st, s.self, account, *card, clock_of(s, today)).status == card_status::returned;
}

}  // namespace tally
