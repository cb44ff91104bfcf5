#include <catch2/catch.hpp>

#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr std::uint32_t sunday = 2517;  // 2026-11-22, the fixture's noon
constexpr std::uint32_t next_year = 202711;

std::vector<value_item> points(amount n, std::uint32_t bucket = next_year) {
  return {{points_purse, unit_of(points_purse), bucket, n}};
}

struct monday_shop : member_shop {
  monday_shop() { now += 86'400; }  // without the discount of Sundays
};

}  // namespace

TEST_CASE("months of business dates", "[programme]") {
  CHECK(month_of(0) == 202001);
  CHECK(month_of(30) == 202001);
  CHECK(month_of(31) == 202002);
  CHECK(month_of(sunday) == 202611);
  CHECK(add_months(202611, 0) == 202611);
  CHECK(add_months(202611, 1) == 202612);
  CHECK(add_months(202611, 2) == 202701);
  CHECK(add_months(202612, 25) == 202901);
}

TEST_CASE("a sale gives points by its rules, and they expire in a year", "[programme]") {
  monday_shop t;
  auto d = t.run(t.sale({{product_id{1}, 3}, {product_id{3}, 2}}, 400, {in_cash(500)}));
  auto& e = written(d);
  CHECK(e.rules_version == 2);
  CHECK(e.earned == points(90 + 60));  // 900 at one for 10, and 600 of product 3 once more
  CHECK(e.owed.empty());
  CHECK(t.units_of(card_1, points_purse) == 150);
  CHECK(t.st.months_held(t.self, card_1, points_purse) == std::vector<std::uint32_t>{next_year});
  // For each full 10, each rule by itself; nothing without a card.
  CHECK(written(d = t.run(sale_command{t.next_key(), {}, {{product_id{1}, 1}}, 0, {in_cash(100)}})).earned.empty());
}

TEST_CASE("the best discount of a line counts, alone", "[programme]") {
  member_shop t;  // Sunday: 15 off each piece of products 1 and 2
  t.level(card_1, 2);
  auto q = quote_sale(t.sale({{product_id{1}, 2}, {product_id{2}, 1}, {product_id{3}, 1}}, 0), t.at());
  REQUIRE(q.ok());
  CHECK(q->price.gross == 700);
  CHECK(q->price.lines[0].discount == 30);  // above a tenth of 200
  CHECK(q->price.lines[1].discount == 20);  // a tenth of 200 is above 15
  CHECK(q->price.lines[2].discount == 30);
  CHECK(q->price.due == 620);
  CHECK(q->price.lines[0].rule->id == 2);
  CHECK(q->price.lines[1].rule->id == 1);
  CHECK(refused(t.run(t.sale({{product_id{1}, 1}}, 100))) == errc::bad_tender);
  auto d = t.run(t.sale({{product_id{1}, 2}, {product_id{2}, 1}, {product_id{3}, 1}}, 620));
  CHECK(written(d).level == 2);
  CHECK(written(d).taxes == q->price.taxes);
  CHECK(written(d).taxes == std::vector<tax_item>{{0, main_unit, 40}});  // of 350
}

