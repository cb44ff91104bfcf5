// What contradicts itself in a programme, or could never hold.
#include <algorithm>

#include "ledger/member_text.hpp"
#include "node/rules_file.hpp"
#include "storage/entry_codec.hpp"

namespace tally {
namespace {

constexpr amount units_max = 1'000'000'000;  // that one rule gives at once

error bad(const std::string& where, const std::string& why) { return {errc::bad_rules, where + ": " + why}; }

template <class Rule>
status check_row(const std::string& where, const std::vector<Rule>& list, std::size_t i) {
  if (list[i].id == 0 || (i > 0 && list[i].id <= list[i - 1].id)) return bad(where, "ids ascend from 1");
  if (list[i].names[0].empty()) return bad(where, "the English name is missing");
  for (const auto& n : list[i].names)
    if (n.size() > product_name_bytes_max || !is_clean_text(n)) return bad(where, std::string(name_text));
  return done();
}

std::string row_name(std::string_view what, std::uint32_t id) { return std::string(what) + " " + std::to_string(id); }

status check_condition(const std::string& where, const condition& c, const rules_record& r) {
  const auto& plan = r.programme;
  for (auto l : c.levels)
    if (!plan.level(l)) return bad(where, "there is no level " + std::to_string(l));
  for (auto k : c.card_kinds)
    if (!plan.card_kind(k)) return bad(where, "there is no card_kind " + std::to_string(k));
  if (c.until != 0 && c.from > c.until) return bad(where, "it ends before it begins");
  if (c.until != 0 && c.until < r.effective_from) return bad(where, "it ends before these rules are in force");
  if (c.weekdays > 127 || c.min_total < 0 || c.min_total > amount_max) return bad(where, "a condition out of range");
  return done();
}

status check_purse(const std::string& where, const purse_rule& p) {
  bool voucher = p.kind == purse_kind::voucher, bonus = p.kind == purse_kind::bonus;
  if (p.id < 2 || p.id > purse_id_max) return bad(where, "a purse's id is 2 to " + std::to_string(purse_id_max));
  if (p.kind < purse_kind::bonus || p.kind > purse_kind::voucher || p.bucket > bucket_rule::opens ||
      p.months > bucket_months_max || p.share_max < 1 || p.share_max > 10'000 || p.quota < 0 || p.quota > amount_max ||
      p.gift_per_day < 0 || p.gift_per_day > amount_max || p.manual_per_day < 0 || p.manual_per_day > amount_max)
    return bad(where, "a value out of range");
  if (voucher && (p.off > 0) == (p.off_basis_points > 0))
    return bad(where, "a voucher takes off a sum (off) or a part (off_percent), one of them");
  if (!voucher && (p.off != 0 || p.off_basis_points != 0 || p.min_total != 0 || !p.on.empty()))
    return bad(where, "off, off_percent, min_total and products belong to vouchers");
  if ((bonus || voucher) && (p.rate_units != 0 || !p.gifts.empty()))
    return bad(where, "only points and visits have a rate or gifts");
  if (p.kind == purse_kind::visits && p.gifts.empty()) return bad(where, "visits pay for nothing: name gifts");
  if ((p.rate_units == 0) != (p.rate_money == 0)) return bad(where, "a rate names units and money");
  if (p.off < 0 || p.off > amount_max || p.off_basis_points > 10'000) return bad(where, "off is out of range");
  return done();
}

status check_levels(const programme& plan) {
  for (std::size_t i = 0; i < plan.levels.size(); ++i) {
    const auto& l = plan.levels[i];
    auto where = row_name("level", l.id);
    TALLY_TRY(check_row(where, plan.levels, i));
    if (l.months < 1 || l.months > bucket_months_max) return bad(where, "months is 1 to 60");
    if (l.spend < 0 || l.spend > amount_max || (i > 0 && l.spend <= plan.levels[i - 1].spend))
      return bad(where, "a higher level asks for more spending than the one before");
  }
  return done();
}

status check_bounds(const std::string& where, const card_kind_rule& k, const programme& plan) {
  for (const auto* list : {&k.only_at, &k.not_at, &k.no_top_up_at})
    if (list->size() > condition_items_max || !std::ranges::is_sorted(*list) ||
        std::ranges::adjacent_find(*list) != list->end() || (!list->empty() && list->front() == 0))
      return bad(where, "stores are numbers from 1, each once");
  if (!k.only_at.empty() && !k.not_at.empty()) return bad(where, "only_at or not_at, not both");
  for (const auto* list : {&k.only_owners, &k.not_owners})
    if (list->size() > condition_items_max || !std::ranges::is_sorted(*list) ||
        std::ranges::adjacent_find(*list) != list->end() || (!list->empty() && list->front() == 0))
      return bad(where, "owners are numbers from 1, each once");
  if (!k.only_owners.empty() && !k.not_owners.empty()) return bad(where, "only_owners or not_owners, not both");
  const auto& d = k.dormant;
  if (d == dormant_rule{}) return done();
  if (d.months < dormant_months_min || d.months > dormant_months_max)
    return bad(where,
               "dormant_months is " + std::to_string(dormant_months_min) + " to " + std::to_string(dormant_months_max));
  if (d.fee < 1 || d.fee > amount_max) return bad(where, "dormant_fee is above zero");
  if (d.purses.empty()) return bad(where, "dormant_from names no purse");
  for (auto id : d.purses) {
    const auto* p = plan.purse(id);
    if (id != purse_paid && (!p || p->kind != purse_kind::bonus))
      return bad(where,
                 "a fee is taken from purse 1, paid money, or from bonus; purse " + std::to_string(id) + " is neither");
    if (id != purse_paid && !k.purses.empty() && !std::ranges::binary_search(k.purses, id))
      return bad(where, "it has no purse " + std::to_string(id));
  }
  return done();
}

/// A limit that can never be met asks for no PIN at all, which nobody means who writes it.
status check_pins(const std::string& where, const card_kind_rule& k) {
  for (const auto& v : {k.pin_above, k.pin_above_day})
    if (v && (*v < 0 || *v > amount_max)) return bad(where, "pin_above or pin_above_day is out of range");
  if (k.pin_above && k.pin_above_day && (*k.pin_above == 0 || *k.pin_above > *k.pin_above_day))
    return bad(
        where,
        "pin_above_day is at least pin_above, and says nothing beside a pin_above of 0, which asks at each sale");
  for (const auto& v : {k.pin_above, k.pin_above_day})
    if (v && k.per_day != 0 && *v >= k.per_day)
      return bad(where, "no sale comes to that: pin_above and pin_above_day are less than per_day");
  return done();
}

status check_risk(const std::string& where, const card_kind_rule& k, const programme& plan) {
  if (k.risk_sale < 0 || k.risk_sale > amount_max || k.risk_total < 0 || k.risk_total > amount_max ||
      (k.risk_sale == 0) != (k.risk_total == 0))
    return bad(where, "risk_sale and risk_total are above zero");
  if (k.risk_sale > k.risk_total) return bad(where, "risk_total is at least risk_sale");
  if (k.risk_total > plan.risk_budget)
    return bad(where,
               "nothing is taken at risk beyond risk_budget, at the top of the file: risk_total is at most that");
  return done();
}

/// Above a limit both are asked for, so a code that comes before the PIN is a mistake of whoever wrote the two.
status check_codes(const std::string& where, const card_kind_rule& k) {
  if (!k.code_above) return done();
  if (*k.code_above < 0 || *k.code_above > amount_max) return bad(where, "code_above is out of range");
  if (k.pin_above && *k.code_above < *k.pin_above)
    return bad(where, "code_above is at least pin_above: above both the PIN and a one-time code are asked for");
  if (k.per_day != 0 && *k.code_above >= k.per_day)
    return bad(where, "no sale comes to that: code_above is less than per_day");
  return done();
}

/// Goods that a kind pays for; and that its own purses are good for some of them.
status check_goods(const std::string& where, const card_kind_rule& k, const programme& plan) {
  if (!k.has_goods()) return done();
  for (const auto* list : {&k.only_products, &k.not_products})
    if (list->size() > condition_items_max || !std::ranges::is_sorted(*list) ||
        std::ranges::adjacent_find(*list) != list->end() || (!list->empty() && list->front().value == 0))
      return bad(where, "products are numbers from 1, each once");
  if (!k.only_products.empty() && !k.not_products.empty()) return bad(where, "only_products or not_products, not both");
  for (const auto& p : plan.purses) {
    if (!k.purses.empty() && !std::ranges::binary_search(k.purses, p.id)) continue;
    bool any = p.on.empty() || std::ranges::any_of(p.on, [&](product_id id) { return k.pays_for(id); });
    if (!any)
      return bad(where, "its vouchers of purse " + std::to_string(p.id) +
                            " are good for none of its goods: name its purses without that one");
    bool gift = p.gifts.empty() || p.rate_units != 0 ||
                std::ranges::any_of(p.gifts, [&](const product_units& g) { return k.pays_for(g.product); });
    if (!gift)
      return bad(where,
                 "purse " + std::to_string(p.id) + " pays for none of its goods: name its purses without that one");
  }
  return done();
}

status check_kinds(const programme& plan) {
  for (std::size_t i = 0; i < plan.card_kinds.size(); ++i) {
    const auto& k = plan.card_kinds[i];
    auto where = row_name("card_kind", k.id);
    TALLY_TRY(check_row(where, plan.card_kinds, i));
    for (auto p : k.purses)
      if (!plan.purse(p) && (p != purse_paid || k.purses.size() != 1))
        return bad(where, "there is no purse " + std::to_string(p));
    TALLY_TRY(check_bounds(where, k, plan));
    if (k.per_day < 0 || k.per_day > amount_max) return bad(where, "per_day is out of range");
    TALLY_TRY(check_pins(where, k));
    TALLY_TRY(check_risk(where, k, plan));
    TALLY_TRY(check_codes(where, k));
    TALLY_TRY(check_goods(where, k, plan));
    if (k.price < 0 || k.price > amount_max || k.deposit < 0 || k.deposit > amount_max)
      return bad(where, "price or deposit is out of range");
    if (k.valid_months > valid_months_max || k.valid_days > valid_days_max ||
        (k.valid_months != 0 && k.valid_days != 0))
      return bad(where, "a card is good for valid_months or for valid_days, not both");
  }
  const auto& stale = plan.stale;
  for (auto hours : {stale.rules_after, stale.cards_after})
    if (hours != 0 && (hours < stale_hours_min || hours > stale_hours_max))
      return bad("stale", "hours are " + std::to_string(stale_hours_min) + " to " + std::to_string(stale_hours_max));
  if (stale.sale_max < 0 || stale.sale_max > amount_max) return bad("stale", "card_sale_max is out of range");
  return done();
}

status check_gains(const rules_record& r) {
  const auto& plan = r.programme;
  for (std::size_t i = 0; i < plan.earns.size(); ++i) {
    const auto& e = plan.earns[i];
    auto where = row_name("earn", e.id);
    TALLY_TRY(check_row(where, plan.earns, i));
    TALLY_TRY(check_condition(where, e.when, r));
    if (!plan.purse(e.purse)) return bad(where, "there is no purse " + std::to_string(e.purse));
    if (e.units < 1 || e.units > units_max || e.per < 0 || e.per > amount_max) return bad(where, "units or per");
    if (e.on_top_up && !e.when.products.empty()) return bad(where, "a top-up has no products");
  }
  for (std::size_t i = 0; i < plan.packages.size(); ++i) {
    const auto& p = plan.packages[i];
    auto where = row_name("package", p.id);
    TALLY_TRY(check_row(where, plan.packages, i));
    TALLY_TRY(check_condition(where, p.when, r));
    if (p.pay < r.top_up_min || p.pay > r.top_up_max) return bad(where, "pay is outside top_up_min and top_up_max");
    for (const auto& g : p.gives) {
      if (!plan.purse(g.purse) || g.units < 1 || g.units > units_max)
        return bad(where, "there is no purse " + std::to_string(g.purse) + ", or too much of it");
      if (std::ranges::count(p.gives, g.purse, &package_gift::purse) != 1)
        return bad(where, "it gives one purse twice");
    }
  }
  return done();
}

}  // namespace

status check_programme(const rules_record& r) {
  const auto& plan = r.programme;
  for (std::size_t i = 0; i < plan.purses.size(); ++i) {
    auto where = row_name("purse", plan.purses[i].id);
    TALLY_TRY(check_row(where, plan.purses, i));
    TALLY_TRY(check_purse(where, plan.purses[i]));
  }
  if (plan.refund_quota < 0 || plan.refund_quota > amount_max) return bad("refund_quota", "out of range");
  if (plan.risk_budget < 0 || plan.risk_budget > amount_max) return bad("risk_budget", "out of range");
  if (plan.gift_per_day < 0 || plan.gift_per_day > amount_max) return bad("gift_per_day", "out of range");
  if (plan.hold_minutes > hold_seconds_max / 60) return bad("hold_minutes", "out of range");
  TALLY_TRY(check_levels(plan));
  TALLY_TRY(check_kinds(plan));
  for (std::size_t i = 0; i < plan.discounts.size(); ++i) {
    const auto& d = plan.discounts[i];
    auto where = row_name("discount", d.id);
    TALLY_TRY(check_row(where, plan.discounts, i));
    TALLY_TRY(check_condition(where, d.when, r));
    if ((d.basis_points > 0) == (d.off > 0)) return bad(where, "a discount is a percent or a sum off each piece (off)");
    if (d.basis_points > 10'000 || d.off < 0 || d.off > amount_max) return bad(where, "a value out of range");
  }
  TALLY_TRY(check_gains(r));
  if (encode_rules(r).size() > blob_max) return bad("programme", "too large: more than 60,000 octets in all");
  return done();
}

}  // namespace tally
