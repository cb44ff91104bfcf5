#include "sync/sweeper.hpp"

#include <catch2/catch.hpp>

using namespace tally;

namespace {
constexpr account_id one{1}, two{2};
constexpr sweep_limits soon{.quiet_ms = 1'000, .dust = 100, .transit_max = 5'000};
}  // namespace

TEST_CASE("an account that was asked for from elsewhere is due when it was quiet for long enough", "[sync][sweeper]") {
  sweeper s(soon);
  CHECK(s.next_due() == INT64_MAX);
  s.left(one, 10);
  s.left(two, 500);
  CHECK(s.next_due() == 1'010);
  CHECK(s.due(1'009).empty());
  CHECK(s.due(1'010) == std::vector{one});
  CHECK(s.due(1'010).empty());
  CHECK(s.due(9'999) == std::vector{two});
  CHECK(s.counted().waiting == 0);
}

TEST_CASE("what is used here stays here", "[sync][sweeper]") {
  sweeper s(soon);
  s.left(one, 0);
  s.used(one);
  CHECK(s.due(100'000).empty());
  s.left(one, 0);
  s.left(one, 900);  // asked for again: the time begins anew
  CHECK(s.due(1'000).empty());
  CHECK(s.due(1'900).size() == 1);
}

TEST_CASE("dust stays, and no more is on its way than was agreed", "[sync][sweeper]") {
  sweeper s(soon);
  CHECK(s.share(one, 99, 0) == 0);
  CHECK(s.share(one, 0, 0) == 0);
  CHECK(s.share(one, 100, 0) == 100);
  CHECK(s.counted().waiting == 0);

  CHECK(s.share(one, 6'000, 5) == 5'000);
  s.sent(40, 5'000);
  CHECK(s.room() == 0);
  CHECK(s.counted().waiting == 1);  // the rest waits for room, not for quiet
  CHECK(s.next_due() == INT64_MAX);
  CHECK(s.due(1'000'000).empty());
  CHECK(s.share(two, 700, 5) == 0);

  s.acknowledged(40);  // entries 0 to 39
  CHECK(s.room() == 0);
  s.acknowledged(41);
  CHECK(s.room() == 5'000);
  CHECK(s.due(5).size() == 2);
  CHECK(s.counted().sends == 1);
  CHECK(s.counted().value == 5'000);
}

TEST_CASE("a sweeper is bounded, and can be turned off", "[sync][sweeper]") {
  sweeper s(soon);
  for (std::uint64_t i = 0; i < sweeper::accounts_max + 10; ++i)
    s.left({i}, static_cast<tick_ms>(i));
  CHECK(s.counted().waiting == sweeper::accounts_max);
  CHECK(s.due(10'000'000).size() == sweeper::batch_max);

  sweeper off({.quiet_ms = 0});
  off.left(one, 0);
  CHECK(off.due(1'000'000).empty());
}
