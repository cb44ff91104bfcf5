// A second copy of what head office lacks, on a disk that is slow, full, taken out or somebody else's.
#include "sync/mirror.hpp"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;
using test::why;

namespace {

/// A stick in memory: whole shipments only, as a directory with renames has them.
struct fake_medium final : mirror_medium {
  std::map<std::uint32_t, bytes> place, fresh;
  bool begun = false;
  int fail_in = -1;  ///< calls until one fails; below zero: never
  errc how = errc::io;
  bool gone = false, throws = false;
  int checks = 0;
  bool torn = false;  ///< the call that fails leaves half a file

  status fails() {
    if (fail_in < 0 || fail_in-- > 0) return done();
    fail_in = -1;
    return error{how, "the disk"};
  }
  status each(const std::function<void(bytes)>& take) override {
    TALLY_TRY(fails());
    if (place.empty()) return error{errc::not_found, "none"};
    for (const auto& [n, data] : place)
      take(data);
    return done();
  }
  status begin() override {
    TALLY_TRY(fails());
    fresh.clear();
    begun = true;
    return done();
  }
  status add(std::uint32_t number, byte_view data) override {
    auto& files = begun ? fresh : place;
    auto ok = fails();
    if (!ok && torn) files[number] = bytes(data.substr(0, data.size() / 2));
    if (!ok) return ok;
    if (number > 1 && files.count(number - 1) == 0) return error{errc::io, "gone"};
    files[number] = bytes(data);
    return done();
  }
  status finish() override {
    TALLY_TRY(fails());
    place = std::move(fresh);
    fresh.clear();
    begun = false;
    return done();
  }
  status check() override {
    ++checks;
    if (throws) throw std::runtime_error("stale file handle");
    return gone ? status(error{errc::io, "taken out"}) : done();
  }
  void abandon() override {
    fresh.clear();
    begun = false;
  }
};

struct mirrored {
  station_net net;
  station_net::node &hq = net.hq(), &region = net.region(), &a = net.at(3);
  fake_medium disk;
  std::unique_ptr<mirror> m;
  std::uint8_t shipments = 0;

  explicit mirrored(mirror_limits limits = {}) : m(std::make_unique<mirror>(disk, limits)) {}
  std::map<epoch_id, const signer*> older;
  carrier_parts parts() {
    return {a.store, *a.certificates, a.keys.get(), std::string(station_net::chain), a.st->ledger().self(), a.role,
            older};
  }
  status step() { return m->step(parts(), {++shipments}, net.now(), net.ticks()); }
  void sell(int n) {
    for (int i = 0; i < n; ++i)
      REQUIRE(why(net.ask(a, net.sale(a, 1, {}))) == errc::ok);
  }
  /// As `ship --from` reads it: in order, until a file does not fit; every entry is taken by `n`.
  std::uint64_t bring(station_net::node& n) {
    std::uint32_t number = 0;
    std::array<std::uint8_t, 8> id{};
    for (const auto& [at, data] : disk.place) {
      auto p = decode_parcel(data);
      if (!p || at != ++number || (number > 1 && p->shipment != id)) break;
      CHECK(p->last);
      CHECK(p->to == head_office);
      id = p->shipment;
      for (auto& message : p->messages) {
        if (std::holds_alternative<want_message>(message)) continue;
        REQUIRE(n.st->put(carried_request{1, {message}}).ok());
        net.settle(n);
      }
    }
    return stream_reader(n.store).size(a.journal());
  }
  std::uint64_t size() { return a.source->size(a.journal()); }
};

}  // namespace

TEST_CASE("a mirror has what head office lacks, and grows by a file with the journal", "[sync][mirror]") {
  mirrored w;
  w.net.link(w.a, w.region, false);
  w.sell(3);
  REQUIRE(w.step().ok());
  CHECK(w.disk.place.size() == 1);
  CHECK(w.m->report().behind == 0);
  w.sell(2);
  REQUIRE(w.step().ok());
  REQUIRE(w.step().ok());  // nothing new, nothing written
  CHECK(w.disk.place.size() == 2);
  CHECK(w.m->report().files == 2);
  CHECK(w.m->report().bytes == w.disk.place[1].size() + w.disk.place[2].size());

  // The store's disk burns: head office has all of it from the mirror, or from the region on its way.
  for (bool over_region : {true, false}) {
    CHECK(w.bring(over_region ? w.region : w.hq) == w.size());
  }
}

