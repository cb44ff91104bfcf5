// What a card lost only because of where its units lay.
#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

#include "ledger/lapses.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr unit_id points = unit_of(points_purse);
const lapse_watch watch{{points_purse}, 0};

/// A day of a month: "yyyymm" to business date.
std::uint32_t day_in(std::uint32_t month) {
  for (std::uint32_t d = 0;; d += 10)
    if (month_of(d) == month) return d;
}

entry spend(std::uint32_t bucket, std::uint32_t month, amount units) {
  entry e;
  e.kind = entry_kind::sale;
  e.account = card_1;
  e.business_date = day_in(month);
  e.values = {{points_purse, points, bucket, units}};
  return e;
}
entry of_kind(entry_kind kind, std::uint32_t bucket, amount units) {
  entry e;
  e.kind = kind;
  e.account = card_1;
  e.values = {{points_purse, points, bucket, units}};
  return e;
}
entry lapse(std::uint32_t bucket, amount units) { return of_kind(entry_kind::expire, bucket, units); }
entry given(std::uint32_t bucket, amount units) { return of_kind(entry_kind::give_back, bucket, units); }

struct counter {
  memory_state st;
  void add(const entry& e, const entry* cited = nullptr) {
    entry_place p{store_a, node_role::store, 1, cited};
    p.watched = true;
    add_lapses(e, p, watch, st);
  }
  lapse_record record() const { return lapses_of(st, card_1, points_purse); }
  std::vector<value_item> due(std::uint32_t month) const { return due_back(record(), points_purse, month); }
};

std::vector<value_item> units(std::vector<std::pair<std::uint32_t, amount>> list) {
  std::vector<value_item> out;
  for (auto [bucket, n] : list)
    out.push_back({points_purse, points, bucket, n});
  return out;
}

}  // namespace

TEST_CASE("what expired at one store is charged with what was paid at another", "[lapses]") {
  counter c;
  c.add(spend(202702, 202701, 80));
  CHECK(c.due(202702).empty());
  c.add(lapse(202701, 100));
  CHECK(c.due(202702) == units({{202702, 80}}));
  // Given once.
  c.add(given(202702, 80));
  CHECK(c.due(202702).empty());
  CHECK(founded(c.record()) == 80);
  // Of what expired 20 would have expired anyway; another 30 were paid somewhere.
  c.add(spend(202703, 202612, 30));
  CHECK(c.due(202702) == units({{202703, 20}}));
  c.add(given(202703, 20));
  CHECK(c.due(202702).empty());
}

TEST_CASE("what was paid after it expired, or from what expires no later, spares nothing", "[lapses]") {
  counter c;
  c.add(lapse(202701, 100));
  c.add(spend(202703, 202702, 50));  // a month too late
  c.add(spend(202701, 202701, 50));  // of the same month
  c.add(spend(202701, 202612, 50));
  CHECK(c.due(202702).empty());
  c.add(spend(0, 202612, 50));  // does not expire: another purse's rule
  CHECK(c.due(202702).empty());
  // Of a month that has passed nothing can be given any more.
  c.add(spend(202703, 202612, 50));
  CHECK(c.due(202704).empty());
  CHECK(c.due(202703) == units({{202703, 50}}));
}

TEST_CASE("goods that come back were not paid; what was given back before stays", "[lapses]") {
  counter c;
  auto sale = spend(202703, 202701, 60);
  c.add(sale);
  c.add(lapse(202701, 100));
  CHECK(c.due(202702) == units({{202703, 60}}));
  auto back = of_kind(entry_kind::reverse, 202703, 60);
  back.cited_kind = entry_kind::sale;
  back.business_date = day_in(202702);  // the month of the sale counts
  c.add(back, &sale);
  CHECK(c.due(202702).empty());
  CHECK(c.record().spent.empty());
  // Of another store's sale: of whichever month.
  c.add(sale);
  auto elsewhere = of_kind(entry_kind::refund_elsewhere, 202703, 25);
  c.add(elsewhere);
  CHECK(c.due(202702) == units({{202703, 35}}));
  c.add(given(202703, 35));
  c.add(elsewhere);
  CHECK(c.due(202702).empty());
  CHECK(founded(c.record()) == 10);
}

TEST_CASE("goods that come back after the units they gave make good what of these expired unused", "[lapses]") {
  counter c;
  auto sale = spend(0, 202701, 0);  // gave 100, good to the end of February
  sale.values.clear();
  entry back;
  back.kind = GENERATE(entry_kind::reverse, entry_kind::refund);
  back.cited_kind = entry_kind::sale;
  back.account = card_1;
  back.business_date = day_in(202703);
  back.debts = {{points_purse, points, 202702, 100}};
  // What was spent is owed.
  c.add(back, &sale);
  CHECK(c.due(202703).empty());
  // What expired is not, in whichever order it is heard of.
  c.add(lapse(202702, 60));
  CHECK(c.due(202703) == units({{202704, 60}}));
  c.add(given(202704, 60));
  CHECK(c.due(202703).empty());
  CHECK(founded(c.record()) == 60);
  c.add(lapse(202702, 70));
  CHECK(c.due(202703) == units({{202704, 40}}));
  // Of units that are good still all that is missing was spent.
  counter good;
  back.debts[0].bucket = 202703;
  good.add(back, &sale);
  good.add(lapse(202703, 100));
  CHECK(good.due(202704).empty());
}

