#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "sim/runner.hpp"

namespace {

using tally::sim::run_seed;

double seconds_to_run() {
  const char* text = std::getenv("TALLY_SIM_SECONDS");
  return text ? std::strtod(text, nullptr) : 10;
}

/// Where seeds begin that no earlier run had: of TALLY_FRESH (./test names the commit and the day), else of the day.
std::uint64_t fresh_seeds() {
  const char* text = std::getenv("TALLY_FRESH");
  auto day = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()).time_since_epoch().count();
  std::uint64_t h = 0xcbf29ce484222325ULL;  // FNV-1a
  for (char c : text&&* text ? std::string(text) : std::to_string(day))
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h >> 16 | 1ULL << 40;  // never one of those that always run
}

}  // namespace

TEST_CASE("the chain keeps its invariants through loss, cuts, crashes and restores", "[sim]") {
  if (const char* one = std::getenv("TALLY_SEED")) {
    auto seed = std::strtoull(one, nullptr, 10);
    auto r = run_seed(seed);
    INFO("replay with TALLY_SEED=" << seed << "\n" << r.last_events);
    REQUIRE(r.why == "");
    return;
  }
  using clock = std::chrono::steady_clock;
  auto end = clock::now() + std::chrono::duration<double>(seconds_to_run());
  tally::sim::tally_of_run sum;
  // The first seeds always run, so that what is covered below does not depend on the machine's speed.
  constexpr std::uint64_t at_least = 60, fresh_at_least = 4;
  auto run_one = [&](std::uint64_t seed, bool counts) {
    auto r = run_seed(seed);
    INFO("replay with TALLY_SEED=" << seed << ", or tallystick-sim --seed " << seed << " --reduce\n" << r.last_events);
    REQUIRE(r.why == "");
    if (counts) sum.add(r.counted);
  };
  for (std::uint64_t seed = 1; seed <= at_least; ++seed)
    run_one(seed, true);
  run_one(100, true);  // payments at head office, which are rare
  // The rest of the time goes to seeds that nobody has seen yet.
  const auto first = fresh_seeds();
  auto seed = first;
  for (; seed < first + fresh_at_least || clock::now() < end; ++seed)
    run_one(seed, false);
  std::cout << "fresh seeds: " << first << " to " << seed - 1 << "\n";
  // A simulation in which nothing happens proves nothing.
  CHECK(sum.approved > 1000);
  CHECK(sum.pulled > 10);
  CHECK(sum.repeated > 10);
  CHECK(sum.reversed > 10);
  CHECK(sum.crashes > 10);
  CHECK(sum.cuts > 10);
  CHECK(sum.commit_faults > 10);
  CHECK(sum.rollbacks > 5);
  CHECK(sum.key_reused > 5);
  CHECK(sum.full > 0);
  CHECK(sum.over_ceiling > 0);
  CHECK(sum.swept > 10);
  CHECK(sum.cards_sold > 10);
  CHECK(sum.cards_back > 2);
  CHECK(sum.captured > 10);
  CHECK(sum.elsewhere > 10);
  CHECK(sum.given > 10);
  CHECK(sum.pins_set > 10);
  CHECK(sum.runs_moved > 0);
  CHECK(sum.pins_right > 10);
  CHECK(sum.pins_wrong > 10);
  CHECK(sum.pins_locked > 5);
  CHECK(sum.at_risk > 10);
  CHECK(sum.by_code > 10);
  CHECK(sum.codes_right > 10);
  CHECK(sum.codes_wrong > 5);
  CHECK(sum.codes_missing > 10);
  CHECK(sum.payments > 2);
  CHECK(sum.by_hand > 2);
  CHECK(sum.used_lost > 10);
  CHECK(sum.written_off > 5);
  CHECK(sum.members_changed > 50);
  CHECK(sum.merged > 5);
  CHECK(sum.members_erased > 2);
  CHECK(sum.applied > 10);
  CHECK(sum.applications_answered > 10);
  CHECK(sum.detours > 10);
  CHECK(sum.new_keys > 10);
  CHECK(sum.shipped_by_detour > 10);
}

