// Which facts of head office reach the disk together, there and at a store.
#include <catch2/catch.hpp>

#include "storage/kv_state.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;

namespace {

/// Cards that are new, with accounts from `first` on.
std::vector<entry> new_cards(std::uint64_t first, std::size_t count) {
  std::vector<entry> out;
  for (std::size_t i = 0; i < count; ++i) {
    entry e;
    e.kind = entry_kind::map_media;
    e.account = {first + i};
    e.account_version = 1;
    e.medium = bytes(8, 'm');
    for (int shift = 56; shift >= 0; shift -= 8)
      e.medium.push_back(static_cast<char>(e.account.value >> shift & 0xFF));
    e.card_kind = 1;
    e.status = card_status::active;
    out.push_back(std::move(e));
  }
  return out;
}

/// One group of head office's reaches its disk.
void one_group(station_net& net) {
  auto& hq = net.hq();
  hq.st->tick(net.now(), net.ticks(), std::uint64_t{1} << 40);
  hq.st->run(net.now(), net.ticks());
  auto batch = hq.st->seal();
  REQUIRE(batch);
  REQUIRE(hq.store.commit(*batch, true).ok());
  (void)hq.st->settled();
}

std::size_t known(const station_net::node& n, std::uint64_t first, std::size_t count) {
  durable_state st(n.store);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i)
    found += card_of(st, {first + i}).has_value();
  return found;
}

}  // namespace

TEST_CASE("a few facts of one request are in one group, however full it is", "[sync][station]") {
  constexpr std::uint64_t many = 100'000, few = 900'000;
  // So many of a long list fill a group; the rest goes into the next.
  std::size_t fill = 0;
  {
    station_net net;
    net.settle(net.hq());
    REQUIRE(net.hq().st->put(facts_request{900, new_cards(many, 17'000)}).ok());
    one_group(net);
    fill = known(net.hq(), many, 17'000);
    REQUIRE(fill > 100);
    REQUIRE(fill < 17'000);
    net.settle(net.hq());
    CHECK(known(net.hq(), many, 17'000) == 17'000);
  }
  // With one less there is room for one change, and not for what two facts make.
  station_net net;
  net.settle(net.hq());
  REQUIRE(net.hq().st->put(facts_request{900, new_cards(many, fill - 1)}).ok());
  REQUIRE(net.hq().st->put(facts_request{901, new_cards(few, 2)}).ok());
  one_group(net);
  CHECK(known(net.hq(), many, fill - 1) == fill - 1);
  CHECK(known(net.hq(), few, 2) == 0);
  one_group(net);
  CHECK(known(net.hq(), few, 2) == 2);
}

namespace {

/// Hands all of head office's directory that the region has to store 3 at once. How many segments, and in how many
/// groups they reach its disk.
std::pair<std::size_t, std::size_t> take_directory(station_net& net) {
  auto& a = net.at(3);
  const stream_id directory{net.hq().writer(), sub_stream::directory, {}};
  std::size_t segments = 0, groups = 0;
  for (auto at = stream_reader(a.store).size(directory); at < net.region().source->size(directory); ++segments) {
    auto s = net.region().source->next_segment(directory, at);
    REQUIRE(s.ok());
    at = s->size_after();
    REQUIRE(a.st->put(segment_arrival{net.region().id, *s}).ok());
  }
  a.st->tick(net.now(), net.ticks(), std::uint64_t{1} << 40);
  for (;;) {
    a.st->run(net.now(), net.ticks());
    auto batch = a.st->seal();
    if (!batch) break;
    groups += batch->empty() ? 0 : 1;
    REQUIRE(a.store.commit(*batch, true).ok());
    (void)a.st->settled();
  }
  return {segments, groups};
}

}  // namespace

TEST_CASE("a store takes a long directory in many groups, each small enough for its memory", "[sync][station]") {
  constexpr std::uint64_t first = 100'000, cards = 2 * segment_entries_max + 100;
  station_net net;
  net.settle(net.hq());
  REQUIRE(net.hq().st->put(facts_request{900, new_cards(first, cards)}).ok());
  net.settle(net.hq());
  net.carry(net.hq(), net.region());
  const auto [segments, groups] = take_directory(net);
  REQUIRE(segments > 2);
  CHECK(groups >= segments - 1);  // one that is short goes with the next
  CHECK(known(net.at(3), first, cards) == cards);
}

TEST_CASE("short segments that come together fill a store's group less than head office's", "[sync][station]") {
  // Each changes more than a store's group may have, and two together less than any other's.
  constexpr std::uint64_t first = 100'000, cards = 2'200, times = 6;
  station_net net;
  net.settle(net.hq());
  for (std::uint64_t i = 0; i < times; ++i) {
    REQUIRE(net.hq().st->put(facts_request{900 + i, new_cards(first + i * cards, cards)}).ok());
    net.settle(net.hq());
    net.carry(net.hq(), net.region());
  }
  const auto [segments, groups] = take_directory(net);
  REQUIRE(segments >= times);
  CHECK(groups >= times);
  CHECK(known(net.at(3), first, times * cards) == times * cards);
}
