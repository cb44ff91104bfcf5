#include "sync/audit.hpp"

#include <catch2/catch.hpp>

#include "ledger/closing.hpp"
#include "sync/audit_copy.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("an honest chain holds at every node", "[sync][audit]") {
  for (std::uint32_t id : {1U, 2U, 3U, 4U}) {
    auto r = traded().check(id);
    REQUIRE(r.ok());
    INFO("node " << id << "\n" << text_of(*r));
    CHECK(r->ok());
    CHECK(r->self == traded().node(id).writer());
    CHECK(r->role == traded().node(id).role);
    CHECK(r->line("certificates")->count == 4);
    CHECK(r->line("streams")->count > (id == 4 ? 20 : 250));
    CHECK(r->line("entries")->count == r->entries);
    CHECK(r->line("entitlement")->count == r->entries);
    CHECK((r->line("tiles")->count >= 1) == (id != 4));
    CHECK(r->line("prices")->count >= (id == 4 ? 3 : 283));
    CHECK(r->line("projection")->count > 20);
    CHECK((id > 2) == (r->line("observed fold")->count == 0));
    CHECK((id == 1) == (r->line("cosignatures")->count == 0));
    CHECK((id == 1 || r->line("segments")->count > 0));
    CHECK(r->unknown_kinds == 0);
    CHECK(r->currency == "CNY");
    CHECK(r->exponent == 2);
  }
}

