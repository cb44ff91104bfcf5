// One side of a connection against a peer that says anything: messages of the right kind with wrong numbers, mutated
// octets, repeats, floods, out of turn. The input is a list of steps. Nothing goes out that is not durable, asked for
// and offered; nothing is taken that the peer may not bring, or that a node which may be an old copy must not take;
// what is remembered stays bounded.
#include <deque>
#include <set>

#include "fuzz/talk.hpp"

using namespace tally;
using namespace tally::fuzz;

namespace {

const std::vector<stream_id> known{journal, journal_before, directory, grants, of_above, of_cousin, to_cousin};
constexpr std::size_t credit = 1'000, kept_max = 16;

class one_side {
public:
  explicit one_side(byte_view input) : in_(input) {
    child_ = in_.below(2) == 0;
    self_ = child_ ? below_id : above_id;
    peer_ = child_ ? above_id : below_id;
    offered_ = child_ ? std::vector{journal, journal_before} : std::vector{directory, grants};
    for (const auto& id : known)
      source_.sizes[id] = in_.below(12);
    if (in_.below(3) == 0) hold_ = 1 + in_.octet() * 100;
    if (in_.below(4) == 0) source_.octets = credit * 2;  // one segment is more than the credit
    start();
  }

  void run() {
    for (int steps = 0; steps < 200 && !in_.done(); ++steps)
      step();
  }

private:
  void start() {
    session_config c;
    c.self = self_;
    c.accepts = [this](const stream_id& id) { return accepts(id); };
    c.credit_bytes = credit;
    c.credit_first_bytes = 300;
    c.hold_ms = hold_;
    if (child_) c.quiet_ms = 60'000;
    s_ = std::make_unique<session>(c, source_);
    greeted_ = confirmed_ = closed_ = false;
    wanted_.clear();
    look(s_->connected(now_));
    look(s_->on_streams(offered_, now_));
  }

  // As actors/links.cpp has it.
  bool accepts(const stream_id& id) const {
    return id.writer.node != self_.node && (id.sub == sub_stream::journal) != child_;
  }
  stream_id stream() {
    if (in_.below(8) != 0) return known[in_.below(known.size())];
    stream_id id{{{in_.octet()}, {{in_.octet()}}}, static_cast<sub_stream>(in_.below(3)), {}};
    if (id.sub == sub_stream::addressed) id.to = {in_.octet()};
    return id;
  }

  void step() {
    switch (in_.below(12)) {
      case 0: return start();
      case 1:
      case 2: return hear(made_up());
      case 3:
        if (auto m = decode_message(in_.some(255))) hear(*m);
        return;
      case 4:
        if (!heard_.empty()) hear(message(heard_[in_.below(heard_.size())]));
        return;
      case 5: return mutated();
      case 6: now_ += 1 + in_.octet() * 500; return look(s_->tick(now_));
      case 7: source_.sizes[offered_[in_.below(2)]] += in_.below(9); return look(s_->on_streams(offered_, now_));
      case 8: return taken();
      case 9: return look(s_->say(station_says(), now_));
      case 10: return look(s_->hurry(now_));
      default: return flood();
    }
  }

  message made_up() {
    auto id = stream();
    switch (in_.below(14)) {
      case 12: return renew_message{peer_.node, in_.octet(), {}, {}, {}, {}, {}};
      case 0:
        return hello_message{in_.octet() % 3U, in_.octet() % 3U, in_.below(2) == 0 ? peer_ : cousin_id,
                             in_.below(2) == 0, in_.octet() % 4U * 60U};
      case 1: return heads_message{{{id, in_.size_near(source_.size(id))}, {stream(), in_.octet()}}};
      case 2: {
        want_message w{id, in_.size_near(source_.size(id)), std::nullopt};
        // Of this history, or of another one.
        if (auto n = in_.below(4); n < 2) w.proof = want_message::evidence{n == 0 ? hash256{} : source_.root, {}};
        return w;
      }
      case 3:
        return segment_message{
            {id, in_.size_near(source_.size(id)) & (UINT64_MAX / 2), 1U + in_.octet(), {}, bytes(in_.some(20))}};
      case 4: return have_message{id, in_.size_near(source_.size(id))};
      case 5: return cosign_message{id, in_.size_near(source_.size(id)), {}, peer_.node, 1, {}};
      case 6: return time_message{now_, {}};
      case 7: return ask_message{in_.octet(), {1}, purse_paid, in_.octet(), 100};
      case 8: return told_message{in_.octet(), 0, 0, 0, errc::ok};
      case 9:
        return brief_segment_message{
            in_.size_near(source_.size(journal)) & (UINT64_MAX / 2), 1U + in_.octet(), {}, bytes(in_.some(20))};
      case 11: return alive_message{in_.below(2) == 0};
      case 10: return brief_cosign_message{in_.size_near(source_.size(journal)), peer_.node, 1, {}};
      default:
        return in_.below(8) == 0 ? message(refuse_message{errc::busy, "no"})
                                 : message(in_.below(2) == 0 ? hello_message{1, 1, peer_, true}
                                                             : hello_message{1, 2, peer_, true, 0, topic_goods});
    }
  }

  /// What the station tells a neighbour besides segments.
  message station_says() {
    switch (in_.below(5)) {
      case 4: return alive_message{true};
      case 0: return time_message{now_, {}};
      case 1: return ask_message{in_.octet(), {1}, purse_paid, in_.octet(), 100};
      case 2: return below_message{{{{3}, in_.below(2) == 0, 0, in_.octet()}}};
      default: return cosign_message{stream(), in_.octet(), {}, {1U + in_.octet() % 2U}, now_, {}};
    }
  }