TEST_CASE("bonus pays before money, and its part is not taxed nor earns", "[programme]") {
  monday_shop t;
  t.give(card_1, bonus_purse, 250);
  auto d = t.run(t.sale({{product_id{1}, 4}}, 400));
  auto& e = written(d);
  CHECK(e.values ==
        std::vector<value_item>{{purse_paid, main_unit, 0, 150}, {bonus_purse, unit_of(bonus_purse), 0, 250}});
  CHECK(e.earned == points(15));
  CHECK(e.taxes == std::vector<tax_item>{{0, main_unit, 17}});
  CHECK(t.held(card_1) == 9'850);
  CHECK(t.units_of(card_1, bonus_purse) == 0);

  // The same request again is the same answer; another one under its key is refused.
  sale_command again{{201, e.counter, 5}, card_1, {{product_id{1}, 4}}, 400, {}};
  CHECK(std::holds_alternative<replayed>(t.run(again)));
  again.card = 399;
  CHECK(refused(t.run(again)) == errc::key_reused);

  auto back = t.run(reverse_command{t.next_key(), t.journal.size() - 1});
  CHECK(t.held(card_1) == 10'000);
  CHECK(t.units_of(card_1, bonus_purse) == 250);
  CHECK(t.units_of(card_1, points_purse) == 0);
  CHECK(written(back).debts.empty());
}

TEST_CASE("money before bonus where the rules say so", "[programme]") {
  monday_shop t;
  auto r = rules_of(3, 0);
  r.programme = chain_programme();
  r.programme.paid_first = true;
  t.prices.add(r);
  t.give(card_1, bonus_purse, 9'000);
  auto d = t.run(t.sale({{product_id{1}, 90}}, 9'000));
  CHECK(written(d).values.size() == 1);
  d = t.run(t.sale({{product_id{1}, 30}}, 3'000));
  CHECK(written(d).values ==
        std::vector<value_item>{{purse_paid, main_unit, 0, 1'000}, {bonus_purse, unit_of(bonus_purse), 0, 2'000}});
}

TEST_CASE("of two purses of bonus the one with the lower number pays first, whatever expires", "[programme]") {
  monday_shop t;
  auto r = rules_of(3, 0);
  r.programme = chain_programme();
  r.programme.purses[5].bucket = bucket_rule::expires;
  t.prices.add(r);
  t.give(card_1, bonus_purse, 300);
  t.give(card_1, parts_purse, 300, 202612);
  auto d = t.run(t.sale({{product_id{1}, 4}}, 400));
  CHECK(written(d).values == std::vector<value_item>{{bonus_purse, unit_of(bonus_purse), 0, 300},
                                                     {parts_purse, unit_of(parts_purse), 202612, 100}});
}

TEST_CASE("a kind of card with paid money alone", "[programme]") {
  monday_shop t;
  auto r = rules_of(3, 0);
  r.programme = chain_programme();
  r.programme.card_kinds = {{1, {"Plain card"}, {purse_paid}, true, 0}};
  t.prices.add(r);
  t.give(card_1, bonus_purse, 500);
  t.give(card_1, points_purse, 500, 202701);
  auto d = t.run(t.sale({{product_id{1}, 4}}, 400));
  CHECK(written(d).values == std::vector<value_item>{{purse_paid, main_unit, 0, 400}});
  CHECK(written(d).earned.empty());
  auto sale = t.sale({{product_id{1}, 4}}, 200);
  sale.uses = {{points_purse, 200}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
  sale = t.sale({}, 0);
  sale.gifts = {{points_purse, product_id{2}, 1}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
}

TEST_CASE("units that are no whole minor units say how many are", "[programme]") {
  monday_shop t;
  auto r = rules_of(3, 0);
  r.programme = chain_programme();
  r.programme.purses[1].rate_units = 7;
  r.programme.purses[1].rate_money = 10;
  t.prices.add(r);
  t.give(card_1, points_purse, 100, 202701);
  auto sale = t.sale({{product_id{1}, 4}}, 390);
  sale.uses = {{points_purse, 8}};
  auto d = t.run(sale);
  CHECK(refused(d) == errc::not_applicable);
  CHECK(std::get<refusal>(d).why.detail == "Points: only whole multiples of 7 can be used");
  sale.key = t.next_key();
  sale.uses = {{points_purse, 7}};
  CHECK(refused(t.run(sale)) == errc::ok);
  sale.key = t.next_key();
  sale.uses = {{visits_purse, 1}};
  CHECK(std::get<refusal>(t.run(sale)).why.detail.find("do not pay as money") != std::string::npos);
}

TEST_CASE("points as money, in steps, up to their share", "[programme]") {
  monday_shop t;
  t.give(card_1, points_purse, 500, 202701);
  t.give(card_1, points_purse, 500, 202612);
  auto sale = t.sale({{product_id{1}, 8}}, 200);
  sale.uses = {{points_purse, 600}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);  // above half of 800
  sale.uses = {{points_purse, 400}};
  sale.card = 400;
  auto d = t.run(sale);
  // The older bucket first.
  CHECK(written(d).values ==
        std::vector<value_item>{{purse_paid, main_unit, 0, 400}, {points_purse, unit_of(points_purse), 202612, 400}});
  CHECK(written(d).earned == points(40));
  sale.key = t.next_key();
  sale.card = 0;
  sale.lines = {{product_id{1}, 12}};
  sale.tenders = {in_cash(600)};
  sale.uses = {{points_purse, 600}};
  d = t.run(sale);
  CHECK(written(d).values == std::vector<value_item>{{points_purse, unit_of(points_purse), 202612, 100},
                                                     {points_purse, unit_of(points_purse), 202701, 500}});
  // What is left are the 40 of this sale's card and 60 of this one.
  sale.key = t.next_key();
  sale.lines = {{product_id{1}, 20}};
  sale.tenders = {in_cash(1'000)};
  sale.uses = {{points_purse, 1'000}};
  d = t.run(sale);
  CHECK(refused(d) == errc::insufficient);
  CHECK(std::get<refusal>(d).purse == points_purse);
  CHECK(std::get<refusal>(d).here == 100);
  CHECK(std::get<refusal>(d).missing == 900);
}

TEST_CASE("what has expired is not spent once head office's time has passed the month", "[programme]") {
  monday_shop t;
  t.give(card_1, points_purse, 100, 202610);
  t.hq_time = 0;  // never told: doubt favours the holder
  auto sale = t.sale({{product_id{1}, 2}}, 100);
  sale.uses = {{points_purse, 100}};
  auto q = quote_sale(sale, t.at());
  CHECK(q.ok());
  t.hq_time = noon;
  CHECK(refused(t.run(sale)) == errc::insufficient);
  t.hq_time = noon - 30 * 86'400;
  CHECK(refused(t.run(sale)) == errc::ok);
}

TEST_CASE("bonus in parts opens month by month", "[programme]") {
  monday_shop t;
  auto d = t.run(top_up_command{t.next_key(), card_1, 9'000, tender_kind::cash, false, 2});
  auto unit = unit_of(parts_purse);
  auto& e = written(d);
  CHECK(e.package == 2);
  CHECK(e.earned == std::vector<value_item>{{points_purse, unit_of(points_purse), next_year, 45},
                                            {parts_purse, unit, 202611, 334},
                                            {parts_purse, unit, 202612, 333},
                                            {parts_purse, unit, 202701, 333}});
  auto sale = t.sale({{product_id{1}, 5}}, 500);
  CHECK(written(d = t.run(sale)).values.back() == value_item{parts_purse, unit, 202611, 334});
  t.now += 15 * 86'400;
  t.hq_time = t.now;
  sale.key = t.next_key();
  CHECK(written(d = t.run(sale)).values.back() == value_item{parts_purse, unit, 202612, 333});
}

TEST_CASE("vouchers: from a total, never more than the basket can use, one tenth once", "[programme]") {
  monday_shop t;
  t.give(card_1, five_off, 3);
  t.give(card_1, tenth_off, 2);
  auto sale = t.sale({{product_id{1}, 9}}, 900);
  sale.uses = {{five_off, 1}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);  // from 10.00 on
  sale.lines = {{product_id{1}, 10}};
  sale.uses = {{five_off, 2}};
  sale.card = 0;
  auto d = t.run(sale);
  CHECK(written(d).values.size() == 1);
  CHECK(t.units_of(card_1, five_off) == 1);
  sale.key = t.next_key();
  sale.uses = {{five_off, 3}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
  sale.uses = {{tenth_off, 2}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
  sale.uses = {{tenth_off, 1}, {tenth_off, 1}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
  // The tenth is of product 1 only and does not touch product 3.
  sale.lines = {{product_id{1}, 5}, {product_id{3}, 5}};
  sale.uses = {{tenth_off, 1}};
  auto q = quote_sale(sale, t.at());
  REQUIRE(q.ok());
  CHECK(q->price.lines[0].net == 450);
  CHECK(q->price.lines[1].net == 1'500);
  CHECK(q->price.due == 1'950);
  sale.uses = {};
  sale.lines = {{product_id{1}, 20}};
  sale.card = 2'000;
  d = t.run(sale);
  CHECK(written(d).earned.back() == value_item{five_off, unit_of(five_off), 0, 1});
  CHECK(t.units_of(card_1, five_off) == 2);
}

TEST_CASE("gifts and visits are pieces paid with units, beside or without lines", "[programme]") {
  monday_shop t;
  t.give(card_1, visits_purse, 10);
  t.give(card_1, points_purse, 300, 202701);
  auto sale = t.sale({}, 0);
  CHECK(refused(t.run(sale)) == errc::bad_basket);
  sale.gifts = {{visits_purse, product_id{1}, 2}, {points_purse, product_id{2}, 1}};
  auto d = t.run(sale);
  CHECK(written(d).gifts == sale.gifts);
  CHECK(t.units_of(card_1, visits_purse) == 8);
  CHECK(t.units_of(card_1, points_purse) == 150);
  CHECK(std::holds_alternative<replayed>(t.run(sale)));
  auto other = sale;
  other.gifts[0].quantity = 1;
  CHECK(refused(t.run(other)) == errc::key_reused);
  sale.key = t.next_key();
  sale.gifts = {{points_purse, product_id{1}, 1}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
  sale.gifts = {{points_purse, product_id{2}, 2}};
  CHECK(refused(t.run(sale)) == errc::insufficient);
  sale.gifts = {{visits_purse, product_id{1}, INT64_MAX}};
  CHECK(refused(t.run(sale)) == errc::bad_basket);
  sale.account = {};
  sale.gifts = {{visits_purse, product_id{1}, 1}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
  auto back = t.run(reverse_command{t.next_key(), t.journal.size() - 1});
  CHECK(t.units_of(card_1, visits_purse) == 10);
  CHECK(t.units_of(card_1, points_purse) == 300);
}

TEST_CASE("units without quota are owed and never stop a sale", "[programme]") {
  shop t(store_a);
  auto r = rules_of(2, 0);
  r.programme = chain_programme();
  t.prices.add(r);
  t.rights(card_1, 10'000);
  t.now += 86'400;
  auto d = t.run(sale_command{t.next_key(), card_1, {{product_id{1}, 3}}, 300, {}});
  CHECK(written(d).earned.empty());
  CHECK(written(d).owed == points(30));
  CHECK(holding(t.st, t.self, card_1, points_purse) == 0);
}

TEST_CASE("points that were spent come back as a debt, which later points pay first", "[programme]") {
  monday_shop t;
  auto d = t.run(t.sale({{product_id{1}, 10}}, 1'000));
  auto first = t.journal.size() - 1;
  CHECK(t.units_of(card_1, points_purse) == 100);
  auto spend = t.sale({{product_id{1}, 2}}, 120);
  spend.uses = {{points_purse, 80}};
  d = t.run(spend);
  CHECK(written(d).earned == points(12));
  d = t.run(reverse_command{t.next_key(), first});
  CHECK(written(d).debts == points(68));  // 100 less 20 that were left and 12 earned since
  CHECK(t.units_of(card_1, points_purse) == 0);
  CHECK(debt_of(t.st, t.self, card_1, points_purse) == 68);
  d = t.run(t.sale({{product_id{1}, 5}}, 500));
  CHECK(written(d).debts == points(-50));
  CHECK(debt_of(t.st, t.self, card_1, points_purse) == 18);
  d = t.run(t.sale({{product_id{1}, 5}}, 500));
  CHECK(t.units_of(card_1, points_purse) == 32);
  CHECK(debt_of(t.st, t.self, card_1, points_purse) == 0);
}

TEST_CASE("a top-up whose bonus was spent is not reversed", "[programme]") {
  monday_shop t;
  auto d = t.run(top_up_command{t.next_key(), card_1, 5'000, tender_kind::cash, false, 1});
  auto seq = t.journal.size() - 1;
  CHECK(t.units_of(card_1, bonus_purse) == 500);
  d = t.run(t.sale({{product_id{1}, 1}}, 100));
  d = t.run(reverse_command{t.next_key(), seq});
  CHECK(refused(d) == errc::insufficient);
  CHECK(std::get<refusal>(d).purse == bonus_purse);
  CHECK(std::get<refusal>(d).missing == 100);
  CHECK(refused(t.run(top_up_command{t.next_key(), card_1, 4'000, tender_kind::cash, false, 1})) ==
        errc::not_applicable);
  CHECK(refused(t.run(top_up_command{t.next_key(), card_1, 5'000, tender_kind::cash, false, 9})) ==
        errc::not_applicable);
}

TEST_CASE("kinds of card: their purses, their day, their top-ups", "[programme]") {
  monday_shop t;
  auto r = rules_of(3, 0);
  r.programme = chain_programme();
  r.programme.card_kinds = {{1, {"Gift card"}, {bonus_purse}, false, 500}};
  t.prices.add(r);
  auto d = t.run(t.sale({{product_id{1}, 4}}, 400));
  CHECK(written(d).card_kind == 1);
  CHECK(written(d).earned.empty());  // this kind has no points
  CHECK(refused(t.run(t.sale({{product_id{1}, 2}}, 200))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale({{product_id{1}, 2}}, 100, {in_cash(100)}))) == errc::ok);
  CHECK(refused(t.run(t.sale({{product_id{1}, 1}}, 100))) == errc::bad_amount);
  t.now += 86'400;
  CHECK(refused(t.run(t.sale({{product_id{1}, 1}}, 100))) == errc::ok);
  CHECK(refused(t.run(top_up_command{t.next_key(), card_1, 5'000, tender_kind::cash})) == errc::not_applicable);
  auto sale = t.sale({{product_id{1}, 8}}, 400);
  sale.uses = {{points_purse, 400}};
  CHECK(refused(t.run(sale)) == errc::not_applicable);
}
