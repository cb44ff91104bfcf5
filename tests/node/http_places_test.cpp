#include "node/http_places.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace tally::http;

namespace {

struct guests {
  http_places all;
  explicit guests(std::size_t places) : all(places) {}
  http_places::number come(const std::string& from, std::size_t home = 0) {
    auto a = all.arrive(from, home);
    REQUIRE(a);
    REQUIRE_FALSE(a->pushed_out);
    return a->id;
  }
  /// Who makes room; 0: the newcomer is turned away.
  http_places::number pushed_out_by(const std::string& from) {
    auto a = all.arrive(from, 0);
    if (!a) return 0;
    REQUIRE(a->pushed_out);
    return a->pushed_out->id;
  }
};

}  // namespace

TEST_CASE("who waits longest of the address that has most makes room", "[node][places]") {
  guests g(5);
  auto till = g.come("till");
  auto first = g.come("flood", 7), second = g.come("flood"), third = g.come("flood"), other = g.come("other");
  auto a = g.all.arrive("new", 0);
  REQUIRE((a && a->pushed_out));
  CHECK(a->pushed_out->id == first);
  CHECK(a->pushed_out->home == 7);
  CHECK_FALSE(g.all.works(first));
  g.all.waits(first);  // it has no place that this could give back
  CHECK_FALSE(g.all.works(first));
  g.all.leave(first);

  g.all.waits(second);  // something came of it: now the third waits longest
  CHECK(g.pushed_out_by("flood") == third);
  CHECK(g.pushed_out_by("flood") == second);
  for (int i = 0; i < 100; ++i)
    g.pushed_out_by("flood");
  for (auto kept : {till, other, a->id})
    CHECK(g.all.works(kept));
}

TEST_CASE("who works keeps its place", "[node][places]") {
  guests g(3);
  auto a = g.come("one"), b = g.come("one"), c = g.come("two");
  for (auto id : {a, b})
    REQUIRE(g.all.works(id));
  CHECK(g.pushed_out_by("one") == 0);  // it would have all of them
  CHECK(g.pushed_out_by("three") == c);
  g.all.waits(a);
  CHECK(g.pushed_out_by("three") == a);
  CHECK(g.all.works(b));
}

TEST_CASE("nobody waits, nobody comes in", "[node][places]") {
  guests g(2);
  auto a = g.come("one"), b = g.come("two");
  REQUIRE(g.all.works(a));
  REQUIRE(g.all.works(b));
  CHECK(g.pushed_out_by("three") == 0);
  g.all.leave(a);
  g.come("three");
}

TEST_CASE("of addresses that have as many, the longest wait ends", "[node][places]") {
  guests g(3);
  auto a = g.come("one"), b = g.come("two"), c = g.come("three");
  g.all.waits(a);
  CHECK(g.pushed_out_by("four") == b);
  CHECK(g.pushed_out_by("five") == c);
  CHECK(g.pushed_out_by("six") == a);
}

TEST_CASE("places are never more than there are, whatever comes and goes", "[node][places]") {
  std::mt19937 random(26);
  constexpr std::size_t most = 16;
  http_places all(most);
  std::vector<http_places::number> here;
  for (int step = 0; step < 20'000; ++step) {
    auto pick = [&] { return here[random() % here.size()]; };
    auto what = here.empty() ? 0 : random() % 5;
    if (what < 2) {
      auto a = all.arrive(std::to_string(random() % 4), 0);
      if (a && a->pushed_out) REQUIRE(std::erase(here, a->pushed_out->id) == 1);
      if (a) here.push_back(a->id);
      if (!a) REQUIRE(here.size() == most);
    } else if (what == 2) {
      REQUIRE(all.works(pick()));
    } else if (what == 3) {
      all.waits(pick());
    } else {
      auto id = pick();
      all.leave(id);
      std::erase(here, id);
      REQUIRE_FALSE(all.works(id));
    }
    REQUIRE(here.size() <= most);
  }
}
