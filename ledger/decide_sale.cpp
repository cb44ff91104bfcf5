// Goods for money and units: from what lies here, or from what was put aside.
#include <algorithm>
#include <map>

#include "ledger/decide_parts.hpp"
#include "ledger/purses.hpp"

namespace tally {

using namespace decide_detail;

namespace {

/// Where a sale takes units from.
struct purse_source {
  const situation& s;
  account_id account;
  std::uint32_t date{};
  const entry* authorise = nullptr;  ///< what it put aside; none: what can be spent here

  std::vector<value_item> items(std::uint32_t purse, const purse_rule* rule) const {
    if (!authorise) return spendable(s.st, s.self, account, purse, rule, {s.hq_time, date});
    std::vector<value_item> out;
    for (const auto& v : authorise->values)
      if (v.purse == purse) out.push_back(v);
    return out;
  }
  amount paid() const { return sum_of(items(purse_paid, nullptr)); }
};

/// What a sale comes to: its price, and how the card's part is split.
struct sale_deal {
  sale_terms terms;
  priced_sale price;
  amount due{};  ///< before bonus
  const programme* plan = nullptr;
};

/// Bonus that pays a part of `card`, and the price with it. REQUIRES: `price` is that of `terms` without bonus.
status use_bonus(amount card, const purse_source& from, const situation& s, sale_deal& deal) {
  auto left = card;
  auto paid_here = from.paid();
  const auto& plan = *deal.plan;
  const auto* kind = plan.card_kind(deal.terms.who.kind);
  bool any = false;
  for (const auto& p : plan.purses) {
    if (p.kind != purse_kind::bonus) continue;
    if (kind && !kind->purses.empty() && !std::ranges::binary_search(kind->purses, p.id)) continue;
    auto n = std::min({sum_of(from.items(p.id, &p)), left, worth_max(deal.price, p)});
    if (plan.paid_first) n = std::min(n, left - paid_here);
    if (n <= 0) continue;
    deal.terms.uses.push_back({p.id, n});
    left -= n;
    any = true;
  }
  if (!any) return done();
  auto again = price_sale(s.rules, deal.terms);
  if (!again) return again.error();
  deal.price = std::move(*again);
  return done();
}

/// Who has a voucher's code is no member: it pays what it promises, and the sale gives nothing.
maybe_refusal terms_of_code(const sale_command& c, const situation& s, std::uint32_t date) {
  if (!c.gifts.empty() || c.partial) return refuse(errc::not_applicable, "a voucher's code pays no gifts", c.account);
  amount wanted = c.card;
  if (c.bearer.purse != purse_paid && c.card != 0)
    return refuse(errc::not_applicable, "this voucher is no money", c.account);
  for (const auto& u : c.uses) {
    if (u.purse != c.bearer.purse || c.uses.size() != 1)
      return refuse(errc::not_applicable, "this voucher's code does not promise that", c.account);
    wanted = u.units;
  }
  return check_voucher(c.bearer, c.account, wanted, s, date);
}

/// Terms of a sale without bonus, or why the card cannot be used.
maybe_refusal terms_of(const sale_command& c, const situation& s, std::uint32_t date, sale_terms& t,
                       card_record& card) {
  t.lines = c.lines;
  t.gifts = c.gifts;
  t.uses = c.uses;
  t.business_date = date;
  t.version = s.rules.version_at(date);
  if (const auto* r = s.rules.rules(t.version)) t.plain = rules_are_stale(s, r->programme);
  if (c.account.value == 0) return std::nullopt;
  if (auto r = check_card(c.account, c.genuine, c.once, s, date, card)) return void_voucher(std::move(*r), c.bearer);
  const auto* record = s.rules.rules(t.version);
  if (c.bearer.units != 0) {
    t.code = true;
    return terms_of_code(c, s, date);
  }
  if (record)
    if (auto r = check_place(record->programme, card, c.account, s)) return r;
  t.who = {true, record && record->programme.asks_for_kinds() ? card.kind : 0, card.level,
           record && has_birthday(card, record->programme, date)};
  for (const auto& u : c.uses)
    if (const auto* p = record ? record->programme.purse(u.purse) : nullptr; p && p->kind == purse_kind::bonus)
      return refuse(errc::not_applicable, p->names[0] + " is spent with the amount from the card", c.account);
  return std::nullopt;
}

std::string purse_text(const programme& plan, std::uint32_t purse) {
  const auto* p = plan.purse(purse);
  return p ? p->names[0] : "paid money";
}

/// Puts the items of each purse that the sale uses into the entry; a refusal when there are too few.
maybe_refusal take_units(entry& e, amount from_card, const sale_deal& deal, const purse_source& from,
                         const risk_room& room = {}) {
  std::map<std::uint32_t, amount> wanted;
  std::vector<purse_lack> lacks;
  e.values.clear();
  auto here = from.paid();
  auto safe = std::min(here, from_card);
  if (safe != 0) e.values.push_back({purse_paid, main_unit, 0, safe});
  if (from_card > here && !take_at_risk(e, purse_paid, from_card - here, room))
    lacks.push_back({purse_paid, here, from_card - here});
  for (const auto* list : {&deal.price.uses, &deal.price.gifts})
    for (const auto& u : *list)
      if (!checked_add(wanted[u.purse], u.units, wanted[u.purse]))
        return refuse(errc::overflow, "units of a purse", e.account);
  for (auto [purse, n] : wanted) {
    auto items = from.items(purse, deal.plan->purse(purse));
    auto sum = sum_of(items);
    for (const auto& v : first_of(items, n))
      e.values.push_back(v);
    if (sum < n && !take_at_risk(e, purse, n - sum, room)) lacks.push_back({purse, sum, n - sum});
  }
  if (!lacks.empty()) {
    const auto& first = lacks.front();
    auto name = purse_text(*deal.plan, first.purse);
    refusal r{{errc::insufficient, std::move(name)}, e.account, first.here, first.missing, first.purse, {}};
    r.lacks = std::move(lacks);
    e.debts.clear();
    e.risk = 0;
    return r;
  }
  if (e.values.size() > values_max) return refuse(errc::bad_basket, "too many purses at once", e.account);
  return std::nullopt;
}

maybe_refusal check_payments(const sale_command& c, amount& paid) {
  if (c.card < 0 || c.card > amount_max) return refuse(errc::bad_amount, "the amount from the card", c.account);
  if (c.tenders.size() > tenders_max) return refuse(errc::bad_tender, "too many payments", c.account);
  paid = c.card;
  for (const auto& t : c.tenders)
    if (t.amount <= 0 || t.amount > amount_max || t.unit != main_unit || !checked_add(paid, t.amount, paid))
      return refuse(errc::bad_amount, "a payment", c.account);
  return std::nullopt;
}

/// The price with bonus, and that the payments add up to it.
maybe_refusal strike(const sale_command& c, amount paid, const purse_source& from, const situation& s,
                     sale_deal& deal) {
  auto price = price_sale(s.rules, deal.terms);
  if (!price) return refusal{price.error(), from.account, {}, 0};
  deal.price = std::move(*price);
  deal.due = deal.price.due;
  deal.plan = &s.rules.rules(deal.terms.version)->programme;
  if (paid != deal.due)
    return refuse(errc::bad_tender,
                  "the total is " + std::to_string(deal.due) + ", the payments are " + std::to_string(paid),
                  from.account);
  if (c.card > deal.price.card_max) {
    auto r =
        refuse(errc::other_goods,
               "of this basket, this kind of card pays at most " + std::to_string(deal.price.card_max) + " minor units",
               from.account);
    r.card_goods = deal.price.card_max;
    return r;
  }
  if (c.card == 0) return std::nullopt;
  if (auto ok = use_bonus(c.card, from, s, deal); !ok) return refusal{ok.error(), from.account, {}, 0};
  return std::nullopt;
}

amount money_of_card(const entry& e) {
  amount sum = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) sum += v.amount;
  return sum;
}

void state_goods(entry& e, const sale_command& c, sale_deal& deal, const situation& s) {
  e.lines = c.lines;
  e.gifts = c.gifts;
  e.tenders = c.tenders;
  e.taxes = deal.price.taxes;
  auto at_risk = std::move(e.debts);
  give_units(e, std::move(deal.price.earned), s);
  e.debts.insert(e.debts.end(), at_risk.begin(), at_risk.end());
}

/// The card has less money than was asked for: what it has is put aside until the rest is paid otherwise.
decision approve_part(entry e, const sale_command& c, amount from_card, const sale_deal& deal, const purse_source& from,
                      const situation& s, const refusal& why, std::vector<posting>& postings) {
  if (take_units(e, std::min(from_card, from.paid()), deal, from)) return why;
  if (c.card - from_card + std::min(from_card, from.paid()) <= 0) return why;  // no money at all
  if (auto r = check_open_holds(s, e.account)) return *r;
  if (auto r = check_day(e, *deal.plan, s)) return *r;
  if (auto r = check_lists(money_of_card(e), s, s.rules.rules(e.rules_version), e.account)) return *r;
  e.kind = entry_kind::authorise;
  e.stale = false;
  e.cites = s.next;
  e.deadline = business_moment(e) + partial_hold_seconds;
  e.lines = c.lines;
  e.gifts = c.gifts;
  e.request = request_digest(c);
  return judged(std::move(e), s, postings);
}

/// What the capture leaves of each item goes back.
std::vector<value_item> left_of(const entry& authorise, const std::vector<value_item>& taken) {
  std::vector<value_item> out;
  for (auto v : authorise.values) {
    for (const auto& t : taken)
      if (t.purse == v.purse && t.bucket == v.bucket) v.amount -= t.amount;
    if (v.amount > 0) out.push_back(v);
  }
  return out;
}

bool same_goods(const sale_command& c, const entry& e, const catalogue& rules) {
  if (e.lines != c.lines || e.gifts != c.gifts || e.tenders != c.tenders) return false;
  static const programme none;
  const auto* r = rules.rules(e.rules_version);
  const auto& plan = r ? r->programme : none;
  auto terms = terms_of_entry(e, plan);
  if (!terms) return false;
  // The till asks for money of the card; the decision split it into paid money and bonus.
  amount card = 0;
  for (const auto& v : e.values)
    if (v.purse == purse_paid) card += v.amount;
  std::map<std::uint32_t, amount> took, asked;
  for (const auto& u : terms->uses) {
    const auto* p = plan.purse(u.purse);
    (p && p->kind == purse_kind::bonus ? card : took[u.purse]) += u.units;
  }
  for (const auto& u : c.uses)
    if (!asked.emplace(u.purse, u.units).second) return false;
  return card == c.card && asked == took;
}

}  // namespace

