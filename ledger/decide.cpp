#include "ledger/decide.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/decide_parts.hpp"
#include "ledger/keys.hpp"
#include "ledger/kinds.hpp"
#include "ledger/pins.hpp"
#include "ledger/purses.hpp"

namespace tally {

using namespace decide_detail;

namespace {

/// The account that a request takes value from, or sets the PIN of.
account_id account_in(const till_command& c) {
  return std::visit(
      [](const auto& x) {
        if constexpr (requires { x.account; }) {
          return x.account;
        } else {
          return account_id{};
        }
      },
      c);
}

bool same_request(const till_command& c, const entry& e, const catalogue& rules) {
  // Only that it was the same but for the PIN is in the entry; of those written before that was, the account.
  if (e.kind == entry_kind::pin_failed)
    return e.request != 0 ? e.request == request_digest(c) : account_in(c) == e.account;
  if (const auto* sale = std::get_if<sale_command>(&c)) return same_sale(*sale, e, rules);
  if (const auto* t = std::get_if<top_up_command>(&c))
    return e.kind == entry_kind::top_up && e.account == t->account && e.values.size() == 1 &&
           e.values.front().amount == t->value && e.tenders.size() == 1 && e.tenders.front().kind == t->tender &&
           e.package == t->package;
  if (const auto* r = std::get_if<refund_command>(&c)) return same_refund(*r, e);
  if (const auto* r = std::get_if<claim_command>(&c)) return same_card_request(*r, e);
  if (const auto* r = std::get_if<card_sale_command>(&c)) return same_card_request(*r, e);
  if (const auto* r = std::get_if<hand_back_command>(&c)) return same_card_request(*r, e);
  if (const auto* r = std::get_if<refund_elsewhere_command>(&c)) return same_refund_elsewhere(*r, e);
  if (const auto* a = std::get_if<authorise_command>(&c)) return same_authorise(*a, e);
  if (const auto* t = std::get_if<capture_command>(&c)) return same_capture(*t, e, rules);
  if (const auto* v = std::get_if<void_command>(&c)) return e.kind == entry_kind::void_hold && e.cites == v->seq;
  if (const auto* g = std::get_if<gift_command>(&c)) return same_gift(*g, e);
  if (const auto* a = std::get_if<adjust_command>(&c)) return same_adjust(*a, e);
  if (const auto* p = std::get_if<pin_command>(&c)) return same_pin(*p, e);
  if (const auto* p = std::get_if<stock_command>(&c)) return same_stock(*p, e);
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
  if (auto r = check_loading(plan, card, c.account, s)) return *r;
  auto given = price_top_up(s.rules, e.rules_version, {true, e.card_kind, e.level, e.birthday}, e.business_date,
                            c.value, c.package, e.stale);
  if (!given) return refusal{given.error(), c.account, {}, 0};
  e.values.push_back({purse_paid, main_unit, 0, c.value});
  e.tenders.push_back({c.tender, main_unit, c.value});
  e.package = c.package;
  e.medium = c.once;
  give_units(e, std::move(*given), s);
  auto paid = settled_debts(s.st, s.self, e.account, e.values);
  e.debts.insert(e.debts.end(), paid.begin(), paid.end());
  return judged(std::move(e), s, postings);
}

/// What the entry took at risk is owed no more, as far as that is known here. What a top-up paid of a debt is owed
/// again, as far as its money is not here.
void undo_debts(entry& e, const entry& cited, const situation& s) {
  for (auto d : cited.debts) {
    auto of_values = [&](const value_item& v) { return v.purse == d.purse && v.bucket == d.bucket; };
    auto of = std::ranges::find_if(cited.values, of_values);
    if (of == cited.values.end() || (d.amount < 0 && cited.kind != entry_kind::top_up)) continue;
    auto here = holding(s.st, s.self, e.account, d.purse);
    d.amount = d.amount > 0 ? -std::min(debt_of(s.st, s.self, e.account, d.purse), d.amount)
                            : std::min(-d.amount, std::max<amount>(of->amount - here, 0));
    if (d.amount != 0) e.debts.push_back(d);
  }
}

/// A top-up that paid what the card owed does not go back beyond what it may owe.
maybe_refusal check_restored_debt(const entry& e, const entry& cited, const situation& s) {
  amount again = 0;
  for (const auto& d : e.debts)
    if (d.purse == purse_paid && d.amount > 0) again = d.amount;
  if (cited.kind != entry_kind::top_up || again == 0) return std::nullopt;
  const auto* rules = s.rules.rules(cited.rules_version);
  const auto* kind = rules ? rules->programme.card_kind(cited.card_kind) : nullptr;
  auto most = kind ? kind->risk_total : 0;
  if (debt_of(s.st, s.self, e.account, purse_paid) <= most - again) return std::nullopt;
  return refuse(errc::not_applicable, "its money paid what the card owed, and the card may owe no more", e.account);
}

/// What a top-up brought is paid out: of a card that has a PIN only with it. Its kind's limits say that PINs are asked
/// for at all, not how much goes without: the money comes back whole.
std::optional<decision> ask_for_payout(const reverse_command& c, const entry& cited, entry& e, const situation& s,
                                       std::vector<posting>& postings) {
  if (cited.kind != entry_kind::top_up) return std::nullopt;
  auto card = card_of(s.st, cited.account);
  const auto* rules = s.rules.rules(s.rules.version_at(e.business_date));
  if (!card || !rules || !pin_of(s.st, s.self, cited.account, *card).set) return std::nullopt;
  auto d = check_pin({c.pin, cited.account, *card, amount_max, true}, rules->programme, e, s, postings);
  if (auto* r = d ? std::get_if<refusal>(&*d) : nullptr) r->without_pin.reset();
  return d;
}

decision decide_reverse(const reverse_command& c, const situation& s, std::vector<posting>& postings) {
  auto cited = c.seq < s.next ? s.find_entry(s.self, c.seq) : std::nullopt;
  if (!cited) return refuse(errc::not_found, "receipt " + std::to_string(c.seq));
  if (s.stopped != errc::ok && cited->account.value != 0) return refuse(s.stopped, "", cited->account);
  bool card_paid = std::ranges::any_of(cited->values, [](const value_item& v) { return v.unit == main_unit; });
  if (sells(cited->kind) && card_paid && was_given_back(cited->account, s)) {
    auto r = refuse(errc::card_blocked, "given back: take the goods back for cash, as goods of that receipt",
                    cited->account);
    r.standing = card_status::returned;
    return r;
  }
  entry e = start(entry_kind::reverse, c.key, s);
  e.cites = c.seq;
  e.cited_kind = cited->kind;
  e.account = cited->account;
  e.account_version = cited->account_version;
  e.shift = cited->shift;
  e.to_account = cited->to_account;
  e.values = cited->values;
  e.tenders = cited->tenders;
  e.taxes = cited->taxes;
  e.earned = cited->earned;
  e.debts = debts_of(e, *cited, s);
  if (auto r = ask_for_payout(c, *cited, e, s, postings)) return *r;
  if (auto r = ask_before_debt(e, s)) return *r;
  e.bearer = cited->bearer;
  undo_debts(e, *cited, s);
  if (auto r = check_restored_debt(e, *cited, s)) return *r;
  return judged(std::move(e), s, postings, &*cited);
}

}  // namespace

const till_key& key_of(const till_command& c) {
  return std::visit(
      [](const auto& x) -> const till_key& {
        if constexpr (requires { x.key; }) {
          return x.key;
        } else {
          return x.sale.key;
        }
      },
      c);
}

static decision decide_new(const till_command& c, const situation& s, std::vector<posting>& postings) {
  if (const auto* sale = std::get_if<sale_command>(&c)) return decide_sale(*sale, s, postings);
  if (const auto* top_up = std::get_if<top_up_command>(&c)) return decide_top_up(*top_up, s, postings);
  if (const auto* refund = std::get_if<refund_command>(&c)) return decide_refund(*refund, s, postings);
  if (const auto* claim = std::get_if<claim_command>(&c)) return decide_claim(*claim, s, postings);
  if (const auto* sold = std::get_if<card_sale_command>(&c)) return decide_card_sale(*sold, s, postings);
  if (const auto* back = std::get_if<hand_back_command>(&c)) return decide_hand_back(*back, s, postings);
  if (const auto* back = std::get_if<refund_elsewhere_command>(&c)) return decide_refund_elsewhere(*back, s, postings);
  if (const auto* aside = std::get_if<authorise_command>(&c)) return decide_authorise(*aside, s, postings);
  if (const auto* capture = std::get_if<capture_command>(&c)) return decide_capture(*capture, s, postings);
  if (const auto* v = std::get_if<void_command>(&c)) return decide_void(*v, s, postings);
  if (const auto* gift = std::get_if<gift_command>(&c)) return decide_gift(*gift, s, postings);
  if (const auto* units = std::get_if<adjust_command>(&c)) return decide_adjust(*units, s, postings);
  if (const auto* pin = std::get_if<pin_command>(&c)) return decide_pin(*pin, s, postings);
  if (const auto* shelf = std::get_if<stock_command>(&c)) return decide_stock(*shelf, s, postings);
  return decide_reverse(std::get<reverse_command>(c), s, postings);
}

decision decide(const till_command& c, const situation& s, std::vector<posting>* out) {
  std::vector<posting> own;
  if (auto early = check_key(c, s)) return *early;
  auto d = decide_new(c, s, out ? *out : own);
  if (auto* e = std::get_if<entry>(&d); e && e->kind == entry_kind::pin_failed) e->request = request_digest(c);
  return d;
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

std::optional<entry> decide_settlement(const situation& s, account_id account, std::uint32_t purse) {
  auto left = debt_of(s.st, s.self, account, purse);
  entry e;
  e.kind = entry_kind::settle;
  date_entry(e, s.st, s.self, s.now, s.hq_time);
  e.account = account;
  for (auto v : spendable(s.st, s.self, account, purse, nullptr, {})) {
    v.amount = std::min(v.amount, left);
    if (v.amount <= 0 || e.debts.size() >= values_max) break;
    left -= v.amount;
    v.amount = -v.amount;
    e.debts.push_back(v);
  }
  if (e.debts.empty()) return std::nullopt;
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
                          amount held_there, const std::vector<value_item>& debts) {
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
  e.debts = debts;
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
