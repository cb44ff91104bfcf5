#include "sync/right_table.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace tally;

namespace {

std::map<right_table::key, std::int64_t> all_of(const right_table& t) {
  std::map<right_table::key, std::int64_t> out;
  for (std::size_t n = 0; n < right_table::parts; ++n)
    for (const auto& i : t.all(n))
      REQUIRE(out.emplace(i.at, i.value).second);
  return out;
}

}  // namespace

TEST_CASE("a table answers as a map would", "[right_table]") {
  std::mt19937_64 dice(GENERATE(1, 2, 3));
  right_table t;
  std::map<right_table::key, std::int64_t> truth, unwritten;
  for (int round = 0; round < 200'000; ++round) {
    right_table::key k{static_cast<std::uint32_t>(1 + dice() % 5), static_cast<std::uint32_t>(dice() % 3),
                       dice() % 8 == 0 ? ~std::uint64_t{0} - dice() % 50 : dice() % 6'000};
    switch (dice() % 4) {
      case 0: {
        auto it = truth.find(k);
        REQUIRE(t.get(k) == (it == truth.end() ? 0 : it->second));
        break;
      }
      case 1:
        t.set(k, 0);
        truth.erase(k);
        unwritten[k] = 0;
        break;
      default: {
        auto v = static_cast<std::int64_t>(dice());
        t.set(k, v);
        truth[k] = v;
        if (v == 0) truth.erase(k);
        unwritten[k] = v;
      }
    }
    if (dice() % 20'000 != 0) continue;
    std::map<right_table::key, std::int64_t> changed;
    for (std::size_t n = 0; n < right_table::parts; ++n)
      for (const auto& i : t.take_changed(n))
        REQUIRE(changed.emplace(i.at, i.value).second);
    REQUIRE(changed == unwritten);
    unwritten.clear();
  }
  REQUIRE(all_of(t) == truth);
}

TEST_CASE("what is loaded is no change, and zeros take no room for ever", "[right_table]") {
  right_table t;
  for (std::uint64_t i = 0; i < 10'000; ++i)
    t.load({1, 1, i}, 7);
  for (std::size_t n = 0; n < right_table::parts; ++n)
    CHECK(t.take_changed(n).empty());
  CHECK(all_of(t).size() == 10'000);
  auto before = t.memory_octets();
  // A hundred times as many keys pass through, a few thousand at a time.
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    t.set({2, 1, i}, 1);
    if (i >= 2'000) t.set({2, 1, i - 2'000}, 0);
    if (i % 2'000 == 0)
      for (std::size_t n = 0; n < right_table::parts; ++n)
        (void)t.take_changed(n);
  }
  CHECK(all_of(t).size() == 12'000);
  CHECK(t.memory_octets() < 4 * before);
}
