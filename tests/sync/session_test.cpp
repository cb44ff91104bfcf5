#include "sync/session.hpp"

#include <catch2/catch.hpp>

#include "sync/session_sides.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("a session ships what is missing both ways and then is silent", "[sync][session]") {
  both_sides w;
  w.child.source.sizes[journal] = 50;
  w.parent.source.sizes = {{directory, 9}, {grants, 3}, {journal, 20}};
  w.connect(0);
  CHECK(w.parent.source.size(journal) == 50);
  CHECK(w.child.source.size(directory) == 9);
  CHECK(w.child.source.size(grants) == 3);
  CHECK(w.child.talk.backlog() == 0);
  CHECK(w.parent.talk.backlog() == 0);
  auto before = w.messages;
  for (tick_ms now = 1'000; now < 3'600'000; now += 1'000)
    w.tick(now);
  CHECK(w.messages == before);

  w.child.source.sizes[journal] = 51;
  w.play(w.child, w.parent, w.child.talk.on_streams({journal}, 3'700'000), 3'700'000);
  CHECK(w.parent.source.size(journal) == 51);
  CHECK(w.messages == before + 2);  // the segment and its cosignature
}

TEST_CASE("a session resumes at the exact entry", "[sync][session]") {
  lone_child c(10, 4);
  auto segments = sent<segment_message>(c.first);
  REQUIRE(segments.size() == 6);
  CHECK(segments.front().seg.first == 4);
  CHECK(segments.back().seg.first == 9);
}

