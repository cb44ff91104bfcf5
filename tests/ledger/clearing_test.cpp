// What units are worth in clearing, day by day.
#include "ledger/clearing.hpp"

#include <catch2/catch.hpp>

#include "ledger/rules.hpp"

using namespace tally;

namespace {

constexpr unit_id points = unit_of(2), coupon = unit_of(4);

rules_record rules(std::uint64_t version, std::uint32_t from, amount rate, amount off = 0) {
  rules_record r;
  r.version = version;
  r.effective_from = from;
  purse_rule p;
  p.id = 2;
  p.kind = purse_kind::points;
  p.rate_units = 100;
  p.rate_money = rate;
  r.programme.purses = {p};
  if (off == 0) return r;
  p = {};
  p.id = 4;
  p.kind = purse_kind::voucher;
  p.off = off;
  r.programme.purses.push_back(p);
  return r;
}

}  // namespace

TEST_CASE("units count by the rules that were published and in force on the day", "[ledger][clearing]") {
  catalogue c;
  c.add(rules(1, 0, 100));
  c.add(rules(2, 120, 50));
  c.add(rules(3, 90, 10));  // names a day that is over
  const price_history h(c, {{1, 100}, {2, 110}, {3, 150}});
  auto pays = [&](std::uint32_t day) { return h.prices_of(h.version_on(day)).at(points).money; };
  CHECK(pays(0) == 100);  // before any: the first
  CHECK(pays(119) == 100);
  CHECK(pays(120) == 50);
  CHECK(pays(149) == 50);
  CHECK(pays(150) == 10);
  using list = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
  CHECK(h.in_force(0, 119) == list{{0, 1}});
  CHECK(h.in_force(105, 200) == list{{105, 1}, {120, 2}, {150, 3}});
  CHECK(h.in_force(160, 200) == list{{160, 3}});
}

TEST_CASE("rules that change no price begin nothing, a newer purse counts before its rules", "[ledger][clearing]") {
  catalogue c;
  c.add(rules(1, 0, 100));
  c.add(rules(2, 0, 100, 500));
  c.add(rules(3, 0, 100, 500));  // as a new price list
  c.add(rules(4, 0, 100, 300));
  const price_history h(c, {{1, 10}, {2, 20}, {3, 30}, {4, 40}});
  CHECK(h.prices_of(1).at(coupon).money == 500);
  CHECK(h.same_prices(3) == 1);
  CHECK(h.same_prices(4) == 4);
  using list = std::vector<std::pair<std::uint32_t, std::uint64_t>>;
  CHECK(h.in_force(10, 39) == list{{10, 3}});
  CHECK(h.in_force(10, 50) == list{{10, 3}, {40, 4}});
}

TEST_CASE("without rules units count as nothing", "[ledger][clearing]") {
  const price_history none, left_out(catalogue{}, {{1, 5}});
  for (const auto* h : {&none, &left_out}) {
    CHECK(h->version_on(100) == 0);
    CHECK(h->prices_of(0).empty());
    CHECK(h->same_prices(0) == 0);
    CHECK(h->in_force(0, 100).empty());
  }
}
