#pragma once
#include <deque>
#include <functional>
#include <map>
#include <set>

#include "sync/message.hpp"

namespace tally {

/// The durable streams of a node as a session ships them. A port: reads the database, and signs heads of own streams.
class stream_source {
public:
  virtual ~stream_source() = default;
  /// Durable size; 0 for a stream that is not here.
  virtual std::uint64_t size(const stream_id& id) const = 0;
  /// A segment that contains entry `from` and ends at a signed head, at most `segment_bytes_max` before compression.
  /// For
  /// own streams it starts at `from`, has at most `entries_max` entries and is signed now; for others it is the stored
  /// one, which may start earlier.
  virtual result<segment> next_segment(const stream_id& id, std::uint64_t from,
                                       std::size_t entries_max = segment_entries_max) const = 0;
  /// The writer's own signature over the newest head that is stored here.
  struct signed_head {
    std::uint64_t size{};
    want_message::evidence proof;
  };
  virtual std::optional<signed_head> evidence(const stream_id& id) const = 0;
  /// The segment as it goes to a peer that has the stream up to `from` and does not need the entries of these topics.
  virtual segment without(const segment& whole, std::uint64_t /*from*/, topic_set /*topics*/) const { return whole; }
  /// Entries [from, from + entries) of a stream, as many as a segment takes.
  virtual result<entry_list> entries(const stream_id& /*id*/, std::uint64_t /*from*/, std::uint64_t /*entries*/) const {
    return error{errc::not_found, "entries"};
  }
  /// Root of an own stream at a size; nothing beyond its end, or when it cannot be read.
  virtual std::optional<hash256> root_at(const stream_id& id, std::uint64_t size) const = 0;
};

// What a session wants done. The order is kept.
struct send_effect {
  message what;
};
struct ingest_effect {
  segment what;
};  ///< answer with `on_ingested`
struct control_effect {
  message what;
};  ///< cosign, time, ask, told, which process greets, that a newer connection took the place of this one, and that the
    ///< peer asked for the own journal from a place that exists: for the station
struct rollback_effect {
  stream_id stream;
  std::uint64_t size;
  want_message::evidence proof;
};  ///< to be verified
struct close_effect {
  errc code;
  std::string text;
};
using session_effect = std::variant<send_effect, ingest_effect, control_effect, rollback_effect, close_effect>;
using session_effects = std::vector<session_effect>;

/// How long a child waits for any word of a parent that owes it an answer: a full message takes as long at 30 kbit/s.
inline constexpr tick_ms session_silence_ms = 180'000;

/// How long a child waits for a sign of life that it asked for while nothing else is under way: a segment that comes in
/// holds it up so long at 30 kbit/s. How much later than it promised a child may speak.
inline constexpr tick_ms alive_wait_ms = 120'000, promise_grace_ms = 60'000;
/// How long somebody whose keys do not count any more may take to hear why.
inline constexpr tick_ms farewell_ms = 10 * 60'000;

struct session_config {
  writer_id self;
  std::function<bool(const stream_id&)> accepts;  ///< streams that this side takes from that peer
  /// Shipped and not yet acknowledged, per connection: at first, and once acknowledgements came fast. A slow line would
  /// take minutes for the larger, and everything urgent would wait behind it.
  std::size_t credit_first_bytes = 16 * 1024, credit_bytes = 512 * 1024;
  tick_ms retry_ms = 5'000;  ///< first repeat of what was not answered; doubles up to 60 s
  /// Where each message costs money: new entries of the own journal wait this long for more of them, and what is not
  /// urgent for other traffic. 0: everything at once.
  tick_ms hold_ms = 0;
  std::uint64_t hold_entries = 64;  ///< as many do not wait any more
  /// Without heartbeats only answers show that a peer is there: when it owes one and has said nothing for so long, the
  /// session closes with `offline`, so that somebody connects anew. 0: never.
  tick_ms silence_ms = 0;
  /// A child: when nothing was said or heard for so long, it asks for a sign of life, so that both sides know of each
  /// other within a bounded time; without an answer the session closes with `offline`. 0: never. A parent learns it
  /// from the child's hello, and closes when the child does not keep to it.
  tick_ms quiet_ms = 0;
  topic_set skips = 0;        ///< a store: topics of head office's directory that it does not need
  std::uint64_t process = 0;  ///< `hello_message::process`
};

/// One connection to a parent or child, as a state machine: hello, heads, missing segments under credit,
/// acknowledgements, quiet. Loss, repeats and reordering are harmless; it resumes at the exact entry. No heartbeat: a
/// quiet link is silent but for a sign of life now and then, and head office's time travels with that or with other
/// traffic. Names and roots that the peer knows are left out on the wire; what this takes and gives has
/// them.
///
/// A node that was restored from an old copy must not act on its old life before its parent could say so. Therefore who
/// asks for the peer's own journal shows the peer's signature over what is here of it: a peer that has less, or
/// something else at that size, is a copy. And a child takes no stream and no ask of its parent before that has asked
/// for the child's journal from a place that exists.
///
/// Pure but for reads through `stream_source`. One owner thread. Holds no entries: at most `credit_bytes` are under
/// way.
class session {
public:
  session(session_config config, const stream_source& source) : config_(std::move(config)), source_(source) {}

