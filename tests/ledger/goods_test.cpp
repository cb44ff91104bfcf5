// Kinds of card that pay for some goods only.
#include <catch2/catch.hpp>

#include "ledger/refund_price.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// Cards of kind 1 are good for product 1, at 100 each; product 2 costs 200 and product 3 costs 300.
struct goods_shop : member_shop {
  explicit goods_shop(const std::function<void(programme&)>& change = {}) {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    r.programme.discounts.clear();
    r.programme.card_kinds = {{1, {"Bread card"}, {}, true, 0}};
    r.programme.card_kinds[0].only_products = {product_id{1}};
    if (change) change(r.programme);
    prices.add(r);
    REQUIRE(write(receive({}, {{0, refund_of(main_unit), 0, 1'000'000}})).ok());
  }
  const refusal& why(const decision& d) {
    REQUIRE(std::holds_alternative<refusal>(d));
    return std::get<refusal>(d);
  }
};

const std::vector<line_item> basket{{product_id{1}, 3}, {product_id{2}, 2}};  // 300 and 400

}  // namespace

TEST_CASE("a card pays for the goods of its kind, and the rest is paid otherwise", "[goods]") {
  goods_shop t;
  auto all = t.run(t.sale(basket, 700));
  CHECK(refused(all) == errc::other_goods);
  CHECK(t.why(all).card_goods == 300);
  auto too_much = t.run(t.sale(basket, 301, {in_cash(399)}));
  CHECK(refused(too_much) == errc::other_goods);
  auto d = t.run(t.sale(basket, 300, {in_cash(400)}));
  CHECK(written(d).values == std::vector<value_item>{{purse_paid, main_unit, 0, 300}});
  CHECK(written(d).earned.front().amount == 70);  // of the whole basket, as ever
  // Less is less; other goods alone are paid otherwise, and still give points.
  CHECK(refused(t.run(t.sale(basket, 100, {in_cash(600)}))) == errc::ok);
  CHECK(t.why(t.run(t.sale({{product_id{2}, 1}}, 200))).card_goods == 0);
  auto cash = t.run(t.sale({{product_id{2}, 1}}, 0, {in_cash(200)}));
  CHECK(written(cash).earned.front().amount == 20);
  // Without a card nothing of this is about it.
  CHECK(refused(t.run(sale_command{t.next_key(), {}, basket, 0, {in_cash(700)}})) == errc::ok);
}

TEST_CASE("goods that a card does not pay for, and all others", "[goods]") {
  goods_shop t([](programme& g) {
    g.card_kinds[0].only_products.clear();
    g.card_kinds[0].not_products = {product_id{2}};
  });
  CHECK(t.why(t.run(t.sale(basket, 700))).card_goods == 300);
  CHECK(refused(t.run(t.sale({{product_id{1}, 1}, {product_id{3}, 1}}, 400))) == errc::ok);
  CHECK(refused(t.run(t.sale({{product_id{2}, 1}}, 1, {in_cash(199)}))) == errc::other_goods);
}

TEST_CASE("discounts come first, and a quote says what a card may pay", "[goods]") {
  goods_shop t([](programme& g) {
    discount_rule half{1, {"Half"}, 5'000, 0, {}};
    half.when.products = {product_id{1}};
    g.discounts = {half};
  });
  auto q = quote_sale(t.sale(basket, 0), t.at());
  REQUIRE(q);
  CHECK(q->price.due == 550);
  CHECK(q->price.card_max == 150);
  CHECK(quote_sale(t.sale(basket, 151), t.at()).code() == errc::bad_amount);
  CHECK(t.why(t.run(t.sale(basket, 550))).card_goods == 150);
  CHECK(refused(t.run(t.sale(basket, 150, {in_cash(400)}))) == errc::ok);
}

TEST_CASE("bonus, points and vouchers pay for the same goods alone", "[goods]") {
  goods_shop t;
  t.give(card_1, bonus_purse, 1'000);
  t.give(card_1, points_purse, 1'000, 202712);
  t.give(card_1, five_off, 2);
  // Points: at most what the bread comes to, though half of the basket would be more.
  auto points = t.sale(basket, 0, {in_cash(350)});
  points.uses = {{points_purse, 350}};
  CHECK(refused(t.run(points)) == errc::not_applicable);
  points = t.sale(basket, 0, {in_cash(400)});
  points.uses = {{points_purse, 300}};
  auto d = t.run(points);
  CHECK(written(d).taxes == price_sale(t.prices, *terms_of_entry(written(d), t.prices.newest()->programme))->taxes);
  CHECK(t.units_of(card_1, points_purse) == 700 + written(d).earned.front().amount);
  // Points, then bonus, then money, together at most the bread.
  auto mixed = t.sale(basket, 201, {in_cash(399)});
  mixed.uses = {{points_purse, 100}};
  CHECK(t.why(t.run(mixed)).card_goods == 200);
  mixed = t.sale(basket, 200, {in_cash(400)});
  mixed.uses = {{points_purse, 100}};
  d = t.run(mixed);
  CHECK(std::ranges::any_of(written(d).values,
                            [](const value_item& v) { return v.purse == bonus_purse && v.amount == 200; }));
  CHECK(t.held(card_1) == 10'000);
  // A voucher takes off the bread alone, and its least total is the whole basket's.
  auto voucher = t.sale({{product_id{1}, 3}, {product_id{3}, 3}}, 0, {in_cash(900)});
  voucher.uses = {{five_off, 1}};
  d = t.run(voucher);
  auto price = price_sale(t.prices, *terms_of_entry(written(d), t.prices.newest()->programme));
  REQUIRE(price);
  CHECK(price->lines[0].net == 0);
  CHECK(price->lines[1].net == 900);
  CHECK(price->card_max == 0);
  auto useless = t.sale({{product_id{3}, 4}}, 0, {in_cash(700)});
  useless.uses = {{five_off, 1}};
  CHECK(refused(t.run(useless)) == errc::not_applicable);
}

TEST_CASE("gifts are goods as well", "[goods]") {
  goods_shop t;
  t.give(card_1, points_purse, 1'000, 202712);
  t.give(card_1, visits_purse, 3);
  auto other = t.sale({}, 0);
  other.gifts = {{points_purse, product_id{2}, 1}};
  CHECK(refused(t.run(other)) == errc::not_applicable);
  auto own = t.sale({}, 0);
  own.gifts = {{visits_purse, product_id{1}, 1}};
  CHECK(refused(t.run(own)) == errc::ok);
}

TEST_CASE("what was put aside is captured for the same goods", "[goods]") {
  goods_shop t;
  auto put = t.run(authorise_command{t.next_key(), card_1, 1'000, 600});
  auto aside = *written(put).cites;
  auto capture = [&](amount card, amount cash) {
    return t.run(capture_command{sale_command{t.next_key(), {}, basket, card, {in_cash(cash)}}, aside});
  };
  auto no = capture(500, 200);
  CHECK(refused(no) == errc::other_goods);
  CHECK(t.why(no).card_goods == 300);
  auto d = capture(300, 400);
  CHECK(written(d).kind == entry_kind::capture);
  CHECK(t.held(card_1) == 9'700);
}

TEST_CASE("goods that a card did not pay for come back in cash", "[goods]") {
  goods_shop t;
  auto sold = t.run(t.sale(basket, 300, {in_cash(400)}));
  REQUIRE(refused(sold) == errc::ok);
  auto seq = t.journal.size() - 1;
  auto d = t.run(refund_command{t.next_key(), seq, {{product_id{2}, 2}}});
  CHECK(written(d).tenders.front().amount == 400);
}
