// A store whose region is silent goes to head office itself.
#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using test::held;
using test::station_net;
using test::why;

namespace {

constexpr tick_ms after_ms = 600'000;

station_config habits() {
  station_config c;
  c.detour_after_ms = after_ms;
  return c;
}

struct silent {
  station_net net;
  station_net::node& store = net.at(3);

  explicit silent(bool confirmed = true) {
    net.top_up(store, 500);
    net.sync();
    open(confirmed);
  }
  // The store's process is new; with `confirmed` its region spoke to it before it fell silent.
  void open(bool confirmed) {
    net.link(store, net.region(), false);
    net.open(store, habits());
    if (confirmed) net.link(store, net.region(), true);
    net.sync();
    if (confirmed) net.link(store, net.region(), false);
    net.settle(store);
  }
  void dark(tick_ms ms) {
    net.pass_time(ms);
    net.settle(store);
  }
  std::uint64_t at_hq() { return stream_reader(net.hq().store).size(store.journal()); }
  std::uint64_t at_region() { return stream_reader(net.region().store).size(store.journal()); }
};

}  // namespace

TEST_CASE("a store whose region is silent for long wants head office, and not before", "[sync][detour]") {
  silent s;
  CHECK_FALSE(s.store.st->wants_detour());
  s.dark(after_ms - 1);
  CHECK_FALSE(s.store.st->wants_detour());
  CHECK(s.store.st->next_due() <= s.net.ticks() + 1);
  s.dark(1);
  CHECK(s.store.st->wants_detour());
  CHECK_FALSE(s.store.st->above().has_value());

  // It is over when the region is back, and another silence counts from its own beginning.
  s.net.link(s.store, s.net.region(), true);
  s.dark(0);
  CHECK_FALSE(s.store.st->wants_detour());
  CHECK(s.store.st->above() == s.net.region().id);
  s.net.link(s.store, s.net.region(), false);
  s.dark(after_ms - 1);
  CHECK_FALSE(s.store.st->wants_detour());
}

TEST_CASE("what may be an old copy ships to nobody but its parent", "[sync][detour]") {
  silent s(false);
  s.dark(10 * after_ms);
  CHECK_FALSE(s.store.st->wants_detour());
}

// Small seed 3002924: head office took such entries, and the region's own could not be told from a forgery then.
TEST_CASE("what was written on an old copy does not go around the region that told it", "[sync][detour]") {
  silent s;
  auto &hq = s.net.hq(), &region = s.net.region();
  s.net.link(s.store, region, true);
  const auto old_copy = s.store.store.image();
  s.net.link(region, hq, false);
  for (int i = 0; i < 8; ++i)
    s.net.top_up(s.store, 10);
  s.net.sync();
  const auto first = s.store.journal();
  const auto known = s.at_region();
  s.net.link(s.store, region, false);

  s.store.store.reset(old_copy);
  s.net.open(s.store, habits());
  for (int i = 0; i < 4; ++i)
    s.net.top_up(s.store, 100 + i);
  REQUIRE(stream_reader(s.store.store).size(first) < known);
  REQUIRE(s.store.st->check_rollback(first.writer, known, s.net.now()));
  s.net.settle(s.store);
  s.net.link(s.store, region, true);
  s.net.sync();
  REQUIRE(s.store.st->ledger().self() != first.writer);
  const auto at_hq = [&](const stream_id& id) { return stream_reader(hq.store).size(id); };
  const auto before = at_hq(first);
  s.net.link(s.store, region, false);
  s.net.settle(s.store);
  s.dark(after_ms);
  REQUIRE(s.store.st->wants_detour());
  s.net.link(s.store, hq, true);
  s.net.sync();
  CHECK(at_hq(first) == before);
  CHECK(at_hq({s.store.st->ledger().self(), sub_stream::journal, {}}) > 0);

  // A new process knows it as well, and the region brings what it has.
  s.net.link(s.store, hq, false);
  s.open(true);
  s.dark(after_ms);
  s.net.link(s.store, hq, true);
  s.net.sync();
  CHECK(at_hq(first) == before);
  s.net.link(s.store, hq, false);
  s.net.link(s.store, region, true);
  s.net.link(region, hq, true);
  s.net.sync();
  CHECK(at_hq(first) == known);
}

TEST_CASE("nobody else makes detours: neither a region nor a store of head office", "[sync][detour]") {
  silent s;
  auto& region = s.net.region();
  s.net.link(region, s.net.hq(), false);
  s.net.open(region, habits());
  s.net.pass_time(10 * after_ms);
  s.net.settle(region);
  CHECK_FALSE(region.st->wants_detour());
  CHECK_FALSE(region.st->is_above(s.store.id));
  CHECK_FALSE(s.store.st->is_above(node_id{4}));
}

