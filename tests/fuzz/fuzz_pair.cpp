// Both sides of a connection, and between them a network that loses, repeats, delays, reorders and rewrites messages
// as the input says. Whatever it did: once both connect anew over a line that works, each has what the other had,
// exactly.
#include <deque>

#include "fuzz/talk.hpp"

using namespace tally;
using namespace tally::fuzz;

namespace {

struct side {
  writer_id self;
  bool child = false;
  counted_source source;
  std::vector<stream_id> offered;
  std::unique_ptr<session> talk;
  std::deque<message> inbox;
  bool closed = false;

  bool accepts(const stream_id& id) const {
    return id.writer.node != self.node && (id.sub == sub_stream::journal) != child;
  }
};

class connection {
public:
  explicit connection(byte_view input) : in_(input) {
    sides_[0].self = below_id;
    sides_[0].child = true;
    sides_[0].offered = {journal, journal_before};
    sides_[1].self = above_id;
    sides_[1].offered = {directory, grants};
    if (in_.below(3) == 0) hold_ = 1 + in_.octet() * 100;
    for (auto& s : sides_)
      for (const auto& id : s.offered)
        s.source.sizes[id] = in_.below(20);
    // What the other side has of it already, as an earlier connection left it.
    for (int i = 0; i < 2; ++i)
      for (const auto& id : sides_[i].offered)
        sides_[1 - i].source.sizes[id] = in_.below(static_cast<std::size_t>(sides_[i].source.size(id)) + 1);
    for (int i = 0; i < 2; ++i)
      connect(i);
  }

  void run() {
    for (int steps = 0; steps < 300 && !in_.done(); ++steps)
      step();
    heal();
  }

private:
  void connect(int i) {
    auto& s = sides_[i];
    s.talk = std::make_unique<session>(session_config{.self = s.self,
                                                      .accepts = [&s](const stream_id& id) { return s.accepts(id); },
                                                      .credit_first_bytes = 200,
                                                      .credit_bytes = 700,
                                                      .hold_ms = hold_},
                                       s.source);
    s.closed = false;
    s.inbox.clear();
    carry(i, s.talk->connected(now_));
    carry(i, s.talk->on_streams(s.offered, now_));
  }

  void step() {
    int i = static_cast<int>(in_.below(2));
    auto& s = sides_[i];
    switch (in_.below(9)) {
      case 0:
      case 1:
      case 2: return deliver(i, 0);
      case 3: return deliver(i, in_.octet());
      case 4:
        if (!s.inbox.empty()) s.inbox.pop_front();  // lost
        return;
      case 5:
        if (!s.inbox.empty() && s.inbox.size() < 64)
          s.inbox.push_back(s.inbox[in_.below(s.inbox.size())]);  // again, late
        return;
      case 6: return rewrite(s);
      case 7:
        now_ += 1 + in_.octet() * 100;
        for (int k = 0; k < 2; ++k)
          if (!sides_[k].closed) carry(k, sides_[k].talk->tick(now_));
        return;
      default:
        if (in_.below(6) == 0) return connect(i);
        s.source.sizes[s.offered[in_.below(2)]] += in_.below(5);
        if (!s.closed) carry(i, s.talk->on_streams(s.offered, now_));
    }
  }

  void deliver(int i, std::size_t which) {
    auto& s = sides_[i];
    if (s.inbox.empty() || s.closed) return;
    auto at = s.inbox.begin() + static_cast<std::ptrdiff_t>(which % s.inbox.size());
    auto m = std::move(*at);
    s.inbox.erase(at);
    carry(i, s.talk->on_message(m, now_));
  }

  // A man in the middle cannot do this to CURVE; a peer with a fault can.
  void rewrite(side& s) {
    if (s.inbox.empty()) return;
    auto& m = s.inbox[in_.below(s.inbox.size())];
    auto wire = encode_message(m);
    wire[in_.octet() % wire.size()] = static_cast<char>(in_.octet());
    if (auto other = decode_message(wire)) m = std::move(*other);
  }

  void carry(int i, const session_effects& effects) {
    auto& s = sides_[i];
    auto& peer = sides_[1 - i];
    for (const auto& e : effects) {
      if (const auto* out = std::get_if<send_effect>(&e)) {
        check_sendable(out->what);
        if (peer.inbox.size() < 256) peer.inbox.push_back(out->what);  // as a socket's queue: what is over it is lost
      } else if (const auto* in = std::get_if<ingest_effect>(&e)) {
        take(i, in->what);
      } else if (std::holds_alternative<close_effect>(e)) {
        s.closed = true;
      }
    }
  }

  // A segment is good when its writer has these entries; the station would find anything else out.
  void take(int i, const segment& g) {
    auto& s = sides_[i];
    auto& peer = sides_[1 - i];
    expect(s.accepts(g.stream), "nothing is taken from the wrong party");
    auto have = s.source.size(g.stream);
    auto true_size = peer.source.size(g.stream);
    bool offered = std::ranges::find(peer.offered, g.stream) != peer.offered.end();
    auto code = errc::ok;
    if (!offered || g.size_after() > true_size) {
      code = errc::bad_signature;
    } else if (g.first > have) {
      code = errc::gap;
    } else if (g.size_after() > have) {
      s.source.sizes[g.stream] = g.size_after();
    }
    auto ack = g.stream.sub != sub_stream::journal;
    auto size = s.source.size(g.stream);
    carry(i, s.talk->on_ingested(g.stream, size, code, ack, now_));
    if (code == errc::ok && !ack)
      carry(i, s.talk->say(cosign_message{g.stream, size, peer.source.root, s.self.node, 1, {}}, now_));
  }

  void heal() {
    for (auto& s : sides_)
      s.inbox.clear();
    for (int i = 0; i < 2; ++i)
      connect(i);
    for (int rounds = 0; rounds < 20'000; ++rounds) {
      bool quiet = sides_[0].inbox.empty() && sides_[1].inbox.empty();
      if (quiet && same()) return;
      if (quiet) {
        now_ += 1'000;
        for (int k = 0; k < 2; ++k)
          carry(k, sides_[k].talk->tick(now_));
      }
      for (int k = 0; k < 2; ++k)
        deliver(k, 0);
      expect(!sides_[0].closed && !sides_[1].closed, "two honest sides do not part");
    }
    expect(false, "over a line that works, both sides agree in the end");
  }
  bool same() const {
    for (int i = 0; i < 2; ++i)
      for (const auto& id : sides_[i].offered)
        if (sides_[0].source.size(id) != sides_[1].source.size(id)) return false;
    return true;
  }

  chooser in_;
  side sides_[2];
  tick_ms now_ = 0, hold_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  connection(view(data, size)).run();
  return 0;
}