TEST_CASE("a mirror begins where head office's cosignature is, not where the region's is", "[sync][mirror]") {
  mirrored w;
  w.net.link(w.region, w.hq, false);  // the region has what head office lacks
  w.sell(3);
  w.net.sync();
  REQUIRE(w.step().ok());
  CHECK(w.bring(w.hq) == w.size());
  w.net.link(w.region, w.hq, true);
  w.net.sync();
  mirrored anew;
  anew.sell(3);
  anew.net.sync();
  REQUIRE(anew.step().ok());
  CHECK(anew.m->report().behind == 0);
  CHECK(anew.m->report().bytes < 1'000);  // head office has it all
}

TEST_CASE("a disk that fails stops nothing, and is caught up with", "[sync][mirror]") {
  for (auto how : {errc::io, errc::full})
    for (bool torn : {false, true})
      for (int call = 0; call < 4; ++call) {
        mirrored w;
        w.net.link(w.a, w.region, false);
        w.sell(1);
        if (call > 0) REQUIRE(w.step().ok());
        w.sell(1);
        w.disk.how = how;
        w.disk.torn = torn;
        w.disk.fail_in = call == 0 ? 2 : 0;
        CHECK(w.step().code() == how);
        CHECK(w.m->report().code == how);
        CHECK(w.m->report().behind > 0);
        CHECK(w.m->report().behind_since == w.net.ticks());
        w.net.pass_time(5'000);
        w.sell(2);                                // trade goes on
        if (call > 1) w.disk.fail_in = call - 2;  // the disk is not well yet
        if (call > 1) CHECK_FALSE(w.step().ok());
        REQUIRE(w.step().ok());
        CHECK(w.m->report().behind == 0);
        CHECK_FALSE(w.m->report().behind_since.has_value());
        CHECK(w.bring(w.hq) == w.size());
      }
}

TEST_CASE("small files are put together, and what head office has goes first", "[sync][mirror]") {
  mirrored w({.bytes_max = 256u << 20, .files_max = 4});
  w.net.link(w.a, w.region, false);
  for (int i = 0; i < 12; ++i) {
    w.sell(1);
    REQUIRE(w.step().ok());
    CHECK(w.disk.place.size() <= 5);
    CHECK(w.m->report().behind == 0);
  }
  w.net.link(w.a, w.region, true);
  w.net.sync();
  const auto held = stream_reader(w.hq.store).size(w.a.journal());
  for (int i = 0; i < 5; ++i) {
    w.sell(1);
    REQUIRE(w.step().ok());
  }
  auto first = decode_parcel(w.disk.place.at(1));
  REQUIRE(first.ok());
  for (const auto& m : first->messages)
    if (const auto* s = std::get_if<segment_message>(&m); s && s->seg.stream == w.a.journal())
      CHECK(s->seg.first >= held);
  CHECK(w.bring(w.hq) == w.size());
}

TEST_CASE("at its bound a mirror says so, keeps what it has, and goes on when head office has more", "[sync][mirror]") {
  mirrored w({.bytes_max = 1'500, .files_max = 1'000});
  w.net.link(w.a, w.region, false);
  bool full = false;
  for (int i = 0; i < 1'000 && !full; ++i) {
    w.sell(1);
    full = w.step().code() == errc::full;
  }
  REQUIRE(full);
  CHECK(w.m->report().behind > 0);
  const auto there = w.disk.place;
  CHECK(w.step().code() == errc::full);
  CHECK(w.disk.place == there);
  CHECK(w.disk.fresh.empty());  // half a shipment takes no room
  CHECK(w.bring(w.hq) > 3);

  w.net.link(w.a, w.region, true);
  w.net.sync();
  w.sell(1);
  REQUIRE(w.step().ok());
  CHECK(w.m->report().behind == 0);
  CHECK(w.bring(w.hq) == w.size());
}

TEST_CASE("a mirror that knows more than this disk is left as it is: it may be the only copy", "[sync][mirror]") {
  mirrored w;
  w.net.link(w.a, w.region, false);
  w.sell(1);
  auto copy = w.a.store.image();
  w.sell(2);
  REQUIRE(w.step().ok());
  const auto there = w.disk.place;

  w.a.store.reset(copy);  // an old copy, which does not know it
  w.net.open(w.a);
  w.m = std::make_unique<mirror>(w.disk, mirror_limits{});
  CHECK(w.step().code() == errc::not_allowed);
  CHECK_THAT(w.m->report().detail, Catch::Contains("ship --from"));
  CHECK(w.disk.place == there);
  w.sell(2);  // as long, and another history
  CHECK(w.step().code() == errc::not_allowed);
  CHECK(w.disk.place == there);
  w.disk.place.clear();  // it was brought, and emptied
  CHECK(w.step().ok());
  CHECK(w.disk.place.size() == 1);
}

TEST_CASE("a start begins a new shipment in the place of one that it knows all of", "[sync][mirror]") {
  mirrored w;
  w.net.link(w.a, w.region, false);
  w.sell(2);
  REQUIRE(w.step().ok());
  w.disk.place[2] = "half a fi";  // the machine was switched off as it was written
  w.m = std::make_unique<mirror>(w.disk, mirror_limits{});
  w.sell(1);
  REQUIRE(w.step().ok());
  CHECK(w.disk.place.size() == 1);
  CHECK(w.bring(w.hq) == w.size());
}

namespace {

/// New keys of the store, which head office certifies while the store's line is down; then the store starts with them.
struct rotated : mirrored {
  std::unique_ptr<ed25519_signer> before;
  writer_id old_life = a.writer();
  stream_id old_journal = a.journal();

  void rotate() {
    test::seeded_entropy random(91);
    auto signing = make_signing_key(random);
    next_keys next;
    next.signing = std::make_shared<ed25519_signer>(signing.clone());
    next.curve = make_curve_key(random).pub;
    random.fill(next.epoch.value);
    a.st->want_keys(next);
    for (int i = 0; i < 2; ++i) {
      net.pass_time(61'000);
      net.sync();
    }
    REQUIRE((*a.certificates->find(a.id))->epoch == next.epoch);
    net.link(a, region, false);
    sell(3);  // the tail of the old life, which nobody has
    before = std::exchange(a.keys, std::make_unique<ed25519_signer>(signing.clone()));
    net.open(a);
    a.source->sign_with(old_life.epoch, *before);
    a.st->begin_certified_epoch(net.now());
    net.settle(a);
    REQUIRE(a.st->ledger().self().epoch == next.epoch);
    net.forget();
  }
};

}  // namespace

TEST_CASE("the tail from before new keys is signed with the old ones, and head office takes it", "[sync][mirror]") {
  rotated w;
  w.rotate();
  const auto tail = w.a.source->size(w.old_journal);
  REQUIRE(stream_reader(w.hq.store).size(w.old_journal) < tail);
  w.older[w.old_life.epoch] = w.before.get();
  REQUIRE(w.step().ok());
  w.bring(w.hq);
  CHECK(stream_reader(w.hq.store).size(w.old_journal) == tail);
  CHECK(stream_reader(w.hq.store).size({w.a.st->ledger().self(), sub_stream::journal, {}}) > 0);

  w.m = std::make_unique<mirror>(w.disk, mirror_limits{});
  CHECK(w.step().ok());  // the next start knows it for its own
}

TEST_CASE("without the older key an old life's tail is not shipped under another's signature", "[sync][mirror]") {
  rotated w;
  w.rotate();
  auto s = shipment::plan(w.parts(), head_office, {}, {}, {1}, w.net.now());
  REQUIRE(s.ok());
  bool found = false;
  for (const auto& r : s->rows()) {
    if (r.stream == w.old_journal) {
      found = true;
      CHECK_FALSE(r.proved);
    } else {
      CHECK(r.proved);
    }
  }
  CHECK(found);
  REQUIRE(w.step().ok());
  for (const auto& [n, data] : w.disk.place) {
    const auto parcel = decode_parcel(data);
    REQUIRE(parcel);
    for (const auto& m : parcel->messages)
      if (const auto* seg = std::get_if<segment_message>(&m)) CHECK(seg->seg.stream != w.old_journal);
  }
}

TEST_CASE("a mirror on which an older release signed the tail with the new key is replaced", "[sync][mirror]") {
  rotated w;
  w.rotate();
  auto wrong = w.parts();
  wrong.older[w.old_life.epoch] = w.a.keys.get();
  REQUIRE(w.m->step(wrong, {77}, w.net.now(), w.net.ticks()).ok());
  w.older[w.old_life.epoch] = w.before.get();
  w.m = std::make_unique<mirror>(w.disk, mirror_limits{});
  REQUIRE(w.step().ok());
  w.bring(w.hq);
  CHECK(stream_reader(w.hq.store).size(w.old_journal) == w.a.source->size(w.old_journal));
}

TEST_CASE("a disk that is taken out while nothing is sold is noticed, and has all of it when it is back",
          "[sync][mirror]") {
  mirrored w;
  w.net.link(w.a, w.region, false);
  w.sell(2);
  REQUIRE(w.step().ok());
  REQUIRE(w.step().ok());
  CHECK(w.disk.checks == 1);
  w.disk.gone = true;
  CHECK(w.step().code() == errc::io);
  CHECK(w.m->report().detail == "taken out");
  CHECK(w.m->report().behind > 0);
  CHECK(w.m->report().behind_since == w.net.ticks());
  w.disk = {};  // another one is put in
  REQUIRE(w.step().ok());
  CHECK(w.m->report().behind == 0);
  CHECK(w.bring(w.hq) == w.size());
}

TEST_CASE("what a disk throws is an error like another, and nothing counts as written", "[sync][mirror]") {
  mirrored w;
  w.net.link(w.a, w.region, false);
  w.sell(2);
  REQUIRE(w.step().ok());
  w.disk.throws = true;
  CHECK(w.step().code() == errc::io);
  CHECK(w.m->report().detail == "stale file handle");
  CHECK(w.m->report().behind > 0);
  w.disk.throws = false;
  REQUIRE(w.step().ok());
  CHECK(w.m->report().behind == 0);
  CHECK(w.bring(w.hq) == w.size());
}

TEST_CASE("whatever fails, no half shipment is left beside what lies there", "[sync][mirror]") {
  mirrored w;
  w.net.link(w.a, w.region, false);
  w.sell(2);
  REQUIRE(w.step().ok());
  for (int call = 0; call < 4; ++call) {
    w.m = std::make_unique<mirror>(w.disk, mirror_limits{});
    w.disk.how = errc::full;
    w.disk.torn = true;
    w.disk.fail_in = call;  // each, begin, add, finish
    const auto there = w.disk.place;
    CHECK(w.step().code() == errc::full);
    CHECK(w.disk.fresh.empty());
    CHECK(w.disk.place == there);
  }
}

TEST_CASE("a call to the disk that does not return is told as a failure that lasts", "[sync][mirror]") {
  mirror_report well;
  well.held = 7;
  CHECK(as_seen(well, std::nullopt, 90'000).code == errc::ok);
  CHECK(as_seen(well, 50'000, 50'000 + mirror_slow_ms - 1).code == errc::ok);
  auto hangs = as_seen(well, 50'000, 50'000 + mirror_slow_ms + 2'000);
  CHECK(hangs.code == errc::io);
  CHECK(hangs.detail == "the disk has not answered for 12 s");
  CHECK(hangs.behind_since == tick_ms{50'000});
  CHECK(hangs.held == 7);
  well.behind_since = 20'000;
  CHECK(as_seen(well, 50'000, 90'000).behind_since == tick_ms{20'000});
}