  session_effects connected(tick_ms now);
  session_effects on_message(const message& m, tick_ms now);
  /// All streams that may go to this peer. Call at once after `connected`, and after each durable advance; cheap when
  /// nothing changed.
  session_effects on_streams(const std::vector<stream_id>& offered, tick_ms now);
  /// Outcome of an ingest: durable size of the stream, or why the segment was not taken. `ack` false when a
  /// cosignature follows.
  session_effects on_ingested(const stream_id& id, std::uint64_t size, errc code, bool ack, tick_ms now);
  /// Something that the station tells this peer. Head office's time waits for other traffic; with `hold_ms`, so do
  /// its cosignature that passed through here and what is for screens. A newer one takes the place of its like. An
  /// `alive_message` is a doubt: somebody waited for this peer in vain, so it is asked for a sign of life now.
  session_effects say(message m, tick_ms now);
  /// How long new entries wait for more of them from now on, and how many do not wait (`session_config`).
  void hold(tick_ms hold_ms, std::uint64_t entries);
  /// The own journal has an entry that somebody waits for: nothing is held back until it was sent.
  session_effects hurry(tick_ms now);
  /// The peer's keys do not count any more. It is given head office's directory up to the entry that says so and
  /// nothing else; nothing of it is taken. When it has that durably, or after `farewell_ms`, the session says `why` and
  /// closes with it. `directories`: of all lives of head office, the current one last; without those before, it could
  /// not read that. REQUIRES: one at least. With `up_to` the largest number there is, only the time of its certificate
  /// is over: it may ask for the next one, and `time` (head office's, if any) tells it that it must.
  session_effects farewell(const std::vector<stream_id>& directories, std::uint64_t up_to, errc why, tick_ms now,
                           const std::optional<time_message>& time = {});
  session_effects tick(tick_ms now);
  /// When `tick` has something to do, if nothing else happens before; `tick_never` on a quiet link.
  tick_ms next_due() const;

  bool greeted() const { return peer_.has_value(); }
  /// When it was heard last, or the connection began.
  tick_ms heard_at() const { return heard_at_; }
  writer_id peer() const { return peer_ ? peer_->writer : writer_id{}; }
  /// Entries of own and forwarded streams that the peer has not acknowledged.
  std::uint64_t backlog() const;
  /// Streams that it keeps something of; at most `heads_max` in each direction.
  std::size_t remembered() const { return in_.size() + out_.size(); }

private:
  struct outgoing {
    std::uint64_t size{}, acked{}, sent{};
    bool subscribed = false;
    tick_ms offer_due{}, offer_wait{}, due{}, wait{};
    struct shipment {
      std::uint64_t size_after{};
      std::size_t octets{};
      tick_ms at{};
    };
    std::deque<shipment> flight;
    std::optional<tick_ms> held_since;  ///< entries wait for more of them
  };
  struct incoming {
    std::uint64_t offered{}, have{}, asked{};
    bool wanted = false;  ///< asked for at least once
    tick_ms due{}, wait{};
  };

