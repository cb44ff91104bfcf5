// What somebody can do who holds a store's disk with its keys and is online: he signs whatever he likes as that store.
// Each case is a way to value that he does not have; none of it may become anybody's to spend.
#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using tally::test::alarmed;
using tally::test::station_net;

namespace {

using node = station_net::node;

constexpr amount millions = 1'000'000'00;

/// An entry of the stolen store, dated as its journal is.
entry of_thief(const node& thief, entry_kind kind) {
  entry e;
  e.kind = kind;
  e.business_date = static_cast<std::uint32_t>(
      number(thief.st->ledger().st(), {.type = cell_type::business_date, .writer = thief.writer(), .peer = {}}));
  return e;
}

std::uint64_t next_channel(node& thief, bool out, const writer_id& other) {
  const auto& st = thief.st->ledger().st();
  cell_key k = out ? cell_key{.type = cell_type::channel_out, .writer = thief.writer(), .peer = other}
                   : cell_key{.type = cell_type::channel_in, .writer = thief.writer(), .peer = other};
  return static_cast<std::uint64_t>(number(st, k)) + 1;
}

entry send_up(node& thief, const writer_id& to, amount value) {
  auto e = of_thief(thief, entry_kind::send);
  e.peer = to;
  e.channel = next_channel(thief, true, to);
  e.cause = send_cause::sweep;
  e.account = station_net::card;
  e.values = {{purse_paid, main_unit, 0, value}};
  return e;
}

entry made_up_receive(node& thief, const stream_id& from, amount value) {
  auto e = of_thief(thief, entry_kind::receive);
  e.peer = from.writer;
  e.channel = next_channel(thief, false, from.writer);
  e.account = station_net::card;
  e.values = {{purse_paid, main_unit, 0, value}};
  e.head = stream_head{from, 1'000, {}};
  return e;
}

/// Value that anybody but the thief could spend, as each node's own books say.
amount spendable(station_net& net) {
  amount sum = 0;
  for (std::uint32_t id : {1u, 2u, 4u}) {
    auto& n = net.at(id);
    sum += holding(n.st->ledger().st(), n.writer(), station_net::card, purse_paid);
  }
  return sum;
}

struct theft {
  station_net net;
  node& thief = net.at(3);
  theft() {
    REQUIRE(std::holds_alternative<entry>(net.top_up(thief, 500).outcome));
    net.sync();
    net.link(thief, net.region(), false);  // from now on his own program speaks for it
  }
  /// Head office, the region and the other store agree in the end.
  void write(const std::vector<entry>& entries) {
    for (const auto& e : entries)
      (void)net.ingest(net.region(), thief.id, net.forge(net.region(), thief.journal(), {e}, *thief.keys));
    net.sync();
  }
};

}  // namespace

// Not defended yet (docs/threat-model.md): what is contested still raises the thief's holding, and what he sends of it
// is credited. Catch2 fails these two when they begin to pass.
TEST_CASE("a thief's made-up receives give nobody anything", "[sync][thief][!shouldfail]") {
  theft w;
  auto before = spendable(w.net);
  auto sender = GENERATE(1u, 2u, 4u);
  stream_id source{w.net.at(sender).writer(), sub_stream::addressed, w.thief.id};
  INFO("receive from node " << sender);
  w.write({made_up_receive(w.thief, source, millions), send_up(w.thief, w.net.region().writer(), millions)});
  CHECK(spendable(w.net) <= before + 500);  // what he held is his to give away
}

TEST_CASE("a thief sends what he holds, and not twice", "[sync][thief]") {
  theft w;
  auto before = spendable(w.net);
  auto first = send_up(w.thief, w.net.region().writer(), 500);
  auto second = first;
  second.channel += 1;
  w.write({first, second});
  CHECK(spendable(w.net) == before + 500);
}

TEST_CASE("a thief's top-ups end with his quota", "[sync][thief][!shouldfail]") {
  theft w;
  auto before = spendable(w.net);
  auto quota = quota_left(w.thief.st->ledger().st(), w.thief.writer());
  REQUIRE(quota > 0);
  auto top_up = of_thief(w.thief, entry_kind::top_up);
  top_up.terminal = 300;
  top_up.counter = 900;
  top_up.account = station_net::card;
  top_up.values = {{purse_paid, main_unit, 0, quota + millions}};
  top_up.tenders = {{tender_kind::cash, main_unit, quota + millions}};
  w.write({top_up, send_up(w.thief, w.net.region().writer(), quota + millions)});
  CHECK(spendable(w.net) <= before + 500 + quota);
}
