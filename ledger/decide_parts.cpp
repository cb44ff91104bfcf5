#include "ledger/decide_parts.hpp"

#include <algorithm>
#include <map>

namespace tally {
namespace {

/// Which purse of the entry has too little, by how much.
void explain_lack(const entry& e, const situation& s, refusal& r) {
  std::map<std::uint32_t, amount> wanted;
  auto add = [&](const value_item& v) { wanted[v.purse] += v.amount; };
  bool back = e.kind == entry_kind::reverse && e.cited_kind == entry_kind::top_up;
  if ((e.kind != entry_kind::reverse && e.kind != entry_kind::refund) || back) std::ranges::for_each(e.values, add);
  bool taken = e.kind == entry_kind::reverse || e.kind == entry_kind::refund;
  if (taken) std::ranges::for_each(e.earned, add);
  if (taken)
    for (const auto& d : e.debts)
      wanted[d.purse] -= d.amount;
  for (auto [purse, n] : wanted) {
    auto here = holding(s.st, s.self, e.account, purse);
    if (here >= n) continue;
    r.purse = purse;
    r.here = here;
    r.missing = n - here;
    return;
  }
  r.here = holding(s.st, s.self, e.account);
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
    auto quota = e.kind == entry_kind::refund ? refund_of(main_unit) : quota_of(main_unit);
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
    if (cited.kind == entry_kind::sale)
      for (const auto& back : e.values)
        if (back.purse == v.purse && back.bucket == v.bucket) here += back.amount;
    if (here >= v.amount) continue;
    v.amount -= std::max<amount>(here, 0);
    out.push_back(v);
  }
  return out;
}

}  // namespace decide_detail
}  // namespace tally
