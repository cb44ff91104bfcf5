// Contested entries as open cases, and what head office rules about them.
#include <catch2/catch.hpp>

#include "ledger/closing.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;

TEST_CASE("a contested entry is an open case everywhere above until head office rules, for good", "[sync][station]") {
  station_net net;
  auto& a = net.at(3);
  net.top_up(a, 300);
  net.sync();
  auto seq = a.source->size(a.journal());
  entry bad;  // rights that the store does not have
  bad.kind = entry_kind::send;
  bad.business_date = day_of(1'795'341'600);
  bad.peer = net.region().writer();
  bad.channel = 1;
  bad.cause = send_cause::sweep;
  bad.account = station_net::card;
  bad.values = {{purse_paid, main_unit, 0, 1'000'000}};
  REQUIRE(net.ingest(net.region(), a.id, net.forge(net.region(), a.journal(), {bad}, *a.keys)).code == errc::ok);
  auto is_open = [&](station_net::node& n) { return n.st->seen().is_open_case(a.writer(), seq); };
  entry ruling;
  ruling.kind = entry_kind::ruling;
  ruling.subject = a.writer();
  ruling.cites = seq;
  ruling.outcome = ruling_outcome::owed;
  ruling.blob = "till stolen";
  CHECK(net.publish({ruling}).code == errc::not_found);  // head office has not seen it yet
  net.carry(net.region(), net.hq());
  REQUIRE(is_open(net.hq()));
  REQUIRE(is_open(net.region()));
  for (auto* n : {&net.hq(), &net.region()}) {
    net.open(*n);
    CHECK(is_open(*n));
  }
  net.link(net.region(), net.hq(), true);

  auto other = ruling;
  other.cites = seq + 1;
  CHECK(net.publish({other}).code == errc::not_found);
  other = ruling;
  other.outcome = {};
  CHECK(net.publish({other}).code != errc::ok);
  other.outcome = ruling_outcome::owed;
  other.blob = bytes(note_max + 1, 'x');
  CHECK(net.publish({other}).code != errc::ok);
  CHECK(is_open(net.hq()));

  REQUIRE(net.publish({ruling}).code == errc::ok);
  CHECK_FALSE(is_open(net.hq()));
  ruling.outcome = ruling_outcome::stands;
  CHECK(net.publish({ruling}).code == errc::not_allowed);
  net.sync();
  CHECK_FALSE(is_open(net.region()));
  CHECK(ruling_of(net.region().st->ledger().st(), a.writer(), seq) == ruling_outcome::owed);
  for (auto* n : {&net.hq(), &net.region()}) {
    net.open(*n);
    CHECK_FALSE(is_open(*n));
    CHECK(n->st->seen().contested_of(a.writer()) == 1);  // it stays contested: only the case is closed
  }
}
