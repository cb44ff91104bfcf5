// Where kinds of card are good, units by hand, fees of cards that nobody uses, birthdays.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/clearing.hpp"
#include "ledger/decide.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct value_shop : member_shop {
  explicit value_shop(const std::function<void(programme&)>& change) {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    r.programme.discounts.clear();
    r.programme.card_kinds = {{1, {"Mall card"}, {}, true, 0}};
    r.programme.purses[0].manual_per_day = 300;
    r.programme.purses[1].manual_per_day = 200;
    change(r.programme);
    prices.add(r);
  }
  decision by_hand(amount units, std::uint32_t purse = points_purse, std::string reason = "opening day") {
    return run(adjust_command{next_key(), card_1, purse, units, std::move(reason)});
  }
};

std::uint32_t here() { return store_a.node.value; }

}  // namespace

TEST_CASE("a kind of card is good where the rules say", "[value]") {
  value_shop t([](programme& g) { g.card_kinds[0].not_at = {here()}; });
  CHECK(refused(t.run(t.sale({{product_id{1}, 1}}, 100))) == errc::not_here);
  CHECK(refused(t.run(t.sale({{product_id{1}, 1}}, 0, {in_cash(100)}))) == errc::not_here);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, 100, 60})) == errc::not_here);
  CHECK(refused(t.by_hand(5)) == errc::not_here);
  CHECK(quote_sale(t.sale({{product_id{1}, 1}}, 100), t.at()).code() == errc::not_here);
  // It is loaded all the same, and a sale without it is a sale.
  CHECK(refused(t.run(top_up_command{t.next_key(), card_1, 5'000})) == errc::ok);
  CHECK(refused(t.run(sale_command{t.next_key(), {}, {{product_id{1}, 1}}, 0, {in_cash(100)}})) == errc::ok);

  value_shop elsewhere([](programme& g) { g.card_kinds[0].only_at = {here() + 1}; });
  CHECK(refused(elsewhere.run(elsewhere.sale({{product_id{1}, 1}}, 100))) == errc::not_here);
  value_shop only([](programme& g) { g.card_kinds[0].only_at = {here(), here() + 1}; });
  CHECK(refused(only.run(only.sale({{product_id{1}, 1}}, 100))) == errc::ok);
  value_shop unloaded([](programme& g) { g.card_kinds[0].no_top_up_at = {here()}; });
  CHECK(refused(unloaded.run(top_up_command{unloaded.next_key(), card_1, 5'000})) == errc::not_here);
  CHECK(refused(unloaded.run(unloaded.sale({{product_id{1}, 1}}, 100))) == errc::ok);
}

TEST_CASE("a kind of card is good, and loaded, at the stores of some owners", "[value]") {
  auto of = [](std::uint32_t owner, const std::function<void(card_kind_rule&)>& change) {
    return [owner, t = std::make_shared<value_shop>([&](programme& g) { change(g.card_kinds[0]); })](auto command) {
      auto now = t->at();
      if (owner != 0) now.owner = owner;
      return refused(decide(command(*t), now));
    };
  };
  auto pays = [](value_shop& t) -> till_command { return t.sale({{product_id{1}, 1}}, 100); };
  auto loads = [](value_shop& t) -> till_command { return top_up_command{t.next_key(), card_1, 5'000}; };
  auto given = [](value_shop& t) -> till_command {
    return adjust_command{t.next_key(), card_1, points_purse, 5, "opening day"};
  };
  auto only = [](card_kind_rule& k) { k.only_owners = {2, 4}; };
  auto but = [](card_kind_rule& k) { k.not_owners = {2}; };
  for (const auto& command : {std::function<till_command(value_shop&)>(pays), {loads}, {given}}) {
    CHECK(of(2, only)(command) == errc::ok);
    CHECK(of(4, only)(command) == errc::ok);
    CHECK(of(3, only)(command) == errc::not_here);
    CHECK(of(2, but)(command) == errc::not_here);
    CHECK(of(3, but)(command) == errc::ok);
    // Head office has no owner here: it keeps the cards of all.
    CHECK(of(0, only)(command) == errc::ok);
  }
  auto both = [](card_kind_rule& k) {
    k.only_owners = {2};
    k.not_at = {here()};
  };
  CHECK(of(2, both)(pays) == errc::not_here);
  CHECK(of(2, both)(loads) == errc::ok);
}

TEST_CASE("nobody gives to a card where it is not good, nor money where it is not loaded", "[value]") {
  auto shop = [](const std::function<void(card_kind_rule&)>& change) {
    return value_shop([&](programme& g) {
      g.gift_per_day = g.purses[1].gift_per_day = 1'000;
      g.card_kinds.push_back({2, {"Other card"}, {}, true, 0});
      change(g.card_kinds[1]);
    });
  };
  auto kind_2 = [](value_shop& t) {
    auto other = card_of(t.st, card_2).value();
    other.kind = 2;
    put_card(t.st, card_2, other);
  };
  auto away = shop([](card_kind_rule& k) { k.not_at = {here()}; });
  kind_2(away);
  CHECK(refused(away.run(gift_command{away.next_key(), card_1, card_2, purse_paid, 100})) == errc::not_here);
  auto unloaded = shop([](card_kind_rule& k) { k.no_top_up_at = {here()}; });
  kind_2(unloaded);
  CHECK(refused(unloaded.run(gift_command{unloaded.next_key(), card_1, card_2, purse_paid, 100})) == errc::not_here);
  auto good = shop([](card_kind_rule&) {});
  kind_2(good);
  CHECK(refused(good.run(gift_command{good.next_key(), card_1, card_2, purse_paid, 100})) == errc::ok);
}

TEST_CASE("a gift from a card is one of its kind's places", "[value]") {
  value_shop t([](programme& g) {
    g.gift_per_day = 1'000;
    g.card_kinds[0].only_at = {here()};
  });
  auto d = t.run(gift_command{t.next_key(), card_1, card_2, purse_paid, 100});
  CHECK(written(d).card_kind == 1);
  value_shop other([](programme& g) {
    g.gift_per_day = 1'000;
    g.card_kinds[0].not_at = {here()};
  });
  CHECK(refused(other.run(gift_command{other.next_key(), card_1, card_2, purse_paid, 100})) == errc::not_here);
}

TEST_CASE("units are given by hand, from the quota, in the rules' buckets", "[value]") {
  value_shop t([](programme&) {});
  auto quota = quota_left(t.st, t.self, unit_of(points_purse));
  auto d = t.by_hand(120);
  const auto& e = written(d);
  CHECK(e.blob == "opening day");
  REQUIRE(e.earned.size() == 1);
  CHECK(e.earned.front().bucket != 0);
  CHECK(t.units_of(card_1, points_purse) == 120);
  CHECK(quota_left(t.st, t.self, unit_of(points_purse)) == quota - 120);
  // A day's measure, of what is given and of what is taken.
  CHECK(refused(t.by_hand(81)) == errc::bad_amount);
  CHECK(refused(t.by_hand(80)) == errc::ok);
  CHECK(refused(t.by_hand(-200)) == errc::ok);
  CHECK(t.units_of(card_1, points_purse) == 0);
  CHECK(quota_left(t.st, t.self, unit_of(points_purse)) == quota - 200);
  CHECK(refused(t.by_hand(-1)) == errc::bad_amount);
  t.now += 86'400;
  t.hq_time = t.now;
  CHECK(refused(t.by_hand(200)) == errc::ok);
}

TEST_CASE("units by hand that are refused", "[value]") {
  value_shop t([](programme&) {});
  CHECK(refused(t.by_hand(0)) == errc::bad_amount);
  CHECK(refused(t.by_hand(INT64_MIN)) == errc::bad_amount);
  CHECK(refused(t.by_hand(5, points_purse, "")) == errc::malformed);
  CHECK(refused(t.by_hand(5, points_purse, std::string(note_max + 1, 'x'))) == errc::malformed);
  CHECK(refused(t.by_hand(5, visits_purse)) == errc::not_applicable);  // no manual_per_day
  CHECK(refused(t.by_hand(5, purse_paid)) == errc::not_applicable);
  CHECK(refused(t.by_hand(5, 99)) == errc::not_applicable);
  CHECK(refused(t.run(adjust_command{t.next_key(), frozen_card, points_purse, 5, "x"})) == errc::card_blocked);
  CHECK(refused(t.run(adjust_command{t.next_key(), unknown_card, points_purse, 5, "x"})) == errc::unknown_card);
  auto poor = t.by_hand(-7);
  REQUIRE(refused(poor) == errc::insufficient);
  CHECK(std::get<refusal>(poor).lacks == std::vector<purse_lack>{{points_purse, 0, 7}});
  // The same request again, and another under its number.
  adjust_command c{t.next_key(), card_1, points_purse, 5, "x"};
  REQUIRE(refused(t.run(c)) == errc::ok);
  CHECK(std::holds_alternative<replayed>(t.run(c)));
  c.reason = "y";
  CHECK(refused(t.run(c)) == errc::key_reused);
  // No quota, nothing given: what is given by hand is never owed.
  t.st.set_balance(quota_account(t.self, quota_of(unit_of(points_purse))), -4);
  auto none = t.by_hand(5);
  REQUIRE(refused(none) == errc::no_quota);
  CHECK(std::get<refusal>(none).why.detail == "at most 4 of Points");
}

TEST_CASE("units by hand are reversed, and what was spent of them is a debt", "[value]") {
  value_shop t([](programme&) {});
  t.give(card_1, points_purse, 50, 202711);
  auto before = t.st.balances();
  for (amount n : {60, -30}) {
    REQUIRE(refused(t.by_hand(n)) == errc::ok);
    REQUIRE(refused(t.run(reverse_command{t.next_key(), t.journal.size() - 1})) == errc::ok);
    CHECK(t.st.balances() == before);
  }
  t.now += 86'400;  // what was reversed counts for its day
  REQUIRE(refused(t.by_hand(150)) == errc::ok);
  auto given = t.journal.size() - 1;
  REQUIRE(refused(t.by_hand(-180)) == errc::ok);
  REQUIRE(refused(t.run(reverse_command{t.next_key(), given})) == errc::ok);
  CHECK(debt_of(t.st, t.self, card_1, points_purse) > 0);
  CHECK(t.units_of(card_1, points_purse) + debt_of(t.st, t.self, card_1, points_purse) >= 130);
  // Bonus is money and must be there.
  REQUIRE(refused(t.by_hand(100, bonus_purse)) == errc::ok);
  given = t.journal.size() - 1;
  REQUIRE(refused(t.by_hand(-60, bonus_purse)) == errc::ok);
  CHECK(refused(t.run(reverse_command{t.next_key(), given})) == errc::insufficient);
}

TEST_CASE("units by hand that somebody made up", "[value]") {
  value_shop t([](programme&) {});
  auto d = decide(adjust_command{t.next_key(), card_1, points_purse, 5, "x"}, t.at());
  auto e = written(d);
  auto verdict = [&](const entry& x) { return judge(x, {t.self, t.role, t.journal.size()}, t.st).code(); };
  CHECK(verdict(e) == errc::ok);
  auto bad = e;
  bad.values = bad.earned;
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.blob.clear();
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.blob.assign(note_max + 1, 'x');
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.earned = {{purse_paid, main_unit, 0, 5}};
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.earned.front().amount = 2'000'000;
  CHECK(verdict(bad) == errc::no_quota);
  bad = e;
  bad.earned.push_back({bonus_purse, unit_of(bonus_purse), 0, 5});
  CHECK(verdict(bad) == errc::malformed);
  CHECK(judge(e, {t.self, node_role::region, t.journal.size()}, t.st).code() == errc::not_entitled);
}

// -- fees ------------------------------------------------------------------------

namespace {

constexpr std::uint32_t month_now = 202611;  // of `noon`

/// Head office with a card whose kind pays 2.00 for each month after three without a use.
struct fee_office : value_shop {
  memory_state seen;
  explicit fee_office(const std::function<void(programme&)>& change = {})
      : value_shop([&](programme& g) {
          g.card_kinds[0].dormant = {3, 200, {purse_paid}};
          if (change) change(g);
        }) {
    role = node_role::hq;
    for (std::uint32_t m = 202601; m <= month_now; ++m)
      note_used(seen, {}, m);
  }
  std::optional<entry> fee(std::vector<unit_use>* wanted = nullptr) { return decide_fee(at(), seen, card_1, wanted); }
  /// Takes all that is due; the months.
  std::vector<std::uint32_t> take() {
    std::vector<std::uint32_t> out;
    while (auto e = fee()) {
      REQUIRE(write(*e).ok());
      out.push_back(month_of(day_of(e->deadline) - 1));
    }
    return out;
  }
};

}  // namespace

TEST_CASE("a month's fee is taken once, from the first month that was idle long enough", "[value]") {
  fee_office t;
  note_used(t.seen, card_1, 202604);
  auto e = t.fee();
  REQUIRE(e);
  CHECK(e->values == std::vector<value_item>{{purse_paid, main_unit, 0, 200}});
  CHECK(e->deadline == start_of_day(day_of(e->deadline)));
  CHECK(date_text(day_of(e->deadline)) == "2026-08-01");
  CHECK(t.take() == std::vector<std::uint32_t>{202607, 202608, 202609, 202610});
  CHECK(t.held(card_1) == 10'000 - 4 * 200);
  CHECK(t.take().empty());
  // Next month the next, and none once it is used.
  note_used(t.seen, {}, 202612);
  t.now += 20 * 86'400;
  t.hq_time = t.now;
  CHECK(t.take() == std::vector<std::uint32_t>{202611});
  note_used(t.seen, card_1, 202612);
  note_used(t.seen, {}, 202701);
  t.now += 31 * 86'400;
  t.hq_time = t.now;
  CHECK(t.take().empty());
}

TEST_CASE("no fee of what nobody could see, or of a clock alone", "[value]") {
  fee_office t;
  note_used(t.seen, card_1, 202607);
  CHECK(t.take() == std::vector<std::uint32_t>{202610});
  // Head office's clock runs a year ahead: no store has written in those months.
  t.now += 365 * std::int64_t{86'400};
  t.hq_time = t.now;
  CHECK(t.take().empty());
  // A month in which uses were not counted ends no month of idleness.
  fee_office gap;
  gap.seen = memory_state{};
  for (std::uint32_t m : {202601U, 202602U, 202603U, 202605U, 202606U, 202607U, 202608U, 202609U, 202610U, 202611U})
    note_used(gap.seen, {}, m);
  CHECK(gap.take() == std::vector<std::uint32_t>{202608, 202609, 202610});
  // Head office was never told the time.
  fee_office untold;
  untold.hq_time = 0;
  CHECK(untold.take().empty());
}

TEST_CASE("a fee takes what is there, from the purses of the rules, of cards in use", "[value]") {
  fee_office t([](programme& g) {
    g.card_kinds[0].dormant.fee = 9'900;
    g.card_kinds[0].dormant.purses = {purse_paid, bonus_purse};
  });
  t.give(card_1, bonus_purse, 500);
  t.give(card_1, points_purse, 500, 202711);
  note_used(t.seen, card_1, 202606);
  auto e = t.fee();
  REQUIRE(e);
  CHECK(e->values ==
        std::vector<value_item>{{bonus_purse, unit_of(bonus_purse), 0, 500}, {purse_paid, main_unit, 0, 9'400}});
  REQUIRE(t.write(*e).ok());
  std::vector<unit_use> wanted;
  e = t.fee(&wanted);
  REQUIRE(e);
  CHECK(e->values == std::vector<value_item>{{purse_paid, main_unit, 0, 600}});
  CHECK(wanted == std::vector<unit_use>{{bonus_purse, 9'900}, {purse_paid, 9'300}});
  REQUIRE(t.write(*e).ok());
  CHECK(t.held(card_1) == 0);
  CHECK_FALSE(t.fee());
  CHECK(t.units_of(card_1, points_purse) == 500);
  fee_office lost;
  auto card = *card_of(lost.st, card_1);
  card.status = card_status::lost;
  put_card(lost.st, card_1, card);
  CHECK_FALSE(lost.fee());
}

TEST_CASE("a fee that head office may not take", "[value]") {
  fee_office t;
  auto e = *t.fee();
  auto verdict = [&](const entry& x) { return judge(x, {t.self, node_role::hq, t.journal.size()}, t.st).code(); };
  CHECK(verdict(e) == errc::ok);
  CHECK(judge(e, {t.self, node_role::store, t.journal.size()}, t.st).code() == errc::not_entitled);
  auto bad = e;
  bad.hq_time = e.deadline - 1;
  CHECK(verdict(bad) == errc::not_entitled);
  bad = e;
  bad.deadline += 86'400;
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.deadline += 1;
  CHECK(verdict(bad) == errc::malformed);
  bad = e;
  bad.values.front().amount = 10'001;
  CHECK(verdict(bad) == errc::insufficient);
  bad = e;
  bad.values = {{purse_deposit, main_unit, 0, 1}};
  CHECK(verdict(bad) == errc::malformed);
  REQUIRE(t.write(e).ok());
  CHECK(verdict(e) == errc::key_reused);
  // What a fee took is head office's: the scheme owes it no more.
  clearing_sums sums;
  auto postings = expand(e, t.self);
  REQUIRE(postings);
  REQUIRE(clear_entry(e, t.self, *postings, [&](node_id) -> clearing_sums& { return sums; }));
  CHECK(sums.spent == 200);
}

TEST_CASE("uses of cards are months of a calendar, in any order", "[value]") {
  memory_state s;
  for (std::uint32_t m : {202001U, 202412U, 202501U, 203012U, 202612U}) {
    CHECK_FALSE(was_used(s, card_1, m));
    note_used(s, card_1, m);
    note_used(s, card_1, m);
    CHECK(was_used(s, card_1, m));
  }
  CHECK_FALSE(was_used(s, card_1, 202502));
  CHECK_FALSE(was_used(s, card_2, 202612));
}

// -- birthdays --------------------------------------------------------------------

TEST_CASE("a rule for birthdays holds in the month that the card's state tells", "[value]") {
  value_shop t([](programme& g) {
    earn_rule twice{9, {"Birthday"}, points_purse, false, 1, 10, {}};
    twice.when.birthday = true;
    g.earns.push_back(twice);
  });
  auto born = [&](std::uint32_t month) {
    auto c = *card_of(t.st, card_1);
    c.birth_month = month;
    put_card(t.st, card_1, c);
    CHECK(card_of(t.st, card_1)->birth_month == month);
  };
  auto points = [&](decision d) { return written(d).earned.front().amount; };
  auto d = t.run(t.sale({{product_id{1}, 2}}, 200));
  CHECK(points(d) == 20);
  CHECK_FALSE(written(d).birthday);
  born(10);
  CHECK(points(t.run(t.sale({{product_id{1}, 2}}, 200))) == 20);
  born(11);
  d = t.run(t.sale({{product_id{1}, 2}}, 200));
  CHECK(points(d) == 40);
  CHECK(written(d).birthday);
  auto terms = terms_of_entry(written(d), t.prices.rules(3)->programme);
  REQUIRE(terms);
  CHECK(terms->who.birthday);
  // Rules that do not ask are told nothing.
  member_shop plain;
  auto c = *card_of(plain.st, card_1);
  c.birth_month = 11;
  put_card(plain.st, card_1, c);
  auto sold = plain.run(plain.sale({{product_id{1}, 2}}, 170));
  CHECK_FALSE(written(sold).birthday);
}
