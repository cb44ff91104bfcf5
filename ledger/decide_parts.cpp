#include "ledger/decide_parts.hpp"

#include <algorithm>
#include <map>

#include "ledger/purses.hpp"

namespace tally {
namespace {

/// Which purse of the entry has too little, by how much.
void explain_lack(const entry& e, const situation& s, refusal& r) {
  std::map<std::uint32_t, amount> wanted;
  auto add = [&](const value_item& v) { wanted[v.purse] += v.amount; };
  bool given = e.cited_kind == entry_kind::gift;  // what was given is taken back from who has it
  bool back = e.kind == entry_kind::reverse && (e.cited_kind == entry_kind::top_up || given);
  auto whose = given ? e.to_account : e.account;
  r.account = whose;
  bool taken = e.kind == entry_kind::reverse || e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  if (!taken || back) std::ranges::for_each(e.values, add);
  if (taken) std::ranges::for_each(e.earned, add);
  if (taken)
    for (const auto& d : e.debts)
      wanted[d.purse] -= d.amount;
  for (auto [purse, n] : wanted) {
    auto here = holding(s.st, s.self, whose, purse);
    if (here >= n) continue;
    r.purse = purse;
    r.here = here;
    r.missing = n - here;
    return;
  }
  r.here = holding(s.st, s.self, whose);
}

}  // namespace

namespace decide_detail {

refusal refuse(errc code, std::string detail, account_id account) {
  return {{code, std::move(detail)}, account, {}, 0};
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

decision judged(entry e, const situation& s, std::vector<posting>& postings, const entry* cited) {
  auto verdict = judge(e, {s.self, s.role, s.next, cited}, s.st, postings);
  if (verdict) return e;
  refusal r{verdict.error(), e.account, {}, 0};
  if (r.why.code == errc::insufficient) explain_lack(e, s, r);
  if (r.why.code == errc::no_quota) {
    bool back = e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
    auto quota = back ? refund_of(main_unit) : quota_of(main_unit);
    r.here = -s.st.balance(quota_account(s.self, quota));
    r.why.detail = "at most " + std::to_string(*r.here);
  }
  return r;
}

/// What was earned and is spent meanwhile stays as a debt; bonus is money and must be there.
std::vector<value_item> debts_of(const entry& e, const entry& cited, const situation& s) {
  std::vector<value_item> out;
  const auto* rules = s.rules.rules(cited.rules_version);
  for (auto v : e.earned) {
    const auto* p = rules ? rules->programme.purse(v.purse) : nullptr;
    if (p && p->kind == purse_kind::bonus) continue;
    auto here = -s.st.balance(hold_account(s.self, e.account, v.purse, v.bucket, v.unit));
    // What the sale took of the same bucket comes back with it.
    if (sells(cited.kind))
      for (const auto& back : e.values)
        if (back.purse == v.purse && back.bucket == v.bucket) here += back.amount;
    if (here >= v.amount) continue;
    v.amount -= std::max<amount>(here, 0);
    out.push_back(v);
  }
  return out;
}

maybe_refusal check_card(account_id account, bool genuine, const bytes& once, const situation& s, std::uint32_t date,
                         card_record& card) {
  if (s.stopped != errc::ok) return refuse(s.stopped, "", account);
  auto c = card_of(s.st, account);
  if (!c && !genuine) return refuse(errc::unknown_card, "", account);
  card = c.value_or(card_record{});
  if (auto r = check_once(account, once, card, s)) return r;
  return check_standing(account, card, s, date);
}

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

bool has_birthday(const card_record& card, const programme& plan, std::uint32_t date) {
  return card.birth_month != 0 && card.birth_month == month_of(date) % 100 && plan.asks_for_birthdays();
}

void state_customer(entry& e, account_id account, const card_record& card, const programme& plan) {
  e.account = account;
  e.account_version = card.version;
  e.level = card.level;
  e.birthday = has_birthday(card, plan, e.business_date);
  if (plan.asks_for_kinds()) e.card_kind = card.kind;
}

maybe_refusal ask_before_debt(const entry& e, const situation& s) {
  if (!s.pulls || e.debts.empty()) return std::nullopt;
  std::map<std::uint32_t, amount> missing;
  for (const auto& d : e.debts)
    if (!checked_add(missing[d.purse], d.amount, missing[d.purse])) return refuse(errc::overflow, "debts", e.account);
  refusal r{{errc::insufficient, "units that are taken back"}, e.account, {}, 0};
  for (auto [purse, n] : missing)
    r.lacks.push_back({purse, holding(s.st, s.self, e.account, purse), n});
  r.purse = r.lacks.front().purse;
  r.here = r.lacks.front().here;
  r.missing = r.lacks.front().missing;
  return r;
}

}  // namespace decide_detail
}  // namespace tally
