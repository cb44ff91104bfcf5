// The tree changes: a store gets another parent, a node retires.
#include <algorithm>

#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using test::held;
using test::station_net;

namespace {

struct tree {
  station_net net;
  station_net::node& store = net.at(3);

  tree() {
    net.top_up(store, 500);
    net.sync();
  }
  writer_id lives() { return store.st->ledger().self(); }
  void some_time() {
    for (int i = 0; i < 4; ++i) {
      net.pass_time(15'000);
      net.sync();
    }
  }
  amount at_hq() { return holding(net.hq().st->ledger().st(), net.hq().writer(), station_net::card, purse_paid); }
  std::size_t under_way() {
    std::size_t n = 0;
    net.hq().st->seen().all().each_transfer([&](const cell_key&, const cell&) { ++n; });
    return n;
  }
  entry certified_under(node_id parent) {
    auto next = store.cert;
    ++next.serial;
    next.parents = {parent};
    if (parent != head_office) next.parents.push_back(head_office);
    entry e;
    e.kind = entry_kind::certify;
    e.blob = encode(sign_certificate(next, head_office, *net.hq().keys));
    return e;
  }
};

}  // namespace

TEST_CASE("a store that moves takes nothing with it and loses nothing", "[sync][tree]") {
  tree t;
  auto& region = t.net.region();
  auto old = t.lives();
  t.net.link(t.store, region, false);
  REQUIRE(t.net.publish({t.certified_under(head_office)}).code == errc::ok);
  t.net.sync();  // the region knows; the store does not, and serves a recall of its old parent
  REQUIRE(t.store.st->put(control_arrival{region.id, ask_message{9, station_net::card, purse_paid, 200, 1'500}}).ok());
  t.net.settle(t.store);
  // It had no line as it was moved: it hears of it where it knocks, and brings nothing there.
  CHECK(std::ranges::count(region.st->admitted(), t.store.id) == 1);
  CHECK(std::ranges::count(region.st->children(), t.store.id) == 0);
  CHECK(region.st->streams_for(t.store.id) == std::vector{stream_id{t.net.hq().writer(), sub_stream::directory, {}}});
  t.net.carry(region, t.store);
  CHECK(t.store.st->parent() == head_office);
  CHECK(t.lives() != old);
  CHECK(t.store.st->ledger().stopped() == errc::epoch_closed);

  // The old parent takes nothing of it any more, and gives it nothing.
  CHECK_FALSE(region.st->accepts(t.store.id, {old, sub_stream::journal, {}}));
  auto sent = region.source->size({region.writer(), sub_stream::addressed, t.store.id});
  REQUIRE(region.st->put(control_arrival{t.store.id, ask_message{10, station_net::card, purse_paid, 50, 1'500}}).ok());
  t.net.settle(region);
  CHECK(region.source->size({region.writer(), sub_stream::addressed, t.store.id}) == sent);

  t.net.link(t.store, t.net.hq(), true);
  t.some_time();
  CHECK(t.at_hq() == 500);  // 300 that lay there, and 200 that nobody received
  CHECK(t.under_way() == 0);
  CHECK(held(t.net.hq(), region.writer()) == 0);
  CHECK(t.store.st->ledger().stopped() == errc::ok);
  REQUIRE(std::holds_alternative<entry>(t.net.ask(t.store, t.net.sale(t.store, 5), true).outcome));
  CHECK(t.net.hq().st->seen().contested_of(t.lives()) == 0);

  // Back again: what was returned is not received after all.
  auto back = t.certified_under(region.id);
  auto next = decode_certificate(decode_signed_certificate(back.blob)->body);
  REQUIRE(next.ok());
  ++next->serial;
  back.blob = encode(sign_certificate(*next, head_office, *t.net.hq().keys));
  REQUIRE(t.net.publish({back}).code == errc::ok);
  t.net.sync();
  t.net.link(t.store, t.net.hq(), false);
  t.net.link(t.store, region, true);
  t.some_time();
  CHECK(t.store.st->parent() == region.id);
  CHECK(held(t.net.hq(), region.writer()) == 0);
  CHECK(t.under_way() == 0);
  CHECK(t.at_hq() == 0);  // all was spent
}

TEST_CASE("a node retires where its books end, and nothing is in doubt", "[sync][tree]") {
  tree t;
  auto w = t.lives();
  auto size = t.net.hq().st->ledger().head({w, sub_stream::journal, {}}).size;
  entry close, revoke;
  close.kind = entry_kind::close_epoch;
  close.subject.node = t.store.id;
  close.size = size + 1;
  CHECK(t.net.publish({close}).code == errc::gap);  // not what head office holds
  close.size = size;
  revoke.kind = entry_kind::revoke;
  revoke.subject = w;
  revoke.size = size;
  revoke.serial = t.store.cert.serial;
  t.net.link(t.store, t.net.region(), false);
  REQUIRE(t.net.publish({close, revoke}).code == errc::ok);
  t.some_time();
  CHECK(t.at_hq() == 500);
  CHECK(t.net.hq().st->in_doubt(t.store.id) == 0);
  CHECK(t.net.hq().st->is_revoked(t.store.id));
  CHECK(t.net.region().st->is_revoked(t.store.id));
  CHECK(t.under_way() == 0);
}
