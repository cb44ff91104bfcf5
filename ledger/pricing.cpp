#include "ledger/pricing.hpp"

#include <algorithm>
#include <numeric>

namespace tally {
namespace {

error no(std::string why) { return {errc::not_applicable, std::move(why)}; }
error wrapped() { return {errc::overflow, "the basket's amounts"}; }

std::optional<amount> units_for(const purse_rule& p, product_id product) {
  auto row = std::ranges::lower_bound(p.gifts, product, {}, &product_units::product);
  return row == p.gifts.end() || row->product != product ? std::nullopt : std::optional(row->units);
}

/// The fewest units that are whole minor units of money, of which only multiples pay; 0: they pay no money.
amount units_step(const purse_rule& p) {
  return p.rate_units == 0 ? 0 : p.rate_units / std::gcd(p.rate_units, p.rate_money);
}

class sale_pricer {
public:
  sale_pricer(const catalogue& rules, const rules_record& record, const sale_terms& terms)
      : rules_(rules), record_(record), plan_(record.programme), terms_(terms) {
    if (terms.who.card) kind_ = plan_.card_kind(terms.who.kind);
  }

  result<priced_sale> run() {
    TALLY_TRY(price_lines());
    TALLY_TRY(discount());
    TALLY_TRY(take_gifts());
    TALLY_TRY(take_uses());
    TALLY_TRY(tax());
    TALLY_TRY(earn());
    return std::move(out_);
  }

private:
  rounding how() const { return plan_.round_half_even ? rounding::half_even : rounding::half_up; }

  status price_lines() {
    if (terms_.lines.empty() && terms_.gifts.empty()) return error{errc::bad_basket, "the basket is empty"};
    if (terms_.lines.empty()) return done();
    auto basket = rules_.price(terms_.lines, terms_.version);
    if (!basket) return basket.error();
    out_.gross = basket->total;
    out_.lines.reserve(basket->lines.size());
    for (const auto& l : basket->lines)
      out_.lines.push_back({l.line, l.item, l.sum, 0, 0, l.sum, nullptr});
    return done();
  }

  status discount() {
    if (terms_.plain) return done();
    std::vector<const discount_rule*> in_force;
    for (const auto& d : plan_.discounts)
      if (holds(d.when, terms_.who, terms_.business_date) && d.when.min_total <= out_.gross) in_force.push_back(&d);
    if (in_force.empty()) return done();
    for (auto& l : out_.lines) {
      for (const auto* d : in_force) {
        if (!names_product(d->when.products, l.line.product)) continue;
        auto off = taken_off(*d, l);
        if (!off) return wrapped();
        if (*off <= l.discount) continue;
        l.discount = *off;
        l.rule = d;
      }
      l.net = l.gross - l.discount;
      out_.discount += l.discount;  // at most the gross total
    }
    return done();
  }