// A move that only a backup knows of; lives closed by a wrong clock; a life whose life before is not all here; audits
// of halves that were booked twice, of a life that was closed twice; lending in other units.
TEST_CASE("small seeds that once failed hold", "[sim]") {
  for (std::uint64_t seed :
       {40'001'923U, 40'002'385U, 50'035'669U, 50'039'763U, 50'026'964U, 50'039'875U, 50'027'845U, 70'005'138U,
        90'002'520U, 90'006'895U, 90'038'082U, 100'018'481U, 140'038'287U, 140'041'290U, 30'003'405U, 30'001'981U}) {
    INFO("seed " << seed);
    auto r = tally::sim::run_plan(tally::sim::plan::small(seed));
    INFO(r.last_events);
    CHECK(r.why == "");
  }
}

// Head office's clock is ahead by months once: later leases were over for stores as they came, and stores showed old
// profiles until the old leases ended.
TEST_CASE("members' leases count from the latest time that head office ever signed", "[sim]") {
  for (std::uint64_t seed : {4'000'238U, 4'000'292U}) {
    INFO("seed " << seed);
    auto p = tally::sim::plan::small(seed);
    if (p.restore == tally::sim::restore_kind::top) {  // as it was drawn when backups and burned disks stood apart
      p.restore = tally::sim::restore_kind::none;
      p.ending = tally::sim::ending::burn_and_return;
    }
    p.members = true;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    CHECK(r.counted.members_changed > 0);
  }
}

TEST_CASE("leases of members' keys that end take the keys", "[sim]") {
  std::uint64_t ended = 0;
  for (std::uint64_t seed : {4'000'027U, 4'000'224U, 4'000'482U, 4'000'629U}) {
    INFO("seed " << seed);
    auto p = tally::sim::plan::small(seed);
    p.members = true;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    ended += r.counted.leases_ended;
  }
  CHECK(ended > 4);
}

TEST_CASE("goods of one sale come back at stores that are dark: each within its right, the excess a case", "[sim]") {
  std::uint64_t elsewhere = 0, too_many = 0, ruled = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    tally::sim::plan p;
    p.seed = seed;
    p.stores = 4;
    p.cards = 3;
    p.programme = true;
    p.returns_permille = 350;
    p.trade_ms = 40 * 60'000;
    p.cut_every = 90'000;  // mostly three of the four are dark
    p.cut_max = 20 * 60'000;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    elsewhere += r.counted.elsewhere;
    too_many += r.counted.over_returned;
    ruled += r.counted.ruled;
  }
  CHECK(elsewhere > 50);
  CHECK(too_many > 5);
  CHECK(ruled >= too_many);
}

TEST_CASE("runs of cards move between stores that are dark now and then, and no card is sold twice", "[sim]") {
  std::uint64_t moved = 0, sold = 0, at_once = 0, undone = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    INFO("seed " << seed);
    tally::sim::plan p;
    p.seed = seed;
    p.stores = 3;
    p.cards = 2;
    p.stock = 30;
    p.programme = true;
    p.trade_ms = 6 * 3'600'000;
    p.cut_every = 15 * 60'000;
    p.cut_max = 40 * 60'000;
    p.crash_every = 20 * 60'000;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    at_once += r.counted.sold_at_once;
    undone += r.counted.taken_back;
    moved += r.counted.runs_moved;
    sold += r.counted.cards_sold;
  }
  CHECK(moved > 10);
  CHECK(sold > 40);
  CHECK(at_once > 20);
  CHECK(undone > 0);
}

TEST_CASE("unused cards pay for each month that was seen, at head office, and those in use nothing", "[sim]") {
  std::uint64_t fees = 0, crashes = 0;
  for (std::uint64_t seed = 1; seed <= 7; ++seed) {
    INFO("seed " << seed);
    tally::sim::plan p;
    p.seed = seed;
    p.stores = 3;
    p.cards = 8;
    p.programme = true;
    p.months = 24;
    p.pace = 20;
    p.trade_ms = 16 * 3'600'000;
    p.request_every = 3 * 60'000;
    p.cut_every = 30 * 60'000;
    p.cut_max = 4 * 3'600'000;
    p.crash_every = 3 * 3'600'000;
    p.checkpoint_every = 20;
    p.wrong_clocks = seed % 2 == 0;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    fees += r.counted.fees;
    crashes += r.counted.crashes;
  }
  CHECK(fees > 25);
  CHECK(crashes > 10);
}

