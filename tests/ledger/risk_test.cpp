// What a store without a line takes beyond what lies there: cards by the rules, vouchers by their codes.
#include <catch2/catch.hpp>

#include "ledger/purses.hpp"
#include "ledger/risk.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr account_id voucher{5'001}, certificate{5'002};
constexpr unit_id risk_unit = risk_of(main_unit);

struct risk_shop : member_shop {
  explicit risk_shop(amount budget = 5'000) {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    r.programme.earns.clear();
    r.programme.discounts.clear();
    r.programme.gift_per_day = 100'000;
    r.programme.risk_budget = 5'000;
    card_kind_rule k{4, {"Credit"}, {}, true, 0};
    k.risk_sale = 800;
    k.risk_total = 1'500;
    k.risk_count = 2;
    r.programme.card_kinds = {{1, {"Plain"}, {}, true, 0}, k};
    r.programme.purses[3].bucket = bucket_rule::expires;
    r.programme.purses[3].months = 2;
    prices.add(r);
    if (budget > 0) REQUIRE(write(receive({}, {{0, risk_unit, 0, budget}})).ok());
    auto c = *card_of(st, card_1);
    c.kind = 4;
    put_card(st, card_1, c);
    alone = true;
  }
  amount budget() const { return -st.balance(quota_account(self, risk_unit)); }
  amount owed(account_id a, std::uint32_t purse = purse_paid) const { return debt_of(st, self, a, purse); }
  decision buy(std::int64_t pieces, amount card) { return run(sale({{product_id{1}, pieces}}, card)); }
  sale_command coupon(account_id account, code_face face, std::int64_t pieces, amount units, amount cash) {
    sale_command c{next_key(), account, {{product_id{2}, pieces}}, face.purse == purse_paid ? units : 0, {}};
    if (cash > 0) c.tenders = {in_cash(cash)};
    if (face.purse != purse_paid) c.uses = {{face.purse, units}};
    c.genuine = true;
    c.bearer = face;
    return c;
  }
  /// The count of sales at risk starts anew.
  void send_nothing(account_id a) { st.erase(risk_count_key(self, a)); }
  /// The debts go up, as they do when the line is back.
  void send_debts(account_id a, std::uint32_t purse = purse_paid) {
    auto n = owed(a, purse);
    auto e = decide_send(at(), region, a, {}, send_cause::sweep, 0, 0, {{purse, unit_of(purse), 0, n}});
    REQUIRE(e);
    REQUIRE(write(*e).ok());
  }
};

const code_face five{five_off, 1, day_of(noon) + 30};

}  // namespace

