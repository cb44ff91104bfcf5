// A store that left goods out needs them after all; what goes wrong on the way.
#include <catch2/catch.hpp>

#include "storage/upgrade.hpp"
#include "sync/held_rules.hpp"
#include "sync/left_out_net.hpp"
#include "sync/what_if.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// The question that a node put since `forget`; null when it put none.
const fetch_message* asked_now(const station_net::node& n) {
  for (const auto& e : n.seen)
    if (const auto* m = std::get_if<to_neighbour>(&e))
      if (const auto* q = std::get_if<fetch_message>(&m->what)) return q;
  return nullptr;
}

void erase_rows(memory_kv& disk, char prefix) {
  kv_batch b;
  for (auto c = disk.scan(family::meta, bytes(1, prefix)); c->valid() && c->key()[0] == prefix; c->next())
    b.erase(family::meta, c->key());
  REQUIRE(disk.commit(b, true).ok());
}

}  // namespace

TEST_CASE("of two prices under one version the last in the directory counts, wherever it was left out",
          "[sync][left_out]") {
  skipping s;
  // 1,005: in a hole, beside it, in a hole, beside it; 1,006: in a hole last; 1,007: in the first hole alone.
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  REQUIRE(s.net.publish({product_fact(1'005, 51), product_fact(1'006, 61)}).code == errc::ok);
  s.net.sync();
  std::vector<entry> facts;
  for (std::uint32_t id = 1'000; id < 1'040; ++id)
    facts.push_back(product_fact(id, id == 1'007 ? 1'107 : 500 + id));
  REQUIRE(s.net.publish(facts).code == errc::ok);
  REQUIRE(s.net.publish({product_fact(1'005, 52)}).code == errc::ok);
  s.net.sync();
  REQUIRE(s.store.st->left_out().entries() == 80);
  take_after_all(s);
  s.some_time();
  REQUIRE(s.store.st->left_out().entries() == 0);
  REQUIRE_FALSE(s.store.st->left_out().waits());
  for (auto* n : {&s.whole, &s.store}) {
    CHECK(s.sells(*n, 1'005, 1, 52) == errc::ok);
    CHECK(s.sells(*n, 1'006, 1, 1'506) == errc::ok);
    CHECK(s.sells(*n, 1'007, 1, 1'107) == errc::ok);
  }
  // Also for the next process.
  s.net.link(s.store, s.region, false);
  s.net.open(s.store, {});
  CHECK(s.sells(s.store, 1'005, 1, 52) == errc::ok);
  CHECK(s.sells(s.store, 1'006, 1, 1'506) == errc::ok);
}

TEST_CASE("the prices of head office's later life stand over those of the one before", "[sync][left_out]") {
  skipping s;
  auto& hq = s.net.hq();
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  s.net.sync();
  // Four lives, so that their numbers are in no order.
  for (std::uint32_t life = 1; life <= 4; ++life) {
    s.net.link(s.region, hq, false);
    kv_batch b;
    mark_as_copy(b, {s.region.id});
    REQUIRE(hq.store.commit(b, true).ok());
    s.net.open(hq);
    REQUIRE(hq.st->begin_restored_epoch(s.net.now()).ok());
    for (int i = 0; i < 5 && hq.st->is_rebuilding(); ++i) {
      s.net.pass_time(11'000);
      s.net.settle(hq);
    }
    REQUIRE_FALSE(hq.st->is_rebuilding());
    std::vector<entry> facts;
    for (std::uint32_t id = 1'000; id < 1'040; ++id)
      facts.push_back(product_fact(id, 1'000 * life + id));
    REQUIRE(s.net.publish(facts).code == errc::ok);
    s.net.link(s.region, hq, true);
    s.net.sync();
  }
  REQUIRE(s.store.st->left_out().entries() == 200);
  CHECK(s.sells(s.whole, 1'005, 1, 5'005) == errc::ok);
  take_after_all(s);
  s.some_time();
  REQUIRE_FALSE(s.store.st->left_out().waits());
  CHECK(s.sells(s.store, 1'005, 1, 5'005) == errc::ok);
  auto held = stream_reader(s.store.store).list();
  REQUIRE(held.ok());
  auto lives = lives_in_order(*held, s.store.st->ledger().st(), *s.store.certificates);
  REQUIRE(lives.size() == 5);
  CHECK(lives.front().writer == hq.writer());
  CHECK(lives.back().writer == hq.st->ledger().self());
  CHECK(s.audited(s.store).ok());
}

TEST_CASE("a store that was updated in the middle of a run takes the rest of it", "[sync][left_out]") {
  skipping s;
  s.net.link(s.store, s.region, false);
  const auto have = stream_reader(s.store.store).size(s.directory());
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  auto& source = *s.net.hq().source;
  auto begin = source.next_segment(s.directory(), have, 9);
  REQUIRE(begin.ok());
  REQUIRE(begin->entries == 9);
  REQUIRE(s.net.ingest(s.store, s.region.id, *begin).code == errc::ok);
  // The program before knew the announcement as an unknown entry, and wrote nothing down.
  erase_rows(s.store.store, 'r');
  station_config habits;
  habits.skips = topic_goods;
  s.net.open(s.store, habits);
  auto rest = source.next_segment(s.directory(), have + 9);
  REQUIRE(rest.ok());
  auto thin = leave_out(*rest, {{have + 9, 32}});
  REQUIRE(thin.ok());
  REQUIRE(thin->is_thin());
  CHECK(s.net.ingest(s.store, s.region.id, *thin).code == errc::ok);
  CHECK(s.store.st->left_out().entries() == 32);
  CHECK(s.audited(s.store).ok());
}

TEST_CASE("an announcement that is none opens nothing", "[sync][left_out]") {
  skipping s;
  left_out_watch watch(node_role::store, topic_goods);
  entry run;
  run.kind = entry_kind::topic_run;
  run.topic = publish_topic::product;
  run.size = topic_run_max + 1;
  watch.note_run(s.store.st->ledger(), s.directory(), 5, run);
  run.size = 20;
  run.topic = publish_topic::rules;
  watch.note_run(s.store.st->ledger(), s.directory(), 5, run);
  entry freeze;
  freeze.kind = entry_kind::card_state;
  CHECK(watch.check_announced(s.directory(), 6, freeze).ok());
  run.topic = publish_topic::product;
  watch.note_run(s.store.st->ledger(), s.directory(), 5, run);
  CHECK(watch.check_announced(s.directory(), 6, freeze).code() == errc::wrongly_left_out);
}

TEST_CASE("questions go around, and one that is never answered is heard of", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 1'000).code == errc::ok);
  s.net.sync();
  REQUIRE(s.publish_goods(3'000, 1'000).code == errc::ok);
  s.net.sync();
  take_after_all(s);
  left_out_watch watch(node_role::store, 0);
  REQUIRE(watch.load(stream_reader(s.store.store)).ok());
  std::set<std::uint64_t> asked;
  std::uint64_t entries = 0;
  for (int i = 0; i < 20; ++i) {
    auto m = watch.question(s.store.st->ledger(), true);
    REQUIRE(m.ok());
    CHECK(m->entries <= fetch_entries_max);
    CHECK(watch.question(s.store.st->ledger(), false)->from == m->from);
    if (!asked.insert(m->from).second) break;
    entries += m->entries;
  }
  CHECK(entries >= 2'000);
  // The parent is there, and says nothing: the same is asked again, each time later, and then the next.
  std::vector<std::pair<tick_ms, fetch_message>> questions;
  std::optional<tick_ms> alarm;
  const auto began = s.net.ticks();
  for (int i = 0; i < 90; ++i) {
    s.net.forget();
    s.net.pass_time(5'000);
    s.net.settle(s.store);
    const auto now = s.net.ticks() - began;
    if (const auto* q = asked_now(s.store)) questions.emplace_back(now, *q);
    if (!alarm && alarmed(s.store, errc::left_out)) alarm = now;
  }
  REQUIRE(questions.size() >= 6);
  CHECK(questions.size() <= 9);
  REQUIRE(alarm);
  CHECK(*alarm > 120'000);
  CHECK(*alarm < 240'000);
  CHECK(questions[0].second == questions[3].second);
  CHECK(questions.back().second.from != questions[questions.size() - 2].second.from);
  for (std::size_t i = 2; i < questions.size(); ++i)
    CHECK(questions[i].first - questions[i - 1].first >= std::min<tick_ms>(questions[i - 1].first, 120'000));
  for (int i = 0; i < 12; ++i)
    s.some_time();
  CHECK_FALSE(s.store.st->left_out().waits());
}

TEST_CASE("many short runs are asked for together", "[sync][left_out]") {
  skipping s;
  std::vector<entry> facts;
  for (std::uint32_t i = 0; i < 30; ++i) {
    for (std::uint32_t id = 0; id < 20; ++id)
      facts.push_back(product_fact(1'000 + 20 * i + id, 50));
    facts.push_back(product_fact(by_amount + i, 1, true));
  }
  REQUIRE(s.net.publish(facts).code == errc::ok);
  s.net.sync();
  REQUIRE(s.store.st->left_out().entries() == 600);
  left_out_watch watch(node_role::store, 0);
  REQUIRE(watch.load(stream_reader(s.store.store)).ok());
  auto m = watch.question(s.store.st->ledger(), false);
  REQUIRE(m.ok());
  CHECK(m->entries >= 600);
  take_after_all(s);
  s.net.pass_time(5'000);
  s.net.sync();
  CHECK(s.store.st->left_out().entries() == 0);
}

TEST_CASE("what was left out comes on a stick as well", "[sync][left_out]") {
  skipping s;
  const auto before = s.net.hq().source->size(s.directory());
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  s.net.sync();
  s.net.link(s.store, s.region, false);
  s.net.open(s.store, {});
  auto whole = s.region.source->next_segment(s.directory(), before);
  REQUIRE(whole.ok());
  REQUIRE_FALSE(whole->is_thin());
  REQUIRE(s.store.st->put(carried_request{1, {segment_message{*whole}}}).ok());
  for (int i = 0; i < 3; ++i) {
    s.net.pass_time(1'000);
    s.net.settle(s.store);
  }
  CHECK(s.store.st->left_out().entries() == 0);
  CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::ok);
}

TEST_CASE("an older program does not open data with goods left out, before all were learnt again", "[sync][left_out]") {
  skipping s;
  CHECK(format_of(s.store.store, format_newest).ok());
  REQUIRE(s.publish_goods(1'000, 3'000).code == errc::ok);
  s.net.sync();
  CHECK(format_of(s.store.store).value() == format_left_out);
  CHECK(format_of(s.store.store, format_newest).code() == errc::unsupported);
  CHECK(format_of(s.whole.store, format_newest).ok());
  // A new life does not forget it.
  take_after_all(s);
  s.store.st->ledger().begin_epoch({.value = {9}}, s.net.now(), {});
  s.net.settle(s.store);
  CHECK(format_of(s.store.store).value() == format_left_out);
  CHECK(upgrade(s.store.store).ok());
  for (int i = 0; i < 40 && s.store.st->left_out().has_holes(s.store.st->ledger()); ++i) {
    s.net.pass_time(300);
    s.net.settle(s.store);
    s.net.carry(s.region, s.store);
    s.net.sync();
  }
  // All is here and not learnt: cut off there, it is learnt by the next process.
  REQUIRE(s.store.st->left_out().entries() == 0);
  for (int i = 0; i < 40 && s.store.st->left_out().waits(); ++i) {
    CHECK(format_of(s.store.store).value() == format_left_out);
    CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::unknown_product);
    if (i == 1) s.net.open(s.store, {});
    s.net.pass_time(300);
    s.net.settle(s.store);
  }
  CHECK_FALSE(s.store.st->left_out().waits());
  CHECK(format_of(s.store.store, format_newest).value() == format_newest);
  CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::ok);
}

TEST_CASE("what was no product comes to light when it is put back, and counts", "[sync][left_out][thief]") {
  skipping s;
  s.net.link(s.store, s.region, false);
  const auto have = stream_reader(s.store.store).size(s.directory());
  REQUIRE(s.net.publish(false_run()).code == errc::ok);
  s.net.sync();
  auto sent = s.net.hq().source->next_segment(s.directory(), have);
  REQUIRE(sent.ok());
  auto thin = leave_out(*sent, {{have + 1, 1}});
  REQUIRE(thin.ok());
  REQUIRE(s.net.ingest(s.store, s.region.id, *thin).code == errc::ok);
  CHECK(card_of(s.store.st->ledger().st(), station_net::card)->status == card_status::active);
  s.net.forget();
  take_after_all(s);
  s.some_time();
  CHECK(alarmed(s.store, errc::wrongly_left_out));
  CHECK(card_of(s.store.st->ledger().st(), station_net::card)->status == card_status::frozen);
  CHECK_FALSE(s.store.st->left_out().waits());
}

TEST_CASE("a damaged segment with entries left out stops no store, and no goods are sold", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  s.net.sync();
  const auto first = stream_reader(s.store.store).thin_segments(s.directory())->front();
  auto thin = stream_reader(s.store.store).foreign_segment(s.directory(), first);
  REQUIRE(thin.ok());
  thin->payload[thin->payload.size() / 2] ^= 1;
  thin->payload.resize(thin->payload.size() - 3);
  kv_batch b;
  b.put(family::segments, segment_key(s.directory(), first), encode_segment(*thin));
  REQUIRE(s.store.store.commit(b, true).ok());
  s.net.forget();
  take_after_all(s);
  s.some_time();
  CHECK(s.store.st->left_out().waits());
  CHECK(alarmed(s.store, errc::corrupt));
  CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::unknown_product);
  CHECK(s.sells(s.store, 1, 1, station_net::price) == errc::unknown_product);
}

TEST_CASE("cut off anywhere while it asks again, a store goes on and sells at no old price", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 600).code == errc::ok);
  REQUIRE(s.net.publish({product_fact(1'005, 51)}).code == errc::ok);
  s.net.sync();
  REQUIRE(s.store.st->left_out().entries() == 600);
  const auto first = stream_reader(s.store.store).runs(s.directory(), 0, UINT64_MAX)->back().first;
  take_after_all(s);
  // Taken and not written: it is gone with the process.
  auto all = s.region.source->entries(s.directory(), first, 600);
  REQUIRE(all.ok());
  s.net.settle(s.store);
  REQUIRE(s.store.st->put(control_arrival{s.region.id, fetched_message{s.directory(), first, 600, pack_entries(*all)}})
              .ok());
  s.store.st->run(s.net.now(), s.net.ticks());
  CHECK(s.store.st->left_out().entries() == 0);
  s.net.open(s.store, {});
  CHECK(s.store.st->left_out().entries() == 600);
  // Then after each step.
  int steps = 0;
  for (; s.store.st->left_out().waits() && steps < 40; ++steps) {
    CHECK(s.sells(s.store, 1'005, 1, 51) == errc::unknown_product);
    s.net.open(s.store, {});
    s.net.link(s.store, s.region, true);
    s.net.pass_time(5'000);
    s.net.sync();
    // Back to leaving out, in the middle: what is here stays, and none is sold.
    if (steps == 0) {
      s.reopen(topic_goods);
      CHECK(s.sells(s.store, 1'005, 1, 51) == errc::unknown_product);
      REQUIRE(s.publish_goods(2'000, 20).code == errc::ok);
      s.net.sync();
      CHECK(s.store.st->left_out().entries() >= 20);
      take_after_all(s);
    }
  }
  CHECK(steps > 1);
  CHECK(steps < 40);
  CHECK(s.sells(s.store, 1'005, 1, 51) == errc::ok);
  CHECK(s.sells(s.store, 2'005, 1, 2'105) == errc::ok);
  CHECK(s.audited(s.store).ok());
}

TEST_CASE("a full disk takes nothing back", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  s.net.sync();
  s.net.link(s.store, s.region, false);
  station_config habits;
  habits.reserve_bytes = 1'000'000;
  s.net.open(s.store, habits);
  const auto first = stream_reader(s.store.store).runs(s.directory(), 0, UINT64_MAX)->back().first;
  auto all = s.region.source->entries(s.directory(), first, 40);
  REQUIRE(all.ok());
  const fetched_message m{s.directory(), first, 40, pack_entries(*all)};
  s.net.settle(s.store, 1'000);
  CHECK(s.store.st->next_due() > s.net.ticks());
  s.net.link(s.store, s.region, true);
  s.net.settle(s.store);
  REQUIRE(s.store.st->put(control_arrival{s.region.id, m}).ok());
  s.net.settle(s.store, 1'000);
  CHECK(s.store.st->left_out().entries() == 40);
  s.net.settle(s.store);
  REQUIRE(s.store.st->put(control_arrival{s.region.id, m}).ok());
  s.net.settle(s.store);
  CHECK(s.store.st->left_out().entries() == 0);
}

TEST_CASE("head office on a backup says that a store which left goods out cannot give them back",
          "[sync][left_out][rebuild]") {
  station_net net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true);
  auto &hq = net.hq(), &store = net.at(5);
  net.link(store, hq, false);
  station_config habits;
  habits.skips = topic_goods;
  net.open(store, habits);
  net.link(store, hq, true);
  net.sync();
  auto copy = hq.store.image();
  std::vector<entry> facts;
  for (std::uint32_t id = 1'000; id < 1'040; ++id)
    facts.push_back(product_fact(id, 70));
  REQUIRE(net.publish(facts).code == errc::ok);
  net.sync();
  REQUIRE(store.st->left_out().entries() == 40);
  net.go_back(copy);
  net.forget();
  const stream_id lost{hq.writer(), sub_stream::directory, {}};
  auto thin = stream_reader(store.store).foreign_segment(lost, stream_reader(hq.store).size(lost));
  REQUIRE(thin.ok());
  CHECK(net.ingest(hq, store.id, *thin).code == errc::not_entitled);
  CHECK(alarmed(hq, errc::left_out));
  CHECK(hq.st->rebuilt().lacking == std::vector<node_id>{store.id});
  // The region has all of it, and the store gets on with it.
  net.link(net.region(), hq, true);
  for (int i = 0; i < 15; ++i) {
    net.pass_time(1'100);
    net.sync();
  }
  CHECK(hq.source->size(lost) == store.source->size(lost));
}

TEST_CASE("what lacks entries is handed on as it is; what sales cost is seen past it", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  s.net.sync();
  const auto first = stream_reader(s.store.store).thin_segments(s.directory())->front();
  auto thin = stream_reader(s.store.store).foreign_segment(s.directory(), first);
  REQUIRE(thin.ok());
  auto again = thinned(*thin, first, topic_goods, {{first, thin->entries}});
  REQUIRE(again.ok());
  CHECK(again->payload == thin->payload);
  // Rules behind the hole count.
  REQUIRE(s.net.publish({product_fact(by_amount, 1, true)}).code == errc::ok);
  s.net.sync();
  REQUIRE(s.sells(s.store, by_amount, 750, 750) == errc::ok);
  auto rules = held_rules(stream_reader(s.store.store), s.store.id);
  REQUIRE(rules.ok());
  auto free = *decode_product(product_fact(by_amount, 1, true).blob);
  auto report = what_if(s.store.store, s.store.id, *rules->newest(), {free}, 7);
  REQUIRE(report.ok());
  CHECK(report->sum.sales == 1);
  CHECK(report->sum.due_then == 750);
}
