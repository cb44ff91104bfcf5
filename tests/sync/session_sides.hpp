#pragma once
#include "sync/counted_source.hpp"
#include "sync/session.hpp"

namespace tally::test {

inline constexpr node_id hq_id{1};
inline const writer_id parent_id{{1}, {{1}}}, child_id{{7}, {{7}}}, earlier_id{{7}, {{6}}};
inline const stream_id journal{child_id, sub_stream::journal, {}}, earlier{earlier_id, sub_stream::journal, {}},
    directory{parent_id, sub_stream::directory, {}}, grants{parent_id, sub_stream::addressed, {7}};

/// One side, with what it asked for since the last look.
struct side {
  explicit side(writer_id who, std::function<bool(const stream_id&)> accepts, tick_ms hold_ms = 0, tick_ms quiet_ms = 0)
      : talk({.self = who, .accepts = std::move(accepts), .hold_ms = hold_ms, .quiet_ms = quiet_ms}, source) {}
  counted_source source;
  session talk;
};

struct both_sides {
  explicit both_sides(tick_ms quiet_ms = 0)
      : child(
            child_id, [](const stream_id& id) { return id.sub != sub_stream::journal; }, 0, quiet_ms) {}
  side child;
  side parent{parent_id, [](const stream_id& id) { return id.sub == sub_stream::journal; }};
  std::vector<session_effect> seen;  ///< everything but messages
  std::size_t messages = 0;
  bool drop_all = false;

  std::vector<stream_id> of_child{journal}, of_parent{directory, grants};

  // Each message is delivered at once, and each segment is durable at once.
  void play(side& from, side& to, const session_effects& effects, tick_ms now) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<send_effect>(&e)) {
        ++messages;
        if (!drop_all) play(to, from, to.talk.on_message(s->what, now), now);
      } else if (const auto* i = std::get_if<ingest_effect>(&e)) {
        auto& size = from.source.sizes[i->what.stream];
        auto gap = i->what.first > size;
        if (!gap) size = std::max(size, i->what.size_after());
        auto ack = i->what.stream.sub != sub_stream::journal;
        play(from, to, from.talk.on_ingested(i->what.stream, size, gap ? errc::gap : errc::ok, ack, now), now);
        if (!gap && !ack) play(from, to, {send_effect{cosign_message{i->what.stream, size, {}, {1}, 1, {}}}}, now);
      } else {
        seen.push_back(e);
      }
    }
  }
  void connect(tick_ms now) {
    play(child, parent, child.talk.connected(now), now);
    play(child, parent, child.talk.on_streams(of_child, now), now);
    play(parent, child, parent.talk.connected(now), now);
    play(parent, child, parent.talk.on_streams(of_parent, now), now);
  }
  void tick(tick_ms now) {
    play(child, parent, child.talk.tick(now), now);
    play(parent, child, parent.talk.tick(now), now);
  }
};

/// With the name that goes without saying.
inline message named(const message& m) {
  if (const auto* s = std::get_if<brief_segment_message>(&m))
    return segment_message{{journal, s->first, s->entries, s->sign, s->payload}};
  return m;
}
template <class T>
std::vector<T> sent(const session_effects& effects) {
  std::vector<T> out;
  for (const auto& e : effects)
    if (const auto* s = std::get_if<send_effect>(&e)) {
      auto whole = named(s->what);
      if (const auto* m = std::get_if<T>(&whole)) out.push_back(*m);
    }
  return out;
}
template <class T>
std::size_t count(const session_effects& effects) {
  std::size_t n = 0;
  for (const auto& e : effects)
    n += std::holds_alternative<T>(e) ? 1 : 0;
  return n;
}

/// A child that is connected and confirmed, spoken to by hand.
struct lone_child {
  side child;

  explicit lone_child(std::uint64_t size, std::uint64_t parent_has = 0, tick_ms quiet_ms = 0)
      : child(
            child_id, [](const stream_id& id) { return id.sub != sub_stream::journal; }, 0, quiet_ms) {
    child.source.sizes[journal] = size;
    child.source.cut = 1;
    (void)child.talk.connected(0);
    (void)child.talk.on_streams({journal}, 0);
    (void)say(hello_message{1, 1, parent_id, true});
    first = say(want_message{journal, parent_has, std::nullopt});
  }
  session_effects say(const message& m, tick_ms now = 0) { return child.talk.on_message(m, now); }
  session_effects first;
};

}  // namespace tally::test
