// Gifts from one member to another.
#include <catch2/catch.hpp>

#include "ledger/purses.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct gift_shop : member_shop {
  gift_shop() {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    r.programme.gift_per_day = 1'000;
    r.programme.purses[1].gift_per_day = 200;
    r.programme.card_kinds = {{2, {"plain"}, {bonus_purse}, true, 0}};
    prices.add(r);
    give(card_1, points_purse, 90, 202612);
    give(card_1, points_purse, 300, 202711);
  }
  decision hand_over(amount n, std::uint32_t purse = purse_paid, account_id to = card_2) {
    return run(gift_command{next_key(), card_1, to, purse, n});
  }
};

}  // namespace

TEST_CASE("money goes from one card to another, up to the day's limit", "[gift]") {
  gift_shop t;
  auto d = t.hand_over(700);
  CHECK(written(d).to_account == card_2);
  CHECK(t.held(card_1) == 9'300);
  CHECK(t.held(card_2) == 700);
  CHECK(held_total(t.st, t.self) == 10'000);
  CHECK(refused(t.hand_over(301)) == errc::bad_amount);
  CHECK(refused(t.hand_over(300)) == errc::ok);
  CHECK(refused(t.hand_over(1)) == errc::bad_amount);
  t.now += 86'400;
  t.hq_time = t.now;
  CHECK(refused(t.hand_over(1'000)) == errc::ok);
}

TEST_CASE("units keep their months, and those that expire first go first", "[gift]") {
  gift_shop t;
  auto d = t.hand_over(150, points_purse);
  const auto& e = written(d);
  REQUIRE(e.values.size() == 2);
  CHECK(e.values[0].bucket == 202612);
  CHECK(e.values[0].amount == 90);
  CHECK(t.units_of(card_1, points_purse) == 240);
  CHECK(t.st.months_held(t.self, card_2, points_purse) == std::vector<std::uint32_t>{202612, 202711});
  CHECK(refused(t.hand_over(51, points_purse)) == errc::bad_amount);
}

TEST_CASE("gifts that are refused", "[gift]") {
  gift_shop t;
  CHECK(refused(t.hand_over(0)) == errc::bad_amount);
  CHECK(refused(t.hand_over(-1)) == errc::bad_amount);
  CHECK(refused(t.hand_over(5, bonus_purse)) == errc::not_applicable);  // the rules do not allow it
  CHECK(refused(t.hand_over(5, 99)) == errc::not_applicable);
  CHECK(refused(t.hand_over(5, purse_paid, card_1)) == errc::not_applicable);
  CHECK(refused(t.hand_over(5, purse_paid, frozen_card)) == errc::card_blocked);
  CHECK(refused(t.hand_over(5, purse_paid, unknown_card)) == errc::unknown_card);
  CHECK(refused(t.run(gift_command{t.next_key(), frozen_card, card_2, purse_paid, 5})) == errc::card_blocked);
  auto card = *card_of(t.st, card_2);
  card.kind = 2;
  put_card(t.st, card_2, card);
  CHECK(refused(t.hand_over(5, points_purse)) == errc::not_applicable);  // no such purse on that kind of card
  auto poor = t.run(gift_command{t.next_key(), card_2, card_1, purse_paid, 5});
  REQUIRE(refused(poor) == errc::insufficient);
  CHECK(std::get<refusal>(poor).lacks == std::vector<purse_lack>{{purse_paid, 0, 5}});
  // The same request again, and another under its number.
  gift_command c{t.next_key(), card_1, card_2, purse_paid, 5};
  REQUIRE(refused(t.run(c)) == errc::ok);
  CHECK(std::holds_alternative<replayed>(t.run(c)));
  c.units = 6;
  CHECK(refused(t.run(c)) == errc::key_reused);
}

TEST_CASE("a gift is reversed while the taker still has it", "[gift]") {
  gift_shop t;
  auto before = t.st.balances();
  REQUIRE(refused(t.hand_over(150, points_purse)) == errc::ok);
  REQUIRE(refused(t.run(reverse_command{t.next_key(), t.journal.size() - 1})) == errc::ok);
  CHECK(t.st.balances() == before);
  REQUIRE(refused(t.hand_over(400)) == errc::ok);
  auto gift = t.journal.size() - 1;
  sale_command s{t.next_key(), card_2, {{{1}, 1}}, 85, {}};  // on a Sunday
  REQUIRE(refused(t.run(s)) == errc::ok);
  auto d = t.run(reverse_command{t.next_key(), gift});
  REQUIRE(refused(d) == errc::insufficient);
  CHECK(std::get<refusal>(d).account == card_2);
  CHECK(std::get<refusal>(d).missing == 85);
}

TEST_CASE("a gift that somebody made up", "[gift]") {
  gift_shop t;
  auto d = decide(gift_command{t.next_key(), card_1, card_2, purse_paid, 5}, t.at());
  auto e = written(d);
  auto verdict = [&](const entry& x) { return judge(x, {t.self, t.role, t.journal.size()}, t.st).code(); };
  CHECK(verdict(e) == errc::ok);
  auto bad = e;
  bad.to_account = card_1;
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.to_account = {};
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.values.front().amount = 20'000;
  CHECK(verdict(bad) == errc::insufficient);
  bad = e;
  bad.values.push_back({points_purse, unit_of(points_purse), 202711, 5});
  CHECK(verdict(bad) == errc::malformed);
}