TEST_CASE("totals of a chain are those of its business", "[sync][audit]") {
  auto r = traded().check(1);
  REQUIRE(r.ok());
  const audit_totals* t = nullptr;
  for (const auto& x : r->totals)
    if (x.unit == main_unit) t = &x;
  REQUIRE(t);
  CHECK(t->loaded == 520'000);  // the third top-up was taken back
  CHECK(t->received == 0);
  // 20 sales of 1 to 3 loaves at 12.50 and one of product 2 at 25.00; then product 1 at 0.03 and 2 at 0.06.
  amount first = 0;
  for (int i = 0; i < 20; ++i)
    first += 1'250 * (1 + i % 3) + 2'500;
  amount second = (260 - 1) * 9 + (5 * 3 + 6) + (2 * 3 + 6) + (2 * 3 + 6);
  CHECK(t->spent == first + second);
  CHECK(t->held == t->loaded - t->spent);
  CHECK(t->moving == 0);
  CHECK(t->quota_used == 520'000);
  CHECK(t->quota_left + t->quota_used == t->quota_granted);
  CHECK(t->quota_moving == 0);
  CHECK(r->in_transit.empty());
  auto store = traded().check(4);
  REQUIRE(store.ok());
  REQUIRE(store->totals.size() == 1);
  CHECK(store->totals[0].received == 21);  // what the one sale lacked came from the other store
}

TEST_CASE("value on its way is listed with its age", "[sync][audit]") {
  audit_chain c;
  c.history();
  entry send;
  send.kind = entry_kind::send;
  send.peer = c.node(2).writer();
  send.channel = static_cast<std::uint64_t>(
                     number(c.node(3).st->ledger().st(), channel_key(true, c.node(3).writer(), send.peer))) +
                 1;
  send.cause = send_cause::sweep;
  send.account = audit_chain::card;
  send.values = {{purse_paid, main_unit, 0, 300}};
  c.write(3, send);
  // The region's own half stays behind: only the store's journal goes up, as after a crash of the region.
  auto s =
      c.node(3).source->next_segment(c.node(3).journal(), stream_reader(c.node(1).store).size(c.node(3).journal()));
  REQUIRE(s.ok());
  REQUIRE(c.node(1).st->put(segment_arrival{node_id{2}, *s}).ok());
  c.node(1).st->run(1'795'600'000, 1);
  auto batch = c.node(1).st->seal();
  REQUIRE(batch);
  REQUIRE(c.node(1).store.commit(*batch, true).ok());
  audit_options o;
  o.today = day_of(1'795'341'600) + 12;
  auto r = audit(c.node(1).store, c.trust(), c.with(), o);
  REQUIRE(r.ok());
  INFO(text_of(*r));
  CHECK(r->ok());
  REQUIRE(r->in_transit.size() == 1);
  CHECK(r->in_transit[0].from == c.node(3).writer());
  CHECK(r->in_transit[0].to == c.node(2).writer());
  CHECK(r->in_transit[0].days == 10);
  CHECK(r->in_transit[0].account == audit_chain::card);
  CHECK(r->in_transit[0].amounts == std::vector<std::pair<unit_id, amount>>{{main_unit, 300}});
  CHECK(r->totals.at(0).moving == 300);
}

TEST_CASE("a store that was restored goes on in a new epoch, and all of it holds", "[sync][audit]") {
  audit_chain c;
  c.history();
  auto old = c.node(3).store.image();
  c.sell(3, 1);
  c.sell(3, 2);
  c.sync();
  c.restore(3, old, c.node(3).st->ledger().next());
  // Card value is stopped until rights are granted anew; cash is not.
  c.sell_for_cash(3, 2);
  c.publish(3, 450);
  c.sync();
  c.sell_for_cash(3, 1);
  c.sync();
  for (std::uint32_t id : {3U, 2U, 1U}) {
    auto r = c.check(id);
    REQUIRE(r.ok());
    INFO("node " << id << "\n" << text_of(*r));
    CHECK(r->ok());
    CHECK(r->line("prices")->count >= 285);
  }
  CHECK(c.check(3)->self != c.node(3).writer());
}

TEST_CASE("what was granted anew stays good when its life is closed again, for a successor", "[sync][audit]") {
  // The first closing is only in what the nodes below gave back, the second is behind the grant and has a later day.
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  auto let_time_pass = [&](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      net.pass_time(1'100);
      net.sync();
    }
  };
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  net.link(a, net.region(), false);
  entry close;
  close.kind = entry_kind::close_epoch;
  close.subject.node = a.id;
  REQUIRE(net.publish({close}).code == errc::ok);
  net.sync();
  net.go_back(copy);
  net.link(net.region(), hq, true);
  let_time_pass(15);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  auto first = closing_of(hq.st->ledger().st(), a.writer());
  REQUIRE(first.has_value());
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(12);
  REQUIRE(holding(hq.st->ledger().st(), hq.st->ledger().self(), station_net::card) == 1'000);
  net.pass_time(tick_ms{2} * 24 * 3'600'000);
  let_time_pass(12);
  net.link(a, net.region(), true);
  let_time_pass(12);
  auto second = closing_of(hq.st->ledger().st(), a.writer());
  REQUIRE(second.has_value());
  REQUIRE(second->successor != epoch_id{});
  REQUIRE(second->day > first->day + 8);
  auto r = audit(hq.store, {std::string(net.chain), net.root()}, net.with(), {});
  REQUIRE(r.ok());
  INFO(text_of(*r));
  CHECK(r->ok());
}

TEST_CASE("entries of kinds to come are counted and no problem", "[sync][audit]") {
  audit_chain c;
  c.history();
  // A newer store's journal: its last segment ends with a kind that is not built here.
  auto& n = c.node(4);
  kv_view view(n.store);
  stream_writer w(view);
  byte_writer e;
  e.uv(static_cast<std::uint64_t>(entry_kind::deposit));
  e.raw("bytes of a later version");
  w.append_own(n.journal(), e.view(), {});
  w.flush();
  auto batch = view.seal();
  REQUIRE(n.store.commit(batch, true).ok());
  auto s = n.source->next_segment(n.journal(), stream_reader(c.node(2).store).size(n.journal()));
  REQUIRE(s.ok());
  REQUIRE(c.node(2).st->put(segment_arrival{n.id, *s}).ok());
  c.sync();
  auto r = c.check(1);
  REQUIRE(r.ok());
  INFO(text_of(*r));
  CHECK(r->ok());
  CHECK(r->unknown_kinds == 1);
}

TEST_CASE("an audit says so when there is nothing to audit", "[sync][audit]") {
  memory_kv empty;
  CHECK(traded().check(empty).code() == errc::not_found);
  kv_batch b;
  b.put(family::meta, "self", "\x03");
  REQUIRE(empty.commit(b, true).ok());
  CHECK(traded().check(empty).code() == errc::corrupt);
}

TEST_CASE("progress ends at its end", "[sync][audit]") {
  audit_options o;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
  o.progress = [&](std::uint64_t seen, std::uint64_t total) { calls.emplace_back(seen, total); };
  REQUIRE(audit(traded().node(1).store, traded().trust(), traded().with(), o).ok());
  REQUIRE_FALSE(calls.empty());
  CHECK(calls.back().first == calls.back().second);
  CHECK(calls.back().second > 600);
}
