#include "sync/session.hpp"

#include <algorithm>

namespace tally {
namespace {

constexpr tick_ms wait_max_ms = 60'000;
constexpr tick_ms fast_ms = 2'000, slow_ms = 8'000;  // an acknowledgement lets the credit grow, or shrink
constexpr std::size_t octets_per_entry = 16;  // in a segment, about: so many are cut off when little credit is left
}  // namespace

void session::say_hello(session_effects& out) const {
  out.push_back(
      send_effect{hello_message{protocol_version_min, protocol_version, config_.self, peer_.has_value(),
                                static_cast<std::uint32_t>(config_.quiet_ms / 1'000), config_.skips, config_.process}});
}

session_effects session::connected(tick_ms now) {
  session_effects out;
  heard_at_ = said_at_ = now;
  hello_due_ = now + config_.retry_ms;
  credit_ = std::min(config_.credit_first_bytes, config_.credit_bytes);
  say_hello(out);
  return out;
}

// Streams of parents wait until the parent has seen how far our own journal goes; journals of children never do.
// Nor does what a peer gives back of streams of our own.
bool session::may_take(const stream_id& id) const {
  return confirmed_ || id.sub == sub_stream::journal || id.writer.node == config_.self.node;
}

// What both sides know since their hellos is left out: whose journal it is, and what its root is at a size.
message session::brief(message m) const {
  if (auto* s = std::get_if<segment_message>(&m); s && s->seg.stream == own_journal())
    return brief_segment_message{s->seg.first, s->seg.entries, s->seg.sign, std::move(s->seg.payload)};
  if (auto* c = std::get_if<cosign_message>(&m);
      c && peer_ && c->stream == stream_id{peer_->writer, sub_stream::journal, {}})
    return brief_cosign_message{c->size, c->by, c->time, c->sign};
  return m;
}

std::optional<message> session::whole(const message& m) const {
  if (const auto* s = std::get_if<brief_segment_message>(&m))
    return segment_message{{{peer_->writer, sub_stream::journal, {}}, s->first, s->entries, s->sign, s->payload}};
  if (const auto* c = std::get_if<brief_cosign_message>(&m)) {
    // Before the peer has shown that its journal of us is ours, its root at that size may be another one.
    auto root = confirmed_ ? source_.root_at(own_journal(), c->size) : std::nullopt;
    if (!root) return std::nullopt;
    return cosign_message{own_journal(), c->size, *root, c->by, c->time, c->sign};
  }
  return std::nullopt;
}

session_effects session::on_message(const message& m, tick_ms now) {
  session_effects out;
  owed_since_.reset();
  alive_asked_.reset();
  heard_at_ = now;
  if (closed_) return out;
  if (std::holds_alternative<brief_segment_message>(m) || std::holds_alternative<brief_cosign_message>(m)) {
    auto named = peer_ ? whole(m) : std::nullopt;
    return named ? on_message(*named, now) : out;
  }
  if (const auto* hello = std::get_if<hello_message>(&m)) {
    on_hello(*hello, out, now);
  } else if (const auto* refusal = std::get_if<refuse_message>(&m)) {
    // Another process in this one's place; or a later life of head office, which runs on a backup: what the other has
    // of that follows.
    if (refusal->code == replaced_code || refusal->code == errc::rolled_back) out.push_back(control_effect{m});
    if (refusal->code == errc::rolled_back) return out;
    closed_ = true;
    out.push_back(close_effect{refusal->code, refusal->text});
  } else if (!peer_) {
    // The peer's hello was lost; the timer repeats ours, which makes it say it again.
  } else if (const auto* heads = std::get_if<heads_message>(&m)) {
    on_heads(*heads, out, now);
  } else if (const auto* w = std::get_if<want_message>(&m)) {
    on_want(*w, out, now);
    part(out, now);
  } else if (const auto* have = std::get_if<have_message>(&m); have && out_.count(have->stream)) {
    on_have(have->stream, have->size, out, now);
    part(out, now);
  } else if (const auto* alive = std::get_if<alive_message>(&m)) {
    on_alive(*alive, out, now);
  } else if (parting_ && parting_->up_to == UINT64_MAX && std::holds_alternative<renew_message>(m)) {
    parting_->time.reset();
    out.push_back(control_effect{m});
  } else if (parting_) {
    // Nothing else of it counts.
  } else if (const auto* asked = std::get_if<fetch_message>(&m)) {
    on_fetch(*asked, out, now);
  } else if (const auto* s = std::get_if<segment_message>(&m)) {
    if (config_.accepts(s->seg.stream) && may_take(s->seg.stream)) out.push_back(ingest_effect{s->seg});
  } else if (std::holds_alternative<ask_message>(m) && !confirmed_ &&
             out_.count({config_.self, sub_stream::journal, {}})) {
    // Nothing is given away before it is known that this is not an old copy. The asker's time runs out.
  } else {
    // Head office may hold more than the peer that passes its word on: another machine in a region's place.
    if (const auto* c = std::get_if<cosign_message>(&m); c && c->by == peer_->writer.node)
      on_have(c->stream, c->size, out, now);
    out.push_back(control_effect{m});
  }
  return out;
}

void session::on_hello(const hello_message& m, session_effects& out, tick_ms now) {
  if (m.version_min > protocol_version || m.version_max < protocol_version_min) {
    closed_ = true;
    auto own = std::to_string(protocol_version_min) + " to " + std::to_string(protocol_version);
    bool older = m.version_max < protocol_version_min;
    out.push_back(
        send_effect{refuse_message{errc::unsupported, "protocol " + own + " is spoken here; " +
                                                          (older ? "update your node" : "this node is older")}});
    out.push_back(close_effect{errc::unsupported, "the other side speaks protocol " + std::to_string(m.version_min) +
                                                      " to " + std::to_string(m.version_max) + ", this node " + own +
                                                      ": update " + (older ? "the other" : "this") + " one"});
    return;
  }
  bool first = !peer_ || peer_->writer != m.writer;
  // Whose keys do not count any more says nothing of the node that has its number.
  if (m.process != 0 && !parting_ && (!peer_ || peer_->process != m.process)) out.push_back(control_effect{m});
  peer_ = m;
  // Only a peer that has not heard us is answered, so two hellos never chase one another.
  if (!m.greeted) say_hello(out);
  if (!first && m.greeted) return;
  start_anew();
  if (parting_) parting_->time_due = now, say_why(out, now);
  offer(out, true, now);
}

// A peer that starts anew knows nothing of what went before.
void session::start_anew() {
  for (auto& [id, o] : out_) {
    o.subscribed = false;
    o.flight.clear();
    o.sent = o.acked;
    o.offer_due = o.offer_wait = 0;
  }
  flight_bytes_ = 0;
  credit_ = std::min(config_.credit_first_bytes, config_.credit_bytes);
  in_.clear();
  confirmed_ = false;
  later_.clear();
  time_said_.reset();
}

void session::send(session_effects& out, message m, tick_ms now) {
  out.push_back(send_effect{brief(std::move(m))});
  said_at_ = now;
  say_later(out, now);
}

void session::on_heads(const heads_message& m, session_effects& out, tick_ms now) {
  for (const auto& item : m.items) {
    if (!config_.accepts(item.stream) && item.stream == stream_id{peer_->writer, sub_stream::journal, {}} &&
        !out_.count(own_journal())) {
      // It moved away and has not heard of it. Its journal is not for us, yet it takes the news only from a parent that
      // has asked for it.
      auto& in = in_[item.stream];
      in.have = source_.size(item.stream);
      want(item.stream, in, out, now);
      continue;
    }
    if (!config_.accepts(item.stream) || (in_.size() >= heads_max && !in_.count(item.stream))) continue;
    auto& in = in_[item.stream];
    in.offered = std::max(in.offered, item.size);
    in.have = source_.size(item.stream);
    if (in.have > item.size && item.stream.writer == peer_->writer) {
      auto shown = source_.evidence(item.stream);
      said_at_ = now;
      out.push_back(send_effect{want_message{item.stream, shown ? shown->size : in.have,
                                             shown ? std::optional(shown->proof) : std::nullopt}});
    } else if (may_take(item.stream)) {
      // A head is only offered by who was not asked yet, so it is answered even if nothing is missing.
      want(item.stream, in, out, now);
    }
  }
}

void session::want(const stream_id& id, incoming& in, session_effects& out, tick_ms now) {
  in.wait = in.wait == 0 ? config_.retry_ms : std::min(in.wait * 2, wait_max_ms);
  in.due = now + in.wait;
  in.asked = in.have;
  in.wanted = true;
  want_message m{id, in.have, std::nullopt};
  // Of its earlier lives as well: it may hold another end of one, and would send what does not fit for ever.
  if (peer_ && (id.writer == peer_->writer || (id.writer.node == peer_->writer.node && id.sub == sub_stream::journal)))
    if (auto shown = source_.evidence(id); shown && shown->size >= in.have) m = {id, shown->size, shown->proof};
  in.have = in.asked = m.from;
  said_at_ = now;
  out.push_back(send_effect{std::move(m)});
}

// The peer asked for our journal from a place that exists: this is no old copy as far as it knows.
void session::confirm(session_effects& out, tick_ms now) {
  if (std::exchange(confirmed_, true)) return;
  out.push_back(control_effect{want_message{own_journal(), 0, std::nullopt}});
  for (auto& [id, in] : in_)
    if (!in.wanted) want(id, in, out, now);
}

void session::on_want(const want_message& m, session_effects& out, tick_ms now) {
  // Its own, whose end it has lost: the node answers, and decides whether that is given back.
  if (peer_ && !parting_ && m.stream.writer.node == peer_->writer.node) out.push_back(control_effect{m});
  auto it = out_.find(m.stream);
  if (it == out_.end()) return;
  auto& o = it->second;
  bool journal = m.stream == stream_id{config_.self, sub_stream::journal, {}};
  if (m.from > source_.size(m.stream)) {
    // The peer has more of our stream than we do. Only our own signature proves it; without one it is noise. Of an
    // earlier life of ours it may well have more; then there is nothing to send.
    if (m.proof && m.stream.writer == config_.self) out.push_back(rollback_effect{m.stream, m.from, *m.proof});
    if (!journal) o.subscribed = true, o.acked = o.sent = m.from;
    return;
  }
  const bool mine = m.stream.writer.node == config_.self.node;
  const auto own = m.proof && mine ? source_.root_at(m.stream, m.from) : std::nullopt;
  if (own && *own != m.proof->root) return out.push_back(rollback_effect{m.stream, m.from, *m.proof});
  // It shows what it holds of what was sent to it; a region that started waits for that.
  if (peer_ && m.stream == stream_id{config_.self, sub_stream::addressed, peer_->writer.node})
    out.push_back(control_effect{want_message{m.stream, m.from, std::nullopt}});
  if (journal) {
    confirm(out, now);
    hurry_ = true;  // whoever asks does not wait for the window
  }
  if (o.subscribed && m.from < o.acked) return;  // came late
  forget_flight(o);
  // Asked for the same again, it was not taken: repeats come no sooner for that.
  if (!o.subscribed || m.from != o.acked) o.wait = config_.retry_ms;
  o.subscribed = true;
  o.acked = o.sent = m.from;
  pump(out, now);
  if (journal && o.sent >= o.size) hurry_ = false;
}

void session::forget_flight(outgoing& o) {
  for (const auto& f : o.flight)
    flight_bytes_ -= f.octets;
  o.flight.clear();
}

// Takes what was acknowledged out of the flight, and learns from the time it took how much the line carries.
void session::land(outgoing& o, tick_ms now) {
  o.wait = config_.retry_ms;
  tick_ms took = -1;
  while (!o.flight.empty() && o.flight.front().size_after <= o.acked) {
    took = now - o.flight.front().at;
    flight_bytes_ -= o.flight.front().octets;
    o.flight.pop_front();
  }
  if (took < 0) return;
  // What is behind it takes about as long; a repeat before its time would only lengthen the queue.
  o.wait = std::clamp(took * 3, config_.retry_ms, wait_max_ms);
  if (took <= fast_ms) credit_ = std::min(credit_ * 2, config_.credit_bytes);
  if (took > slow_ms) credit_ = std::max(credit_ / 2, config_.credit_first_bytes);
}

void session::on_have(const stream_id& id, std::uint64_t size, session_effects& out, tick_ms now) {
  auto it = out_.find(id);
  if (it == out_.end()) return;
  // Of an earlier life others may have more than the old copy that is here: there is nothing to send.
  if (id != own_journal()) size = std::min(size, source_.size(id));
  if (size > source_.size(id) || size <= it->second.acked) return;
  auto& o = it->second;
  o.acked = size;
  o.sent = std::max(o.sent, o.acked);
  land(o, now);
  o.due = now + o.wait;
  pump(out, now);
}

session_effects session::on_streams(const std::vector<stream_id>& offered, tick_ms now) {
  session_effects out;
  if (closed_) return out;
  for (const auto& id : offered)
    if (out_.size() < heads_max && may_offer(id)) out_.try_emplace(id);
  if (out_.size() > offered.size()) forget_others(offered);
  for (auto& [id, o] : out_)
    o.size = source_.size(id);
  if (!peer_) return out;
  offer(out, false, now);
  pump(out, now);
  return out;
}

// What is not for this peer any more: its node is elsewhere now.
void session::forget_others(const std::vector<stream_id>& offered) {
  for (auto it = out_.begin(); it != out_.end();) {
    if (std::find(offered.begin(), offered.end(), it->first) != offered.end()) {
      ++it;
      continue;
    }
    forget_flight(it->second);
    it = out_.erase(it);
  }
}

void session::offer(session_effects& out, bool all, tick_ms now) {
  heads_message heads;
  for (auto& [id, o] : out_) {
    bool due = !o.subscribed && now >= o.offer_due;
    if (!all && !due) continue;
    o.size = source_.size(id);
    o.offer_wait = std::clamp(o.offer_wait * 2, config_.retry_ms, wait_max_ms);
    o.offer_due = now + o.offer_wait;
    heads.items.push_back({id, o.size});
  }
  if (heads.items.empty()) return;
  said_at_ = now;
  out.push_back(send_effect{std::move(heads)});
}

void session::pump(session_effects& out, tick_ms now) {
  // Short streams first: a grant or a recall must not wait behind a day of sales.
  std::vector<std::pair<std::uint64_t, stream_id>> order;
  for (auto& [id, o] : out_) {
    if (!o.subscribed) continue;
    o.size = source_.size(id);
    if (o.sent < o.size && !held(id, o, now)) order.emplace_back(o.size - o.sent, id);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [left, id] : order)
    while (pump_one(id, out_.at(id), out, now))
      continue;
}

// Small segments would each pay for a signature, a message and an answer.
bool session::held(const stream_id& id, outgoing& o, tick_ms now) {
  if (config_.hold_ms == 0 || hurry_ || id != own_journal() || o.size - o.sent >= config_.hold_entries) return false;
  if (!o.held_since) o.held_since = now;
  return now < *o.held_since + config_.hold_ms;
}

bool session::pump_one(const stream_id& id, outgoing& o, session_effects& out, tick_ms now) {
  if (o.sent >= o.size || flight_bytes_ >= credit_) return false;
  const bool last = parting_ && id == parting_->directory;
  if (last && o.sent >= parting_->up_to) return false;
  auto entries = std::clamp<std::size_t>(credit_ / octets_per_entry, 64, segment_entries_max);
  if (last) entries = static_cast<std::size_t>(std::min<std::uint64_t>(entries, parting_->up_to - o.sent));
  auto s = source_.next_segment(id, o.sent, entries);
  if (s && leaves_out_of(id)) s = source_.without(*s, o.sent, peer_->skips);
  if (!s) {
    stalled_ = true;  // unreadable now; the next tick comes back to it
    return false;
  }
  if (o.flight.empty()) o.due = now + o.wait;
  auto octets = s->payload.size() + 128;
  o.sent = s->size_after();
  o.flight.push_back({o.sent, octets, now});
  flight_bytes_ += octets;
  auto m = brief(segment_message{std::move(*s)});
  if (id == own_journal() && o.sent >= o.size) {
    o.held_since.reset();
    hurry_ = false;
  }
  send(out, std::move(m), now);
  return true;
}

session_effects session::say(message m, tick_ms now) {
  session_effects out;
  if (closed_ || !peer_ || parting_) return out;
  if (std::holds_alternative<fetch_message>(m) && !knows_topics()) return out;
  if (std::holds_alternative<alive_message>(m)) {
    ask_alive(out, now);
  } else if (const auto* time = std::get_if<time_message>(&m)) {
    time_ = *time;
    if (!time_said_) say_time(out, now);  // a node that just came needs it
  } else if (may_wait(m)) {
    put_later(std::move(m), now);
  } else {
    send(out, std::move(m), now);
  }
  return out;
}

void session::hold(tick_ms hold_ms, std::uint64_t entries) {
  config_.hold_ms = hold_ms;
  config_.hold_entries = entries;
}

session_effects session::hurry(tick_ms now) {
  session_effects out;
  hurry_ = true;
  if (!closed_ && peer_) pump(out, now);
  return out;
}

session_effects session::on_ingested(const stream_id& id, std::uint64_t size, errc code, bool ack, tick_ms now) {
  session_effects out;
  if (closed_ || (in_.size() >= heads_max && !in_.count(id))) return out;
  // It may be unknown here: a greeting that came late made us forget, and the peer did not notice.
  auto& in = in_[id];
  in.have = std::max(in.have, size);
  if (code == errc::ok) {
    in.wait = 0;
    in.due = now + config_.retry_ms;
    if (ack) said_at_ = now, out.push_back(send_effect{have_message{id, size}});
  } else if (code == errc::gap) {
    // Several segments behind one gap ask once.
    if (in.asked != in.have || now >= in.due) want(id, in, out, now);
  } else if (code != errc::busy && code != errc::not_certified && code != errc::not_entitled && code != errc::io) {
    closed_ = true;
    out.push_back(send_effect{refuse_message{code, std::string(errc_name(code))}});
    out.push_back(close_effect{code, "a segment was refused"});
  }
  return out;
}

bool session::is_owed() const {
  if (!peer_ || flight_bytes_ > 0) return true;
  return std::any_of(in_.begin(), in_.end(), [](const auto& i) { return i.second.have < i.second.offered; });
}

bool session::fell_silent(tick_ms now) {
  if (config_.silence_ms == 0 || !is_owed()) {
    owed_since_.reset();
    return false;
  }
  if (!owed_since_) owed_since_ = now;
  return now - *owed_since_ >= config_.silence_ms;
}

session_effects session::tick(tick_ms now) {
  session_effects out;
  if (closed_) return out;
  if (fell_silent(now) || is_lost(now)) {
    closed_ = true;
    out.push_back(close_effect{errc::offline, "it answers nothing"});
    return out;
  }
  if (!peer_) {
    part(out, now);
    if (!closed_ && now >= hello_due_) {
      hello_due_ = now + config_.retry_ms;
      say_hello(out);
    }
    return out;
  }
  part(out, now);
  if (closed_) return out;
  say_why(out, now);
  // A quiet link costs no read of the disk: what grew was told by `on_streams`.
  offer(out, false, now);
  for (auto& [id, in] : in_) {
    if (in.have >= in.offered || now < in.due || !may_take(id)) continue;
    in.have = std::max(in.have, source_.size(id));
    if (in.have < in.offered) want(id, in, out, now);
  }
  bool again = std::exchange(stalled_, false);
  for (auto& [id, o] : out_) {
    if (!o.subscribed || o.flight.empty() || now < o.due) continue;
    o.wait = std::min(o.wait * 2, wait_max_ms);
    o.due = now + o.wait;
    forget_flight(o);
    o.sent = o.acked;
    hurry_ = hurry_ || id == own_journal();  // it waited once already
    again = true;
  }
  if (auto own = out_.find(own_journal()); own != out_.end())
    again = again || (own->second.held_since && now >= *own->second.held_since + config_.hold_ms);
  if (again) pump(out, now);
  if (!later_.empty() && now >= later_due_) say_later(out, now);
  if (alive_asked_ || (config_.quiet_ms > 0 && now >= std::min(heard_at_, said_at_) + config_.quiet_ms))
    ask_alive(out, now);
  return out;
}

tick_ms session::next_due() const {
  if (closed_) return tick_never;
  if (!peer_) return parting_ ? std::min(hello_due_, parting_->due) : hello_due_;
  if (stalled_) return 0;
  auto due = std::min(later_.empty() ? tick_never : later_due_, alive_next_due());
  if (config_.silence_ms > 0 && is_owed()) due = std::min(due, owed_since_ ? *owed_since_ + config_.silence_ms : 0);
  for (const auto& [id, in] : in_)
    if (in.have < in.offered && may_take(id)) due = std::min(due, in.due);
  for (const auto& [id, o] : out_) {
    if (!o.subscribed) due = std::min(due, o.offer_due);
    if (o.subscribed && !o.flight.empty()) due = std::min(due, o.due);
    if (o.held_since) due = std::min(due, *o.held_since + config_.hold_ms);
  }
  return due;
}

std::uint64_t session::backlog() const {
  std::uint64_t n = 0;
  for (const auto& [id, o] : out_)
    n += o.size > o.acked ? o.size - o.acked : 0;
  return n;
}

}  // namespace tally
