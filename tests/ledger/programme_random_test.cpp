// Random programmes and random commands: what must hold whatever a chain publishes.
#include <catch2/catch.hpp>

#include "ledger/purses.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

condition any_condition(dice& d) {
  condition c;
  if (d.percent(30)) c.levels = {1 + static_cast<std::uint32_t>(d.below(2))};
  if (d.percent(30)) c.products = {product_id{1 + static_cast<std::uint32_t>(d.below(3))}};
  if (d.percent(20)) c.weekdays = static_cast<std::uint8_t>(1 + d.below(127));
  if (d.percent(30)) c.min_total = d.between(0, 2'000);
  return c;
}

programme any_programme(dice& d) {
  programme g;
  g.paid_first = d.percent(30);
  g.round_half_even = d.percent(50);
  for (std::uint32_t id = 2; id < 2 + d.below(6); ++id) {
    auto p = purse_of(id, static_cast<purse_kind>(2 + d.below(4)), "purse " + std::to_string(id));
    p.bucket = static_cast<bucket_rule>(d.below(3));
    p.months = 1 + static_cast<std::uint32_t>(d.below(14));
    if (p.kind == purse_kind::voucher) {
      p.bucket = d.percent(50) ? bucket_rule::none : bucket_rule::expires;
      (d.percent(50) ? p.off : p.min_total) = d.between(1, 700);
      if (p.off == 0) p.off_basis_points = static_cast<std::uint32_t>(d.between(1, 10'000));
      if (d.percent(30)) p.on = {product_id{1}, product_id{3}};
    } else if (p.kind != purse_kind::bonus) {
      p.rate_units = d.between(1, 120);
      p.rate_money = d.between(1, 120);
      p.gifts = {{product_id{2}, d.between(1, 50)}};
    }
    if (p.kind != purse_kind::voucher) p.share_max = static_cast<std::uint32_t>(d.between(1, 10'000));
    g.purses.push_back(p);
  }
  auto purse = [&] { return g.purses[d.below(g.purses.size())].id; };
  for (std::uint32_t id = 1; id < 1 + d.below(6); ++id)
    g.discounts.push_back({id, {"d"}, static_cast<std::uint32_t>(d.between(1, 10'000)), 0, any_condition(d)});
  for (std::uint32_t id = 1; id < 1 + d.below(8) && !g.purses.empty(); ++id)
    g.earns.push_back({id, {"e"}, purse(), d.percent(30), d.between(1, 90), d.between(0, 300), any_condition(d)});
  for (auto& e : g.earns)
    if (e.on_top_up) e.when.products.clear();
  if (!g.purses.empty()) g.packages = {{1, {"p"}, d.between(100, 5'000), {{purse(), d.between(1, 900)}}, {}}};
  return g;
}

struct random_shop : member_shop {
  explicit random_shop(std::uint64_t seed) : roll(seed) {
    auto r = rules_of(3, 0);
    r.programme = plan = any_programme(roll);
    prices.add(r);
    REQUIRE(write(receive({}, {{0, refund_of(main_unit), 0, 1'000'000'000}})).ok());
    for (const auto& p : plan.purses) {
      units(p.id, 1'000'000'000);
      give(card_1, p.id, roll.between(1, 900), p.bucket == bucket_rule::none ? 0 : 202612);
    }
    rights(card_1, 1'000'000);
    level(card_1, static_cast<std::uint32_t>(roll.below(3)));
  }

  std::vector<line_item> basket() {
    std::vector<line_item> out;
    for (auto n = 1 + roll.below(4); n > 0; --n)
      out.push_back({product_id{1 + static_cast<std::uint32_t>(roll.below(3))}, roll.between(1, 5)});
    return out;
  }
  sale_command any_sale() {
    auto c = sale(basket(), 0);
    for (const auto& p : plan.purses) {
      if (p.kind == purse_kind::bonus || !roll.percent(40)) continue;
      c.uses.push_back({p.id, roll.percent(50) && p.rate_units != 0 ? p.rate_units : roll.between(1, 20)});
    }
    if (!plan.purses.empty() && roll.percent(20)) c.gifts = {{plan.purses[0].id, product_id{2}, 1}};
    auto q = quote_sale(c, at());
    if (!q && roll.percent(80)) {
      c.uses.clear();
      c.gifts.clear();
      q = quote_sale(c, at());
    }
    if (!q) return c;
    c.card = roll.between(0, q->price.due);
    if (auto rest = q->price.due - c.card; rest > 0) c.tenders = {in_cash(rest)};
    return c;
  }

  dice roll;
  programme plan;
};

/// What an audit does with a sale.
void check_again(const entry& e, const catalogue& prices, const programme& plan) {
  auto terms = terms_of_entry(e, plan);
  REQUIRE(terms);
  auto price = price_sale(prices, *terms);
  REQUIRE(price.ok());
  amount paid = 0;
  for (const auto& v : e.values)
    if (v.unit == main_unit) paid += v.amount;
  for (const auto& t : e.tenders)
    paid += t.amount;
  CHECK(paid == price->due);
  CHECK(e.taxes == price->taxes);
  CHECK(e.earned == price->earned);
  amount net = 0, reduced = 0;
  for (const auto& l : price->lines) {
    REQUIRE(l.net >= 0);
    REQUIRE(l.discount >= 0);
    REQUIRE(l.reduction >= 0);
    REQUIRE(l.gross == l.discount + l.reduction + l.net);
    net += l.net;
    reduced += l.reduction;
  }
  for (const auto& u : price->uses)
    reduced -= u.money;
  CHECK(net == price->due);
  CHECK(reduced == 0);
}

}  // namespace

TEST_CASE("random programmes: every sale is priced again to the cent, every reversal restores everything",
          "[programme][random]") {
  int sales = 0, reversed = 0, top_ups = 0;
  for (std::uint64_t seed = 1; seed <= 4'000; ++seed) {
    INFO("seed " << seed);
    random_shop t(seed);
    for (int n = 0; n < 12; ++n) {
      t.now += static_cast<unix_seconds>(t.roll.below(200'000));
      t.hq_time = t.now;
      auto before = t.st.balances();
      auto held = t.st.cells();
      decision d;
      if (t.roll.percent(25)) {
        bool package = !t.plan.packages.empty() && t.roll.percent(50);
        d = t.run(top_up_command{t.next_key(), card_1, package ? t.plan.packages[0].pay : t.roll.between(100, 9'000),
                                 tender_kind::cash, false, package ? 1U : 0U});
      } else {
        d = t.run(t.any_sale());
      }
      const auto* e = std::get_if<entry>(&d);
      if (!e) continue;
      if (e->kind == entry_kind::sale) check_again(*e, t.prices, t.plan);
      ++(e->kind == entry_kind::sale ? sales : top_ups);
      if (t.roll.percent(50)) continue;
      auto seq = t.journal.size() - 1;
      auto back = t.run(reverse_command{t.next_key(), seq});
      REQUIRE(std::holds_alternative<entry>(back));
      CHECK(std::get<entry>(back).debts.empty());
      CHECK(t.st.balances() == before);
      ++reversed;
    }
  }
  CHECK(sales > 10'000);
  CHECK(top_ups > 3'000);
  CHECK(reversed > 5'000);
}

TEST_CASE("random programmes: a sale given back piece by piece is given back whole", "[programme][random][refund]") {
  int pieces = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    INFO("seed " << seed);
    random_shop t(seed);
    t.hq_time = t.now;
    auto before = t.st.balances();
    auto d = t.run(t.any_sale());
    const auto* e = std::get_if<entry>(&d);
    if (!e || !e->gifts.empty()) continue;
    auto seq = t.journal.size() - 1;
    std::vector<product_id> left;
    for (const auto& l : e->lines)
      for (std::int64_t i = 0; i < l.quantity; ++i)
        left.push_back(l.product);
    amount money = 0, taxes = 0;
    std::map<std::uint32_t, amount> taken;
    while (!left.empty()) {
      auto i = t.roll.below(left.size());
      auto p = left[i];
      left.erase(left.begin() + static_cast<std::ptrdiff_t>(i));
      bool cash = t.roll.percent(50);
      auto r = t.run(refund_command{t.next_key(), seq, {{p, 1}}, !cash, tender_kind::cash});
      if (cash && refused(r) == errc::not_applicable)  // no more than was paid in cash
        r = t.run(refund_command{t.next_key(), seq, {{p, 1}}, true, tender_kind::cash});
      if (refused(r) == errc::not_applicable) {  // pieces that cost nothing
        left.push_back(p);
        break;
      }
      auto& back = written(r);
      for (const auto& v : back.values)
        if (v.unit == main_unit) money += v.amount;
      for (const auto& x : back.tenders)
        money += x.amount;
      for (const auto& x : back.taxes)
        taxes += x.amount;
      for (const auto& v : back.earned)
        taken[v.purse] += v.amount;
      ++pieces;
    }
    if (!left.empty()) continue;
    amount paid = 0, tax = 0;
    for (const auto& v : e->values)
      if (v.unit == main_unit) paid += v.amount;
    for (const auto& x : e->tenders)
      paid += x.amount;
    for (const auto& x : e->taxes)
      tax += x.amount;
    CHECK(money == paid);
    CHECK(taxes == tax);
    if (paid == 0) continue;
    for (const auto& v : e->earned)
      taken[v.purse] -= v.amount;
    for (auto [purse, n] : taken)
      CHECK(n == 0);
    // Nothing is left but vouchers that were used and what refunds cost in quota.
    for (const auto& p : t.plan.purses) {
      if (p.kind == purse_kind::voucher) continue;
      auto spent = holding(t.st, t.self, card_1, p.id);
      amount at_first = 0;
      for (const auto& [a, v] : before)
        if (a.type == account_type::hold && a.b == p.id && a.a == card_1.value) at_first -= v;
      CHECK(spent == at_first);
    }
  }
  CHECK(pieces > 500);
}
