// What a till is told of the money that lies elsewhere, after some of it came while its customer waited.
#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;

namespace {

/// Stores 3 and 4 below region 2; store 5 right below head office, where the card's money was paid in.
struct pulling {
  station_net net{{1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true};
  station_net::node &c = net.at(3), &d = net.at(4), &e = net.at(5);

  explicit pulling(amount at_e = 10'000) {
    if (at_e > 0) net.top_up(e, at_e);
    net.words_first = true;
    net.sync();
  }
  till_answer sell(station_net::node& n, std::int64_t things) { return net.ask(n, net.sale(n, things), true); }
  amount all() {
    amount sum = 0;
    for (auto* n : {&net.hq(), &net.region(), &c, &d, &e})
      sum += holding(n->st->ledger().st(), n->st->ledger().self(), station_net::card);
    return sum;
  }
  std::optional<amount> told(const till_answer& a) {
    return a.elsewhere ? std::optional(a.elsewhere->value) : std::nullopt;
  }
  /// As when somebody looks at the card at a till.
  void look(station_net::node& n) {
    REQUIRE(n.st->put(elsewhere_request{station_net::card}).ok());
    net.settle(n);
    net.sync();
  }
};

}  // namespace

TEST_CASE("what was pulled over a region comes off what lies elsewhere once", "[sync][elsewhere]") {
  pulling p;
  auto a = p.sell(p.c, 25);
  REQUIRE(std::holds_alternative<entry>(a.outcome));
  CHECK(a.here == 0);
  CHECK(p.all() == 7'500);
  CHECK(p.told(a) == 7'500);
  a = p.sell(p.d, 15);
  REQUIRE(std::holds_alternative<entry>(a.outcome));
  CHECK(p.told(a) == 6'000);
  // Whoever looks is told the same.
  p.look(p.c);
  CHECK(p.c.st->hint(station_net::card)->value == 6'000);
}

TEST_CASE("what comes from a sibling and from above is counted once", "[sync][elsewhere]") {
  pulling p;
  p.net.top_up(p.d, 2'000);
  p.net.sync();
  auto a = p.sell(p.c, 50);  // of both
  REQUIRE(std::holds_alternative<entry>(a.outcome));
  CHECK(p.all() == 7'000);
  REQUIRE(p.told(a));
  CHECK(*p.told(a) == 7'000 - a.here);
}

TEST_CASE("what a region gives of its own is no word of what lies beyond it", "[sync][elsewhere]") {
  pulling p;
  p.net.top_up(p.d, 2'000);
  p.net.sync();
  CHECK_FALSE(p.told(p.sell(p.d, 1)));  // nobody was asked
  p.look(p.c);
  auto before = *p.c.st->hint(station_net::card);
  CHECK(before.value == 11'900);
  // The region has all of it once it was sent up; it need not ask.
  REQUIRE(p.d.st->put(control_arrival{node_id{2}, ask_message{9, station_net::card, purse_paid, 1'900, 1'500}}).ok());
  p.net.settle(p.d);
  p.net.pass_time(5'000);
  p.net.sync();
  auto a = p.sell(p.c, 10);
  REQUIRE(std::holds_alternative<entry>(a.outcome));
  REQUIRE(p.told(a));
  CHECK(*p.told(a) == 10'900);
  CHECK(a.elsewhere->as_of == before.as_of);  // less what came, as old as it was told
}

TEST_CASE("rights that come before the word of them come off what was told", "[sync][elsewhere]") {
  pulling p;
  p.net.words_first = false;
  auto a = p.sell(p.c, 25);
  REQUIRE(std::holds_alternative<entry>(a.outcome));
  CHECK_FALSE(p.told(a));  // never told
  p.look(p.d);
  CHECK(p.d.st->hint(station_net::card)->value == 7'500);
  a = p.sell(p.d, 15);
  REQUIRE(std::holds_alternative<entry>(a.outcome));
  CHECK(p.told(a) == 6'000);
}

TEST_CASE("a till of a region's own does not count what came to it as elsewhere", "[sync][elsewhere]") {
  pulling p{0};
  p.net.top_up(p.c, 2'000);
  p.net.top_up(p.e, 3'000);
  p.net.sync();
  p.look(p.net.region());
  CHECK(p.net.region().st->hint(station_net::card)->value == 5'000);
  REQUIRE(p.c.st->put(control_arrival{node_id{2}, ask_message{9, station_net::card, purse_paid, 500, 1'500}}).ok());
  p.net.settle(p.c);
  p.net.sync();
  CHECK(p.net.region().st->hint(station_net::card)->value == 4'500);
  p.look(p.net.region());
  CHECK(p.net.region().st->hint(station_net::card)->value == 4'500);
}
