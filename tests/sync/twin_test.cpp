// Two machines with one node's key: a cloned PC that runs beside the original.
#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;

namespace {

/// A store's disk in two machines, each of which begins an epoch of its own behind what both have.
struct twins {
  station_net net;
  station_net::node& store = net.at(3);
  stream_head end;
  twins() {
    net.top_up(store, 500);
    net.sync();
    net.link(store, net.region(), false);
    end = net.region().st->ledger().head(store.journal());
  }
  static writer_id life(std::uint8_t n) {
    writer_id w{{3}, {}};
    w.epoch.value.fill(n);
    return w;
  }
  void write(const writer_id& w, entry e) {
    e.business_date = day_of(net.now());
    stream_id id{w, sub_stream::journal, {}};
    REQUIRE(net.ingest(net.region(), store.id, net.forge(net.region(), id, {e}, *store.keys)).code == errc::ok);
    net.sync();
  }
  void begin(const writer_id& w) {
    entry e;
    e.kind = entry_kind::open_epoch;
    e.engine = engine_revision;
    e.head = end;
    e.size = end.size;
    write(w, e);
  }
  void trade(const writer_id& w, std::uint64_t counter) {
    entry e;
    e.kind = entry_kind::sale;
    e.terminal = 300;
    e.counter = counter;
    e.tenders = {{tender_kind::cash, main_unit, 100}};
    write(w, e);
  }
  bool forked_everywhere(bool yes) {
    return net.region().st->is_forked({3}) == yes && net.hq().st->is_forked({3}) == yes;
  }
};

}  // namespace

TEST_CASE("a clone that runs beside the original is noticed, and nothing is sent to either", "[sync][twins]") {
  twins t;
  auto one = twins::life(1), other = twins::life(2);
  t.begin(one);
  t.trade(one, 1);
  t.begin(other);
  CHECK(t.forked_everywhere(false));  // a second restore looks just like that
  t.net.forget();
  t.trade(one, 2);
  CHECK(t.forked_everywhere(true));
  CHECK(test::alarmed(t.net.hq(), errc::rolled_back));
  CHECK(test::alarmed(t.net.region(), errc::rolled_back));

  // What either still writes is kept. Nothing of value goes to them, also after a restart above.
  for (auto* n : {&t.net.region(), &t.net.hq()})
    t.net.open(*n);
  t.net.link(t.net.region(), t.net.hq(), true);
  CHECK(t.forked_everywhere(true));
  auto sent = [&] { return t.net.hq().source->size({t.net.hq().writer(), sub_stream::addressed, {3}}); };
  auto before = sent();
  t.trade(other, 1);
  for (int i = 0; i < 5; ++i) {
    t.net.pass_time(61'000);
    t.net.sync();
  }
  CHECK(sent() == before);

  // Another machine with its own keys takes their place.
  auto next = t.store.cert;
  ++next.serial;
  test::seeded_entropy random{7};
  ed25519_signer keys(make_signing_key(random));
  next.signing = keys.key();
  random.fill(next.curve);
  random.fill(next.epoch.value);
  entry certify;
  certify.kind = entry_kind::certify;
  certify.blob = encode(sign_certificate(next, head_office, *t.net.hq().keys));
  REQUIRE(t.net.publish({certify}).code == errc::ok);
  t.net.sync();
  CHECK(t.forked_everywhere(false));
}

TEST_CASE("one backup that is restored twice is no clone", "[sync][twins]") {
  twins t;
  auto one = twins::life(1), other = twins::life(2);
  t.begin(one);
  t.trade(one, 1);
  t.begin(other);
  t.trade(other, 1);
  t.trade(other, 2);
  CHECK(t.forked_everywhere(false));
}