namespace decide_detail {

maybe_refusal check_day(const entry& e, const programme& plan, const situation& s) {
  const auto* kind = plan.card_kind(e.card_kind);
  if (!kind || kind->per_day == 0) return std::nullopt;
  amount paid = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) paid += v.amount;
  auto before = spent_on(s.st, e.business_date, s.self, e.account);
  if (paid == 0 || before <= kind->per_day - paid) return std::nullopt;
  return refuse(errc::bad_amount,
                "this card spends at most " + money_text(s.rules.rules(e.rules_version), kind->per_day) + " a day here",
                e.account);
}

decision decide_sale(const sale_command& c, const situation& s, std::vector<posting>& postings) {
  amount paid = 0;
  if (auto r = check_payments(c, paid)) return *r;
  entry e = start(entry_kind::sale, c.key, s);
  sale_deal deal;
  card_record card;
  if (auto r = terms_of(c, s, e.business_date, deal.terms, card)) return *r;
  e.rules_version = deal.terms.version;
  e.stale = deal.terms.plain;
  if (c.account.value == 0 && c.card != 0) return refuse(errc::unknown_card, "an amount from the card, but no card");
  purse_source from{s, c.account, e.business_date};
  if (auto r = strike(c, paid, from, s, deal)) return *r;
  if (c.account.value != 0) state_customer(e, c.account, card, *deal.plan);
  e.bearer = c.bearer.units;
  if (e.bearer != 0 && c.card == 0 && c.uses.empty())
    return refuse(errc::bad_amount, "nothing of the voucher is used", c.account);
  bool units = c.card != 0 || !c.uses.empty() || !c.gifts.empty();
  if (auto r = check_pin({c.pin, c.account, card, c.card, units}, *deal.plan, e, s, postings)) return *r;
  const auto* rules = s.rules.rules(e.rules_version);
  if (rules)
    if (auto r = check_code({c.code, c.account, card, c.card, units}, *rules, e, s)) return *r;
  // What bonus pays is not due any more.
  amount from_card = c.card - (deal.due - deal.price.due);
  auto room = c.once.empty() ? room_for_risk(c.bearer, c.account, card.kind, *deal.plan, s) : risk_room{};
  if (auto r = take_units(e, from_card, deal, from, room)) {
    if (c.bearer.units != 0 && s.asked && r->here.value_or(0) == 0)
      return refuse(errc::voucher_used, "nothing of it is left here, and nobody who was asked has any", c.account);
    bool money = r->lacks.size() == 1 && r->purse == purse_paid;
    // A one-time number pays one sale, and it has to be this one.
    if (!c.partial || !money || s.pulls || !c.once.empty()) return *r;
    return approve_part(std::move(e), c, from_card, deal, from, s, *r, postings);
  }
  if (auto r = check_day(e, *deal.plan, s)) return *r;
  if (auto r = check_lists(money_of_card(e), s, rules, c.account)) return *r;
  e.medium = c.once;
  state_goods(e, c, deal, s);
  return judged(std::move(e), s, postings);
}