TEST_CASE("a card is used beyond what lies here, as the rules let it", "[risk]") {
  risk_shop t;
  auto d = t.buy(105, 10'500);
  const auto& e = written(d);
  CHECK(e.risk == 500);
  REQUIRE(e.debts.size() == 1);
  CHECK(e.debts[0] == value_item{purse_paid, main_unit, 0, 500});
  CHECK(t.held(card_1) == 0);
  CHECK(t.owed(card_1) == 500);
  CHECK(t.budget() == 4'500);
  CHECK(refused(t.buy(9, 900)) == errc::insufficient);  // above risk_sale
  CHECK(refused(t.buy(8, 800)) == errc::ok);
  CHECK(t.owed(card_1) == 1'300);
  CHECK(refused(t.buy(1, 100)) == errc::insufficient);  // the third
  // When its debts went up the card starts anew, and the budget does not.
  t.send_debts(card_1);
  CHECK(t.owed(card_1) == 0);
  CHECK(refused(t.buy(8, 800)) == errc::ok);
  CHECK(t.budget() == 2'900);
  CHECK(refused(t.buy(8, 800)) == errc::insufficient);  // risk_total
  CHECK(refused(t.buy(7, 700)) == errc::ok);
}

TEST_CASE("nothing is taken at risk with a line, without rules, or without a budget", "[risk]") {
  risk_shop t;
  t.alone = false;
  CHECK(refused(t.buy(105, 10'500)) == errc::insufficient);
  t.alone = true;
  auto c = *card_of(t.st, card_1);
  c.kind = 1;
  put_card(t.st, card_1, c);
  CHECK(refused(t.buy(105, 10'500)) == errc::insufficient);
  risk_shop small(300);
  CHECK(refused(small.buy(104, 10'400)) == errc::insufficient);
  CHECK(refused(small.buy(103, 10'300)) == errc::ok);
  CHECK(small.budget() == 0);
  risk_shop none(0);
  CHECK(refused(none.buy(101, 10'100)) == errc::insufficient);
}

TEST_CASE("a sale at risk is taken back, and a top-up pays what is owed", "[risk]") {
  risk_shop t;
  auto d = t.buy(105, 10'500);
  auto seq = t.journal.size() - 1;
  auto back = t.run(reverse_command{t.next_key(), seq});
  CHECK(written(back).debts == std::vector<value_item>{{purse_paid, main_unit, 0, -500}});
  CHECK(t.held(card_1) == 10'000);
  CHECK(t.owed(card_1) == 0);
  CHECK(t.budget() == 4'500);  // the budget comes back from head office alone
  CHECK(refused(t.buy(106, 10'600)) == errc::ok);
  auto loaded = t.run(top_up_command{t.next_key(), card_1, 1'000});
  CHECK(written(loaded).debts == std::vector<value_item>{{purse_paid, main_unit, 0, -600}});
  CHECK(t.held(card_1) == 400);
  CHECK(t.owed(card_1) == 0);
  // The top-up goes back as a whole: what it had paid is owed again.
  auto undone = t.run(reverse_command{t.next_key(), t.journal.size() - 1});
  CHECK(written(undone).debts == std::vector<value_item>{{purse_paid, main_unit, 0, 600}});
  CHECK(t.held(card_1) == 0);
  CHECK(t.owed(card_1) == 600);
  CHECK(refused(t.run(hand_back_command{t.next_key(), card_1, 0, 0})) == errc::not_applicable);  // it owes
  // A sale whose debt has gone up: the value is here, and the debt finds it from above.
  risk_shop u;
  CHECK(refused(u.buy(105, 10'500)) == errc::ok);
  auto sold = u.journal.size() - 1;
  u.send_debts(card_1);
  auto later = u.run(reverse_command{u.next_key(), sold});
  CHECK(written(later).debts.empty());
  CHECK(u.held(card_1) == 10'500);
}

TEST_CASE("a voucher's code pays once, at the store's risk", "[risk][voucher]") {
  risk_shop t;
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 2, 200))) == errc::bad_amount);  // more than it promises
  auto c = t.coupon(voucher, five, 6, 1, 700);
  auto d = t.run(c);
  const auto& e = written(d);
  CHECK(e.bearer == 1);
  CHECK(e.risk == 500);
  CHECK(e.earned.empty());
  CHECK(e.values == std::vector<value_item>{{five_off, unit_of(five_off), month_of(five.until), 1}});
  CHECK(t.owed(voucher, five_off) == 1);
  CHECK(t.budget() == 4'500);
  CHECK(std::holds_alternative<replayed>(t.run(c)));
  c.bearer.units = 2;
  CHECK(refused(t.run(c)) == errc::key_reused);
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::voucher_used);
  t.send_debts(voucher, five_off);
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::voucher_used);
  // A reversal gives the code back.
  auto back = t.run(reverse_command{t.next_key(), t.journal.size() - 2});
  CHECK(refused(back) == errc::ok);
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::ok);
}

TEST_CASE("a voucher's code with a line: what lies there, or nothing", "[risk][voucher]") {
  risk_shop t;
  t.alone = false;
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::insufficient);
  t.asked = true;
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::voucher_used);
  t.asked = false;
  t.give(voucher, five_off, 1, month_of(five.until));
  auto d = t.run(t.coupon(voucher, five, 6, 1, 700));
  CHECK(written(d).risk == 0);
  CHECK(written(d).debts.empty());
  CHECK(t.budget() == 5'000);
  t.alone = true;
  CHECK(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::voucher_used);
  auto late = five;
  late.until = day_of(noon) - 1;
  CHECK(refused(t.run(t.coupon(account_id{5'003}, late, 6, 1, 700))) == errc::not_applicable);
  // It pays nothing else, and stands for nobody.
  auto wrong = t.coupon(account_id{5'003}, five, 6, 1, 700);
  wrong.uses = {{points_purse, 1}};
  CHECK(refused(t.run(wrong)) == errc::not_applicable);
  wrong = t.coupon(account_id{5'003}, five, 6, 1, 700);
  wrong.gifts = {{visits_purse, product_id{1}, 1}};
  CHECK(refused(t.run(wrong)) == errc::not_applicable);
  wrong = t.coupon(account_id{5'003}, five, 6, 1, 700);
  wrong.key = t.next_key();
  wrong.card = 100;
  wrong.tenders = {in_cash(600)};
  CHECK(refused(t.run(wrong)) == errc::not_applicable);
  auto percent = t.coupon(account_id{5'004}, {tenth_off, 1, 0}, 6, 1, 1'200);
  CHECK(refused(t.run(percent)) != errc::ok);  // nobody can say beforehand what it is worth
}

TEST_CASE("a gift certificate pays in parts, never more than it promises here", "[risk][voucher]") {
  risk_shop t;
  const code_face fifty{purse_paid, 1'000, 0};
  CHECK(refused(t.run(t.coupon(certificate, fifty, 3, 600, 0))) == errc::ok);
  CHECK(t.owed(certificate) == 600);
  CHECK(refused(t.run(t.coupon(certificate, fifty, 3, 600, 0))) == errc::bad_amount);
  CHECK(refused(t.run(t.coupon(certificate, fifty, 2, 400, 0))) == errc::ok);
  CHECK(refused(t.run(t.coupon(certificate, fifty, 2, 400, 0))) == errc::voucher_used);
  CHECK(t.budget() == 4'000);
}

TEST_CASE("a voucher is put on a member's card", "[risk][voucher]") {
  risk_shop t;
  gift_command g{t.next_key(), voucher, card_1, five_off, 1, true, {}, five};
  auto d = t.run(g);
  CHECK(written(d).risk == 500);
  CHECK(t.units_of(card_1, five_off) == 1);
  CHECK(t.st.months_held(t.self, card_1, five_off) == std::vector<std::uint32_t>{month_of(five.until)});
  CHECK(std::holds_alternative<replayed>(t.run(g)));
  g.key = t.next_key();
  CHECK(refused(t.run(g)) == errc::voucher_used);
  g.account = certificate;
  g.purse = purse_paid;
  CHECK(refused(t.run(g)) == errc::not_applicable);  // not what the code promises
  // An ordinary card gives nothing that is not here.
  gift_command plain{t.next_key(), card_2, card_1, purse_paid, 1};
  CHECK(refused(t.run(plain)) == errc::insufficient);
}

TEST_CASE("entries that claim a risk which they do not take", "[risk][judge]") {
  risk_shop t;
  auto d = decide(t.sale({{product_id{1}, 105}}, 10'500), t.at());
  const auto good = written(d);
  entry_place place{t.self, node_role::store, t.journal.size(), nullptr};
  auto verdict = [&](entry e) {
    auto v = judge(e, place, t.st);
    return v ? errc::ok : v.error().code;
  };
  CHECK(verdict(good) == errc::ok);
  auto e = good;
  e.risk = 499;
  CHECK(verdict(e) == errc::malformed);
  e = good;
  e.risk = 0;
  CHECK(verdict(e) == errc::malformed);
  e = good;
  e.risk = 5'001;
  CHECK(verdict(e) == errc::no_quota);
  e = good;
  e.debts.clear();
  CHECK(verdict(e) == errc::malformed);
  e = good;
  e.debts[0].amount = 10'501;
  e.risk = 10'501;
  CHECK(verdict(e) == errc::malformed);
  e = good;
  e.debts[0].amount = -500;
  e.risk = 0;
  CHECK(verdict(e) == errc::malformed);
  e = good;
  e.bearer = -1;
  CHECK(verdict(e) == errc::malformed);
  e = good;
  e.bearer = 10;
  CHECK(verdict(e) == errc::malformed);
}

TEST_CASE("a reversal owes what its entry owed, and no more", "[risk][judge]") {
  risk_shop t;
  REQUIRE(refused(t.buy(100, 10'000)) == errc::ok);
  entry_place place{t.self, node_role::store, t.journal.size(), nullptr};
  auto verdict = [&](std::size_t of, std::vector<value_item> debts) {
    const auto cited = t.journal[of];
    auto d = decide(reverse_command{t.next_key(), of}, t.at());
    auto e = written(d);
    e.debts = std::move(debts);
    place.seq = t.journal.size();
    place.cited = &cited;
    auto v = judge(e, place, t.st);
    return v ? errc::ok : v.error().code;
  };
  const auto plain = t.journal.size() - 1;
  CHECK(verdict(plain, {}) == errc::ok);
  CHECK(verdict(plain, {{purse_paid, main_unit, 0, 10'000}}) == errc::malformed);
  CHECK(verdict(plain, {{purse_paid, main_unit, 0, -10'000}}) == errc::malformed);
  REQUIRE(refused(t.run(top_up_command{t.next_key(), card_1, 1'000})) == errc::ok);
  CHECK(verdict(t.journal.size() - 1, {{purse_paid, main_unit, 0, 1'000}}) == errc::malformed);
  REQUIRE(refused(t.buy(15, 1'500)) == errc::ok);  // 500 at risk
  const auto risky = t.journal.size() - 1;
  CHECK(verdict(risky, {{purse_paid, main_unit, 0, -500}}) == errc::ok);
  CHECK(verdict(risky, {{purse_paid, main_unit, 0, -501}}) == errc::malformed);
  CHECK(verdict(risky, {{purse_paid, main_unit, 0, 500}}) == errc::malformed);
  CHECK(verdict(risky, {{purse_paid, main_unit, 0, -250}, {purse_paid, main_unit, 0, -250}}) == errc::malformed);
}

TEST_CASE("units at risk are promised by a code, and worth what the rules say", "[risk][judge]") {
  risk_shop t;
  entry e;
  e.kind = entry_kind::gift;
  e.terminal = 201;
  e.counter = 1;
  e.account = card_2;
  e.to_account = card_1;
  e.rules_version = 3;
  e.values = e.debts = {{five_off, unit_of(five_off), 0, 4}};
  e.risk = 4;
  entry_place place{t.self, node_role::store, t.journal.size(), nullptr};
  auto verdict = [&] {
    auto v = judge(e, place, t.st);
    return v ? errc::ok : v.error().code;
  };
  CHECK(verdict() == errc::malformed);  // no code
  e.bearer = 4;
  CHECK(verdict() == errc::ok);  // who has no rules believes it
  place.rules = &t.prices;
  CHECK(verdict() == errc::no_quota);
  e.risk = 2'000;
  CHECK(verdict() == errc::ok);
  e.rules_version = 99;
  CHECK(verdict() == errc::ok);
  place.revocations = true;  // head office has all rules
  CHECK(verdict() == errc::bad_rules);
  e.rules_version = 3;
  e.values = e.debts = {{points_purse, unit_of(points_purse), 0, 4}};
  CHECK(verdict() == errc::bad_rules);
  e.values = e.debts = {{five_off, unit_of(five_off), 0, 3}, {five_off, unit_of(five_off), 202701, 2}};
  e.risk = 2'500;
  CHECK(verdict() == errc::malformed);  // 5 of 4
}

TEST_CASE("a debt that a top-up paid is owed again only as far as its money is gone", "[risk]") {
  risk_shop t;
  REQUIRE(refused(t.buy(105, 10'500)) == errc::ok);
  const auto sold = t.journal.size() - 1;
  REQUIRE(refused(t.run(top_up_command{t.next_key(), card_1, 1'000})) == errc::ok);
  const auto loaded = t.journal.size() - 1;
  REQUIRE(refused(t.run(reverse_command{t.next_key(), sold})) == errc::ok);
  CHECK(t.held(card_1) == 11'000);
  auto back = t.run(reverse_command{t.next_key(), loaded});
  CHECK(written(back).debts.empty());
  CHECK(t.held(card_1) == 10'000);
  CHECK(t.owed(card_1) == 0);
}

TEST_CASE("a reversed sale had used points, earned some and paid a debt of them", "[risk][debt]") {
  risk_shop t;
  auto r = rules_of(4, 0);
  r.programme = chain_programme();
  r.programme.discounts.clear();
  r.programme.purses[1].bucket = bucket_rule::none;
  t.prices.add(r);
  t.give(card_1, points_purse, 10);
  auto gone = t.run(t.sale({{product_id{1}, 3}}, 300));  // 30 points
  REQUIRE(written(gone).earned.size() == 1);
  const auto first = t.journal.size() - 1;
  auto spend = t.sale({{product_id{1}, 1}}, 60);
  spend.uses = {{points_purse, 40}};
  REQUIRE(refused(t.run(spend)) == errc::ok);
  REQUIRE(refused(t.run(reverse_command{t.next_key(), first})) == errc::ok);
  auto owed = t.owed(card_1, points_purse);
  REQUIRE(owed > 0);
  t.give(card_1, points_purse, 5);
  auto mixed = t.sale({{product_id{1}, 4}}, 395);
  mixed.uses = {{points_purse, 5}};
  auto m = t.run(mixed);
  REQUIRE(refused(m) == errc::ok);
  const auto second = t.journal.size() - 1;
  auto left = t.units_of(card_1, points_purse);
  if (left > 0) {
    auto more = t.sale({{product_id{1}, 1}}, 100 - left);
    more.uses = {{points_purse, left}};
    REQUIRE(refused(t.run(more)) == errc::ok);
  }
  CHECK(refused(t.run(reverse_command{t.next_key(), second})) == errc::ok);
}

TEST_CASE("cards that stores may lend to turn into no cash", "[risk]") {
  risk_shop t;
  CHECK(refused(t.run(hand_back_command{t.next_key(), card_1, 1'000, 0})) == errc::not_applicable);
  CHECK(refused(t.run(gift_command{t.next_key(), card_1, card_2, purse_paid, 10})) == errc::not_applicable);
  // A certificate's money goes onto a card when it is here, and not on trust.
  const code_face ten{purse_paid, 1'000, 0};
  gift_command g{t.next_key(), certificate, card_2, purse_paid, 1'000, true, {}, ten};
  CHECK(refused(t.run(g)) == errc::insufficient);
  t.rights(certificate, 1'000);
  CHECK(refused(t.run(g)) == errc::ok);
  // What top-ups paid of debts is owed again up to what the card may owe.
  std::vector<sequence> loads;
  for (int i = 0; i < 3; ++i) {
    auto d = t.run(t.sale({{product_id{1}, 8}}, 800));
    if (i == 0) REQUIRE(refused(t.run(t.sale({{product_id{1}, 92}}, 9'200))) == errc::ok);
    if (i > 0) REQUIRE(written(d).risk == 800);
    REQUIRE(refused(t.run(top_up_command{t.next_key(), card_1, i == 0 ? 100 : 800})) == errc::ok);
    if (i == 0) REQUIRE(refused(t.run(t.sale({{product_id{1}, 1}}, 100))) == errc::ok);
    if (i > 0) loads.push_back(t.journal.size() - 1);
    if (i > 0) t.send_nothing(card_1);
  }
  CHECK(refused(t.run(reverse_command{t.next_key(), loads[0]})) == errc::ok);
  CHECK(t.owed(card_1) == 800);
  CHECK(refused(t.run(reverse_command{t.next_key(), loads[1]})) == errc::not_applicable);  // 1,600 of 1,500
}

TEST_CASE("head office puts units behind a code, once", "[voucher][judge]") {
  shop h(hq, node_role::hq);
  entry e;
  e.kind = entry_kind::voucher_grant;
  e.account = voucher;
  e.earned = {{five_off, unit_of(five_off), 202701, 1}};
  e.blob = "spring";
  date_entry(e, h.st, h.self, h.now, h.hq_time);
  REQUIRE(h.write(e).ok());
  CHECK(holding(h.st, h.self, voucher, five_off) == 1);
  CHECK(h.write(e).code() == errc::key_reused);
  e.account = certificate;
  e.earned.clear();
  e.values = {{purse_paid, main_unit, 0, 5'000}};
  CHECK(h.write(e).code() == errc::unbalanced);
  e.tenders = {{tender_kind::transfer, main_unit, 5'000}};
  CHECK(h.write(e).ok());
  shop s(store_a);
  CHECK(s.write(e).code() == errc::not_entitled);
}

TEST_CASE("goods that a voucher's code paid for come back", "[risk][voucher][refund]") {
  risk_shop t;
  REQUIRE(t.write(t.receive({}, {{0, refund_of(main_unit), 0, 10'000}})).ok());
  REQUIRE(refused(t.run(t.coupon(voucher, five, 6, 1, 700))) == errc::ok);
  auto sold = t.journal.size() - 1;
  refund_command c{t.next_key(), sold, {{product_id{2}, 1}}, true, tender_kind::cash};
  CHECK(refused(t.run(c)) == errc::not_applicable);
  c.to_card = false;
  CHECK(std::get<entry>(t.run(c)).bearer == 0);
  // A gift certificate takes its money back.
  const code_face ten{purse_paid, 1'000, 0};
  REQUIRE(refused(t.run(t.coupon(certificate, ten, 5, 1'000, 0))) == errc::ok);
  sold = t.journal.size() - 1;
  CHECK(refused(t.run(t.coupon(certificate, ten, 1, 200, 0))) == errc::voucher_used);
  auto back = t.run(refund_command{t.next_key(), sold, {{product_id{2}, 2}}, true, tender_kind::cash});
  CHECK(written(back).bearer == 1'000);
  CHECK(t.held(certificate) == 400);
  t.alone = false;
  CHECK(refused(t.run(t.coupon(certificate, ten, 3, 600, 0))) == errc::bad_amount);
  auto again = t.run(t.coupon(certificate, ten, 2, 400, 0));
  CHECK(written(again).risk == 0);
}
