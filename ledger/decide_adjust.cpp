// Where a kind of card is good, units by hand, and fees of cards that nobody uses.
#include <algorithm>

#include "ledger/cards.hpp"
#include "ledger/decide_parts.hpp"
#include "ledger/fee_notice.hpp"
#include "ledger/purses.hpp"

namespace tally {
namespace decide_detail {

maybe_refusal check_place(const programme& plan, const card_record& card, account_id account, const situation& s) {
  const auto* kind = plan.card_kind(card.kind);
  if (!kind || kind->good_at(s.self.node, s.owner)) return std::nullopt;
  return refuse(errc::not_here, kind->names[0] + ": not good at this store", account);
}

maybe_refusal check_loading(const programme& plan, const card_record& card, account_id account, const situation& s) {
  const auto* kind = plan.card_kind(card.kind);
  if (!kind || kind->loaded_at(s.self.node, s.owner)) return std::nullopt;
  return refuse(errc::not_here, kind->names[0] + ": not loaded at this store", account);
}

decision decide_adjust(const adjust_command& c, const situation& s, std::vector<posting>& postings) {
  card_record card;
  bool taken = c.units < 0;
  if (c.units == 0 || c.units > amount_max || c.units < -amount_max)
    return refuse(errc::bad_amount, "how much is given or taken", c.account);
  const bool office = s.role == node_role::hq;  // which keeps the cards of all stores, and needs no quota of its own
  if (c.reason.empty() || (!office && c.reason.size() > note_max))
    return refuse(errc::malformed, "a reason of 1 to " + std::to_string(note_max) + " bytes is needed", c.account);
  entry e = start(entry_kind::adjust, c.key, s);
  if (auto r = check_card(c.account, c.genuine, {}, s, e.business_date, card)) return *r;
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet", c.account);
  const auto& plan = rules->programme;
  if (!office)
    if (auto r = check_place(plan, card, c.account, s)) return *r;
  if (!taken && rules_are_stale(s, plan))
    return refuse(errc::not_applicable, "the rules here are too old to give anything", c.account);
  const auto* purse = plan.purse(c.purse);
  if (!purse || purse->manual_per_day == 0)
    return refuse(
        errc::not_applicable,
        (purse ? purse->names[0] : "that purse") + ": not given or taken by hand (manual_per_day in the rules)",
        c.account);
  const auto* kind = plan.card_kind(card.kind);
  if (kind && !kind->purses.empty() && !std::ranges::binary_search(kind->purses, c.purse))
    return refuse(errc::not_applicable, "that card has no purse " + std::to_string(c.purse), c.account);
  auto units = taken ? -c.units : c.units;
  auto left = purse->manual_per_day - adjusted_on(s.st, e.business_date, s.self, c.purse, taken);
  if (units > left)
    return refuse(errc::bad_amount,
                  "by hand " + std::string(office ? "head office " : "this store ") +
                      std::string(taken ? "takes " : "gives ") + units_text(rules, c.purse, std::max<amount>(left, 0)) +
                      " more of " + purse->names[0] + " today",
                  c.account);
  e.account = c.account;
  e.account_version = card.version;
  e.blob = c.reason;
  if (taken) {
    auto here = spendable(s.st, s.self, c.account, c.purse, purse, {s.hq_time, e.business_date});
    if (auto sum = sum_of(here); sum < units) {
      refusal r{{errc::insufficient, purse->names[0]}, c.account, sum, units - sum, c.purse, {}};
      r.lacks = {{c.purse, sum, units - sum}};
      return r;
    }
    e.values = first_of(here, units);
  } else {
    auto quota = quota_left(s.st, s.self, unit_of(c.purse));
    if (!office && quota < units) {
      auto most = std::max<amount>(quota, 0);
      auto r =
          refuse(errc::no_quota, "at most " + units_text(rules, c.purse, most) + " of " + purse->names[0], c.account);
      r.here = most;
      r.purse = c.purse;
      return r;
    }
    e.earned = in_buckets(*purse, units, e.business_date);
    e.debts = settled_debts(s.st, s.self, c.account, e.earned);
  }
  return judged(std::move(e), s, postings);
}

bool same_adjust(const adjust_command& c, const entry& e) {
  if (e.kind != entry_kind::adjust || e.account != c.account || e.blob != c.reason) return false;
  const auto& items = c.units < 0 ? e.values : e.earned;
  return sum_of(items) == (c.units < 0 ? -c.units : c.units) &&
         std::ranges::all_of(items, [&](const value_item& v) { return v.purse == c.purse; });
}

}  // namespace decide_detail

namespace {

std::uint32_t months_before(std::uint32_t yyyymm, std::uint32_t n) {
  auto months = yyyymm / 100 * 12 + yyyymm % 100 - 1;
  months -= std::min(n, months);
  return months / 12 * 100 + months % 12 + 1;
}

/// The first day of a month, from a day that is not before it.
std::uint32_t first_day_of(std::uint32_t month, std::uint32_t day) {
  while (month_of(day) > month)
    day -= std::min<std::uint32_t>(day, 28);
  while (day > 0 && month_of(day - 1) >= month)
    --day;
  while (month_of(day) < month)
    ++day;
  return day;
}

}  // namespace

bool is_fee_due(const state& seen, account_id account, const dormant_rule& rule, std::uint32_t month) {
  if (rule.months == 0 || rule.fee <= 0) return false;
  // One month more must have been seen: the first one in which uses are counted is not whole.
  for (std::uint32_t i = 0; i <= rule.months; ++i)
    if (auto m = months_before(month, i); !was_used(seen, {}, m) || (i < rule.months && was_used(seen, account, m)))
      return false;
  bool witnessed = false;
  for (std::uint32_t i = 1; i <= fee_months_back_max + 1; ++i) {
    auto later = add_months(month, i);
    if (was_used(seen, account, later)) return false;
    witnessed = witnessed || was_used(seen, {}, later);
  }
  return witnessed;
}

std::optional<entry> decide_fee(const situation& s, const state& seen, account_id account,
                                std::vector<unit_use>* wanted) {
  auto card = card_of(s.st, account);
  if (!card || card->status != card_status::active || s.hq_time <= 0) return std::nullopt;
  auto today = day_of(s.hq_time);
  auto last = number(s.st, {.type = cell_type::fee_month, .a = account.value, .b = 0, .writer = {}, .peer = {}});
  for (auto n = fee_months_back_max; n > 0; --n) {
    auto month = months_before(month_of(today), n);
    if (month <= last) continue;
    auto due = first_day_of(add_months(month, 1), today);
    auto version = s.rules.version_at(due);
    const auto* rules = s.rules.rules(version);
    const auto* kind = rules ? rules->programme.card_kind(card->kind) : nullptr;
    if (!kind || !is_fee_due(seen, account, kind->dormant, month)) continue;
    entry e;
    e.kind = entry_kind::fee;
    date_entry(e, s.st, s.self, s.now, s.hq_time);
    e.account = account;
    e.card_kind = card->kind;
    e.rules_version = version;
    e.hq_time = s.hq_time;
    e.deadline = start_of_day(due);
    auto left = kind->dormant.fee;
    auto purses = kind->dormant.purses;
    if (!rules->programme.paid_first) std::ranges::reverse(purses);  // paid money has the lowest number
    for (auto purse : purses) {
      auto here = spendable(s.st, s.self, account, purse, rules->programme.purse(purse), {s.hq_time, e.business_date});
      auto n_here = std::min(sum_of(here), left);
      for (const auto& v : first_of(here, n_here))
        if (e.values.size() < values_max) e.values.push_back(v), left -= v.amount;
      if (left > 0 && wanted) wanted->push_back({purse, left});
    }
    if (e.values.empty()) return std::nullopt;
    return e;
  }
  return std::nullopt;
}

std::optional<fee_ahead> first_fee_ahead(const situation& s, const state& seen, account_id account, std::uint32_t days,
                                         std::uint32_t told) {
  auto card = card_of(s.st, account);
  if (!card || card->status != card_status::active || s.hq_time <= 0) return std::nullopt;
  const auto today = day_of(s.hq_time);
  fee_ahead out;
  out.month = month_of(today);
  for (out.day = today; month_of(out.day) == out.month;)
    ++out.day;
  if (out.day - today > days) return std::nullopt;
  const auto* rules = s.rules.rules(s.rules.version_at(out.day));
  const auto* kind = rules ? rules->programme.card_kind(card->kind) : nullptr;
  if (!kind || kind->dormant.months == 0 || kind->dormant.fee <= 0) return std::nullopt;
  // As `is_fee_due`, as if the month were over.
  for (std::uint32_t i = 0; i <= kind->dormant.months; ++i) {
    auto m = months_before(out.month, i);
    if ((i > 0 && !was_used(seen, {}, m)) || (i < kind->dormant.months && was_used(seen, account, m)))
      return std::nullopt;
  }
  auto paid = number(s.st, {.type = cell_type::fee_month, .a = account.value, .b = 0, .writer = {}, .peer = {}});
  if (auto last = std::max(static_cast<std::uint32_t>(paid), told); last != 0) {
    bool used = false;  // in between: a new time without uses
    for (auto m = add_months(last, 1); m < out.month && !used; m = add_months(m, 1))
      used = was_used(seen, account, m);
    if (!used) return std::nullopt;
  }
  out.fee = kind->dormant.fee;
  out.purses = kind->dormant.purses;
  return out;
}

}  // namespace tally
