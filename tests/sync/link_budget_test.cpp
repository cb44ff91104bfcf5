#include "sync/link_budget.hpp"

#include <catch2/catch.hpp>

using namespace tally;

namespace {

constexpr unix_seconds day = 86'400;
constexpr unix_seconds november = 1'793'491'200;  // 2026-11-01 00:00 UTC; 30 days
constexpr std::uint64_t plan = 10'000'000;

link_budget fresh() { return link_budget({.octets = plan, .hold_ms = 1'000}); }
void use(link_budget& b, std::uint64_t octets, unix_seconds now) {
  for (auto before = b.at(now).used; b.at(now).used < before + octets;)
    b.count(1'000, now);
}

}  // namespace

TEST_CASE("a message takes more on the wire than its octets", "[sync][budget]") {
  CHECK(octets_on_wire(3) == 118);  // a sign of life and its answer: 230 measured
  CHECK(octets_on_wire(1'351) == 1'466);
  CHECK(octets_on_wire(1'352) == 1'545);  // a second packet
  CHECK(octets_on_wire(0) > 0);
}

TEST_CASE("within the share of the days so far sales wait as configured", "[sync][budget]") {
  auto b = fresh();
  CHECK(b.now_for(november) == link_budget::window{1'000, 64});
  use(b, plan / 8 * 7 / 30 - 2'000, november + 10);  // the first day's share
  CHECK(b.now_for(november + 10) == link_budget::window{1'000, 64});
  use(b, 4'000, november + 20);
  CHECK(b.now_for(november + 20) == link_budget::window{120'000, 512});
  CHECK(b.now_for(november + day) == link_budget::window{1'000, 64});  // the next day's share has come
}

TEST_CASE("the further ahead, the longer they wait, and never more than an hour", "[sync][budget]") {
  auto b = fresh();
  auto noon = november + 14 * day + day / 2;  // 15 of 30 days
  use(b, plan / 8 * 7 / 2 + plan / 20, noon);
  CHECK(b.now_for(noon) == link_budget::window{600'000, 512});
  use(b, plan / 4, noon);
  CHECK(b.now_for(noon) == link_budget::window{3'600'000, 4'096});
  CHECK_FALSE(b.is_news(noon));
  use(b, plan, noon);
  CHECK(b.now_for(noon) == link_budget::window{3'600'000, 4'096});
  CHECK(b.is_news(noon));
  CHECK_FALSE(b.is_news(noon + 1));  // said once
  // Longer than an hour only where the owner says so himself.
  link_budget slow({.octets = 1, .hold_ms = 7'200'000});
  slow.count(10, noon);
  CHECK(slow.now_for(noon).hold_ms == 7'200'000);
}

TEST_CASE("a new month begins with nothing used", "[sync][budget]") {
  auto b = fresh();
  use(b, plan * 2, november + 29 * day);
  auto december = november + 30 * day;
  CHECK(b.at(december).used == 0);
  CHECK(b.at(december).month == 202612);
  CHECK(b.now_for(december) == link_budget::window{1'000, 64});
  b.count(10, december);
  CHECK(b.at(december).used == octets_on_wire(10));
  b.count(10, november);  // a clock that went back begins that month anew, and harms nobody
  CHECK(b.at(november).used == octets_on_wire(10));
}

TEST_CASE("without a budget octets are counted and nothing waits longer", "[sync][budget]") {
  link_budget b({.octets = 0, .hold_ms = 5});
  use(b, 100'000'000, november);
  CHECK(b.now_for(november) == link_budget::window{5, 64});
  CHECK_FALSE(b.is_news(november));
  CHECK(b.at(november).used >= 100'000'000);
}

TEST_CASE("what was used survives a restart; damaged notes are left alone", "[sync][budget]") {
  auto b = fresh();
  CHECK_FALSE(b.is_worth_saving());
  use(b, plan * 2, november);
  CHECK(b.is_news(november));
  CHECK(b.is_worth_saving());
  auto data = b.save();
  CHECK_FALSE(b.is_worth_saving());
  auto c = fresh();
  c.restore(data);
  CHECK(c.at(november).used == b.at(november).used);
  CHECK_FALSE(c.is_news(november));
  for (std::size_t n = 0; n < data.size(); ++n) {
    auto d = fresh();
    d.restore(byte_view(data).substr(0, n));
    CHECK(d.at(november).used == 0);
  }
  auto e = fresh();
  e.restore(data + '\0');
  e.restore("\x02\x01\x01\x01");
  CHECK(e.at(november).used == 0);
}

// What messages take is from bench/wire: 388 octets a batch with its cosignature, 22 more a sale, 230 a sign of life.
TEST_CASE("a shop of 6,600 sales a day fits a plan of 10 MB", "[sync][budget]") {
  link_budget b({.octets = plan, .hold_ms = 10'000});
  auto spend = [&](std::uint64_t octets, unix_seconds now) {
    auto one = octets_on_wire(0);
    for (std::uint64_t left = octets; left > 0;) {
      auto n = std::min<std::uint64_t>(left, one + 1'000);
      b.count(n > one ? n - one : 0, now);
      left -= n;
    }
  };
  std::uint64_t waiting = 0;
  unix_seconds since = 0, longest = 0;
  for (unix_seconds t = november; t < november + 30 * day; ++t) {
    if (t % 300 == 0) spend(230, t);
    if (t % 13 == 0 && waiting++ == 0) since = t;
    auto w = b.now_for(t);
    if (waiting == 0 || (t - since < w.hold_ms / 1'000 && waiting < w.entries)) continue;
    longest = std::max(longest, t - since);
    spend(388 + 22 * waiting, t);
    waiting = 0;
  }
  auto f = b.at(november + 30 * day - 1);
  CHECK(f.used < plan);
  CHECK(f.used > plan / 2);
  CHECK(longest <= 3'600);
}