  void mutated() {
    if (heard_.empty()) return;
    auto wire = encode_message(heard_[in_.below(heard_.size())]);
    for (std::size_t n = 1 + in_.below(3); n > 0; --n) {
      auto at = (in_.octet() * 256U + in_.octet()) % wire.size();
      wire[at] = static_cast<char>(in_.octet());
    }
    if (in_.below(6) == 0) wire.resize(wire.size() - in_.below(wire.size()));
    if (auto m = decode_message(wire)) hear(*m);
  }

  void flood() {
    heads_message m;
    auto base = in_.octet() * 1000U;
    for (std::uint32_t i = 0; i < 500; ++i)
      m.items.push_back({{{{base + i}, {{3}}}, child_ ? sub_stream::directory : sub_stream::journal, {}}, i});
    hear(m);
  }

  void taken() {
    auto id = stream();
    if (!accepts(id)) return;  // the station answers for what it was given
    constexpr errc codes[] = {errc::ok, errc::ok, errc::gap, errc::busy, errc::bad_signature, errc::not_entitled};
    settling_ = true;
    look(s_->on_ingested(id, source_.size(id), codes[in_.below(6)], in_.below(2) == 0, now_));
    settling_ = false;
  }

  void hear(const message& m) {
    if (heard_.size() == kept_max) heard_.pop_front();
    heard_.push_back(m);
    if (!closed_) {
      if (const auto* h = std::get_if<hello_message>(&m)) {
        bool first = !greeted_ || hello_ != h->writer || !h->greeted;
        if (h->version_min <= protocol_version && h->version_max >= protocol_version_min) {
          greeted_ = true;
          hello_ = h->writer;
          if (first) {
            confirmed_ = false;
            wanted_.clear();
          }
        }
      } else if (const auto* w = std::get_if<want_message>(&m); w && greeted_) {
        wanted_.insert(w->stream);
        bool same = !w->proof || w->proof->root == source_.root;
        if (w->stream == stream_id{self_, sub_stream::journal, {}} && w->from <= source_.size(w->stream) && same)
          confirmed_ = true;
      }
    }
    look(s_->on_message(m, now_), &m);
  }

  /// A brief segment is of the own journal.
  message named(const message& m) const {
    const auto* b = std::get_if<brief_segment_message>(&m);
    if (!b) return m;
    return segment_message{{{self_, sub_stream::journal, {}}, b->first, b->entries, b->sign, b->payload}};
  }
  bool is_offered(const stream_id& id) const { return std::ranges::find(offered_, id) != offered_.end(); }

  void look(const session_effects& effects, const message* heard = nullptr) {
    if (closed_) expect(effects.empty(), "a connection that has ended is silent");
    std::size_t octets = 0;
    std::size_t biggest = 0;
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<send_effect>(&e)) {
        check_sendable(s->what);
        auto what = named(s->what);
        if (const auto* g = std::get_if<segment_message>(&what)) {
          expect(is_offered(g->seg.stream) && wanted_.count(g->seg.stream) == 1,
                 "only what was offered and asked for is shipped");
          expect(g->seg.size_after() <= source_.size(g->seg.stream), "only what is durable is shipped");
          octets += g->seg.payload.size() + 128;
          biggest = std::max(biggest, g->seg.payload.size() + 128);
        } else if (const auto* h = std::get_if<heads_message>(&s->what)) {
          for (const auto& item : h->items)
            expect(is_offered(item.stream) && item.size <= source_.size(item.stream),
                   "only what is durable is offered");
        } else if (const auto* w = std::get_if<want_message>(&s->what)) {
          expect(accepts(w->stream), "only what may be taken is asked for");
          // An outcome of before the connection broke may ask for more; what comes of it is not taken.
          expect(!child_ || w->proof || confirmed_ || settling_, "what may be an old copy asks for nothing");
        }
      } else if (const auto* i = std::get_if<ingest_effect>(&e)) {
        expect(heard != nullptr && greeted_ && accepts(i->what.stream), "nothing is taken from the wrong party");
        expect(!child_ || confirmed_, "what may be an old copy takes nothing");
      } else if (const auto* c = std::get_if<control_effect>(&e)) {
        bool ask = std::holds_alternative<ask_message>(c->what);
        expect(!ask || !child_ || confirmed_, "what may be an old copy gives nothing away");
      } else if (const auto* r = std::get_if<rollback_effect>(&e)) {
        bool beyond = r->size > source_.size(r->stream);
        expect(r->stream.writer == self_ && is_offered(r->stream) && (beyond || r->proof.root != source_.root),
               "a rollback is of this life, beyond it or of another history");
      } else if (std::holds_alternative<close_effect>(e)) {
        closed_ = true;
      }
    }
    // A call acknowledges at most all that was under way, and fills the credit once.
    expect(octets <= credit + biggest, "what is under way stays within the credit");
    expect(s_->remembered() <= 2 * heads_max, "what is remembered is bounded");
  }

  chooser in_;
  counted_source source_;
  std::unique_ptr<session> s_;
  bool child_ = true, greeted_ = false, confirmed_ = false, closed_ = false, settling_ = false;
  writer_id self_, peer_, hello_;
  std::vector<stream_id> offered_;
  std::set<stream_id> wanted_;
  std::deque<message> heard_;
  tick_ms now_ = 0, hold_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  one_side(view(data, size)).run();
  return 0;
}
