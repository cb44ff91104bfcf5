#include <catch2/catch.hpp>

#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct counter_shop : member_shop {
  counter_shop() {
    now += 86'400;  // a Monday: no discount of Sundays
    REQUIRE(write(receive({}, {{0, refund_of(main_unit), 0, 100'000}})).ok());
  }
  decision refund(sequence seq, std::vector<line_item> pieces, bool to_card = false) {
    return run(refund_command{next_key(), seq, std::move(pieces), to_card, tender_kind::cash});
  }
  amount refund_quota_left() const { return -st.balance(quota_account(self, refund_of(main_unit))); }
  amount taxes() const {
    amount sum = 0;
    for (const auto& [a, v] : st.balances())
      if (a.type == account_type::tax) sum -= v;
    return sum;
  }
};

}  // namespace

TEST_CASE("pieces come back at what they cost, in cash or to the card", "[refund]") {
  counter_shop t;
  auto d = t.run(t.sale({{product_id{1}, 3}, {product_id{3}, 1}}, 450, {in_cash(150)}));
  auto seq = t.journal.size() - 1;
  CHECK(t.units_of(card_1, points_purse) == 90);
  CHECK(refused(t.refund(seq, {{product_id{1}, 2}})) == errc::not_applicable);  // 150 came in cash
  d = t.refund(seq, {{product_id{1}, 1}});
  CHECK(written(d).tenders == std::vector<tender_item>{in_cash(100)});
  CHECK(written(d).taxes == std::vector<tax_item>{{0, main_unit, 11}});  // a third of 35, rounded down
  CHECK(t.refund_quota_left() == 99'900);
  d = t.refund(seq, {{product_id{1}, 2}}, true);
  CHECK(written(d).values == std::vector<value_item>{{purse_paid, main_unit, 0, 200}});
  CHECK(t.held(card_1) == 9'750);
  CHECK(refused(t.refund(seq, {{product_id{1}, 1}})) == errc::already_reversed);
  CHECK(refused(t.refund(seq, {{product_id{2}, 1}})) == errc::already_reversed);
  CHECK(refused(t.run(reverse_command{t.next_key(), seq})) == errc::not_reversible);
  d = t.refund(seq, {{product_id{3}, 1}}, true);
  CHECK(refused(d) == errc::ok);
  CHECK(t.units_of(card_1, points_purse) == 0);  // all that it gave is taken back, to the last point
  CHECK(t.taxes() == 0);
}

TEST_CASE("a refund that is asked for again is answered, another one under its key is not", "[refund]") {
  counter_shop t;
  auto d = t.run(t.sale({{product_id{1}, 3}}, 0, {in_cash(300)}));
  auto seq = t.journal.size() - 1;
  refund_command c{t.next_key(), seq, {{product_id{1}, 1}}, false, tender_kind::cash};
  d = t.run(c);
  CHECK(std::holds_alternative<entry>(d));
  CHECK(std::holds_alternative<replayed>(t.run(c)));
  auto other = c;
  other.to_card = true;
  CHECK(refused(t.run(other)) == errc::key_reused);
  other = c;
  other.lines = {{product_id{1}, 2}};
  CHECK(refused(t.run(other)) == errc::key_reused);
  other = c;
  other.tender = tender_kind::bank;
  CHECK(refused(t.run(other)) == errc::key_reused);
}

TEST_CASE("what cannot be refunded", "[refund]") {
  counter_shop t;
  auto d = t.run(t.sale({{product_id{1}, 2}}, 200));
  auto seq = t.journal.size() - 1;
  CHECK(refused(t.refund(999, {{product_id{1}, 1}})) == errc::not_found);
  CHECK(refused(t.refund(0, {{product_id{1}, 1}})) == errc::not_reversible);
  CHECK(refused(t.refund(seq, {})) == errc::bad_basket);
  CHECK(refused(t.refund(seq, {{product_id{1}, 1}, {product_id{1}, 1}})) == errc::bad_basket);
  CHECK(refused(t.refund(seq, {{product_id{1}, 0}})) == errc::already_reversed);
  CHECK(refused(t.refund(seq, {{product_id{1}, -1}})) == errc::already_reversed);
  CHECK(refused(t.refund(seq, {{product_id{1}, INT64_MAX}})) == errc::already_reversed);
  d = t.run(sale_command{t.next_key(), {}, {{product_id{1}, 1}}, 0, {in_cash(100)}});
  CHECK(refused(t.refund(t.journal.size() - 1, {{product_id{1}, 1}}, true)) == errc::unknown_card);
  d = t.run(reverse_command{t.next_key(), seq});
  CHECK(refused(t.refund(seq, {{product_id{1}, 1}})) == errc::already_reversed);
  CHECK(refused(t.refund(t.journal.size() - 1, {{product_id{1}, 1}})) == errc::not_reversible);
  t.stopped = errc::rolled_back;
  CHECK(refused(t.refund(seq, {{product_id{1}, 1}})) == errc::rolled_back);
}

TEST_CASE("without the right to give money back nothing is given", "[refund]") {
  member_shop t;
  t.now += 86'400;
  auto d = t.run(t.sale({{product_id{1}, 2}}, 200));
  d = t.run(refund_command{t.next_key(), t.journal.size() - 1, {{product_id{1}, 1}}, true, tender_kind::cash});
  CHECK(refused(d) == errc::no_quota);
  CHECK(std::get<refusal>(d).here == 0);
}

TEST_CASE("bonus and points that paid come back as they were, a voucher does not", "[refund]") {
  counter_shop t;
  t.give(card_1, bonus_purse, 150);
  t.give(card_1, points_purse, 300, 202701);
  t.give(card_1, five_off, 1);
  auto sale = t.sale({{product_id{1}, 10}, {product_id{3}, 3}}, 1'100);
  sale.uses = {{points_purse, 300}, {five_off, 1}};
  auto d = t.run(sale);
  auto seq = t.journal.size() - 1;
  CHECK(t.units_of(card_1, bonus_purse) == 0);
  auto paid = 10'000 - t.held(card_1);
  CHECK(paid == 950);
  for (int i = 0; i < 10; ++i)
    CHECK(refused(t.refund(seq, {{product_id{1}, 1}}, true)) == errc::ok);
  for (int i = 0; i < 3; ++i)
    CHECK(refused(t.refund(seq, {{product_id{3}, 1}}, true)) == errc::ok);
  CHECK(t.held(card_1) == 10'000);
  CHECK(t.units_of(card_1, bonus_purse) == 150);
  CHECK(t.units_of(card_1, points_purse) == 300);
  CHECK(t.units_of(card_1, five_off) == 0);
  CHECK(t.taxes() == 0);
}

TEST_CASE("what points paid comes back with the whole sale", "[refund]") {
  counter_shop t;
  t.give(card_1, points_purse, 300, 202701);
  auto sale = t.sale({{product_id{1}, 1}, {product_id{3}, 1}}, 400);
  sale.gifts = {{points_purse, product_id{2}, 1}};
  REQUIRE(refused(t.run(sale)) == errc::ok);
  auto seq = t.journal.size() - 1;
  auto d = t.refund(seq, {{product_id{2}, 1}}, true);
  CHECK(refused(d) == errc::not_applicable);
  CHECK(std::get<refusal>(d).why.detail ==
        "product 2 was paid with Points: it comes back with the reversal of the whole sale");

  sale = t.sale({{product_id{2}, 1}}, 200);
  sale.gifts = {{points_purse, product_id{2}, 1}};
  REQUIRE(refused(t.run(sale)) == errc::ok);
  d = t.refund(t.journal.size() - 1, {{product_id{2}, 2}}, true);
  CHECK(refused(d) == errc::already_reversed);
  CHECK(std::get<refusal>(d).why.detail ==
        "of product 2 1 can be given back; what was paid with Points comes back with the reversal of the whole sale");
}

TEST_CASE("a thing that was given once goes with the first piece, and bonus alone earns nothing", "[refund]") {
  counter_shop t;
  auto d = t.run(t.sale({{product_id{1}, 20}, {product_id{2}, 1}}, 0, {in_cash(2'200)}));
  auto seq = t.journal.size() - 1;
  CHECK(t.units_of(card_1, five_off) == 1);
  d = t.refund(seq, {{product_id{1}, 20}});
  CHECK(t.units_of(card_1, five_off) == 0);
  t.give(card_1, bonus_purse, 5'000);
  d = t.run(t.sale({{product_id{1}, 30}}, 3'000));
  CHECK(written(d).values.front().purse == bonus_purse);
  CHECK(written(d).earned.empty());
}

TEST_CASE("a card that is blocked is not loaded by a refund", "[refund]") {
  counter_shop t;
  auto d = t.run(t.sale({{product_id{1}, 2}}, 100, {in_cash(100)}));
  auto seq = t.journal.size() - 1;
  auto card = *card_of(t.st, card_1);
  card.status = card_status::lost;
  put_card(t.st, card_1, card);
  CHECK(refused(t.refund(seq, {{product_id{1}, 1}}, true)) == errc::card_blocked);
  CHECK(refused(t.refund(seq, {{product_id{1}, 1}})) == errc::ok);
}

TEST_CASE("what is owed for pieces that came back is not owed any more", "[refund]") {
  shop t(store_a);
  auto r = rules_of(2, 0);
  r.programme = chain_programme();
  t.prices.add(r);
  t.now += 86'400;
  REQUIRE(t.write(t.receive({}, {{0, refund_of(main_unit), 0, 100'000}})).ok());
  auto d = t.run(sale_command{t.next_key(), card_1, {{product_id{1}, 4}}, 0, {in_cash(400)}});
  auto seq = t.journal.size() - 1;
  CHECK(written(d).owed.front().amount == 40);
  d = t.run(refund_command{t.next_key(), seq, {{product_id{1}, 3}}, false, tender_kind::cash});
  CHECK(written(d).owed.front().amount == 30);
}

TEST_CASE("units that expired are written off by head office's time only", "[expire]") {
  counter_shop t;
  t.give(card_1, points_purse, 70, 202610);
  t.give(card_1, points_purse, 30, 202611);
  t.hq_time = 0;
  CHECK_FALSE(decide_expiry(t.at(), card_1));
  t.hq_time = noon - 30 * 86'400;
  CHECK_FALSE(decide_expiry(t.at(), card_1));
  t.hq_time = noon;
  auto e = decide_expiry(t.at(), card_1);
  REQUIRE(e);
  CHECK(e->values == std::vector<value_item>{{points_purse, unit_of(points_purse), 202610, 70}});
  auto early = *e;
  early.values[0].bucket = 202611;
  early.values[0].amount = 30;
  CHECK(t.write(early).error().code == errc::not_entitled);
  REQUIRE(t.write(*e).ok());
  CHECK(t.units_of(card_1, points_purse) == 30);
  CHECK_FALSE(decide_expiry(t.at(), card_1));
  CHECK(t.write(*e).error().code == errc::insufficient);
}

TEST_CASE("head office credits what was owed, once", "[earn]") {
  shop h(hq, node_role::hq);
  entry e;
  e.kind = entry_kind::earn;
  e.account = card_1;
  e.subject = store_a;
  e.cites = 7;
  e.earned = {{points_purse, unit_of(points_purse), 202711, 30}};
  REQUIRE(h.write(e).ok());
  CHECK(holding(h.st, hq, card_1, points_purse) == 30);
  CHECK(h.write(e).error().code == errc::key_reused);
  e.cites = 8;
  CHECK(h.write(e).ok());
  shop t(store_a);
  CHECK(t.write(e).error().code == errc::not_entitled);
}