TEST_CASE("by head office a store ships and hears", "[sync][detour]") {
  silent s;
  auto &hq = s.net.hq(), &region = s.net.region();
  s.net.link(region, hq, false);  // the region is down
  s.dark(after_ms);
  s.net.top_up(s.store, 200);
  const auto before = s.at_hq();
  REQUIRE(s.store.st->wants_detour());
  s.net.link(s.store, hq, true);
  s.net.sync();
  CHECK(s.store.st->above() == head_office);
  CHECK(s.at_hq() > before);
  auto cosigned = s.store.st->cosigned();
  REQUIRE(cosigned.has_value());
  CHECK(cosigned->size == s.at_hq());
  CHECK(held(hq, s.store.writer()) == 700);

  // A fact that head office writes meanwhile comes by the same way.
  entry e = s.net.limits_entry(s.store, {2'000'000, 1'000'000, 100'000, 1'000'000});
  REQUIRE(s.net.publish({e}).code == errc::ok);
  s.net.sync();
  CHECK(limits_of(s.store.st->st(), s.store.id).ceiling == 2'000'000);

  // Nothing goes up to head office in the region's place: what lies here stays here.
  const auto here = holding(s.store.st->st(), s.store.writer(), station_net::card);
  s.dark(24 * 3'600'000);
  s.net.sync();
  CHECK(holding(s.store.st->st(), s.store.writer(), station_net::card) == here);

  // The region is back: it learns all from the store, head office's word for what it sent, and nothing is contested.
  s.net.link(s.store, hq, false);
  s.net.link(region, hq, true);
  s.net.link(s.store, region, true);
  s.net.sync();
  CHECK(s.at_region() == s.at_hq());
  CHECK(s.store.st->above() == region.id);
  CHECK(region.st->seen().contested_of(s.store.writer()) == 0);
  CHECK(hq.st->seen().contested_of(s.store.writer()) == 0);
  CHECK(held(region, s.store.writer()) == held(hq, s.store.writer()));
}

TEST_CASE("no rights come around a silent region, and a sale that needs some says so", "[sync][detour]") {
  silent s;
  auto &hq = s.net.hq(), &region = s.net.region();
  // The card's money goes up to head office first: the region asks the store, head office the region.
  s.net.link(s.store, region, true);
  REQUIRE(s.store.st->put(control_arrival{region.id, ask_message{8, station_net::card, purse_paid, 300, 1'500}}).ok());
  s.net.sync();
  REQUIRE(held(region, region.writer()) == 300);
  REQUIRE(region.st->put(control_arrival{hq.id, ask_message{9, station_net::card, purse_paid, 300, 1'500}}).ok());
  s.net.sync();
  REQUIRE(held(hq, hq.writer()) == 300);
  s.net.link(s.store, region, false);
  s.net.link(region, hq, false);
  s.dark(0);
  s.dark(after_ms);
  REQUIRE(s.store.st->wants_detour());
  s.net.link(s.store, hq, true);
  s.net.sync();
  s.net.forget();
  auto a = s.net.ask(s.store, s.net.sale(s.store, 4), true);
  s.net.sync();
  CHECK(why(a) == errc::insufficient);
  CHECK(held(hq, hq.writer()) == 300);
  s.net.link(s.store, hq, false);
  s.net.link(region, hq, true);
  s.net.link(s.store, region, true);
  s.net.sync();
  CHECK(held(region, s.store.writer()) == 0);
  CHECK(region.st->seen().contested_of(s.store.writer()) == 0);
}

TEST_CASE("head office takes a journal of the store itself, and of nobody else by that way", "[sync][detour]") {
  silent s;
  auto& hq = s.net.hq();
  CHECK(hq.st->accepts(s.store.id, s.store.journal()));
  CHECK_FALSE(hq.st->accepts(s.store.id, s.net.at(4).journal()));
  CHECK_FALSE(hq.st->accepts(s.store.id, s.net.region().journal()));
  const stream_id to_other{hq.writer(), sub_stream::addressed, node_id{4}};
  CHECK_FALSE(s.store.st->accepts(hq.id, to_other));
  CHECK_FALSE(s.store.st->accepts(hq.id, s.net.at(4).journal()));
  for (const auto& id : hq.st->streams_for(s.store.id))
    CHECK((id.sub == sub_stream::directory || id.to == s.store.id));
}

TEST_CASE("what a lost store wrote past its region, head office brings there", "[sync][detour]") {
  silent s;
  auto &hq = s.net.hq(), &region = s.net.region();
  s.dark(after_ms);
  REQUIRE(s.store.st->wants_detour());
  REQUIRE(s.store.st->put(control_arrival{region.id, ask_message{8, station_net::card, purse_paid, 300, 1'500}}).ok());
  s.net.settle(s.store);
  s.net.link(s.store, hq, true);
  s.net.sync();
  CHECK(s.at_hq() > s.at_region());
  CHECK(held(hq, s.store.writer()) == 200);
  for (const auto& id : hq.st->streams_for(region.id))
    CHECK(id.sub != sub_stream::journal);  // its writer lives and brings it itself

  // Its disk is lost, and an operator closes its books.
  s.net.link(s.store, hq, false);
  entry close;
  close.kind = entry_kind::close_epoch;
  close.subject.node = s.store.id;
  REQUIRE(s.net.publish({close}).code == errc::ok);
  s.net.open(hq);  // what it knows of that is on its disk
  s.net.link(region, hq, true);
  s.net.sync();
  CHECK(s.at_region() == s.at_hq());
  CHECK(held(region, region.writer()) == 300);
  CHECK(held(hq, region.writer()) == 300);
  CHECK(region.st->seen().contested_of(s.store.writer()) == 0);
}