TEST_CASE("in whichever order journals come the same is given, and once", "[lapses]") {
  std::mt19937 dice(7);
  auto below = [&](unsigned n) { return static_cast<std::uint32_t>(dice() % n); };
  for (int round = 0; round < 300; ++round) {
    std::vector<entry> all;
    for (unsigned i = 0; i < 12; ++i) {
      auto month = add_months(202606, below(7));
      if (below(3) == 0) {
        all.push_back(lapse(month, 1 + below(50)));
      } else {
        all.push_back(spend(add_months(202612, 1 + below(6)), month, 1 + below(50)));
      }
    }
    const std::uint32_t now = 202701;  // all that expired has passed, all that was spent is good
    amount first = -1;
    for (int order = 0; order < 6; ++order) {
      std::ranges::shuffle(all, dice);
      counter c;
      amount sum = 0;
      for (const auto& e : all) {
        c.add(e);
        for (const auto& v : c.due(now)) {
          sum += v.amount;
          c.add(given(v.bucket, v.amount));
        }
        REQUIRE(c.due(now).empty());
        REQUIRE(founded(c.record()) == sum);
      }
      if (first < 0) first = sum;
      REQUIRE(sum == first);
      amount lapsed = 0;
      for (const auto& l : c.record().lapsed)
        lapsed += l.units;
      REQUIRE(sum <= lapsed);
      for (const auto& g : c.record().given) {
        amount spent = 0;
        for (const auto& x : c.record().spent)
          if (x.bucket == g.bucket) spent += x.units;
        REQUIRE(g.units <= spent);
      }
      auto again = decode_lapses(encode_lapses(c.record()));
      REQUIRE(again);
      REQUIRE(*again == c.record());
    }
  }
}

TEST_CASE("what is long past is forgotten, and what it was given for with it", "[lapses]") {
  memory_state st;
  entry_place p{store_a, node_role::store, 1};
  for (std::uint32_t i = 0; i < 200; ++i) {
    auto month = add_months(202001, i);
    lapse_watch now{{points_purse}, month};
    add_lapses(spend(add_months(month, 12), month, 10), p, now, st);
    add_lapses(lapse(add_months(month, 0), 5), p, now, st);
    auto r = lapses_of(st, card_1, points_purse);
    REQUIRE(r.spent.size() <= lapse_months_kept + 13);
    REQUIRE(r.lapsed.size() <= lapse_months_kept + 1);
    for (const auto& v : due_back(r, points_purse, add_months(month, 1)))
      add_lapses(given(v.bucket, v.amount), p, now, st);
    r = lapses_of(st, card_1, points_purse);
    REQUIRE(r.given.size() <= lapse_months_kept + 13);
    REQUIRE(encode_lapses(r).size() < 1'000);
  }
  // Each month's five were spared, from the first on.
  amount sum = 0;
  for (const auto& g : lapses_of(st, card_1, points_purse).given)
    sum += g.units;
  CHECK(sum > 0);
  CHECK_FALSE(decode_lapses("x"));
  auto octets = encode_lapses(lapses_of(st, card_1, points_purse));
  for (std::size_t n = 0; n < octets.size(); ++n)
    CHECK_FALSE(decode_lapses(byte_view(octets).substr(0, n)));
}

TEST_CASE("giving back is head office's, into months that are good, once each", "[lapses]") {
  member_shop t;
  entry e = given(202703, 40);
  e.hq_time = start_of_day(day_in(202702));
  auto verdict = [&](node_role role) { return judge(e, {t.self, role, t.journal.size()}, t.st).code(); };
  CHECK(verdict(node_role::hq) == errc::ok);
  CHECK(verdict(node_role::store) == errc::not_entitled);
  CHECK(verdict(node_role::region) == errc::not_entitled);
  auto postings = judge(e, {t.self, node_role::hq, t.journal.size()}, t.st);
  REQUIRE(postings);
  CHECK(balances(*postings));
  CHECK(std::ranges::any_of(*postings, [&](const posting& p) {
    return p.account == hold_account(t.self, card_1, points_purse, 202703, points) && p.amount == -40;
  }));
  e.values.push_back(e.values.front());
  CHECK(verdict(node_role::hq) == errc::malformed);
  e.values = {{points_purse, points, 202701, 40}};
  CHECK(verdict(node_role::hq) == errc::malformed);
  e.values = {{points_purse, points, 0, 40}};
  CHECK(verdict(node_role::hq) == errc::malformed);
  e.values = {{purse_paid, main_unit, 202703, 40}};
  CHECK(verdict(node_role::hq) == errc::malformed);
}
