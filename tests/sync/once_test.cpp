// One-time numbers in a small network: one sale, wherever it is, whatever lines are down.
#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using test::held;
using test::station_net;
using test::why;

namespace {

const bytes scratch_number_digest(16, 'm'), other_number(16, 'n');

struct once_net : station_net {
  sale_command buy(node& n, std::int64_t things) {
    auto c = sale(n, things);
    c.once = scratch_number_digest;
    return c;
  }
  till_answer load(node& n, amount value) {
    top_up_command c{key(n), card, value, tender_kind::cash};
    c.once = scratch_number_digest;
    return ask(n, c);
  }
  /// A sale that may pull what lacks.
  errc buy_over_the_line(node& n, std::int64_t things) {
    auto a = ask(n, buy(n, things), true);
    if (why(a) == errc::ok) return errc::ok;
    sync();
    auto later = answer_of(n, a.request);
    return why(later ? *later : a);
  }
  card_status status_at(node& n) { return card_of(n.st->ledger().st(), card)->status; }
  /// The calendar of head office looks every second.
  void turn() {
    pass_time(11'000);
    sync();
    pass_time(2'000);
    sync();
  }
};

}  // namespace

TEST_CASE("a one-time number pays one sale at its store", "[sync][once]") {
  once_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.load(a, 1'000)) == errc::ok);
  auto first = net.buy(a, 3);
  REQUIRE(why(net.ask(a, first)) == errc::ok);
  CHECK(why(net.ask(a, net.buy(a, 3))) == errc::number_used);
  CHECK(why(net.load(a, 500)) == errc::number_used);
  // The same request again is the same answer.
  CHECK(net.ask(a, first).repeated);
  // Also after a restart.
  net.open(a);
  net.settle(a);
  CHECK(why(net.ask(a, net.buy(a, 1))) == errc::number_used);
}

TEST_CASE("what a used number left does not leave its store, and no other store takes the number", "[sync][once]") {
  once_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.load(a, 1'000)) == errc::ok);
  net.sync();
  // All of the value moves, not what the sale costs: it lies in one place.
  REQUIRE(net.buy_over_the_line(b, 3) == errc::ok);
  net.sync();
  CHECK(held(net.hq(), a.writer()) == 0);
  CHECK(held(net.hq(), b.writer()) == 700);
  // The first store has heard nothing of it yet: there is nothing to spend, and nothing comes.
  net.link(a, net.region(), false);
  CHECK(why(net.ask(a, net.buy(a, 1))) == errc::insufficient);
  net.link(a, net.region(), true);
  CHECK(net.buy_over_the_line(a, 1) != errc::ok);
  net.turn();
  CHECK(held(net.hq(), b.writer()) == 700);
  // Head office has set it to expired, and every store says why.
  CHECK(net.status_at(a) == card_status::expired);
  CHECK(why(net.ask(a, net.buy(a, 1))) == errc::number_used);
  CHECK(why(net.ask(b, net.buy(b, 1))) == errc::number_used);
  CHECK(why(net.load(a, 500)) == errc::number_used);
  for (std::uint32_t id = 3; id <= 4; ++id)
    CHECK(net.hq().st->seen().contested_of(net.at(id).writer()) == 0);
}

TEST_CASE("a reversal gives a one-time number back", "[sync][once]") {
  once_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.load(a, 1'000)) == errc::ok);
  auto sold = net.ask(a, net.buy(a, 3));
  REQUIRE(why(sold) == errc::ok);
  net.turn();
  REQUIRE(net.status_at(a) == card_status::expired);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sold.seq})) == errc::ok);
  net.turn();
  CHECK(net.status_at(a) == card_status::active);
  CHECK(why(net.ask(a, net.buy(a, 10))) == errc::ok);
  CHECK(why(net.ask(a, net.buy(a, 1))) == errc::number_used);
}

TEST_CASE("a new number opens what a used one left", "[sync][once]") {
  once_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.load(a, 1'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.buy(a, 3))) == errc::ok);
  net.turn();
  entry dead, fresh;
  dead.kind = fresh.kind = entry_kind::map_media;
  dead.card_kind = fresh.card_kind = 1;
  dead.account = account_id{900};
  dead.medium = scratch_number_digest;
  dead.status = card_status::cancelled;
  fresh.account = station_net::card;
  fresh.medium = other_number;
  fresh.status = card_status::active;
  fresh.account_version = 9;
  REQUIRE(net.publish({dead, fresh}).code == errc::ok);
  net.turn();
  CHECK(net.status_at(b) == card_status::active);
  auto a1 = net.ask(b, net.sale(b, 7), true);
  net.sync();
  auto later = net.answer_of(b, a1.request);
  CHECK(why(later ? *later : a1) == errc::ok);
}

TEST_CASE("a store that uses a number twice is found out", "[sync][once]") {
  once_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.load(a, 1'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.buy(a, 3))) == errc::ok);
  net.sync();
  auto lie = *a.st->ledger().find_entry(a.writer(), 3);
  for (sequence s = 0; lie.kind != entry_kind::sale; ++s)
    lie = *a.st->ledger().find_entry(a.writer(), s);
  lie.counter += 1;
  auto forged = net.forge(net.region(), a.journal(), {lie}, *a.keys);
  (void)net.ingest(net.region(), a.id, forged);
  CHECK(net.region().st->seen().contested_of(a.writer()) == 1);
}
