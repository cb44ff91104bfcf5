#include "ledger/decide.hpp"

#include <algorithm>
#include <map>

#include "ledger/closing.hpp"
#include "ledger/decide_parts.hpp"
#include "ledger/keys.hpp"
#include "ledger/kinds.hpp"
#include "ledger/purses.hpp"

namespace tally {

using namespace decide_detail;

namespace {

using maybe_refusal = std::optional<refusal>;

bool same_sale(const sale_command& c, const entry& e, const catalogue& rules) {
  if (e.kind != entry_kind::sale || e.account != c.account || e.lines != c.lines || e.gifts != c.gifts ||
      e.tenders != c.tenders)
    return false;
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

bool same_request(const till_command& c, const entry& e, const catalogue& rules) {
  if (const auto* sale = std::get_if<sale_command>(&c)) return same_sale(*sale, e, rules);
  if (const auto* t = std::get_if<top_up_command>(&c))
    return e.kind == entry_kind::top_up && e.account == t->account && e.values.size() == 1 &&
           e.values.front().amount == t->value && e.tenders.size() == 1 && e.tenders.front().kind == t->tender &&
           e.package == t->package;
  if (const auto* r = std::get_if<refund_command>(&c)) return same_refund(*r, e);
  if (const auto* r = std::get_if<claim_command>(&c)) return same_card_request(*r, e);
  if (const auto* r = std::get_if<card_sale_command>(&c)) return same_card_request(*r, e);
  if (const auto* r = std::get_if<hand_back_command>(&c)) return same_card_request(*r, e);
  return e.kind == entry_kind::reverse && e.cites == std::get<reverse_command>(c).seq;
}

std::optional<decision> check_key(const till_command& c, const situation& s) {
  const auto& k = key_of(c);
  if (k.terminal == 0 || k.counter == 0) return refuse(errc::malformed, "a terminal and a counter from 1 are needed");
  // A till's numbers go on when its node begins a new epoch, so a request that was repeated meanwhile is found.
  std::uint64_t last = 0;
  for (std::size_t i = 0; i <= s.earlier.size(); ++i) {
    const auto& w = i == 0 ? s.self : s.earlier[i - 1];
    auto newest = s.st.newest_counter(w, k.terminal);
    last = std::max(last, newest);
    // Beyond the newest there is nothing to find; looking would be a read of the disk for every new request.
    if (k.counter > newest || newest - k.counter >= key_window) continue;
    auto seq = s.st.answered({w, k.terminal, k.counter});
    if (!seq) continue;
    auto e = s.find_entry(w, *seq);
    if (!e) return refuse(errc::io, "the ledger could not be read");
    if (!same_request(c, *e, s.rules)) return refuse(errc::key_reused, "counter " + std::to_string(k.counter));
    return replayed{w, *seq};
  }
  if (k.counter > last) {
    // A counter far ahead would push the window over all others of this terminal.
    if (k.counter - last > key_window)
      return refuse(errc::malformed, "the next counter is " + std::to_string(last + 1));
    return std::nullopt;
  }
  if (last - k.counter >= key_window) return refuse(errc::key_too_old, "counter " + std::to_string(k.counter));
  return std::nullopt;
}

/// A genuine card that is not in this node's directory yet is at version 0 of its state: its account is known, and that
/// nothing was published against it that has come here.
maybe_refusal check_card(account_id account, bool genuine, const bytes& once, const situation& s, std::uint32_t date,
                         card_record& card) {
  if (s.stopped != errc::ok) return refuse(s.stopped, "", account);
  auto c = card_of(s.st, account);
  if (!c && !genuine) return refuse(errc::unknown_card, "", account);
  card = c.value_or(card_record{});
  if (auto r = check_once(account, once, card, s)) return r;
  return check_standing(account, card, s, date);
}

/// Units that the rules give: what the quotas of this node cover, the rest as owed; older debts are settled first.
void give_units(entry& e, std::vector<value_item> given, const situation& s) {
  for (std::size_t i = 0, j = 0; i < given.size(); i = j) {
    for (j = i; j < given.size() && given[j].purse == given[i].purse;)
      ++j;
    std::span<const value_item> of_purse(given.data() + i, j - i);
    bool covered = s.role == node_role::hq || quota_left(s.st, s.self, given[i].unit) >= sum_of(of_purse);
    auto& list = covered ? e.earned : e.owed;
    list.insert(list.end(), of_purse.begin(), of_purse.end());
  }
  e.debts = settled_debts(s.st, s.self, e.account, e.earned);
}

void state_customer(entry& e, account_id account, const card_record& card, const programme& plan) {
  e.account = account;
  e.account_version = card.version;
  e.level = card.level;
  if (plan.asks_for_kinds()) e.card_kind = card.kind;
}

/// Bonus that pays a part of `card`, and the price with it. REQUIRES: `price` is that of `terms` without bonus.
status use_bonus(const sale_command& c, const situation& s, const programme& plan, sale_terms& terms,
                 priced_sale& price) {
  auto left = c.card;
  auto paid_here = holding(s.st, s.self, c.account);
  const auto* kind = plan.card_kind(terms.who.kind);
  bool any = false;
  for (const auto& p : plan.purses) {
    if (p.kind != purse_kind::bonus) continue;
    if (kind && !kind->purses.empty() && !std::ranges::binary_search(kind->purses, p.id)) continue;
    auto here = sum_of(spendable(s.st, s.self, c.account, p.id, &p, {s.hq_time, terms.business_date}));
    auto n = std::min({here, left, worth_max(price, p)});
    if (plan.paid_first) n = std::min(n, left - paid_here);
    if (n <= 0) continue;
    terms.uses.push_back({p.id, n});
    left -= n;
    any = true;
  }
  if (!any) return done();
  auto again = price_sale(s.rules, terms);
  if (!again) return again.error();
  price = std::move(*again);
  return done();
}

struct sale_terms_result {
  sale_terms terms;
  card_record card;
};
/// Terms of a sale without bonus, or why the card cannot be used.
std::variant<sale_terms_result, refusal> terms_of(const sale_command& c, const situation& s, std::uint32_t date) {
  sale_terms_result out;
  auto& t = out.terms;
  t.lines = c.lines;
  t.gifts = c.gifts;
  t.uses = c.uses;
  t.business_date = date;
  t.version = s.rules.version_at(date);
  if (const auto* r = s.rules.rules(t.version)) t.plain = rules_are_stale(s, r->programme);
  if (c.account.value == 0) return out;
  if (auto r = check_card(c.account, c.genuine, c.once, s, date, out.card)) return *r;
  const auto* record = s.rules.rules(t.version);
  t.who = {true, record && record->programme.asks_for_kinds() ? out.card.kind : 0, out.card.level};
  for (const auto& u : c.uses)
    if (const auto* p = record ? record->programme.purse(u.purse) : nullptr; p && p->kind == purse_kind::bonus)
      return refuse(errc::not_applicable, p->names[0] + " is spent with the amount from the card", c.account);
  return out;
}

std::string purse_text(const programme& plan, std::uint32_t purse) {
  const auto* p = plan.purse(purse);
  return p ? p->names[0] : "paid money";
}

/// Puts the items of each purse that the sale uses into the entry; a refusal when there are too few.
maybe_refusal take_units(entry& e, amount from_card, const priced_sale& price, const programme& plan,
                         const situation& s) {
  std::map<std::uint32_t, amount> wanted;
  std::vector<purse_lack> lacks;
  if (auto here = holding(s.st, s.self, e.account); from_card > here)
    lacks.push_back({purse_paid, here, from_card - here});
  for (const auto* list : {&price.uses, &price.gifts})
    for (const auto& u : *list)
      if (!checked_add(wanted[u.purse], u.units, wanted[u.purse]))
        return refuse(errc::overflow, "units of a purse", e.account);
  for (auto [purse, n] : wanted) {
    auto here = spendable(s.st, s.self, e.account, purse, plan.purse(purse), {s.hq_time, e.business_date});
    auto sum = sum_of(here);
    if (sum < n) {
      lacks.push_back({purse, sum, n - sum});
      continue;
    }
    for (const auto& v : first_of(here, n))
      e.values.push_back(v);
  }
  if (!lacks.empty()) {
    const auto& first = lacks.front();
    refusal r{
        {errc::insufficient, purse_text(plan, first.purse)}, e.account, first.here, first.missing, first.purse, {}};
    r.lacks = std::move(lacks);
    return r;
  }
  if (e.values.size() >= values_max) return refuse(errc::bad_basket, "too many purses at once", e.account);
  return std::nullopt;
}

maybe_refusal check_day(const entry& e, const programme& plan, const situation& s) {
  const auto* kind = plan.card_kind(e.card_kind);
  if (!kind || kind->per_day == 0) return std::nullopt;
  amount paid = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) paid += v.amount;
  auto before = spent_on(s.st, e.business_date, s.self, e.account);
  if (paid == 0 || before <= kind->per_day - paid) return std::nullopt;
  return refuse(errc::bad_amount, "this card spends at most " + std::to_string(kind->per_day) + " a day here",
                e.account);
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

decision decide_sale(const sale_command& c, const situation& s, std::vector<posting>& postings) {
  amount paid = 0;
  if (auto r = check_payments(c, paid)) return *r;
  entry e = start(entry_kind::sale, c.key, s);
  auto how = terms_of(c, s, e.business_date);
  if (auto* r = std::get_if<refusal>(&how)) return *r;
  auto& [terms, card] = std::get<sale_terms_result>(how);
  e.rules_version = terms.version;
  e.stale = terms.plain;
  auto price = price_sale(s.rules, terms);
  if (!price) return refusal{price.error(), c.account, {}, 0};
  if (paid != price->due)
    return refuse(errc::bad_tender,
                  "the total is " + std::to_string(price->due) + ", the payments are " + std::to_string(paid),
                  c.account);
  const auto& plan = s.rules.rules(terms.version)->programme;
  if (c.account.value != 0) state_customer(e, c.account, card, plan);
  if (c.account.value == 0 && c.card != 0) return refuse(errc::unknown_card, "an amount from the card, but no card");
  if (c.card != 0)
    if (auto ok = use_bonus(c, s, plan, terms, *price); !ok) return refusal{ok.error(), c.account, {}, 0};
  // What bonus pays is not due any more.
  amount from_card = c.card - (paid - price->due);
  if (from_card != 0) e.values.push_back({purse_paid, main_unit, 0, from_card});
  if (auto r = take_units(e, from_card, *price, plan, s)) return *r;
  if (auto r = check_day(e, plan, s)) return *r;
  amount from_purses = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) from_purses += v.amount;
  if (auto r = check_lists(from_purses, s, s.rules.rules(terms.version), c.account)) return *r;
  e.medium = c.once;
  e.lines = c.lines;
  e.gifts = c.gifts;
  e.tenders = c.tenders;
  e.taxes = price->taxes;
  give_units(e, std::move(price->earned), s);
  return judged(std::move(e), s, postings);
}

decision decide_top_up(const top_up_command& c, const situation& s, std::vector<posting>& postings) {
  card_record card;
  if (c.value <= 0 || c.value > amount_max) return refuse(errc::bad_amount, "the amount of a top-up", c.account);
  entry e = start(entry_kind::top_up, c.key, s);
  if (auto r = check_card(c.account, c.genuine, c.once, s, e.business_date, card)) return *r;
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet", c.account);
  if (c.value < rules->top_up_min || c.value > rules->top_up_max)
    return refuse(errc::bad_amount,
                  "a top-up is from " + format_amount(rules->top_up_min, static_cast<int>(rules->exponent)) + " to " +
                      format_amount(rules->top_up_max, static_cast<int>(rules->exponent)),
                  c.account);
  const auto& plan = rules->programme;
  e.stale = rules_are_stale(s, plan);
  state_customer(e, c.account, card, plan);
  if (const auto* kind = plan.card_kind(e.card_kind); kind && !kind->top_up)
    return refuse(errc::not_applicable, kind->names[0] + ": not loaded at tills", c.account);
  auto given = price_top_up(s.rules, e.rules_version, {true, e.card_kind, e.level}, e.business_date, c.value, c.package,
                            e.stale);
  if (!given) return refusal{given.error(), c.account, {}, 0};
  e.values.push_back({purse_paid, main_unit, 0, c.value});
  e.tenders.push_back({c.tender, main_unit, c.value});
  e.package = c.package;
  e.medium = c.once;
  give_units(e, std::move(*given), s);
  return judged(std::move(e), s, postings);
}

decision decide_reverse(const reverse_command& c, const situation& s, std::vector<posting>& postings) {
  auto cited = c.seq < s.next ? s.find_entry(s.self, c.seq) : std::nullopt;
  if (!cited) return refuse(errc::not_found, "receipt " + std::to_string(c.seq));
  if (s.stopped != errc::ok && cited->account.value != 0) return refuse(s.stopped, "", cited->account);
  entry e = start(entry_kind::reverse, c.key, s);
  e.cites = c.seq;
  e.cited_kind = cited->kind;
  e.account = cited->account;
  e.account_version = cited->account_version;
  e.shift = cited->shift;
  e.values = cited->values;
  e.tenders = cited->tenders;
  e.taxes = cited->taxes;
  e.earned = cited->earned;
  e.debts = debts_of(e, *cited, s);
  return judged(std::move(e), s, postings, &*cited);
}

}  // namespace

result<quote> quote_sale(const sale_command& c, const situation& s) {
  auto date = business_date(s.st, s.self, s.now, s.hq_time);
  auto how = terms_of(c, s, date);
  if (auto* r = std::get_if<refusal>(&how)) return r->why;
  auto& terms = std::get<sale_terms_result>(how).terms;
  auto price = price_sale(s.rules, terms);
  if (!price) return price.error();
  if (c.card < 0 || c.card > price->due) return error{errc::bad_amount, "the amount from the card"};
  const auto& plan = s.rules.rules(terms.version)->programme;
  if (c.account.value != 0 && c.card != 0) TALLY_TRY(use_bonus(c, s, plan, terms, *price));
  quote q{std::move(*price), {}};
  for (const auto& u : q.price.uses)
    if (const auto* p = plan.purse(u.purse); p && p->kind == purse_kind::bonus) q.bonus.push_back(u);
  return q;
}

const till_key& key_of(const till_command& c) {
  return std::visit([](const auto& x) -> const till_key& { return x.key; }, c);
}

decision decide(const till_command& c, const situation& s, std::vector<posting>* out) {
  std::vector<posting> own;
  auto& postings = out ? *out : own;
  if (auto early = check_key(c, s)) return *early;
  if (const auto* sale = std::get_if<sale_command>(&c)) return decide_sale(*sale, s, postings);
  if (const auto* top_up = std::get_if<top_up_command>(&c)) return decide_top_up(*top_up, s, postings);
  if (const auto* refund = std::get_if<refund_command>(&c)) return decide_refund(*refund, s, postings);
  if (const auto* claim = std::get_if<claim_command>(&c)) return decide_claim(*claim, s, postings);
  if (const auto* sold = std::get_if<card_sale_command>(&c)) return decide_card_sale(*sold, s, postings);
  if (const auto* back = std::get_if<hand_back_command>(&c)) return decide_hand_back(*back, s, postings);
  return decide_reverse(std::get<reverse_command>(c), s, postings);
}

std::optional<entry> decide_expiry(const situation& s, account_id account) {
  const auto* rules = s.rules.newest();
  if (!rules || s.hq_time <= 0) return std::nullopt;
  auto month = month_of(day_of(s.hq_time));
  entry e;
  e.kind = entry_kind::expire;
  date_entry(e, s.st, s.self, s.now, s.hq_time);
  e.account = account;
  e.hq_time = s.hq_time;
  for (const auto& p : rules->programme.purses) {
    if (p.bucket != bucket_rule::expires) continue;
    for (auto m : s.st.months_held(s.self, account, p.id)) {
      auto n = -s.st.balance(hold_account(s.self, account, p.id, m, unit_of(p.id)));
      if (m < month && n > 0 && e.values.size() < values_max) e.values.push_back({p.id, unit_of(p.id), m, n});
    }
  }
  if (e.values.empty()) return std::nullopt;
  return e;
}

std::uint32_t business_date(std::uint32_t newest, unix_seconds now, std::int64_t hq_time) {
  auto today = day_of(now);
  if (hq_time > 0) today = std::min(today, day_of(hq_time) + business_days_ahead_max);
  return std::max(newest, today);
}

std::uint32_t business_date(const state& s, const writer_id& self, unix_seconds now, std::int64_t hq_time) {
  auto newest = number(s, {.type = cell_type::business_date, .a = 0, .b = 0, .writer = self, .peer = {}});
  return business_date(static_cast<std::uint32_t>(newest), now, hq_time);
}

void date_entry(entry& e, const state& s, const writer_id& self, unix_seconds now, std::int64_t hq_time) {
  e.business_date = business_date(s, self, now, hq_time);
  e.stamp = now - start_of_day(e.business_date);
}

result<entry> decide_send(const situation& s, const writer_id& to, account_id account,
                          const std::vector<value_item>& values, send_cause cause, std::uint64_t request,
                          amount held_there) {
  if (s.stopped != errc::ok) return error{s.stopped, ""};
  auto peer = node_of(s.st, to.node);
  if (!peer) return error{errc::not_entitled, "node " + std::to_string(to.node.value) + " is not certified"};
  if (peer->epoch != to.epoch || to.epoch == epoch_id{}) return error{errc::wrong_epoch, writer_name(to)};
  if (revoking_of(s.st, to)) return error{errc::revoked, writer_name(to)};
  for (const auto& v : values)
    if (v.amount <= 0 || v.amount > amount_max) return error{errc::bad_amount, "rights to send"};
  entry e;
  e.kind = entry_kind::send;
  date_entry(e, s.st, s.self, s.now, s.hq_time);
  e.peer = to;
  e.channel = static_cast<std::uint64_t>(number(s.st, channel_key(true, s.self, to))) + 1;
  e.cause = cause;
  e.account = account;
  e.request = request;
  e.values = values;
  if (peer->role == node_role::store) {
    auto limits = limits_of(s.st, to.node);
    amount sum = 0;
    for (const auto& v : values)
      if (v.purse != 0 && v.unit == main_unit && !checked_add(sum, v.amount, sum))
        return error{errc::overflow, "rights to send"};
    auto today = sent_on(s.st, e.business_date, main_unit, s.self, to);
    if (sum > 0 && (held_there > limits.ceiling - sum || today > limits.daily_inflow - sum))
      return error{errc::over_ceiling, "node " + std::to_string(to.node.value)};
  }
  auto verdict = judge(e, {.writer = s.self, .role = s.role, .seq = s.next, .directory = &s.st}, s.st);
  if (!verdict) return verdict.error();
  return e;
}

}  // namespace tally
