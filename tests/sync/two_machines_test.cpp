// A store's disk in two processes that run at once, over a parent that gives the connection to whoever spoke on the
// newest one, as sync/zmq_server.cpp does. Sessions and stations are the real ones; what happens is drawn from a seed.
#include <catch2/catch.hpp>

#include "storage/entry_codec.hpp"
#include "sync/left_behind.hpp"
#include "sync/session.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;

namespace {

constexpr node_id store_id{3}, region_id{2};
constexpr std::uint64_t seeds = 60;

/// The key that `station_net` draws for node 3.
std::unique_ptr<ed25519_signer> key_of_store() {
  test::seeded_entropy random{42};
  (void)make_signing_key(random);
  for (std::uint32_t id = 1;; ++id) {
    auto key = make_signing_key(random);
    if (id == store_id.value) return std::make_unique<ed25519_signer>(std::move(key));
    certificate drawn;
    random.fill(drawn.curve);
    random.fill(drawn.epoch.value);
  }
}

/// One end: a process with its session. The region's session is with whoever owns the connection.
struct process {
  station_net::node* node = nullptr;
  node_id peer;
  std::uint64_t number = 0;  ///< `hello_message::process`
  std::unique_ptr<session> talk;
  std::uint64_t connection = 0;
  bool told_up = false, has_line = true;
};

class two_machines {
public:
  explicit two_machines(std::uint64_t seed) : dice_(seed) {
    auto& store = net.at(store_id.value);
    REQUIRE(std::holds_alternative<entry>(net.top_up(store, 500).outcome));
    net.sync();
    net.link(store, net.region(), false);
    life = store.st->ledger().self();
    clone.id = store_id;
    clone.role = node_role::store;
    clone.keys = key_of_store();
    REQUIRE(clone.keys->key() == store.keys->key());
    clone.cert = store.cert;
    clone.store.reset(store.store.image());
    clone.random = std::make_unique<test::seeded_entropy>(seed + 1'000);
    clone.counter = store.counter;
    net.open(store);
    net.open(clone);
    ends[0].node = &store;
    ends[1].node = &clone;
    ends[2].node = &net.region();
    for (std::size_t i = 0; i < 3; ++i) {
      ends[i].peer = i == 2 ? store_id : region_id;
      ends[i].number = 10 + i;
      drain(i);
    }
  }

  void step() {
    const auto i = dice_.next() % 2;
    auto& m = ends[i];
    if (dice_.next() % 30 == 0) return start_again(i);
    switch (dice_.next() % 10) {
      case 0:
      case 1: (void)net.top_up(*m.node, 100); return drain(i);
      case 2: m.has_line = dice_.next() % 3 != 0; return m.has_line ? void() : hang_up(i);
      case 3:
      case 4: return m.has_line && !m.talk ? connect(i) : void();
      case 5: return pass_time();
      default:
        for (auto n = dice_.next() % 8; n > 0 && !post_.empty(); --n)
          deliver();
    }
  }
  /// Both have a line and take turns.
  void settle() {
    for (int turn = 0; turn < 8; ++turn) {
      const std::size_t i = turn % 2;
      ends[i].has_line = true;
      hang_up(i);
      connect(i);
      for (int n = 0; n < 4; ++n) {
        deliver_all();
        pass_time();
      }
    }
  }

  station_net net;
  station_net::node clone;
  process ends[3];
  writer_id life;  ///< that both began with

private:
  struct packet {
    bool up = false;
    std::size_t machine = 0;
    std::uint64_t connection = 0;
    message what;
  };
  struct dice {
    std::uint64_t s;
    explicit dice(std::uint64_t seed) : s(seed * 2'654'435'761 + 1) {}
    std::uint64_t next() {
      s = s * 6'364'136'223'846'793'005 + 1'442'695'040'888'963'407;
      return s >> 33;
    }
  };

  void open(std::size_t i) {
    auto& e = ends[i];
    session_config c;
    c.self = e.node->st->ledger().self();
    c.process = e.number;
    c.accepts = [&e](const stream_id& id) { return e.node->st->accepts(e.peer, id); };
    e.talk = std::make_unique<session>(std::move(c), *e.node->source);
    act(i, e.talk->connected(net.ticks()));
    if (e.talk) act(i, e.talk->on_streams(e.node->st->streams_for(e.peer), net.ticks()));
  }
  void connect(std::size_t i) {
    ends[i].connection = ++connections_;
    open(i);
  }
  void hang_up(std::size_t i) {
    auto& e = ends[i];
    e.talk.reset();
    if (i != 2) e.connection = 0;
    if (!std::exchange(e.told_up, false)) return;
    REQUIRE(e.node->st->put(link_change{e.peer, false}));
    drain(i);
  }
  void start_again(std::size_t i) {
    hang_up(i);
    net.open(*ends[i].node);
    ends[i].number += 10;
    drain(i);
  }
  void act(std::size_t i, session_effects list) {
    auto& e = ends[i];
    for (auto& x : list) {
      if (auto* s = std::get_if<send_effect>(&x)) {
        post_.push_back({i != 2, i == 2 ? owner_ : i, i == 2 ? current_ : e.connection, std::move(s->what)});
      } else if (auto* in = std::get_if<ingest_effect>(&x)) {
        REQUIRE(e.node->st->put(segment_arrival{e.peer, std::move(in->what)}));
      } else if (auto* c = std::get_if<control_effect>(&x)) {
        REQUIRE(e.node->st->put(control_arrival{e.peer, std::move(c->what)}));
      } else if (const auto* r = std::get_if<rollback_effect>(&x)) {
        if (e.node->st->verify_rollback_proof(r->stream, r->size, r->proof))
          (void)e.node->st->heed_proof(r->stream, r->size, r->proof.root, net.now());
      } else {
        hang_up(i);
      }
    }
    drain(i);
  }
  void drain(std::size_t i) {
    auto& e = ends[i];
    net.settle(*e.node);
    while (!e.node->seen.empty()) {
      for (auto& x : std::exchange(e.node->seen, {})) {
        if (std::holds_alternative<lives_anew_effect>(x)) hang_up(i);
        if (!e.talk) continue;
        if (const auto* in = std::get_if<ingested_effect>(&x); in && in->from == e.peer)
          act(i, e.talk->on_ingested(in->stream, in->size, in->code, in->ack, net.ticks()));
        else if (const auto* m = std::get_if<to_neighbour>(&x); m && m->neighbour == e.peer)
          act(i, e.talk->say(m->what, net.ticks()));
        else if (std::holds_alternative<advanced_effect>(x))
          act(i, e.talk->on_streams(e.node->st->streams_for(e.peer), net.ticks()));
      }
      net.settle(*e.node);
    }
  }
  void hear(std::size_t i, const message& what) {
    auto& e = ends[i];
    act(i, e.talk->on_message(what, net.ticks()));
    if (!e.talk || !e.talk->greeted() || std::exchange(e.told_up, true)) return;
    REQUIRE(e.node->st->put(link_change{e.peer, true}));
    drain(i);
  }
  void deliver() {
    auto p = std::move(post_.front());
    post_.pop_front();
    auto& m = ends[p.machine];
    const refuse_message replaced{replaced_code, "replaced"};
    if (!p.up) return m.talk && m.connection == p.connection ? hear(p.machine, p.what) : void();
    if (p.connection < current_) return post_.push_back({false, p.machine, p.connection, replaced});
    if (p.connection > current_) {
      if (current_ != 0) post_.push_back({false, owner_, current_, replaced});
      hang_up(2);
      current_ = p.connection;
      owner_ = p.machine;
      open(2);
    }
    if (!ends[2].talk) open(2);
    hear(2, p.what);
  }
  void deliver_all() {
    for (int n = 0; n < 10'000 && !post_.empty(); ++n)
      deliver();
    REQUIRE(post_.empty());
  }
  void pass_time() {
    net.pass_time(6'000);
    for (std::size_t i = 0; i < 3; ++i)
      if (ends[i].talk) act(i, ends[i].talk->tick(net.ticks()));
  }

  dice dice_;
  std::deque<packet> post_;
  std::uint64_t connections_ = 0, current_ = 0;
  std::size_t owner_ = 0;
};

std::uint64_t size_at(const station_net::node& n, const writer_id& w) {
  return stream_reader(n.store).size({w, sub_stream::journal, {}});
}

/// What a till did on a machine in the life that both began with is at the region, or named on that machine.
std::size_t named(two_machines& w, const station_net::node& n) {
  const stream_id id{w.life, sub_stream::journal, {}};
  stream_reader here(n.store), there(w.net.region().store);
  auto behind = left_behind_of(n.store, n.id);
  REQUIRE(behind.ok());
  std::size_t found = 0;
  for (std::uint64_t seq = 0; seq < here.size(id); ++seq) {
    auto own = here.entry_of(id, seq, w.life);
    REQUIRE(own.ok());
    if (auto e = decode_entry(*own); !e || e->terminal == 0) continue;
    auto other = seq < there.size(id) ? there.entry_of(id, seq, w.net.region().writer()) : result<bytes>(errc::gap);
    if (other && *other == *own) continue;
    bool is_named = std::ranges::any_of(
        *behind, [&](const left_behind& b) { return b.journal == id && seq >= b.from && seq < b.size; });
    INFO("entry " << seq);
    CHECK(is_named);
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("whatever two machines with one key do, they are named, and nothing is lost without a word",
          "[sync][twins]") {
  std::size_t lost = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    two_machines w(seed);
    const auto steps = seed % 3 == 0 ? 0U : 120U;  // or none: both are there, and nobody writes
    for (unsigned n = 0; n < steps; ++n)
      w.step();
    w.settle();
    CHECK(w.net.region().st->is_forked(store_id));
    CHECK_FALSE(w.net.region().st->is_forked({4}));
    const writer_id lives[] = {w.ends[0].node->st->ledger().self(), w.clone.st->ledger().self()};
    CHECK(lives[0] != lives[1]);
    CHECK((lives[0] != w.life && lives[1] != w.life));
    for (const auto* n : {w.ends[0].node, &w.clone}) {
      CHECK(n->st->ledger().stopped() == errc::rolled_back);
      auto list = stream_reader(n->store).list();
      REQUIRE(list.ok());
      for (const auto& id : *list)
        if (id.sub == sub_stream::journal && id.writer.node == store_id && id.writer != w.life)
          CHECK(size_at(w.net.region(), id.writer) == size_at(*n, id.writer));
      lost += named(w, *n);
    }
  }
  CHECK(lost > 0);  // the seeds try that
}