decision decide_capture(const capture_command& command, const situation& s, std::vector<posting>& postings) {
  const auto& c = command.sale;
  amount paid = 0;
  if (auto r = check_payments(c, paid)) return *r;
  auto found = find_hold(command.seq, s);
  if (auto* r = std::get_if<refusal>(&found)) return *r;
  const auto& authorise = std::get<entry>(found);
  auto account = authorise.account;
  entry e = start(entry_kind::capture, c.key, s);
  if (business_moment(e) >= authorise.deadline)
    return refuse(errc::not_applicable, "the authorisation has timed out", account);
  e.cites = command.seq;
  e.account = account;
  // As it was approved: a card that was blocked meanwhile pays what was promised.
  e.account_version = authorise.account_version;
  e.level = authorise.level;
  e.card_kind = authorise.card_kind;
  e.birthday = authorise.birthday;
  sale_deal deal;
  auto version = s.rules.version_at(e.business_date);
  deal.terms = {c.lines, c.gifts, c.uses, {true, e.card_kind, e.level, e.birthday}, version, e.business_date};
  e.rules_version = version;
  if (const auto* r = s.rules.rules(version)) deal.terms.plain = e.stale = rules_are_stale(s, r->programme);
  purse_source from{s, account, e.business_date, &authorise};
  if (auto r = strike(c, paid, from, s, deal)) return *r;
  amount from_card = c.card - (deal.due - deal.price.due);
  if (auto r = take_units(e, from_card, deal, from)) {
    // Not a lack of rights that others could send.
    if (r->why.code != errc::insufficient) return *r;
    return refuse(errc::bad_amount,
                  "of " + r->why.detail + ", " + units_text(s.rules.rules(version), r->purse, r->here.value_or(0)) +
                      " were authorised",
                  account);
  }
  if (e.values.empty()) return refuse(errc::bad_amount, "nothing of it is taken: void it", account);
  e.released = left_of(authorise, e.values);
  state_goods(e, c, deal, s);
  return judged(std::move(e), s, postings, &authorise);
}

