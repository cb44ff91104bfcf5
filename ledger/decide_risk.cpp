// What is taken beyond what lies here: on the word of a voucher's code, or as the rules let a card without a line.
#include <algorithm>

#include "ledger/decide_parts.hpp"
#include "ledger/risk.hpp"

namespace tally::decide_detail {
namespace {

amount taken_here(const situation& s, account_id account) {
  auto sum = taken_by_code(s.st, s.self, account);
  for (const auto& w : s.earlier)
    if (!checked_add(sum, taken_by_code(s.st, w, account), sum)) return INT64_MAX;
  return sum;
}

}  // namespace

maybe_refusal check_voucher(const code_face& code, account_id account, amount wanted, const situation& s,
                            std::uint32_t date) {
  if (code.units == 0) return std::nullopt;
  if (code.until != 0 && date > code.until)
    return refuse(errc::not_applicable, "this voucher was good until " + date_text(code.until), account);
  auto taken = std::max<amount>(taken_here(s, account), 0);
  if (taken >= code.units) return refuse(errc::voucher_used, "at this store", account);
  if (wanted <= code.units - taken) return std::nullopt;
  return refuse(errc::bad_amount, "of what this voucher promises, " + std::to_string(code.units - taken) + " are left",
                account);
}

refusal void_voucher(refusal r, const code_face& code) {
  if (code.units == 0 || r.why.code != errc::card_blocked) return r;
  return refuse(errc::not_applicable, "head office made this voucher void", r.account);
}

risk_room room_for_risk(const code_face& code, account_id account, std::uint32_t card_kind, const programme& plan,
                        const situation& s) {
  risk_room out;
  if (!s.alone || s.role != node_role::store) return out;
  auto budget = -s.st.balance(quota_account(s.self, risk_of(main_unit)));
  if (budget <= 0) return out;
  if (code.units != 0) {
    const auto* p = plan.purse(code.purse);
    out.purse = code.purse;
    out.each = code.purse == purse_paid ? 1 : p ? p->off : 0;
    if (p && p->bucket == bucket_rule::expires && code.until != 0) out.bucket = month_of(code.until);
    auto left = code.units - std::clamp<amount>(taken_here(s, account), 0, code.units);
    if (out.each > 0) out.units = std::min(left, budget / out.each);
    return out;
  }
  const auto* kind = plan.card_kind(card_kind);
  if (!kind || kind->risk_sale == 0) return out;
  if (kind->risk_count != 0 && risk_count(s.st, s.self, account) >= kind->risk_count) return out;
  auto owed = debt_of(s.st, s.self, account, purse_paid);
  out.units = std::max<amount>(std::min({kind->risk_sale, kind->risk_total - owed, budget}), 0);
  return out;
}

bool take_at_risk(entry& e, std::uint32_t purse, amount missing, const risk_room& room) {
  if (missing <= 0 || purse != room.purse || missing > room.units) return false;
  amount worth = 0;
  if (!checked_mul(missing, room.each, worth) || !checked_add(e.risk, worth, e.risk)) return false;
  auto unit = unit_of(purse);
  auto same = [&](const value_item& v) { return v.purse == purse && v.bucket == room.bucket; };
  auto at = std::ranges::find_if(e.values, same);
  if (at == e.values.end()) at = e.values.insert(at, {purse, unit, room.bucket, 0});
  at->amount += missing;  // both were bounded by a request
  e.debts.push_back({purse, unit, room.bucket, missing});
  return true;
}

}  // namespace tally::decide_detail
