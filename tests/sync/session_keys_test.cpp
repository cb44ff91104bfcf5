#include <catch2/catch.hpp>

#include "sync/session_sides.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("keys that do not count any more hear why, and nothing else", "[sync][session]") {
  both_sides w;
  w.child.source.sizes[journal] = 5;
  w.parent.source.sizes = {{directory, 4}, {journal, 5}};
  bool connected = GENERATE(true, false);  // when it happens; or its node comes back from the dark
  if (connected) w.connect(0);
  w.parent.source.sizes[directory] = 6;
  w.parent.source.sizes[grants] = 3;
  w.child.source.sizes[journal] = 7;
  auto hello = connected ? session_effects{} : w.parent.talk.connected(1'000);
  auto effects = w.parent.talk.farewell({directory}, 6, errc::revoked, 1'000);
  CHECK(count<close_effect>(effects) == 0);
  if (!connected) {
    w.play(w.child, w.parent, w.child.talk.connected(0), 0);
    w.play(w.child, w.parent, w.child.talk.on_streams(w.of_child, 0), 0);
  }
  w.play(w.parent, w.child, hello, 1'000);
  w.play(w.parent, w.child, effects, 1'000);
  w.play(w.child, w.parent, w.child.talk.on_streams(w.of_child, 2'000), 2'000);
  CHECK(w.child.source.size(directory) == 6);
  CHECK(w.child.source.size(grants) == 0);
  CHECK(w.parent.source.size(journal) == 5);
  REQUIRE(count<close_effect>(w.seen) == 2);  // both ends
  for (const auto& e : w.seen)
    if (const auto* c = std::get_if<close_effect>(&e)) CHECK(c->code == errc::revoked);
}

TEST_CASE("keys that ended in a later life of head office hear of the lives before, too", "[sync][session]") {
  both_sides w;
  const stream_id current{{hq_id, {{7}}}, sub_stream::directory, {}};
  w.parent.source.sizes = {{directory, 4}, {current, 9}, {grants, 3}};
  auto hello = w.parent.talk.connected(1'000);
  auto effects = w.parent.talk.farewell({directory, current}, 1, errc::revoked, 1'000);
  w.play(w.child, w.parent, w.child.talk.connected(0), 0);
  w.play(w.child, w.parent, w.child.talk.on_streams(w.of_child, 0), 0);
  w.play(w.parent, w.child, hello, 1'000);
  w.play(w.parent, w.child, effects, 1'000);
  w.play(w.child, w.parent, w.child.talk.on_streams(w.of_child, 2'000), 2'000);
  CHECK(w.child.source.size(directory) == 4);
  CHECK(w.child.source.size(current) == 1);  // the entry that closes the life before
  CHECK(w.child.source.size(grants) == 0);
}

TEST_CASE("who does not listen to the end of its keys is cut after a while", "[sync][session]") {
  both_sides w;
  w.parent.source.sizes = {{directory, 4}};
  w.connect(0);
  w.parent.source.sizes[directory] = 6;
  auto effects = w.parent.talk.farewell({directory}, 6, errc::revoked, 0);
  CHECK(count<control_effect>(w.parent.talk.on_message(ask_message{1, {17}, purse_paid, 100, 1'000}, 1)) == 0);
  CHECK(count<close_effect>(w.parent.talk.tick(farewell_ms - 1)) == 0);
  CHECK(count<close_effect>(w.parent.talk.tick(farewell_ms)) == 1);
  CHECK(w.parent.talk.tick(farewell_ms + 1).empty());
}

TEST_CASE("whose certificate has ended hears the time again until it asks for the next one", "[sync][session]") {
  both_sides w;
  w.parent.source.sizes = {{directory, 4}};
  w.connect(0);
  const time_message time{1'800'000'000, {}};
  CHECK(count<send_effect>(w.parent.talk.farewell({directory}, UINT64_MAX, errc::not_certified, 0, time)) > 0);
  auto times = [&](tick_ms at) {
    int n = 0;
    for (const auto& e : w.parent.talk.tick(at))
      if (const auto* s = std::get_if<send_effect>(&e)) n += std::holds_alternative<time_message>(s->what) ? 1 : 0;
    return n;
  };
  CHECK(times(59'999) == 0);  // the first is under way, or lost
  CHECK(w.parent.talk.next_due() <= 60'000);
  CHECK(times(60'000) == 1);
  CHECK(times(60'001) == 0);
  CHECK(count<control_effect>(w.parent.talk.on_message(renew_message{}, 60'002)) == 1);
  CHECK(times(120'000) == 0);
}