bool same_sale(const sale_command& c, const entry& e, const catalogue& rules) {
  if (e.account != c.account || e.bearer != c.bearer.units) return false;
  // What else was asked for is not in the entry, but for its digest; in one from before that was, not at all.
  if (e.kind == entry_kind::authorise && c.partial)
    return e.lines == c.lines && e.gifts == c.gifts && (e.request == 0 || e.request == request_digest(c));
  return e.kind == entry_kind::sale && same_goods(c, e, rules);
}

bool same_capture(const capture_command& c, const entry& e, const catalogue& rules) {
  return e.kind == entry_kind::capture && e.cites == c.seq && same_goods(c.sale, e, rules);
}

}  // namespace decide_detail

result<quote> quote_sale(const sale_command& c, const situation& s) {
  auto date = business_date(s.st, s.self, s.now, s.hq_time);
  sale_deal deal;
  card_record card;
  if (auto r = terms_of(c, s, date, deal.terms, card)) return r->why;
  auto price = price_sale(s.rules, deal.terms);
  if (!price) return price.error();
  if (c.card < 0 || c.card > price->card_max) return error{errc::bad_amount, "the amount from the card"};
  deal.plan = &s.rules.rules(deal.terms.version)->programme;
  deal.price = std::move(*price);
  if (c.account.value != 0 && c.card != 0) TALLY_TRY(use_bonus(c.card, {s, c.account, date}, s, deal));
  quote q{std::move(deal.price), {}};
  for (const auto& u : q.price.uses)
    if (const auto* p = deal.plan->purse(u.purse); p && p->kind == purse_kind::bonus) q.bonus.push_back(u);
  return q;
}

}  // namespace tally
