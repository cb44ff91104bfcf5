// What a session leaves out for a peer that says so, and what it is asked for later.
#include <catch2/catch.hpp>

#include "sync/session_sides.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// Says of each segment whether it was asked to leave something out.
struct thinning_source : test::counted_source {
  mutable topic_set asked = 0;
  mutable std::uint64_t asked_from = 0;
  std::size_t octets = 5;
  segment without(const segment& whole, std::uint64_t from, topic_set topics) const override {
    asked = topics, asked_from = from;
    return whole;
  }
  result<entry_list> entries(const stream_id&, std::uint64_t from, std::uint64_t n) const override {
    entry_list out;
    for (auto i = from; i < from + n; ++i)
      out.add(bytes(octets, 'e'));
    return out;
  }
};

}  // namespace

TEST_CASE("only a peer that says so gets streams with entries left out", "[sync][session][left_out]") {
  const stream_id of_hq{{{1}, {{1}}}, sub_stream::directory, {}};
  auto shipped = [&](const hello_message& hello, const stream_id& stream) {
    thinning_source source;
    source.sizes[stream] = 50;
    session parent({.self = parent_id, .accepts = [](const stream_id&) { return false; }}, source);
    (void)parent.connected(0);
    (void)parent.on_streams({stream}, 0);
    (void)parent.on_message(hello, 0);
    REQUIRE(sent<segment_message>(parent.on_message(want_message{stream, 7, {}}, 0)).size() == 1);
    if (source.asked != 0) CHECK(source.asked_from == 7);
    return source.asked;
  };
  CHECK(shipped({1, 2, child_id, true, 0, topic_goods}, of_hq) == topic_goods);
  CHECK(shipped({1, 2, child_id, true, 0, 0}, of_hq) == 0);
  CHECK(shipped({1, 1, child_id, true, 0, topic_goods}, of_hq) == 0);
  CHECK(shipped({1, 2, child_id, true, 0, topic_goods}, grants) == 0);
  thinning_source none;
  session child({.self = child_id, .accepts = [](const stream_id&) { return true; }, .skips = topic_goods}, none);
  auto greeting = sent<hello_message>(child.connected(0));
  REQUIRE(greeting.size() == 1);
  CHECK(greeting[0].skips == topic_goods);
  CHECK(greeting[0].version_min == 1);
}

TEST_CASE("a peer asks for entries now and then, and only for what it is offered", "[sync][session][left_out]") {
  thinning_source source;
  source.sizes[directory] = 50;
  session parent({.self = parent_id, .accepts = [](const stream_id&) { return false; }}, source);
  (void)parent.connected(0);
  (void)parent.on_streams({directory}, 0);
  (void)parent.on_message(hello_message{1, 2, child_id, true, 0, 0}, 0);
  auto answers = sent<fetched_message>(parent.on_message(fetch_message{directory, 3, 20}, 1'000));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].first == 3);
  CHECK(answers[0].entries == 20);
  CHECK(sent<fetched_message>(parent.on_message(fetch_message{directory, 3, 20}, 1'100)).empty());
  CHECK(sent<fetched_message>(parent.on_message(fetch_message{directory, 3, 20}, 1'300)).size() == 1);
  CHECK(sent<fetched_message>(parent.on_message(fetch_message{journal, 3, 20}, 5'000)).empty());
  CHECK(sent<fetched_message>(parent.on_message(fetch_message{grants, 3, 20}, 5'000)).empty());
  // While something else is under way there is no answer: it would queue up on a slow line.
  REQUIRE(sent<segment_message>(parent.on_message(want_message{directory, 0, {}}, 6'000)).size() >= 1);
  CHECK(sent<fetched_message>(parent.on_message(fetch_message{directory, 3, 20}, 7'000)).empty());
  REQUIRE(sent<fetched_message>(parent.on_message(have_message{directory, 50}, 8'000)).empty());
  CHECK(sent<fetched_message>(parent.on_message(fetch_message{directory, 3, 20}, 9'000)).size() == 1);
  // An answer is no longer than 64 KiB, but as long as what stands for one hash.
  source.octets = 200;
  answers = sent<fetched_message>(parent.on_message(fetch_message{directory, 3, 1'000}, 10'000));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].entries > 256);
  CHECK(answers[0].entries <= 64 * 1024 / 200);
  source.octets = 1'000;
  answers = sent<fetched_message>(parent.on_message(fetch_message{directory, 256, 512}, 11'000));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].entries == 256);
  // One that does not know the question is not asked.
  side child{child_id, [](const stream_id&) { return true; }};
  (void)child.talk.connected(0);
  (void)child.talk.on_message(hello_message{1, 1, parent_id, true}, 0);
  CHECK(sent<fetch_message>(child.talk.say(fetch_message{directory, 3, 20}, 0)).empty());
  (void)child.talk.on_message(hello_message{1, 2, parent_id, true}, 0);
  CHECK(sent<fetch_message>(child.talk.say(fetch_message{directory, 3, 20}, 0)).size() == 1);
}