TEST_CASE("a lost greeting is said again, and two greetings never chase one another", "[sync][session]") {
  both_sides w;
  w.drop_all = true;
  w.connect(0);
  w.drop_all = false;
  CHECK_FALSE(w.child.talk.greeted());
  w.play(w.child, w.parent, w.child.talk.tick(4'999), 4'999);
  CHECK_FALSE(w.child.talk.greeted());
  w.play(w.child, w.parent, w.child.talk.tick(5'000), 5'000);
  CHECK(w.child.talk.greeted());
  CHECK(w.parent.talk.greeted());

  lone_child c(3);
  CHECK(sent<hello_message>(c.say(hello_message{1, 1, parent_id, true})).empty());
  auto answer = sent<hello_message>(c.say(hello_message{1, 1, parent_id, false}));
  REQUIRE(answer.size() == 1);
  CHECK(answer[0].greeted);
}

TEST_CASE("a peer that starts anew is offered everything again", "[sync][session]") {
  lone_child c(3);
  auto effects = c.say(hello_message{1, 1, parent_id, false});
  auto heads = sent<heads_message>(effects);
  REQUIRE(heads.size() == 1);
  REQUIRE(heads[0].items.size() == 1);
  CHECK(heads[0].items[0] == heads_message::item{journal, 3});
  CHECK(sent<segment_message>(c.say(want_message{journal, 1, std::nullopt})).size() == 2);
}

TEST_CASE("repeats and late words are harmless", "[sync][session]") {
  lone_child c(10);
  REQUIRE(sent<segment_message>(c.first).size() == 10);
  CHECK(c.say(have_message{journal, 7}).empty());
  CHECK(c.child.talk.backlog() == 3);
  CHECK(c.say(have_message{journal, 7}).empty());
  CHECK(c.say(have_message{journal, 5}).empty());
  CHECK(c.child.talk.backlog() == 3);
  CHECK(c.say(want_message{journal, 2, std::nullopt}).empty());  // came late: seven are acknowledged
  CHECK(c.say(have_message{journal, 11}).empty());               // more than there is
  CHECK(c.child.talk.backlog() == 3);
  CHECK(sent<segment_message>(c.say(want_message{journal, 8, std::nullopt})).size() == 2);
}

TEST_CASE("a segment that does not verify ends the session", "[sync][session]") {
  auto code = GENERATE(errc::bad_signature, errc::malformed, errc::bad_proof);
  lone_child c(1);
  auto effects = c.child.talk.on_ingested(directory, 0, code, false, 0);
  auto refusals = sent<refuse_message>(effects);
  REQUIRE(refusals.size() == 1);
  CHECK(refusals[0].code == code);
  CHECK(count<close_effect>(effects) == 1);
  CHECK(c.say(have_message{journal, 1}).empty());
  CHECK(c.say(want_message{journal, 0, std::nullopt}).empty());
  CHECK(c.child.talk.tick(100'000).empty());
}

TEST_CASE("what only has to wait does not end it", "[sync][session]") {
  auto code = GENERATE(errc::busy, errc::not_certified, errc::io);
  lone_child c(1);
  CHECK(c.child.talk.on_ingested(directory, 0, code, false, 0).empty());
  CHECK_FALSE(sent<want_message>(c.say(heads_message{{{directory, 5}}})).empty());
}

TEST_CASE("a gap asks from the durable end, once for many segments behind it", "[sync][session]") {
  lone_child c(1);
  c.child.source.sizes[directory] = 4;
  (void)c.say(heads_message{{{directory, 90}}});
  (void)c.child.talk.on_ingested(directory, 5, errc::ok, true, 0);  // asked from 4 before
  auto first = sent<want_message>(c.child.talk.on_ingested(directory, 5, errc::gap, false, 0));
  REQUIRE(first.size() == 1);
  CHECK(first[0].from == 5);
  CHECK(c.child.talk.on_ingested(directory, 5, errc::gap, false, 10).empty());
  CHECK(c.child.talk.on_ingested(directory, 5, errc::gap, false, 20).empty());
  CHECK(sent<want_message>(c.child.talk.on_ingested(directory, 5, errc::gap, false, 9'000)).size() == 1);
}

TEST_CASE("no more than the credit is under way, and it grows while answers are quick", "[sync][session]") {
  side child{child_id, [](const stream_id&) { return false; }};
  child.source.sizes[journal] = 1'000;
  child.source.cut = 1;
  child.source.octets = 4'000;
  (void)child.talk.connected(0);
  (void)child.talk.on_streams({journal}, 0);
  (void)child.talk.on_message(hello_message{1, 1, parent_id, true}, 0);
  std::uint64_t shipped = 0, acked = 0;
  auto count_up = [&](const session_effects& effects) {
    for (const auto& s : sent<segment_message>(effects)) {
      CHECK(s.seg.first == shipped);
      shipped = s.seg.size_after();
    }
  };
  count_up(child.talk.on_message(want_message{journal, 0, std::nullopt}, 0));
  CHECK(shipped == 4);  // 16 KiB at first
  CHECK(sent<segment_message>(child.talk.on_streams({journal}, 1)).empty());
  tick_ms now = 0;
  for (std::uint64_t under_way : {8U, 16U, 32U, 64U, 128U, 128U}) {
    acked = shipped;
    now += 100;
    count_up(child.talk.on_message(have_message{journal, acked}, now));
    CHECK(shipped - acked == under_way);  // up to 512 KiB
  }
  // A line that takes ten seconds for it is given half as much the next time.
  acked = shipped;
  now += 10'000;
  count_up(child.talk.on_message(have_message{journal, acked}, now));
  CHECK(shipped - acked == 64);
}

TEST_CASE("a slow line is not asked to carry the same again", "[sync][session]") {
  lone_child c(200);
  c.child.source.octets = 1'000;
  (void)c.say(have_message{journal, 100}, 9'000);  // the first took nine seconds
  CHECK(sent<segment_message>(c.child.talk.tick(20'000)).empty());
  CHECK(sent<segment_message>(c.child.talk.tick(35'000)).empty());
  CHECK_FALSE(sent<segment_message>(c.child.talk.tick(36'000)).empty());
}

TEST_CASE("a head that both know is not repeated on the wire", "[sync][session]") {
  lone_child c(4);
  auto effects = c.say(brief_cosign_message{3, {1}, 77, {}});
  REQUIRE(count<control_effect>(effects) == 1);
  const auto& whole = std::get<cosign_message>(std::get<control_effect>(effects[0]).what);
  CHECK(whole == cosign_message{journal, 3, c.child.source.root, {1}, 77, {}});
  CHECK(c.child.talk.backlog() == 1);
  CHECK(c.say(brief_cosign_message{5, {1}, 77, {}}).empty());  // more than there is

  side parent{parent_id, [](const stream_id& id) { return id.sub == sub_stream::journal; }};
  (void)parent.talk.connected(0);
  CHECK(parent.talk.on_message(brief_segment_message{0, 1, {}, "x"}, 0).empty());  // from nobody yet
  (void)parent.talk.on_message(hello_message{1, 1, child_id, true}, 0);
  effects = parent.talk.on_message(brief_segment_message{0, 1, {}, "x"}, 0);
  REQUIRE(count<ingest_effect>(effects) == 1);
  CHECK(std::get<ingest_effect>(effects[0]).what.stream == journal);
  // Its own cosignature is brief, one for somebody further down is not.
  effects = parent.talk.say(cosign_message{journal, 1, {}, {1}, 5, {}}, 0);
  REQUIRE(effects.size() == 1);
  CHECK(std::holds_alternative<brief_cosign_message>(std::get<send_effect>(effects[0]).what));
  CHECK(sent<cosign_message>(parent.talk.say(cosign_message{earlier, 1, {}, {1}, 5, {}}, 0)).size() == 1);
}

TEST_CASE("where messages cost money, entries wait for company", "[sync][session]") {
  side child{child_id, [](const stream_id&) { return false; }, 60'000};
  (void)child.talk.connected(0);
  (void)child.talk.on_streams({journal}, 0);
  (void)child.talk.on_message(hello_message{1, 1, parent_id, true}, 0);
  child.source.sizes[journal] = 3;
  // Who connects does not wait.
  CHECK(sent<segment_message>(child.talk.on_message(want_message{journal, 0, std::nullopt}, 0)).size() == 1);
  (void)child.talk.on_message(have_message{journal, 3}, 10);
  auto grow = [&](std::uint64_t size, tick_ms now) {
    child.source.sizes[journal] = size;
    return sent<segment_message>(child.talk.on_streams({journal}, now));
  };
  CHECK(grow(4, 1'000).empty());
  CHECK(grow(5, 30'000).empty());
  CHECK(child.talk.tick(60'999).empty());
  auto both = sent<segment_message>(child.talk.tick(61'000));
  REQUIRE(both.size() == 1);
  CHECK(both[0].seg.first == 3);
  CHECK(both[0].seg.entries == 2);
  (void)child.talk.on_message(have_message{journal, 5}, 61'100);
  // Many do not wait, nor what somebody waits for.
  CHECK(grow(68, 62'000).empty());
  CHECK(grow(69, 63'000).size() == 1);
  (void)child.talk.on_message(have_message{journal, 69}, 63'100);
  CHECK(grow(70, 64'000).empty());
  CHECK(sent<segment_message>(child.talk.hurry(64'001)).size() == 1);
  (void)child.talk.on_message(have_message{journal, 70}, 64'100);
  CHECK(grow(71, 65'000).empty());
  // The window may change while something waits.
  child.talk.hold(300'000, 2);
  CHECK(child.talk.tick(125'001).empty());
  CHECK(child.talk.next_due() == 365'000);
  child.talk.hold(120'000, 64);
  CHECK(sent<segment_message>(child.talk.tick(185'000)).size() == 1);
  (void)child.talk.on_message(have_message{journal, 71}, 185'100);
  child.talk.hold(0, 64);
  CHECK(grow(72, 186'000).size() == 1);
}

TEST_CASE("head office's signatures ride along with other traffic", "[sync][session]") {
  side region{{{2}, {{2}}}, [](const stream_id& id) { return id.sub == sub_stream::journal; }, 60'000};
  (void)region.talk.connected(0);
  (void)region.talk.on_message(hello_message{1, 1, child_id, true}, 0);
  auto cosign = [](std::uint64_t size, node_id by) { return cosign_message{journal, size, {}, by, 5, {}}; };
  CHECK(region.talk.say(cosign(1, hq_id), 0).empty());
  CHECK(region.talk.say(cosign(3, hq_id), 1'000).empty());
  CHECK(region.talk.say(cosign(2, hq_id), 2'000).empty());  // came late
  auto effects = region.talk.say(cosign(4, {2}), 3'000);
  REQUIRE(effects.size() == 2);
  CHECK(std::get<brief_cosign_message>(std::get<send_effect>(effects[0]).what).size == 4);
  CHECK(std::get<brief_cosign_message>(std::get<send_effect>(effects[1]).what).size == 3);
  // Alone they go when their time is up.
  CHECK(region.talk.say(cosign(4, hq_id), 4'000).empty());
  CHECK(region.talk.tick(63'999).empty());
  CHECK(region.talk.tick(64'000).size() == 1);
}

TEST_CASE("head office's time goes at once to who just came, then once an hour with other traffic", "[sync][session]") {
  side region{{{2}, {{2}}}, [](const stream_id& id) { return id.sub == sub_stream::journal; }};
  (void)region.talk.connected(0);
  (void)region.talk.on_message(hello_message{1, 1, child_id, true}, 0);
  auto cosign = [](std::uint64_t size) { return cosign_message{journal, size, {}, {2}, 5, {}}; };
  CHECK(sent<time_message>(region.talk.say(time_message{7, {}}, 1'000)).size() == 1);
  CHECK(region.talk.say(time_message{8, {}}, 60'000).empty());
  CHECK(region.talk.say(time_message{9, {}}, 120'000).empty());
  CHECK(region.talk.tick(3'600'999).empty());
  CHECK(region.talk.say(cosign(1), 3'600'999).size() == 1);
  auto effects = region.talk.say(cosign(2), 3'601'000);
  REQUIRE(sent<time_message>(effects).size() == 1);
  CHECK(sent<time_message>(effects)[0].time == 9);
  // Who asks for a sign of life gets it in its place.
  CHECK(region.talk.say(time_message{10, {}}, 3'700'000).empty());
  CHECK(sent<alive_message>(region.talk.on_message(alive_message{true}, 3'800'000)).size() == 1);
  effects = region.talk.on_message(alive_message{true}, 7'300'000);
  REQUIRE(effects.size() == 1);
  CHECK(sent<time_message>(effects).size() == 1);
}

TEST_CASE("a quiet link is asked for a sign of life, and given up without one", "[sync][session]") {
  both_sides w(300'000);
  w.child.source.sizes[journal] = 5;
  w.connect(0);
  auto before = w.messages;
  for (tick_ms now = 1'000; now < 3'600'000; now += 1'000)
    w.tick(now);
  CHECK(w.messages == before + 2 * 11);  // a question and an answer, each five minutes
  CHECK(count<close_effect>(w.seen) == 0);

  // Somebody waited in vain: it is asked now, not in five minutes.
  w.drop_all = true;
  w.play(w.child, w.parent, w.child.talk.say(alive_message{true}, 3'600'000), 3'600'000);
  auto lost = [&](side& s, tick_ms from, tick_ms to) {
    for (auto now = from; now <= to; now += 1'000)
      if (count<close_effect>(s.talk.tick(now)) == 1) return now;
    return tick_ms{0};
  };
  CHECK(lost(w.child, 3'601'000, 4'000'000) == 3'600'000 + alive_wait_ms);
  // The parent knows what the child promised.
  CHECK(lost(w.parent, 3'601'000, 4'500'000) == w.parent.talk.heard_at() + 300'000 + promise_grace_ms);
}

TEST_CASE("a sign of life waits behind what is under way on a slow line", "[sync][session]") {
  lone_child c(4, 0, 60'000);
  (void)c.child.talk.tick(61'000);  // asks, while four segments are not acknowledged
  for (tick_ms now = 62'000; now < 300'000; now += 1'000)
    CHECK(count<close_effect>(c.child.talk.tick(now)) == 0);
  CHECK(sent<alive_message>(c.say(alive_message{true}, 300'000)).size() == 1);
}

TEST_CASE("what is for screens waits for company, and the newest goes", "[sync][session]") {
  side region{parent_id, [](const stream_id& id) { return id.sub == sub_stream::journal; }, 60'000};
  (void)region.talk.on_message(hello_message{1, 1, child_id, true}, 0);
  CHECK(region.talk.say(below_message{{{{3}, true, 1, 1}}}, 0).empty());
  CHECK(region.talk.say(below_message{{{{3}, true, 2, 2}}}, 1'000).empty());
  CHECK(region.talk.tick(59'000).empty());
  auto later = sent<below_message>(region.talk.tick(61'000));
  REQUIRE(later.size() == 1);
  CHECK(later.front().items.front().entries == 2);
}

TEST_CASE("what is not acknowledged is repeated ever more seldom", "[sync][session]") {
  lone_child c(2);
  std::vector<tick_ms> repeats;
  for (tick_ms now = 0; now <= 300'000; now += 1'000)
    if (!sent<segment_message>(c.child.talk.tick(now)).empty()) repeats.push_back(now);
  CHECK(repeats == std::vector<tick_ms>{5'000, 15'000, 35'000, 75'000, 135'000, 195'000, 255'000});
  CHECK(c.say(have_message{journal, 2}, 300'000).empty());
  for (tick_ms now = 301'000; now <= 900'000; now += 1'000)
    CHECK(c.child.talk.tick(now).empty());
}

TEST_CASE("a peer that owes an answer and says nothing is given up, a quiet one is not", "[sync][session]") {
  counted_source source;
  source.sizes[journal] = 8;
  session talk({.self = child_id, .accepts = [](const stream_id&) { return true; }, .silence_ms = 180'000}, source);
  auto gives_up = [&](tick_ms from, tick_ms to) {  // when, on ticks of a second
    for (auto now = from; now <= to; now += 1'000)
      if (count<close_effect>(talk.tick(now)) > 0) return now;
    return tick_ms{-1};
  };
  (void)talk.connected(0);
  (void)talk.on_message(hello_message{protocol_version, protocol_version, parent_id, true}, 1'000);
  (void)talk.on_streams({journal}, 1'000);
  CHECK(gives_up(2'000, 10'000'000) == -1);  // nothing is owed
  (void)talk.on_message(want_message{journal, 0, {}}, 10'000'000);
  CHECK(gives_up(10'001'000, 10'180'000) == -1);
  (void)talk.on_message(have_message{journal, 4}, 10'180'000);  // a word, though not the whole answer
  CHECK(gives_up(10'181'000, 10'360'000) == -1);
  CHECK(gives_up(10'361'000, 10'400'000) == 10'361'000);
  CHECK(talk.tick(10'500'000).empty());
}

TEST_CASE("a parent that has more of the journal proves it, and only then it counts", "[sync][session]") {
  both_sides w;
  w.child.source.sizes[journal] = 3;
  w.parent.source.sizes[journal] = 8;
  w.connect(0);
  REQUIRE(w.seen.size() == 1);
  const auto& told = std::get<rollback_effect>(w.seen[0]);
  CHECK(told.stream == journal);
  CHECK(told.size == 8);
  CHECK(told.proof == w.parent.source.evidence(journal)->proof);

  lone_child c(3);
  CHECK(c.say(want_message{journal, 8, std::nullopt}).empty());
}

TEST_CASE("a journal that went on otherwise than what its parent holds is a copy, however long it is",
          "[sync][session]") {
  both_sides w;
  w.child.source.sizes[journal] = 12;
  w.parent.source.sizes[journal] = 8;
  w.parent.source.root = hash256{7};
  w.connect(0);
  REQUIRE(count<rollback_effect>(w.seen) == 1);
  const auto& told = std::get<rollback_effect>(w.seen[0]);
  CHECK(told.size == 8);
  CHECK(told.proof.root == hash256{7});
  CHECK(w.parent.source.size(journal) == 8);  // nothing was shipped

  both_sides same;
  same.child.source.sizes[journal] = 12;
  same.parent.source.sizes[journal] = 8;
  same.connect(0);
  CHECK(count<rollback_effect>(same.seen) == 0);
  CHECK(same.parent.source.size(journal) == 12);
}

TEST_CASE("a child shows what it holds of its parent's streams, and a parent that has less or other hears of it",
          "[sync][session]") {
  both_sides w;
  w.child.source.sizes = {{journal, 3}, {grants, 8}};
  w.parent.source.sizes = {{journal, 3}, {grants, 5}};
  w.connect(0);
  REQUIRE(count<rollback_effect>(w.seen) == 1);
  // Before that the parent asked for the child's journal, which tells the child that it is no old copy.
  REQUIRE(count<control_effect>(w.seen) == 1);
  CHECK(std::get<want_message>(std::get<control_effect>(w.seen[0]).what).stream == journal);
  CHECK(std::get<rollback_effect>(w.seen[1]).stream == grants);
  CHECK(std::get<rollback_effect>(w.seen[1]).size == 8);

  both_sides other;
  other.child.source.sizes = {{journal, 3}, {grants, 8}};
  other.parent.source.sizes = {{journal, 3}, {grants, 12}};
  other.child.source.root = hash256{7};
  other.connect(0);
  CHECK(count<rollback_effect>(other.seen) == 1);
  CHECK(other.child.source.size(grants) == 8);  // nothing was shipped
}

TEST_CASE("a restored child takes nothing and gives nothing before its parent has seen its journal",
          "[sync][session]") {
  side child{child_id, [](const stream_id& id) { return id.sub != sub_stream::journal; }};
  child.source.sizes[journal] = 3;
  (void)child.talk.connected(0);
  (void)child.talk.on_streams({journal}, 0);
  (void)child.talk.on_message(hello_message{1, 1, parent_id, true}, 0);
  auto say = [&](const message& m) { return child.talk.on_message(m, 0); };
  CHECK(say(heads_message{{{grants, 9}}}).empty());
  CHECK(say(segment_message{{grants, 0, 9, {}, "x"}}).empty());
  CHECK(say(ask_message{1, {17}, purse_paid, 100, 1'000}).empty());
  CHECK(count<rollback_effect>(say(want_message{journal, 8, want_message::evidence{}})) == 1);
  CHECK(say(segment_message{{grants, 0, 9, {}, "x"}}).empty());

  auto effects = say(want_message{journal, 3, std::nullopt});
  auto wants = sent<want_message>(effects);
  REQUIRE(wants.size() == 1);
  CHECK(wants[0].stream == grants);
  CHECK(count<ingest_effect>(say(segment_message{{grants, 0, 9, {}, "x"}})) == 1);
  CHECK(count<control_effect>(say(ask_message{2, {17}, purse_paid, 100, 1'000})) == 1);
}

TEST_CASE("a parent that has more of an earlier life is not asked about it for ever", "[sync][session]") {
  both_sides w;
  w.of_child = {journal, earlier};
  w.child.source.sizes = {{journal, 2}, {earlier, 5}};
  w.parent.source.sizes[earlier] = 9;
  w.connect(0);
  CHECK(w.parent.source.size(journal) == 2);
  CHECK(count<rollback_effect>(w.seen) == 0);
  CHECK(w.child.talk.backlog() == 0);
  auto before = w.messages;
  for (tick_ms now = 1'000; now < 600'000; now += 1'000)
    w.tick(now);
  CHECK(w.messages == before);
}

TEST_CASE("streams that are not taken from this peer are ignored", "[sync][session]") {
  lone_child c(1);
  const stream_id foreign{{{3}, {{3}}}, sub_stream::journal, {}};
  CHECK(c.say(heads_message{{{journal, 99}, {foreign, 9}}}).empty());
  CHECK(c.say(segment_message{{foreign, 0, 1, {}, "x"}}).empty());
  CHECK(c.say(segment_message{{journal, 1, 1, {}, "x"}}).empty());
}

TEST_CASE("another protocol version is refused with its name", "[sync][session]") {
  side child{child_id, [](const stream_id&) { return true; }};
  (void)child.talk.connected(0);
  auto effects = child.talk.on_message(hello_message{5, 6, parent_id, false}, 0);
  REQUIRE(sent<refuse_message>(effects).size() == 1);
  CHECK(count<close_effect>(effects) == 1);
  CHECK_FALSE(child.talk.greeted());
  CHECK(sent<refuse_message>(effects)[0].text == "protocol 1 to 4 is spoken here; this node is older");

  // One that speaks this version as well, and says more in its greeting than this one knows.
  side next{child_id, [](const stream_id&) { return true; }};
  (void)next.talk.connected(0);
  auto greeting = encode_message(hello_message{1, 5, parent_id, true}) + "what version 5 adds";
  auto read = decode_message(greeting);
  REQUIRE(read.ok());
  CHECK(sent<refuse_message>(next.talk.on_message(*read, 0)).empty());
  CHECK(next.talk.greeted());
  CHECK_FALSE(decode_message(encode_message(hello_message{1, 1, parent_id, true}) + "x").ok());
  CHECK_FALSE(decode_message(encode_message(hello_message{1, 2, parent_id, true}) + "x").ok());
  CHECK_FALSE(decode_message(encode_message(hello_message{1, 3, parent_id, true}) + "x").ok());
  CHECK_FALSE(decode_message(encode_message(hello_message{1, 4, parent_id, true}) + "x").ok());
  // One that speaks only the version before.
  side older{child_id, [](const stream_id&) { return true; }};
  (void)older.talk.connected(0);
  CHECK(sent<refuse_message>(older.talk.on_message(hello_message{1, 1, parent_id, true}, 0)).empty());
  CHECK(older.talk.greeted());

  lone_child c(1);
  auto closed = c.say(refuse_message{errc::not_certified, "go away"});
  REQUIRE(count<close_effect>(closed) == 1);
  CHECK(std::get<close_effect>(closed[0]).text == "go away");
  CHECK(c.child.talk.tick(60'000).empty());
}

TEST_CASE("a cosignature is an acknowledgement and goes on to the station", "[sync][session]") {
  lone_child c(4);
  auto effects = c.say(cosign_message{journal, 4, {}, {1}, 1, {}});
  CHECK(count<control_effect>(effects) == 1);
  CHECK(c.child.talk.backlog() == 0);
  CHECK(count<control_effect>(c.say(time_message{5, {}})) == 1);
  // Somebody else's, which the peer passes on, does not say what the peer has: it may be a new machine in its place.
  lone_child again(4);
  CHECK(count<control_effect>(again.say(cosign_message{journal, 4, {}, {9}, 1, {}})) == 1);
  CHECK(again.child.talk.backlog() == 4);
  CHECK(sent<segment_message>(again.say(want_message{journal, 0, std::nullopt})).size() == 4);
  // A word about a stream that is not shipped to this peer is for the station as well.
  CHECK(count<control_effect>(c.say(have_message{{{{8}, {{8}}}, sub_stream::journal, {}}, 4})) == 1);
}
