#pragma once
#include "fixture.hpp"

namespace tally::test {

// Purses of the test chain.
constexpr std::uint32_t bonus_purse = 2, points_purse = 3, visits_purse = 4, five_off = 5, tenth_off = 6,
                        parts_purse = 7;

inline purse_rule purse_of(std::uint32_t id, purse_kind kind, std::string name) {
  purse_rule p;
  p.id = id;
  p.kind = kind;
  p.names[0] = std::move(name);
  p.quota = 1'000'000;
  return p;
}

/// A chain with something of everything. Product 1 costs 100, 2 costs 200, 3 costs 300 and bears no tax.
inline programme chain_programme() {
  programme g;
  g.purses = {
      purse_of(bonus_purse, purse_kind::bonus, "Bonus"),    purse_of(points_purse, purse_kind::points, "Points"),
      purse_of(visits_purse, purse_kind::visits, "Coffee"), purse_of(five_off, purse_kind::voucher, "5 off"),
      purse_of(tenth_off, purse_kind::voucher, "10 %"),     purse_of(parts_purse, purse_kind::bonus, "Parts")};
  auto& points = g.purses[1];
  points.bucket = bucket_rule::expires;
  points.months = 12;
  points.rate_units = 100;  // 100 points are 1.00
  points.rate_money = 100;
  points.share_max = 5'000;
  points.gifts = {{product_id{2}, 150}};
  g.purses[2].gifts = {{product_id{1}, 1}};
  g.purses[3].off = 500;
  g.purses[3].min_total = 1'000;
  g.purses[4].off_basis_points = 1'000;
  g.purses[4].on = {product_id{1}};
  g.purses[5].bucket = bucket_rule::opens;
  g.purses[5].months = 3;
  g.levels = {{1, {"Silver"}, 10'000, 12}, {2, {"Gold"}, 50'000, 12}};
  discount_rule gold{1, {"Gold 10 %"}, 1'000, 0, {}};
  gold.when.levels = {2};
  discount_rule weekend{2, {"Sunday"}, 0, 15, {}};
  weekend.when.weekdays = 1U << 6;
  weekend.when.products = {product_id{1}, product_id{2}};
  g.discounts = {gold, weekend};
  earn_rule base{1, {"Points"}, points_purse, false, 1, 10, {}};
  earn_rule twice{2, {"Double for product 3"}, points_purse, false, 1, 10, {}};
  twice.when.products = {product_id{3}};
  earn_rule loaded{3, {"Points on top-ups"}, points_purse, true, 5, 1'000, {}};
  earn_rule coupon{4, {"Voucher from 20.00"}, five_off, false, 1, 0, {}};
  coupon.when.min_total = 2'000;
  g.earns = {base, twice, loaded, coupon};
  g.packages = {{1, {"50 and 5"}, 5'000, {{bonus_purse, 500}}, {}},
                {2, {"in parts"}, 9'000, {{parts_purse, 1'000}}, {}}};
  return g;
}

/// A store with quotas of everything and rules version 2.
struct member_shop : shop {
  member_shop() : shop(store_a) {
    auto r = rules_of(2, 0);
    r.programme = chain_programme();
    prices.add(r);
    quota(1'000'000);
    for (const auto& p : r.programme.purses)
      units(p.id, 1'000'000);
    rights(card_1, 10'000);
  }
  void units(std::uint32_t purse, amount v) { REQUIRE(write(receive({}, {{0, quota_of(unit_of(purse)), 0, v}})).ok()); }
  void give(account_id account, std::uint32_t purse, amount v, std::uint32_t bucket = 0) {
    REQUIRE(write(receive(account, {{purse, unit_of(purse), bucket, v}})).ok());
  }
  void level(account_id account, std::uint32_t l) {
    auto c = *card_of(st, account);
    c.level = l;
    put_card(st, account, c);
  }
  amount units_of(account_id account, std::uint32_t purse) const { return holding(st, self, account, purse); }
  sale_command sale(std::vector<line_item> lines, amount card, std::vector<tender_item> tenders = {}) {
    return {next_key(), card_1, std::move(lines), card, std::move(tenders)};
  }
};

inline tender_item in_cash(amount v) { return {tender_kind::cash, main_unit, v}; }

}  // namespace tally::test