  void on_hello(const hello_message& m, session_effects& out, tick_ms now);
  void say_hello(session_effects& out) const;
  void start_anew();
  bool may_take(const stream_id& id) const;
  bool may_offer(const stream_id& id) const {
    return !parting_ || parting_->directory == id || parting_->earlier.count(id) != 0;
  }
  void part(session_effects& out, tick_ms now);
  void say_why(session_effects& out, tick_ms now);
  void on_heads(const heads_message& m, session_effects& out, tick_ms now);
  void on_want(const want_message& m, session_effects& out, tick_ms now);
  void on_have(const stream_id& id, std::uint64_t size, session_effects& out, tick_ms now);
  void want(const stream_id& id, incoming& in, session_effects& out, tick_ms now);
  void confirm(session_effects& out, tick_ms now);
  void offer(session_effects& out, bool all, tick_ms now);
  void pump(session_effects& out, tick_ms now);
  bool pump_one(const stream_id& id, outgoing& o, session_effects& out, tick_ms now);
  bool held(const stream_id& id, outgoing& o, tick_ms now);
  void land(outgoing& o, tick_ms now);
  void forget_flight(outgoing& o);
  void forget_others(const std::vector<stream_id>& offered);
  bool is_owed() const;
  bool fell_silent(tick_ms now);
  bool may_wait(const message& m) const;
  void put_later(message m, tick_ms now);
  void send(session_effects& out, message m, tick_ms now);
  void say_time(session_effects& out, tick_ms now);
  void on_alive(const alive_message& m, session_effects& out, tick_ms now);
  void on_fetch(const fetch_message& m, session_effects& out, tick_ms now);
  bool knows_topics() const { return peer_ && peer_->version_max >= protocol_topics; }
  bool leaves_out_of(const stream_id& id) const;
  void ask_alive(session_effects& out, tick_ms now);
  bool is_lost(tick_ms now) const;
  tick_ms alive_next_due() const;
  void say_later(session_effects& out, tick_ms now);
  message brief(message m) const;
  std::optional<message> whole(const message& m) const;
  stream_id own_journal() const { return {config_.self, sub_stream::journal, {}}; }

  session_config config_;
  const stream_source& source_;
  std::optional<hello_message> peer_;
  std::map<stream_id, outgoing> out_;
  std::map<stream_id, incoming> in_;
  std::optional<tick_ms> owed_since_;  ///< nothing was heard since
  std::size_t flight_bytes_ = 0, credit_ = 0;
  tick_ms hello_due_ = 0;
  bool closed_ = false;
  bool stalled_ = false;    ///< a stream could not be read
  bool confirmed_ = false;  ///< the peer has no more of our journal than we have
  bool hurry_ = false;
  std::vector<message> later_;  ///< waits for other traffic: one of each kind, stream and signer
  tick_ms later_due_ = 0;
  std::optional<time_message> time_;  ///< the newest, not said yet
  std::optional<tick_ms> time_said_;
  tick_ms heard_at_ = 0, said_at_ = 0, fetch_due_ = 0;
  std::optional<tick_ms> alive_asked_;  ///< and nothing was heard since
  tick_ms alive_due_ = 0;               ///< when it is asked again
  struct parting {
    stream_id directory;
    std::set<stream_id> earlier;  ///< directories of head office's lives before
    std::uint64_t up_to{};
    errc why{};
    tick_ms due{};
    std::optional<time_message> time;  ///< said again until the peer asks: by it, the peer sees that it has to
    tick_ms time_due{};
  };
  std::optional<parting> parting_;
};

}  // namespace tally
