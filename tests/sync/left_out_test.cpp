// A store that leaves goods sold by the piece out of its copy of head office's directory.
#include <catch2/catch.hpp>

#include "storage/sha256.hpp"
#include "sync/entry_walk.hpp"
#include "sync/held_rules.hpp"
#include "sync/left_out_net.hpp"
#include "sync/tlog_tiles.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("a store that skips goods has the same head and sells by amount", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.net.publish({product_fact(by_amount, 1, true)}).code == errc::ok);
  REQUIRE(s.publish_goods(1'000, 700).written == 700);
  s.net.sync();
  CHECK(s.store.st->left_out().entries() == 700);
  CHECK(s.whole.st->left_out().entries() == 0);
  stream_reader here(s.store.store), there(s.whole.store);
  CHECK(*here.frontier(s.directory()) == *there.frontier(s.directory()));
  CHECK(s.sells(s.whole, 1'003, 2, 2 * 1'103) == errc::ok);
  CHECK(s.sells(s.store, 1'003, 2, 2 * 1'103) == errc::unknown_product);
  CHECK(s.sells(s.store, 1, 1, station_net::price) == errc::unknown_product);  // known, yet perhaps of an old price
  CHECK(s.sells(s.store, by_amount, 750, 750) == errc::ok);
  s.net.sync();

  auto report = s.audited(s.store);
  CHECK(report.ok());
  CHECK(report.left_out == 700);
  // What its entries name of the directory is compared also where that is the end of what it lacks.
  std::uint64_t compared = 0, named = 0;
  for (const auto& l : report.lines)
    if (l.check == "cited heads") compared = l.count;
  entry_walk own(s.store.store, s.store.journal(), s.store.id, 0, here.size(s.store.journal()));
  while (auto item = own.next())
    if (auto e = decode_entry(item->data); e && e->kind == entry_kind::adopt) ++named;
  CHECK(named > 1);
  CHECK(compared >= named);
  CHECK(s.audited(s.whole).left_out == 0);
  CHECK(s.audited(s.net.hq()).ok());
  // Who looks for rules or rulings finds them; tiles for other tools need every entry.
  auto rules = held_rules(here, s.store.id);
  REQUIRE(rules.ok());
  REQUIRE(rules->newest());
  CHECK(rules->newest()->version == 1);
  struct no_sink final : tile_sink {
    status put(const std::string&, byte_view) override { return done(); }
  } nowhere;
  auto log = stream_log::open(
      {s.store.store, *s.store.certificates, nullptr, std::string(station_net::chain), s.store.id}, s.directory());
  REQUIRE(log.ok());
  auto head = log->head();
  REQUIRE(head.ok());
  auto tiles = write_tiles(*log, s.store.store, s.store.id, head->head, nowhere);
  CHECK(tiles.code() == errc::left_out);
  CHECK(tiles.error().detail.find("link.skip") != std::string::npos);
  // What is here is proved as before, and what is not is named.
  const auto size = here.size(s.directory());
  auto root = here.frontier(s.directory())->root();
  std::uint64_t lacking = 0;
  for (std::uint64_t n = 0; n < size; ++n) {
    auto e = here.entry_of(s.directory(), n, s.store.writer());
    auto nodes = here.nodes(s.directory(), s.store.writer());
    if (!e) {
      REQUIRE(e.code() == errc::left_out);
      ++lacking;
      continue;
    }
    auto there_too = there.entry_of(s.directory(), n, s.whole.writer());
    REQUIRE(there_too.ok());
    REQUIRE(*e == *there_too);
    auto proof = inclusion_proof(n, size, nodes);
    REQUIRE(proof.ok());
    REQUIRE(verify_inclusion(merkle_leaf(*e), n, size, *proof, root));
  }
  CHECK(lacking == 700);  // the announcements among them can be read
}

TEST_CASE("runs that are too short to announce come whole; edits stay right", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 15).code == errc::ok);
  s.net.sync();
  CHECK(s.store.st->left_out().entries() == 0);
  REQUIRE(s.publish_goods(1'000, 40).code == errc::ok);
  // What was sold by amount once always comes: a store must know that it is not any more.
  std::vector<entry> facts{product_fact(by_amount, 1, true)};
  for (std::uint32_t id = 2'000; id < 2'020; ++id)
    facts.push_back(product_fact(id, 50));
  facts.push_back(product_fact(by_amount, 70));
  for (std::uint32_t id = 2'020; id < 2'040; ++id)
    facts.push_back(product_fact(id, 50));
  REQUIRE(s.net.publish(facts).code == errc::ok);
  s.net.sync();
  CHECK(s.store.st->left_out().entries() == 80);
  CHECK(s.sells(s.store, by_amount, 750, 750) == errc::unknown_product);
  CHECK(s.audited(s.store).ok());
}

TEST_CASE("a store that needs goods after all asks for them", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 3'000).code == errc::ok);
  s.net.sync();
  REQUIRE(s.publish_goods(1'500, 40).code == errc::ok);
  s.net.sync();
  REQUIRE(s.store.st->left_out().entries() == 3'040);
  // Before all is here no price is believed, also not by the next process.
  s.net.link(s.store, s.region, false);
  s.net.open(s.store, {});
  CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::unknown_product);
  s.net.link(s.store, s.region, true);
  for (int i = 0; i < 2; ++i) {
    s.net.pass_time(5'000);
    s.net.sync();
    CHECK(s.store.st->left_out().entries() < 3'040);
    CHECK(s.store.st->left_out().waits());
    CHECK(s.audited(s.store).ok());
    CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::unknown_product);
  }
  s.some_time();
  CHECK(s.store.st->left_out().entries() == 0);
  CHECK(s.sells(s.store, 1'003, 1, 1'103) == errc::ok);
  CHECK(s.sells(s.store, 1'510, 1, 1'610) == errc::ok);
  s.net.sync();
  auto report = s.audited(s.store);
  CHECK(report.ok());
  CHECK(report.left_out == 0);
  CHECK(*stream_reader(s.store.store).left_out() == 0);
  // And it takes the next ones whole.
  REQUIRE(s.publish_goods(9'000, 20).code == errc::ok);
  s.net.sync();
  CHECK(s.sells(s.store, 9'001, 1, 9'101) == errc::ok);
}

TEST_CASE("other entries in the place of those that were left out are refused", "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 100).code == errc::ok);
  s.net.sync();
  s.net.link(s.store, s.region, false);
  s.net.open(s.store, {});
  s.net.link(s.store, s.region, true);
  s.net.settle(s.store);
  REQUIRE(s.store.st->left_out().waits());
  auto first = stream_reader(s.store.store).runs(s.directory(), 0, UINT64_MAX)->back().first;
  entry_list cheap;
  for (std::uint32_t i = 0; i < 100; ++i)
    cheap.add(encode_entry(product_fact(1'000 + i, 1)));
  s.net.forget();
  REQUIRE(s.store.st->put(control_arrival{s.region.id, fetched_message{s.directory(), first, 100, pack_entries(cheap)}})
              .ok());
  s.net.settle(s.store);
  CHECK(alarmed(s.store, errc::bad_proof));
  CHECK(s.store.st->left_out().entries() == 100);
  s.net.pass_time(61'000);
  s.some_time();
  CHECK(s.store.st->left_out().entries() == 0);
}

TEST_CASE("a parent that hides anything else is not believed", "[sync][left_out][thief]") {
  skipping s;
  REQUIRE(s.publish_goods(1'000, 20).code == errc::ok);
  s.net.sync();
  s.net.link(s.store, s.region, false);
  // Head office freezes the card, and goods come before and after it.
  entry freeze;
  freeze.kind = entry_kind::card_state;
  freeze.account = station_net::card;
  freeze.status = card_status::frozen;
  freeze.account_version = 2;
  freeze.card_kind = 1;
  REQUIRE(s.publish_goods(2'000, 20).code == errc::ok);
  REQUIRE(s.net.publish({freeze}).code == errc::ok);
  REQUIRE(s.publish_goods(3'000, 20).code == errc::ok);
  s.net.sync();
  const auto have = stream_reader(s.store.store).size(s.directory());
  auto sent = s.net.hq().source->next_segment(s.directory(), have);
  REQUIRE(sent.ok());
  REQUIRE(sent->entries == 43);
  auto hiding = [&](std::vector<entry_run> runs) {
    s.net.forget();
    auto thin = leave_out(*sent, runs);
    REQUIRE(thin.ok());
    REQUIRE(thin->is_thin());
    return s.net.ingest(s.store, s.region.id, *thin);
  };
  // The freeze is entry 21 of these, behind the announced run [1, 21).
  CHECK(hiding({{have + 1, 21}}).code == errc::wrongly_left_out);
  CHECK(alarmed(s.store, errc::wrongly_left_out));
  CHECK(hiding({{have + 21, 1}, {have + 23, 20}}).code == errc::wrongly_left_out);
  // An announcement that is hidden announces nothing.
  CHECK(hiding({{have, 43}}).code == errc::wrongly_left_out);
  CHECK(stream_reader(s.store.store).size(s.directory()) == have);
  // A store that asked for all of it takes no holes at all.
  CHECK(stream_reader(s.whole.store).size(s.directory()) == have + 43);
  s.net.open(s.store, {});
  CHECK(hiding({{have + 1, 20}}).code == errc::wrongly_left_out);
  station_config habits;
  habits.skips = topic_goods;
  s.net.open(s.store, habits);
  CHECK(hiding({{have + 1, 20}, {have + 23, 20}}).code == errc::ok);
  CHECK(card_of(s.store.st->ledger().st(), station_net::card)->status == card_status::frozen);
}

TEST_CASE("nobody but a store takes a stream with holes", "[sync][left_out][thief]") {
  skipping s;
  s.net.link(s.region, s.net.hq(), false);
  REQUIRE(s.publish_goods(1'000, 30).code == errc::ok);
  const auto have = stream_reader(s.region.store).size(s.directory());
  auto sent = s.net.hq().source->next_segment(s.directory(), have);
  REQUIRE(sent.ok());
  auto thin = s.net.hq().source->without(*sent, have, topic_goods);
  REQUIRE(thin.is_thin());
  CHECK(s.net.ingest(s.region, head_office, thin).code == errc::not_entitled);
  // Without its beginning, for who has that.
  auto rest = s.net.hq().source->without(*sent, have + 5, topic_goods);
  CHECK(rest.first == have + 5);
  CHECK(rest.size_after() == sent->size_after());
}

TEST_CASE("who has the entries sees when head office breaks its word", "[sync][left_out]") {
  skipping s;
  auto& hq = s.net.hq();
  REQUIRE(s.net.publish(false_run()).code == errc::ok);
  s.net.forget();
  s.net.sync();
  CHECK(alarmed(s.whole, errc::wrongly_left_out));
  CHECK(alarmed(s.region, errc::wrongly_left_out));
  // The region does not leave it out, whatever was said of it.
  CHECK(s.store.st->left_out().entries() == 0);
  CHECK(card_of(s.store.st->ledger().st(), station_net::card)->status == card_status::frozen);
  auto run = false_run().front();
  run.size = topic_run_max + 1;
  CHECK(s.net.publish({run}).code == errc::malformed);
  run.size = 3;
  run.topic = publish_topic::rules;
  CHECK(s.net.publish({run}).code == errc::malformed);
  CHECK(hq.st->ledger().started());
}

TEST_CASE("a price list of 10,000 costs a store that skips goods a twentieth; members' photos cost nobody anything",
          "[sync][left_out]") {
  skipping s;
  REQUIRE(s.publish_goods(10'000, 10'000).written == 10'000);
  auto octets = [&](topic_set skips) {
    std::size_t sum = 0;
    auto& hq = *s.net.hq().source;
    for (std::uint64_t at = 0; at < hq.size(s.directory());) {
      auto m = hq.next_segment(s.directory(), at);
      REQUIRE(m.ok());
      if (skips != 0) m = hq.without(*m, at, skips);
      sum += encode_segment(*m).size();
      at = m->size_after();
    }
    return sum;
  };
  const auto whole = octets(0), thin = octets(topic_goods);
  INFO(whole << " octets, or " << thin);
  CHECK(thin * 20 < whole);

  // Profiles lie in head office's journal, which goes down to nobody.
  const auto size = s.net.hq().source->size(s.directory());
  std::vector<entry> profiles;
  for (std::uint64_t member = 7'001; member <= 7'100; ++member) {
    entry e;
    e.kind = entry_kind::profile;
    e.account = {member};
    e.account_version = 1;
    e.blob = bytes(24'000, 'p');
    profiles.push_back(e);
  }
  REQUIRE(s.net.publish(profiles).written == 100);
  CHECK(s.net.hq().source->size(s.directory()) == size);
  CHECK(octets(0) == whole);
}
