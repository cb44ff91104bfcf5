// Money and units from one member to another.
#include <algorithm>

#include "ledger/decide_parts.hpp"
#include "ledger/purses.hpp"

namespace tally::decide_detail {
namespace {

bool has_purse(const programme& plan, std::uint32_t kind, std::uint32_t purse) {
  const auto* k = plan.card_kind(kind);
  return purse == purse_paid || !k || k->purses.empty() || std::ranges::binary_search(k->purses, purse);
}

}  // namespace

decision decide_gift(const gift_command& c, const situation& s, std::vector<posting>& postings) {
  card_record giver, taker;
  if (c.units <= 0 || c.units > amount_max) return refuse(errc::bad_amount, "how much is given", c.account);
  if (c.account == c.to) return refuse(errc::not_applicable, "a card gives nothing to itself", c.account);
  entry e = start(entry_kind::gift, c.key, s);
  if (auto r = check_card(c.account, c.genuine, {}, s, e.business_date, giver))
    return void_voucher(std::move(*r), c.bearer);
  if (auto r = check_card(c.to, false, {}, s, e.business_date, taker)) return *r;
  e.rules_version = s.rules.version_at(e.business_date);
  const auto* rules = s.rules.rules(e.rules_version);
  if (!rules) return refuse(errc::bad_rules, "no rules are in force here yet", c.account);
  const auto& plan = rules->programme;
  if (auto r = check_place(plan, giver, c.account, s)) return *r;
  const auto* purse = plan.purse(c.purse);
  auto per_day = c.purse == purse_paid ? plan.gift_per_day : purse ? purse->gift_per_day : 0;
  auto name = c.purse == purse_paid ? std::string("paid money") : purse ? purse->names[0] : std::string("that purse");
  const bool code = c.bearer.units != 0;
  if (code) {
    if (c.purse != c.bearer.purse) return refuse(errc::not_applicable, "the voucher does not promise that", c.account);
    if (auto r = check_voucher(c.bearer, c.account, c.units, s, e.business_date)) return *r;
  }
  if (const auto* kind = plan.card_kind(giver.kind); kind && kind->risk_sale != 0 && c.purse == purse_paid && !code)
    return refuse(errc::not_applicable, kind->names[0] + ": stores may lend to such cards, which give no money away",
                  c.account);
  if (per_day == 0 && !code) return refuse(errc::not_applicable, name + " is not given to others", c.account);
  // A card that is known by its signature alone has no kind here yet.
  if (!has_purse(plan, taker.kind, c.purse))
    return refuse(errc::not_applicable, "that card has no purse " + std::to_string(c.purse), c.account);
  auto before = gifted_on(s.st, e.business_date, s.self, c.account, c.purse);
  if (!code && before > per_day - c.units)
    return refuse(errc::bad_amount,
                  "of " + name + " this card gives " +
                      units_text(rules, c.purse, std::max<amount>(per_day - before, 0)) + " more here today",
                  c.account);
  if (auto r = check_place(plan, taker, c.to, s)) return *r;
  if (c.purse == purse_paid)
    if (auto r = check_loading(plan, taker, c.to, s)) return *r;
  bool money = c.purse == purse_paid || (purse && purse->kind == purse_kind::bonus);
  if (auto r = check_pin({c.pin, c.account, giver, money ? c.units : 0, true}, plan, e, s, postings)) return *r;
  if (auto r = check_code({c.code, c.account, giver, money ? c.units : 0, true}, *rules, e, s)) return *r;
  if (c.purse == purse_paid)
    if (auto r = check_lists(c.units, s, rules, c.account)) return *r;
  auto here = spendable(s.st, s.self, c.account, c.purse, purse, {s.hq_time, e.business_date});
  e.values = first_of(here, c.units);
  auto sum = sum_of(here);
  const bool lent = code && c.purse != purse_paid;  // a certificate pays; its money goes onto no card on trust
  if (sum < c.units &&
      !(lent && take_at_risk(e, c.purse, c.units - sum, room_for_risk(c.bearer, c.account, 0, plan, s)))) {
    if (code && s.asked && sum == 0)
      return refuse(errc::voucher_used, "nothing of it is left here, and nobody who was asked has any", c.account);
    refusal r{{errc::insufficient, std::move(name)}, c.account, sum, c.units - sum, c.purse, {}};
    r.lacks = {{c.purse, sum, c.units - sum}};
    return r;
  }
  e.account = c.account;
  e.account_version = giver.version;
  e.to_account = c.to;
  if (const auto* k = plan.card_kind(giver.kind); k && (k->has_bounds() || k->asks_for_proof()))
    e.card_kind = giver.kind;
  e.bearer = c.bearer.units;
  return judged(std::move(e), s, postings);
}

bool same_gift(const gift_command& c, const entry& e) {
  return e.kind == entry_kind::gift && e.account == c.account && e.to_account == c.to && e.bearer == c.bearer.units &&
         sum_of(e.values) == c.units &&
         std::ranges::all_of(e.values, [&](const value_item& v) { return v.purse == c.purse; });
}

}  // namespace tally::decide_detail
