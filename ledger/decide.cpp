#include "ledger/decide.hpp"

#include <algorithm>

#include "ledger/closing.hpp"
#include "ledger/keys.hpp"
#include "ledger/kinds.hpp"

namespace tally {
namespace {

using maybe_refusal = std::optional<refusal>;

refusal refuse(errc code, std::string detail, account_id account = {}) {
  return {{code, std::move(detail)}, account, {}, 0};
}

bool same_request(const till_command& c, const entry& e) {
  if (const auto* sale = std::get_if<sale_command>(&c)) {
    amount card = e.values.empty() ? 0 : e.values.front().amount;
    return e.kind == entry_kind::sale && e.account == sale->account && e.lines == sale->lines && card == sale->card &&
           e.tenders == sale->tenders;
  }
  if (const auto* t = std::get_if<top_up_command>(&c))
    return e.kind == entry_kind::top_up && e.account == t->account && e.values.size() == 1 &&
           e.values.front().amount == t->value && e.tenders.size() == 1 && e.tenders.front().kind == t->tender;
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
    if (!same_request(c, *e)) return refuse(errc::key_reused, "counter " + std::to_string(k.counter));
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
maybe_refusal check_card(account_id account, bool genuine, const situation& s, card_record& card) {
  if (s.stopped != errc::ok) return refuse(s.stopped, "", account);
  auto c = card_of(s.st, account);
  if (!c && genuine) {
    card = {};
    return std::nullopt;
  }
  if (!c) return refuse(errc::unknown_card, "", account);
  if (c->status != card_status::active) return refuse(errc::card_blocked, "", account);
  card = *c;
  return std::nullopt;
}

entry start(entry_kind kind, const till_key& k, const situation& s) {
  entry e;
  e.kind = kind;
  e.terminal = k.terminal;
  e.counter = k.counter;
  e.operator_id = k.operator_id;
  date_entry(e, s.st, s.self, s.now, s.hq_time);
  return e;
}

decision judged(entry e, const situation& s, std::vector<posting>& postings, const entry* cited = nullptr) {
  auto verdict = judge(e, {s.self, s.role, s.next, cited}, s.st, postings);
  if (verdict) return e;
  refusal r{verdict.error(), e.account, {}, 0};
  if (r.why.code == errc::insufficient) {
    r.here = holding(s.st, s.self, e.account);
    for (const auto& v : e.values)
      r.missing += v.amount;
    r.missing -= *r.here;
  }
  if (r.why.code == errc::no_quota) {
    r.here = quota_left(s.st, s.self);
    r.why.detail = "at most " + std::to_string(*r.here);
  }
  return r;
}

decision decide_sale(const sale_command& c, const situation& s, std::vector<posting>& postings) {
  if (c.card < 0 || c.card > amount_max) return refuse(errc::bad_amount, "the amount from the card", c.account);
  if (c.tenders.size() > tenders_max) return refuse(errc::bad_tender, "too many payments", c.account);
  amount paid = c.card;
  for (const auto& t : c.tenders)
    if (t.amount <= 0 || t.amount > amount_max || t.unit != main_unit || !checked_add(paid, t.amount, paid))
      return refuse(errc::bad_amount, "a payment", c.account);
  entry e = start(entry_kind::sale, c.key, s);
  e.rules_version = s.rules.version_at(e.business_date);
  auto basket = s.rules.price(c.lines, e.rules_version);
  if (!basket) return refusal{basket.error(), c.account, {}, 0};
  if (paid != basket->total)
    return refuse(errc::bad_tender,
                  "the total is " + std::to_string(basket->total) + ", the payments are " + std::to_string(paid),
                  c.account);
  if (c.account.value != 0) {
    card_record card;
    if (auto r = check_card(c.account, c.genuine, s, card)) return *r;
    e.account = c.account;
    e.account_version = card.version;
  } else if (c.card != 0) {
    return refuse(errc::unknown_card, "an amount from the card, but no card");
  }
  if (c.card != 0) e.values.push_back({purse_paid, main_unit, 0, c.card});
  e.lines = c.lines;
  e.tenders = c.tenders;
  e.taxes = basket->taxes;
  return judged(std::move(e), s, postings);
}

decision decide_top_up(const top_up_command& c, const situation& s, std::vector<posting>& postings) {
  card_record card;
  if (c.value <= 0 || c.value > amount_max) return refuse(errc::bad_amount, "the amount of a top-up", c.account);
  if (auto r = check_card(c.account, c.genuine, s, card)) return *r;
  entry e = start(entry_kind::top_up, c.key, s);
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet", c.account);
  if (c.value < rules->top_up_min || c.value > rules->top_up_max)
    return refuse(errc::bad_amount,
                  "a top-up is from " + format_amount(rules->top_up_min, static_cast<int>(rules->exponent)) + " to " +
                      format_amount(rules->top_up_max, static_cast<int>(rules->exponent)),
                  c.account);
  e.account = c.account;
  e.account_version = card.version;
  e.values.push_back({purse_paid, main_unit, 0, c.value});
  e.tenders.push_back({c.tender, main_unit, c.value});
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
  return judged(std::move(e), s, postings, &*cited);
}

}  // namespace

const till_key& key_of(const till_command& c) {
  return std::visit([](const auto& x) -> const till_key& { return x.key; }, c);
}

decision decide(const till_command& c, const situation& s, std::vector<posting>* out) {
  std::vector<posting> own;
  auto& postings = out ? *out : own;
  if (auto early = check_key(c, s)) return *early;
  if (const auto* sale = std::get_if<sale_command>(&c)) return decide_sale(*sale, s, postings);
  if (const auto* top_up = std::get_if<top_up_command>(&c)) return decide_top_up(*top_up, s, postings);
  return decide_reverse(std::get<reverse_command>(c), s, postings);
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
      if (v.purse != 0 && !checked_add(sum, v.amount, sum)) return error{errc::overflow, "rights to send"};
    auto today = sent_on(s.st, e.business_date, main_unit, s.self, to);
    if (sum > 0 && (held_there > limits.ceiling - sum || today > limits.daily_inflow - sum))
      return error{errc::over_ceiling, "node " + std::to_string(to.node.value)};
  }
  auto verdict = judge(e, {.writer = s.self, .role = s.role, .seq = s.next, .directory = &s.st}, s.st);
  if (!verdict) return verdict.error();
  return e;
}

}  // namespace tally
