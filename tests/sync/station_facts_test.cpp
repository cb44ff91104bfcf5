// Which facts of head office reach the disk together.
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

std::size_t known(station_net& net, std::uint64_t first, std::size_t count) {
  durable_state st(net.hq().store);
  std::size_t n = 0;
  for (std::size_t i = 0; i < count; ++i)
    n += card_of(st, {first + i}).has_value();
  return n;
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
    fill = known(net, many, 17'000);
    REQUIRE(fill > 100);
    REQUIRE(fill < 17'000);
    net.settle(net.hq());
    CHECK(known(net, many, 17'000) == 17'000);
  }
  // With one less there is room for one change, and not for what two facts make.
  station_net net;
  net.settle(net.hq());
  REQUIRE(net.hq().st->put(facts_request{900, new_cards(many, fill - 1)}).ok());
  REQUIRE(net.hq().st->put(facts_request{901, new_cards(few, 2)}).ok());
  one_group(net);
  CHECK(known(net, many, fill - 1) == fill - 1);
  CHECK(known(net, few, 2) == 0);
  one_group(net);
  CHECK(known(net, few, 2) == 2);
}