  std::optional<amount> taken_off(const discount_rule& d, const sold_line& l) const {
    if (d.basis_points != 0) return mul_div(l.gross, d.basis_points, 10'000, how());
    if (l.item->open) return std::min(d.off, l.gross);  // an amount is one piece
    amount off = 0;
    if (!checked_mul(std::min(d.off, l.item->price), l.line.quantity, off)) return std::nullopt;
    return off;
  }

  status take_gifts() {
    if (terms_.gifts.empty()) return done();
    if (terms_.gifts.size() > gifts_max) return error{errc::bad_basket, "more than 50 gifts"};
    if (!terms_.who.card) return no("a gift needs a card");
    for (const auto& g : terms_.gifts) {
      const auto* p = plan_.purse(g.purse);
      if (!p || !allowed(g.purse)) return no("this card has no purse " + std::to_string(g.purse));
      if (g.quantity < 1 || g.quantity > quantity_max)
        return error{errc::bad_basket, "a quantity must be from 1 to 9999"};
      if (!rules_.offered(g.product, terms_.version))
        return error{
            errc::unknown_product,
            "product " + std::to_string(g.product.value) +
                (rules_.goods_left_out()
                     ? "; goods sold by the piece are left out here, or are still to be learnt (tallystick status)"
                     : "")};
      auto each = units_for(*p, g.product);
      if (!each) return no("product " + std::to_string(g.product.value) + " is not paid with " + p->names[0]);
      if (!pays_for(g.product))
        return no("this kind of card is not good for product " + std::to_string(g.product.value));
      amount units = 0;
      if (!checked_mul(*each, g.quantity, units)) return wrapped();
      auto at = std::ranges::lower_bound(out_.gifts, g.purse, {}, &unit_worth::purse);
      if (at == out_.gifts.end() || at->purse != g.purse) at = out_.gifts.insert(at, {g.purse, 0, 0});
      if (!checked_add(at->units, units, at->units) || at->units > amount_max) return wrapped();
    }
    return done();
  }

  bool allowed(std::uint32_t purse) const {
    return !kind_ || kind_->purses.empty() || std::ranges::binary_search(kind_->purses, purse);
  }
  bool pays_for(product_id p) const { return !kind_ || kind_->pays_for(p); }

  // Vouchers first, because they ask for a total; then points; bonus, which is money, last.
  static int rank(purse_kind k) { return k == purse_kind::voucher ? 0 : k == purse_kind::bonus ? 2 : 1; }

  status take_uses() {
    out_.due = out_.gross - out_.discount;
    for (const auto& l : out_.lines)
      if (pays_for(l.line.product)) out_.card_max += l.net;  // at most what is due
    std::vector<std::pair<const purse_rule*, amount>> uses;
    for (const auto& u : terms_.uses) {
      if (!terms_.who.card && !terms_.code) return no("units of a purse need a card");
      const auto* p = plan_.purse(u.purse);
      if (!p || !allowed(u.purse)) return no("this card has no purse " + std::to_string(u.purse));
      if (u.units < 1 || u.units > amount_max) return error{errc::bad_amount, "units of " + p->names[0]};
      if (std::ranges::any_of(uses, [&](const auto& o) { return o.first == p; })) return no(p->names[0] + " twice");
      uses.emplace_back(p, u.units);
    }
    std::ranges::sort(uses, {}, [](const auto& u) { return std::pair(rank(u.first->kind), u.first->id); });
    for (const auto& [p, units] : uses) {
      TALLY_TRY(p->kind == purse_kind::voucher ? take_voucher(*p, units) : take_money(*p, units));
    }
    return done();
  }

  status take_voucher(const purse_rule& p, amount units) {
    if (out_.due < p.min_total)
      return no(p.names[0] + ": from " + format_amount(p.min_total, static_cast<int>(record_.exponent)) + " on");
    amount base = 0;
    auto good = [&](const sold_line& l) { return names_product(p.on, l.line.product) && pays_for(l.line.product); };
    for (const auto& l : out_.lines)
      if (good(l)) base += l.net;
    if (p.off_basis_points != 0 && units != 1) return no(p.names[0] + ": one at a time");
    std::optional<amount> off;
    if (p.off_basis_points != 0) {
      off = mul_div(base, p.off_basis_points, 10'000, how());
    } else if (amount each = 0; checked_mul(p.off, units, each)) {
      // A piece that would take nothing off is the customer's loss: it stays on the card.
      if (each - p.off >= base) return no(p.names[0] + ": more than this basket can use");
      off = std::min(each, base);
    }
    if (!off) return wrapped();
    if (*off == 0) return no(p.names[0] + ": nothing in this basket that it is good for");
    reduce(*off, base, good);
    out_.uses.push_back({p.id, units, *off});
    return done();
  }

  status take_money(const purse_rule& p, amount units) {
    auto money = worth_of(p, units);
    if (auto step = units_step(p); step != 0 && units % step != 0)
      return no(p.names[0] + ": only whole multiples of " + std::to_string(step) + " can be used");
    if (!money) return no(p.names[0] + ": these do not pay as money, or not so many at once");
    if (*money > worth_max(out_, p)) return no(p.names[0] + ": more than they may pay of this basket");
    reduce(*money, out_.card_max, [&](const sold_line& l) { return pays_for(l.line.product); });
    out_.uses.push_back({p.id, units, *money});
    return done();
  }

  // In proportion to the lines' nets, so that the parts add up: each line gets what the sum up to it gets, less what
  // the lines before it got. REQUIRES: off <= base, the sum of those nets; a card's own goods alone.
  template <class Select>
  void reduce(amount off, amount base, Select select) {
    amount seen = 0, given = 0;
    for (auto& l : out_.lines) {
      if (!select(l)) continue;
      seen += l.net;
      auto upto = base == 0 ? 0 : mul_div(off, seen, base, rounding::down).value_or(0);
      l.reduction += upto - given;
      l.net -= upto - given;
      given = upto;
    }
    out_.due -= off;
    out_.card_max -= off;
  }

  status tax() {
    std::vector<amount> by_rate(record_.taxes.size());
    for (const auto& l : out_.lines) {
      if (l.item->tax >= by_rate.size())
        return error{errc::bad_rules, "a product names a tax rate that the rules do not have"};
      by_rate[l.item->tax] += l.net;
    }
    for (std::size_t i = 0; i < by_rate.size(); ++i) {
      auto bp = static_cast<std::int64_t>(record_.taxes[i].basis_points);
      auto t = mul_div(by_rate[i], bp, 10'000 + bp, how());
      if (!t) return wrapped();
      if (*t != 0) out_.taxes.push_back({static_cast<std::uint32_t>(i), main_unit, *t});
    }
    return done();
  }

  status earn() {
    if (!terms_.who.card || terms_.plain) return done();
    amount before_units = out_.gross - out_.discount;
    for (const auto& u : out_.uses)
      if (const auto* p = plan_.purse(u.purse); p && p->kind == purse_kind::voucher) before_units -= u.money;
    for (const auto& r : plan_.earns) {
      if (r.on_top_up || !allowed(r.purse) || before_units < r.when.min_total ||
          !holds(r.when, terms_.who, terms_.business_date))
        continue;
      amount base = 0;
      bool any = r.when.products.empty();
      for (const auto& l : out_.lines)
        if (names_product(r.when.products, l.line.product)) base += l.net, any = true;
      // Something was paid in money for it: what bonus, points and vouchers pay earns nothing.
      if (!any || base == 0) continue;
      TALLY_TRY(add_earned(plan_, r.purse, r.per, r.units, base, terms_.business_date, out_.earned));
    }
    return done();
  }

public:
  static status add_earned(const programme& plan, std::uint32_t purse, amount per, amount units, amount base,
                           std::uint32_t business_date, std::vector<value_item>& out) {
    const auto* p = plan.purse(purse);
    if (!p) return error{errc::bad_rules, "a rule names purse " + std::to_string(purse)};
    // For each full `per`: 5 for each 50.00 is nothing for 49.99.
    amount n = units;
    if (per != 0 && (!checked_mul(base / per, units, n) || n > amount_max)) return wrapped();
    for (const auto& item : in_buckets(*p, n, business_date)) {
      auto at = std::ranges::lower_bound(out, std::pair(item.purse, item.bucket), {},
                                         [](const value_item& v) { return std::pair(v.purse, v.bucket); });
      if (at == out.end() || at->purse != item.purse || at->bucket != item.bucket) {
        out.insert(at, item);
      } else if (!checked_add(at->amount, item.amount, at->amount)) {
        return wrapped();
      }
    }
    if (out.size() > values_max) return error{errc::bad_rules, "the rules give too many kinds of units at once"};
    return done();
  }

private:
  const catalogue& rules_;
  const rules_record& record_;
  const programme& plan_;
  const sale_terms& terms_;
  const card_kind_rule* kind_ = nullptr;  ///< of the card; none: it is good for everything
  priced_sale out_;
};

error no_rules() { return {errc::bad_rules, "no rules are in force here yet"}; }

}  // namespace

result<priced_sale> price_sale(const catalogue& rules, const sale_terms& terms) {
  const auto* record = rules.rules(terms.version);
  if (!record) return no_rules();
  return sale_pricer(rules, *record, terms).run();
}

std::optional<sale_terms> terms_of_entry(const entry& e, const programme& plan) {
  // Who has a voucher's code is no member.
  customer who{e.account.value != 0 && e.bearer == 0, e.card_kind, e.level, e.birthday};
  sale_terms t{e.lines, e.gifts, {}, who, e.rules_version, e.business_date, e.stale, e.bearer != 0};
  auto units_of = [&](std::uint32_t purse) -> amount& {
    auto it = std::ranges::find(t.uses, purse, &unit_use::purse);
    return it == t.uses.end() ? t.uses.emplace_back(unit_use{purse, 0}).units : it->units;
  };
  for (const auto& v : e.values)
    if (v.purse != purse_paid && !checked_add(units_of(v.purse), v.amount, units_of(v.purse))) return std::nullopt;
  for (const auto& g : e.gifts) {
    const auto* p = plan.purse(g.purse);
    auto each = p ? units_for(*p, g.product) : std::nullopt;
    amount units = 0;
    if (!each || !checked_mul(*each, g.quantity, units) || units > units_of(g.purse)) return std::nullopt;
    units_of(g.purse) -= units;
  }
  std::erase_if(t.uses, [](const unit_use& u) { return u.units == 0; });
  return t;
}

amount worth_max(const priced_sale& before, const purse_rule& rule) {
  auto share = mul_div(before.gross - before.discount, rule.share_max, 10'000, rounding::down).value_or(0);
  return std::min(share, before.card_max);
}

std::optional<amount> worth_of(const purse_rule& rule, amount units) {
  if (rule.kind == purse_kind::bonus) return units;
  auto step = units_step(rule);
  if (step == 0 || units % step != 0) return std::nullopt;
  return mul_div(units, rule.rate_money, rule.rate_units, rounding::down);
}

std::vector<value_item> in_buckets(const purse_rule& rule, amount units, std::uint32_t business_date) {
  if (units <= 0) return {};
  auto month = month_of(business_date);
  auto unit = unit_of(rule.id);
  if (rule.bucket == bucket_rule::none) return {{rule.id, unit, 0, units}};
  if (rule.bucket == bucket_rule::expires) return {{rule.id, unit, add_months(month, rule.months), units}};
  // Equal parts, the first at once; what does not divide comes with the first.
  std::vector<value_item> out;
  auto parts = std::max<amount>(rule.months, 1);
  for (amount i = 0; i < parts; ++i) {
    auto n = units / parts + (i == 0 ? units % parts : 0);
    if (n > 0) out.push_back({rule.id, unit, add_months(month, static_cast<std::uint32_t>(i)), n});
  }
  return out;
}

result<std::vector<value_item>> price_top_up(const catalogue& rules, std::uint64_t version, const customer& who,
                                             std::uint32_t business_date, amount value, std::uint32_t package,
                                             bool plain) {
  const auto* record = rules.rules(version);
  if (!record) return no_rules();
  if (plain && package != 0) return no("packages wait until this store has heard of head office again");
  if (plain) return std::vector<value_item>{};
  const auto& plan = record->programme;
  const auto* kind = plan.card_kind(who.kind);
  auto allowed = [&](std::uint32_t purse) {
    return !kind || kind->purses.empty() || std::ranges::binary_search(kind->purses, purse);
  };
  std::vector<value_item> out;
  if (package != 0) {
    const auto* p = plan.package(package);
    if (!p) return no("there is no package " + std::to_string(package));
    if (!holds(p->when, who, business_date)) return no(p->names[0] + ": not for this card, or not today");
    if (p->pay != value) return no(p->names[0] + ": another amount is paid for it");
    for (const auto& g : p->gives)
      if (allowed(g.purse)) TALLY_TRY(sale_pricer::add_earned(plan, g.purse, 0, g.units, 0, business_date, out));
  }
  for (const auto& r : plan.earns)
    if (r.on_top_up && allowed(r.purse) && value >= r.when.min_total && holds(r.when, who, business_date))
      TALLY_TRY(sale_pricer::add_earned(plan, r.purse, r.per, r.units, value, business_date, out));
  return out;
}

}  // namespace tally
