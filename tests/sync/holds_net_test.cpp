// Money that is put aside in a small network: it stays where it is, and comes back by itself, once.
#include <catch2/catch.hpp>

#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;
using test::why;

namespace {

int entries_of(const station_net::node& n, entry_kind kind) {
  int found = 0;
  stream_reader reader(n.store);
  for (sequence i = 0; i < reader.size(n.journal()); ++i)
    found += peek_kind(*reader.own_entry(n.writer(), i)) == kind;
  return found;
}

struct holds_net : station_net {
  till_answer put_aside(node& n, amount v, std::int64_t seconds) {
    return ask(n, authorise_command{key(n), card, v, seconds});
  }
  amount at_node(node& n) { return holding(n.st->ledger().st(), n.writer(), card); }
  void nothing_contested() {
    for (std::uint32_t id = 1; id <= 4; ++id)
      CHECK(hq().st->seen().contested_of(at(id).writer()) == 0);
  }
};

}  // namespace

TEST_CASE("what is put aside is not pulled, and times out once", "[sync][hold]") {
  holds_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  REQUIRE(why(net.put_aside(a, 3'000, 600)) == errc::ok);
  net.sync();
  CHECK(held_total(net.hq().st->seen().st(), a.writer()) == 5'000);
  auto poor = net.ask(b, net.sale(b, 30), true);
  CHECK(why(poor) == errc::insufficient);
  CHECK(net.at_node(b) == 2'000);
  net.pass_time(590'000);
  net.settle(a);
  CHECK(entries_of(a, entry_kind::time_out) == 0);
  for (int i = 0; i < 5; ++i) {
    net.pass_time(20'000);
    net.settle(a);
  }
  CHECK(entries_of(a, entry_kind::time_out) == 1);
  net.sync();
  CHECK(why(net.ask(b, net.sale(b, 30), true)) == errc::ok);
  net.nothing_contested();
}

TEST_CASE("what comes to a card after it was given back goes to head office", "[sync][hold]") {
  holds_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 6'000)) == errc::ok);
  const bool timed_out = GENERATE(false, true);
  auto aside = net.put_aside(a, 5'000, 600);
  REQUIRE(why(aside) == errc::ok);
  const bool dark = GENERATE(false, true);  // what it says of the card is its own claim then
  if (dark) net.link(a, net.region(), false);
  REQUIRE(why(net.ask(a, hand_back_command{net.key(a), net.card, 1'000, 0})) == errc::ok);
  net.sync();
  if (!timed_out) REQUIRE(why(net.ask(a, void_command{net.key(a), aside.seq})) == errc::ok);
  for (int i = 0; i < 40; ++i) {
    net.pass_time(60'000);
    if (dark && i == 20) net.link(a, net.region(), true);
    net.sync();
  }
  CHECK(net.at_node(a) == 0);
  CHECK(net.at_node(net.hq()) + net.at_node(net.region()) == 5'000);
  net.nothing_contested();
}

TEST_CASE("a dark store times out once it has served a till, or heard from its parent", "[sync][hold]") {
  holds_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  REQUIRE(why(net.put_aside(a, 3'000, 600)) == errc::ok);
  net.link(a, net.region(), false);
  net.open(a);  // perhaps on an old copy of its disk: it writes nothing unasked
  net.pass_time(3'600'000);
  net.settle(a);
  CHECK(entries_of(a, entry_kind::time_out) == 0);
  REQUIRE(why(net.ask(a, net.sale(a, 1))) == errc::ok);
  net.pass_time(20'000);
  net.settle(a);
  CHECK(entries_of(a, entry_kind::time_out) == 1);
  CHECK(net.at_node(a) == 4'900);
  CHECK(why(net.put_aside(a, 1'000, 600)) == errc::ok);
  net.open(a);
  net.link(a, net.region(), true);
  net.pass_time(3'600'000);
  net.settle(a);
  net.pass_time(20'000);
  net.settle(a);
  CHECK(entries_of(a, entry_kind::time_out) == 2);
}

TEST_CASE("a part of a sale is approved after the rest was asked for elsewhere", "[sync][hold][partial]") {
  holds_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 700)) == errc::ok);
  REQUIRE(why(net.top_up(b, 500)) == errc::ok);
  net.sync();
  auto sale = net.sale(b, 20);
  sale.partial = true;
  auto part = net.ask(b, sale, true);
  REQUIRE(why(part) == errc::ok);
  const auto& e = std::get<entry>(part.outcome);
  REQUIRE(e.kind == entry_kind::authorise);
  CHECK(e.values.front().amount == 1'200);
  capture_command c{net.sale(b, 20), part.seq};
  c.sale.card = 1'200;
  c.sale.tenders = {{tender_kind::cash, main_unit, 300}, {tender_kind::bank, main_unit, 500}};
  auto done = net.ask(b, c);
  REQUIRE(why(done) == errc::ok);
  net.sync();
  CHECK(net.at_node(a) + net.at_node(b) == 0);
  REQUIRE(why(net.ask(b, reverse_command{net.key(b), done.seq})) == errc::ok);
  CHECK(net.at_node(b) == 1'200);
  net.sync();
  net.nothing_contested();
}

TEST_CASE("what was put aside in a life that ended is granted anew with the rest", "[sync][hold]") {
  holds_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  REQUIRE(why(net.put_aside(a, 3'000, 600)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  entry close;
  close.kind = entry_kind::close_epoch;
  close.subject.node = a.id;
  close.size = stream_reader(a.store).size(a.journal());
  REQUIRE(net.publish({close}).code == errc::ok);
  for (int i = 0; i < 3; ++i) {
    net.pass_time(11'000);
    net.sync();
  }
  CHECK(held(net.hq(), net.hq().writer()) == 5'000);
}
