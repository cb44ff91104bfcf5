// Two machines with one node's key: a cloned PC that runs beside the original.
#include <catch2/catch.hpp>

#include "sync/session_sides.hpp"
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

TEST_CASE("processes that take the connection from one another are two machines before either writes",
          "[sync][twins]") {
  twins t;
  auto& region = t.net.region();
  auto greet = [&](std::uint64_t process, node_id from = {3}, node_id named = {3}) {
    hello_message m;
    m.writer = {named, t.store.cert.epoch};
    m.process = process;
    REQUIRE(region.st->put(control_arrival{from, m}));
    t.net.settle(region);
  };
  // It starts again and again, and repeats its greeting; who does not say, or is another, says nothing of it.
  for (auto process : std::vector<std::uint64_t>{1, 1, 2, 3, 0, 3})
    greet(process);
  greet(2, {4});
  greet(2, {4}, {4});
  greet(2, {1}, {1});
  CHECK_FALSE(region.st->is_forked({3}));
  t.net.forget();
  greet(2);
  CHECK(region.st->is_forked({3}));
  CHECK_FALSE(region.st->is_forked({4}));
  CHECK(test::alarmed(region, errc::rolled_back));
  t.net.forget();
  greet(3);
  CHECK_FALSE(test::alarmed(region, errc::rolled_back));  // once
  t.net.open(region);
  CHECK(region.st->is_forked({3}));
  // Only so many are remembered, whoever floods it.
  for (std::uint64_t process = 100; process < 200; ++process)
    greet(process, {4}, {4});
  greet(100, {4}, {4});
  CHECK_FALSE(region.st->is_forked({4}));
  greet(199, {4}, {4});
  CHECK(region.st->is_forked({4}));
}

TEST_CASE("a life that a clone begins closes no other while two machines run", "[sync][twins]") {
  const bool forked = GENERATE(true, false);
  twins t;
  auto& hq = t.net.hq();
  for (auto process : std::vector<std::uint64_t>{1, 2, forked ? 1U : 2U}) {
    hello_message m;
    m.writer = t.store.writer();
    m.process = process;
    REQUIRE(hq.st->put(control_arrival{{3}, m}));
    t.net.settle(hq);
  }
  auto one = twins::life(1);
  t.begin(one);
  t.trade(one, 1);
  for (int i = 0; i < 5; ++i) {
    t.net.pass_time(61'000);
    t.net.sync();
  }
  CHECK(closing_of(hq.st->st(), t.store.writer()).has_value() == !forked);
}

TEST_CASE("a session says once on a connection which process greets", "[sync][twins]") {
  test::both_sides w;
  w.connect(0);
  auto told = [](const session_effects& effects) {
    std::size_t n = 0;
    for (const auto& e : effects)
      if (const auto* c = std::get_if<control_effect>(&e)) n += std::holds_alternative<hello_message>(c->what);
    return n;
  };
  hello_message m{protocol_version_min, protocol_version, test::child_id, true};
  CHECK(told(w.parent.talk.on_message(m, 1)) == 0);  // it does not say
  m.process = 5;
  CHECK(told(w.parent.talk.on_message(m, 2)) == 1);
  CHECK(told(w.parent.talk.on_message(m, 3)) == 0);
  m.process = 6;
  CHECK(told(w.parent.talk.on_message(m, 4)) == 1);
  // Keys that do not count any more say nothing of the node.
  (void)w.parent.talk.farewell({test::directory}, 9, errc::revoked, 5);
  m.process = 7;
  CHECK(told(w.parent.talk.on_message(m, 6)) == 0);
}

TEST_CASE("a process that hears that another one took its place lives anew, once", "[sync][twins]") {
  station_net net;
  auto& store = net.at(3);
  REQUIRE(std::holds_alternative<entry>(net.top_up(store, 500).outcome));
  net.sync();
  auto hear = [&](station_net::node& n, node_id from, errc code) {
    test::lone_child c(1);
    auto effects = c.say(refuse_message{code, "why"});
    CHECK(test::count<close_effect>(effects) == 1);
    for (const auto& e : effects)
      if (const auto* m = std::get_if<control_effect>(&e)) REQUIRE(n.st->put(control_arrival{from, m->what}));
    net.settle(n);
  };
  const auto life = store.st->ledger().self();
  hear(store, {2}, errc::unsupported);
  hear(store, {4}, replaced_code);         // who is not above it
  hear(net.region(), {3}, replaced_code);  // a child says nothing of its parent
  CHECK(store.st->ledger().self() == life);
  CHECK(net.region().st->ledger().self() == net.region().writer());
  net.forget();
  hear(store, {2}, replaced_code);
  const auto next = store.st->ledger().self();
  CHECK(next != life);
  CHECK(test::alarmed(store, errc::rolled_back));
  CHECK(test::why(net.top_up(store, 500)) == errc::rolled_back);
  hear(store, {2}, replaced_code);
  CHECK(store.st->ledger().self() == next);
  // Head office does not know how much the other one wrote: nothing is closed before somebody can.
  net.sync();
  CHECK_FALSE(closing_of(net.hq().st->st(), life).has_value());
}
