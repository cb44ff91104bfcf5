// What a store asks for that it left out: what never comes, what comes wrong, and what stays as it was meanwhile.
#include <catch2/catch.hpp>

#include <algorithm>

#include "storage/upgrade.hpp"
#include "sync/left_out_net.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("what a head office that was cut off announced and lost, a store asks for no more",
          "[sync][left_out][rebuild]") {
  station_net net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true);
  auto &hq = net.hq(), &store = net.at(5);
  auto publish_goods = [&](std::uint32_t from, amount price) {
    std::vector<entry> facts;
    for (auto id = from; id < from + 40; ++id)
      facts.push_back(product_fact(id, price));
    REQUIRE(net.publish(facts).code == errc::ok);
  };
  auto sells = [&](std::uint32_t id, amount sum) {
    sale_command s{net.key(store), {}, {{{id}, 1}}, 0, {}};
    s.tenders = {{tender_kind::cash, main_unit, sum}};
    return why(net.ask(store, s));
  };
  net.link(store, hq, false);
  station_config habits;
  habits.skips = topic_goods;
  net.open(store, habits);
  net.link(store, hq, true);
  publish_goods(1'000, 70);
  net.sync();
  auto copy = hq.store.image();
  net.link(net.region(), hq, false);
  publish_goods(2'000, 71);
  net.sync();
  REQUIRE(store.st->left_out().entries() == 80);
  // The disk burns; the backup is older, and nobody is waited for.
  const stream_id lost = hq.st->directory();
  net.go_back(copy, {net.region().id, store.id});
  for (int i = 0; i < 5 && hq.st->is_rebuilding(); ++i) {
    net.pass_time(11'000);
    net.settle(hq);
  }
  REQUIRE_FALSE(hq.st->is_rebuilding());
  publish_goods(1'000, 75);
  net.open(store, {});
  net.link(store, hq, true);
  for (int i = 0; i < 12; ++i) {
    net.pass_time(5'000);
    net.sync();
  }
  CHECK(stream_reader(store.store).size(lost) > hq.source->size(lost));
  CHECK(store.st->left_out().entries() == 40);
  CHECK_FALSE(store.st->left_out().waits());
  CHECK(sells(1'003, 75) == errc::ok);
  CHECK(sells(2'003, 71) == errc::unknown_product);
  // No alarm, also of the next process, and the data still is of the form that an older program does not open.
  net.open(store, {});
  CHECK_FALSE(store.st->left_out().waits());
  CHECK(sells(1'003, 75) == errc::ok);
  CHECK(format_of(store.store).value() == format_left_out);
  CHECK_FALSE(alarmed(store, errc::corrupt));
  CHECK_FALSE(alarmed(store, errc::left_out));
  // As many as are there are answered.
  const auto size = hq.source->size(lost);
  auto end = hq.source->entries(lost, size - 3, 20);
  REQUIRE(end.ok());
  CHECK(end->size() == 3);
  CHECK(hq.source->entries(lost, size, 20).code() == errc::not_found);
}

TEST_CASE("what is sold by amount stays as it is known while all else is learnt again", "[sync][left_out]") {
  skipping s;
  constexpr std::uint32_t late = by_amount + 1;
  REQUIRE(s.net.publish({product_fact(by_amount, 1, true), product_fact(late, 70)}).code == errc::ok);
  REQUIRE(s.publish_goods(1'000, 3'000).code == errc::ok);
  // Under the same version one is no longer sold so, and another one is now.
  REQUIRE(s.net.publish({product_fact(by_amount, 70), product_fact(late, 1, true)}).code == errc::ok);
  s.net.sync();
  REQUIRE(s.sells(s.store, by_amount, 750, 750) == errc::unknown_product);
  REQUIRE(s.sells(s.store, late, 750, 750) == errc::ok);
  take_after_all(s);
  int pieces = 0;
  for (int i = 0; i < 60 && s.store.st->left_out().waits(); ++i) {
    s.net.pass_time(300);
    if (s.store.st->left_out().has_holes(s.store.st->ledger())) {
      s.net.sync();
    } else {
      s.net.settle(s.store);
      ++pieces;
    }
    REQUIRE(s.sells(s.store, late, 750, 750) == errc::ok);
    if (s.store.st->left_out().waits()) REQUIRE(s.sells(s.store, by_amount, 750, 750) == errc::unknown_product);
  }
  CHECK(pieces > 2);
  REQUIRE_FALSE(s.store.st->left_out().waits());
  CHECK(s.sells(s.store, by_amount, 1, 70) == errc::ok);
  CHECK(s.audited(s.store).ok());
}

TEST_CASE("an answer to no question is not taken, and a wrong one is named once in a while", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  s.net.sync();
  const auto first = stream_reader(s.store.store).runs(s.directory(), 0, UINT64_MAX)->back().first;
  auto all = s.region.source->entries(s.directory(), first, 40);
  REQUIRE(all.ok());
  take_after_all(s);
  s.net.settle(s.store);
  auto send = [&](std::uint64_t at, const std::vector<bytes>& entries) {
    const entry_list list(entries);
    REQUIRE(s.store.st
                ->put(control_arrival{
                    s.region.id,
                    fetched_message{s.directory(), at, static_cast<std::uint32_t>(list.size()), pack_entries(list)}})
                .ok());
    s.net.settle(s.store);
  };
  auto entries = all->copies();
  s.net.forget();
  auto behind = entries;
  behind.emplace_back("more");
  send(first, behind);
  send(first - 1, entries);
  CHECK(s.store.st->left_out().entries() == 40);
  CHECK(s.store.seen.empty());
  auto wrong = entries;
  std::swap(wrong[0], wrong[1]);
  auto alarms = [&] {
    return std::ranges::count_if(s.store.seen, [](const auto& e) { return std::holds_alternative<alarm_effect>(e); });
  };
  for (int i = 0; i < 5; ++i)
    send(first, wrong);
  CHECK(alarms() == 1);
  s.net.pass_time(60'000);
  send(first, wrong);
  CHECK(alarms() == 2);
  // A part of what was asked for is taken as far as it goes.
  send(first, {entries.begin(), entries.begin() + 35});
  const auto left = s.store.st->left_out().entries();
  CHECK(left >= 5);
  CHECK(left < 40);
  s.some_time();
  CHECK_FALSE(s.store.st->left_out().waits());
}

TEST_CASE("a product that a later program wrote counts as one, and is not taken for a broken word",
          "[sync][left_out]") {
  skipping s;
  auto later = product_fact(1'000, 70);
  later.blob = bytes(3, '\xff');
  REQUIRE_FALSE(looks_like_goods(later));
  CHECK(could_be_goods(later));
  CHECK_FALSE(could_be_goods(product_fact(by_amount, 1, true)));
  left_out_watch watch(node_role::store, topic_goods);
  entry run;
  run.kind = entry_kind::topic_run;
  run.topic = publish_topic::product;
  run.size = 20;
  watch.note_run(s.store.st->ledger(), s.directory(), 5, run);
  CHECK(watch.check_announced(s.directory(), 6, later).ok());
  CHECK(watch.check_announced(s.directory(), 6, product_fact(by_amount, 1, true)).code() == errc::wrongly_left_out);
}