TEST_CASE("regions are down for a day, and their stores ship to head office meanwhile", "[sim]") {
  std::uint64_t shipped = 0, pulled = 0;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    tally::sim::plan p;
    p.seed = seed;
    p.stores = 3;
    p.regions = 2;
    p.pace = 20;
    p.trade_ms = 48 * 3'600'000;
    p.request_every = 240'000;
    p.silent_regions = 3;
    p.detour_after_ms = 10 * 60'000;
    p.sweep = {.quiet_ms = 20 * 60'000, .dust = 0, .transit_max = 1'000'000};
    p.programme = seed % 2 == 0;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    shipped += r.counted.shipped_by_detour;
    pulled += r.counted.pulled_by_detour;
  }
  CHECK(shipped > 100);
  CHECK(pulled == 0);  // rights come by the region alone
}

TEST_CASE("stores leave goods out of their copy, and take them after all", "[sim]") {
  std::uint64_t left_out = 0, put_back = 0;
  for (std::uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 10U, 11U, 13U}) {
    INFO("seed " << seed);
    auto p = tally::sim::plan::small(seed);
    p.skipping = 3;
    p.have_what_it_needs();
    p.trade_ms = p.pace * 4 * 3'600'000;
    p.crash_every = p.pace * 20 * 60'000;
    auto r = tally::sim::run_plan(p);
    INFO(r.last_events);
    REQUIRE(r.why == "");
    left_out += r.counted.left_out;
    put_back += r.counted.put_back;
  }
  CHECK(left_out > 50);
  CHECK(put_back > 5);
}

// Each failed until what it found was mended.
TEST_CASE("small chains that once broke a guarantee", "[sim]") {
  const struct {
    std::uint64_t seed;
    const char* with;
  } found[] = {
      {3140, ""},  // head office's word was taken for the region's
      {10248, "restore=3"},
      {13298, "restore=3"},
      {15453, "restore=3"},           // a copy of the same size, and its root
      {12640, ""},                    // a debt whose send was lost with its disk
      {51, "detour=30000,silent=3"},  // what a lost store had sent, head office alone knew
      {30968, ""},                    // a store's journal came before what head office had sent it
      {409, ""},                      // certificates were renewed as the quiet minutes began
      {308662, ""},   // head office's time came before the greeting, to a node whose certificate had ended
      {2023641, ""},  // a debt on its way to a life that ended
      {2049830, ""},  // head office asked once more as it went on
      {9546, "restore=1,restore_region=1,ending=0"},  // an earlier life's cosignature, after the next start
      {719222, "detour=580000"},                      // an old copy as long as the original, and another one
      {124002518, "restore=5,ending=3,regions=2"},    // another machine, of which head office on a backup knew nothing
      {131000052, "ending=5,restore=0"},              // it heard of its closing, and not yet that it was revoked
      {131000758, "ending=5,restore=0"},              // its certificate was renewed as it retired
      {140035597, "restore=5,ending=1,doubt=7"},      // the check: what was sent on to a life in doubt returns after it
      {170016384, "restore=5,ending=1,doubt=7"},      // the check: and is granted anew after it
      {180014669, "restore=5,ending=0"},              // head office on a backup, its clock ahead before
      {172010102, "restore=5,ending=1,new_keys=1"},   // a closed life of which nothing was here
      {50228, "detour=5060000"},                      // what a lost region had passed on returned as well
      {328,
       "restore=5,ending=0,programme=0,months=0,stock=0,risk=0,pins=0,returns=0"},  // a closing not on the disk yet
  };
  for (const auto& f : found) {
    auto p = tally::sim::plan::small(f.seed);
    REQUIRE(p.set("detour=0,silent=0,skip=0"));  // older than these
    REQUIRE(p.set(f.with));
    auto r = tally::sim::run_plan(p);
    INFO("tallystick-sim --small --seed " << f.seed << " --with " << f.with << "\n" << r.last_events);
    CHECK(r.why == "");
  }
}

TEST_CASE("a run depends on its seed alone", "[sim]") {
  auto a = run_seed(7), b = run_seed(7);
  CHECK(a.why == b.why);
  CHECK(a.counted.events == b.counted.events);
  CHECK(a.counted.messages == b.counted.messages);
  CHECK(a.counted.entries == b.counted.entries);
  CHECK(run_seed(8).counted.events != a.counted.events);
}
