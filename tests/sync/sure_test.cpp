// A region that starts on an old copy of its disk, and nobody said so.
#include <catch2/catch.hpp>

#include "sync/station_net.hpp"

using namespace tally;
using test::held;
using test::station_net;
using test::why;

namespace {

/// What a neighbour shows of a stream of the region, as its session does: more than there is, or a place that exists.
void show(station_net& net, station_net::node& by, const stream_id& id) {
  auto& region = net.region();
  auto shown = by.source->evidence(id);
  if (shown && shown->size > region.source->size(id)) {
    REQUIRE(region.st->verify_rollback_proof(id, shown->size, shown->proof));
    (void)region.st->heed_proof(id, shown->size, shown->proof.root, net.now());
  }
  net.settle(region);
}

stream_id rights_for(const station_net::node& region, const station_net::node& child) {
  return {region.st->ledger().self(), sub_stream::addressed, child.id};
}

/// Store 3 sold a load of 1,000, store 4 has a need; the region's disk is copied before it passes anything on.
struct copied {
  station_net net;
  station_net::node &hq = net.hq(), &region = net.region(), &a = net.at(3), &b = net.at(4);
  kv_image copy;
  std::uint64_t copied_size = 0;

  copied() {
    REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
    net.sync();
    copy = region.store.image();
    copied_size = region.source->size(region.journal());
  }
  /// All lines are down, and the region's process is new.
  void start(bool old) {
    for (auto* child : {&a, &b})
      net.link(*child, region, false);
    net.link(region, hq, false);
    if (old) region.store.reset(copy);
    net.open(region);
    net.settle(region);
  }
  std::uint64_t size() { return region.source->size(region.journal()); }
  bool moved_value() {
    for (auto n = copied_size; n < size(); ++n)
      if (region.st->ledger().find_entry(n)->kind != entry_kind::adopt) return true;
    return false;
  }
  bool lives_anew() { return region.st->ledger().self().epoch != region.cert.epoch; }
};

}  // namespace

TEST_CASE("a region on an old copy whose parent is there lives anew, and its end counts as unknown", "[sync][sure]") {
  copied c;
  REQUIRE(why(c.net.ask(c.b, c.net.sale(c.b, 4), true)) == errc::ok);  // the region passed it on
  c.net.sync();
  c.start(true);
  CHECK_FALSE(c.region.st->is_sure());
  c.net.link(c.region, c.hq, true);  // head office asks from a place that does not exist here, so that is no word
  CHECK(c.region.st->unheard() == std::vector<node_id>{head_office, c.a.id, c.b.id});
  show(c.net, c.hq, c.region.journal());
  CHECK(c.lives_anew());
  CHECK(c.region.st->is_sure());
  // Of the life before a child may know what head office does not.
  auto heritage = heritage_of(c.region.st->seen().st(), c.region.st->ledger().self());
  REQUIRE(heritage.has_value());
  CHECK(heritage->proven == unknown_end);
  CHECK_FALSE(c.moved_value());
}

TEST_CASE("the parent's word is not enough where a child knows more", "[sync][sure]") {
  copied c;
  c.net.link(c.region, c.hq, false);
  REQUIRE(why(c.net.ask(c.b, c.net.sale(c.b, 4), true)) == errc::ok);  // head office hears nothing of it
  c.start(true);
  c.net.link(c.region, c.hq, true);
  c.net.sync();
  CHECK_FALSE(c.region.st->is_sure());
  CHECK(c.region.st->unheard() == std::vector<node_id>{c.a.id, c.b.id});
  CHECK(c.region.st->next_due() <= c.net.ticks() + 120'000);

  // Store 3's money is asked for: nothing moves, and whoever asks is told at once.
  REQUIRE(c.region.st->put(control_arrival{c.a.id, ask_message{77, station_net::card, purse_paid, 100, 1'000}}).ok());
  c.net.settle(c.region);
  CHECK_FALSE(c.moved_value());

  show(c.net, c.b, rights_for(c.region, c.b));
  CHECK(c.region.st->is_outdated());
  c.net.pass_time(61'000);
  c.net.settle(c.region);
  CHECK(c.lives_anew());
  CHECK_FALSE(c.moved_value());
}

TEST_CASE("a store whose journal the region had further shows it, also where the parent is away", "[sync][sure]") {
  copied c;
  // The region took from a what b needed, and cosigned it; the copy knows nothing of that.
  REQUIRE(why(c.net.ask(c.b, c.net.sale(c.b, 4), true)) == errc::ok);
  c.net.sync();
  c.start(true);
  c.net.pass_time(tick_ms{24} * 3'600'000);
  c.net.sync();
  CHECK_FALSE(c.region.st->is_sure());
  CHECK_FALSE(c.moved_value());
  c.net.link(c.a, c.region, true);
  c.net.sync();
  CHECK(c.lives_anew());
  CHECK_FALSE(c.moved_value());
}

TEST_CASE("with nobody there a region moves nothing, and its stores sell what they hold", "[sync][sure]") {
  copied c;
  c.start(false);
  CHECK(c.region.st->unheard() == std::vector<node_id>{head_office, c.a.id, c.b.id});
  CHECK(why(c.net.ask(c.a, c.net.sale(c.a, 3), true)) == errc::ok);
  CHECK(why(c.net.ask(c.b, c.net.sale(c.b, 1), true)) != errc::ok);

  c.net.link(c.a, c.region, true);
  c.net.link(c.b, c.region, true);
  c.net.sync();
  CHECK(c.region.st->unheard() == std::vector<node_id>{head_office});
  c.net.forget();
  CHECK(why(c.net.ask(c.b, c.net.sale(c.b, 1), true)) != errc::ok);
  CHECK_FALSE(c.region.st->is_sure());

  c.net.link(c.region, c.hq, true);
  c.net.sync();
  CHECK(c.region.st->is_sure());
  CHECK(c.region.st->unheard().empty());
  CHECK(why(c.net.ask(c.b, c.net.sale(c.b, 1), true)) == errc::ok);
  CHECK(held(c.hq, c.region.writer()) >= 0);
}

TEST_CASE("with head office away and all of its stores there, a region that was started serves them", "[sync][sure]") {
  copied c;
  c.start(false);
  c.net.link(c.a, c.region, true);
  c.net.sync();
  c.net.pass_time(tick_ms{24} * 3'600'000);
  c.net.sync();
  CHECK_FALSE(c.region.st->is_sure());  // one is missing
  c.net.link(c.b, c.region, true);
  c.net.sync();
  CHECK_FALSE(c.region.st->is_sure());
  CHECK(c.region.st->next_due() <= c.net.ticks() + 120'000);
  c.net.forget();
  c.net.pass_time(120'000);
  c.net.sync();
  CHECK(c.region.st->is_sure());
  CHECK(test::alarmed(c.region, errc::offline));
  CHECK(why(c.net.ask(c.b, c.net.sale(c.b, 1), true)) == errc::ok);
}

TEST_CASE("a store shows a region on an old copy that it had more of its journal", "[sync][sure]") {
  copied c;
  c.net.link(c.region, c.hq, false);
  REQUIRE(why(c.net.ask(c.a, c.net.sale(c.a, 2))) == errc::ok);
  c.net.sync();  // taken in and cosigned, and not in the copy
  auto had = c.a.st->cosigned(c.region.id);
  REQUIRE(had.has_value());
  REQUIRE(had->size == c.a.source->size(c.a.journal()));
  c.net.pass_time(2'000);  // what it cosigns from now on is another signature
  c.start(true);
  const auto has = stream_reader(c.region.store).size(c.a.journal());
  REQUIRE(has < had->size);
  // Somebody else's word, or a made-up one, is nothing.
  auto forged = *had;
  forged.size += 1;
  REQUIRE(c.region.st->put(control_arrival{c.b.id, forged}).ok());
  c.net.settle(c.region);
  CHECK_FALSE(c.lives_anew());

  c.net.link(c.a, c.region, true);
  c.net.sync();
  REQUIRE(c.a.st->put(control_arrival{c.region.id, want_message{c.a.journal(), has, {}}}).ok());
  c.net.sync();
  CHECK(c.lives_anew());
  CHECK_FALSE(c.moved_value());
  // In its next life, after another start, that is no news: it was lost once.
  auto life = c.region.st->ledger().self();
  c.start(false);
  REQUIRE(c.region.st->put(control_arrival{c.a.id, *had}).ok());
  c.net.settle(c.region);
  CHECK(c.region.st->ledger().self() == life);
}

TEST_CASE("a child that is dark is waited for two minutes, and sent nothing before it is heard", "[sync][sure]") {
  copied c;
  REQUIRE(why(c.net.ask(c.b, c.net.sale(c.b, 1), true)) == errc::ok);
  c.net.sync();
  c.start(false);
  c.net.link(c.region, c.hq, true);
  c.net.link(c.b, c.region, true);
  c.net.sync();
  CHECK_FALSE(c.region.st->is_sure());
  c.net.pass_time(119'999);
  c.net.settle(c.region);
  CHECK_FALSE(c.region.st->is_sure());
  c.net.forget();
  c.net.pass_time(1);
  c.net.settle(c.region);
  CHECK(c.region.st->is_sure());
  CHECK(test::alarmed(c.region, errc::offline));

  // Its line is up and it has shown nothing yet: its question is not answered with rights.
  const auto before = c.region.source->size(rights_for(c.region, c.a));
  REQUIRE(c.region.st->put(link_change{c.a.id, true}).ok());
  REQUIRE(c.region.st->put(control_arrival{c.a.id, ask_message{78, station_net::card, purse_paid, 1, 1'000}}).ok());
  c.net.settle(c.region);
  CHECK(c.region.source->size(rights_for(c.region, c.a)) == before);
}

TEST_CASE("a region offers a child its stream of rights also where it knows of none", "[sync][sure]") {
  copied c;
  c.start(false);
  const auto rights = rights_for(c.region, c.b);
  auto offered = c.region.st->streams_for(c.b.id);
  CHECK(std::count(offered.begin(), offered.end(), rights) == 1);
  REQUIRE(c.region.st->put(control_arrival{c.b.id, want_message{rights, 0, {}}}).ok());
  c.net.settle(c.region);
  auto later = c.region.st->streams_for(c.b.id);
  CHECK(std::count(later.begin(), later.end(), rights) == (c.region.source->size(rights) > 0 ? 1 : 0));
}

TEST_CASE("a store is sure of itself, whoever is away", "[sync][sure]") {
  copied c;
  c.net.link(c.a, c.region, false);
  c.net.open(c.a);
  CHECK(c.a.st->is_sure());
  CHECK(c.a.st->unheard().empty());
  CHECK(why(c.net.ask(c.a, c.net.sale(c.a, 2))) == errc::ok);
}

TEST_CASE("a stick counts as the parent's word when it knows of all that the disk had at its start", "[sync][sure]") {
  copied c;
  const auto size = c.size();
  c.start(false);
  auto shown = c.hq.source->evidence(c.region.journal());
  REQUIRE(shown.has_value());
  for (bool newest : {false, true}) {
    want_message w{c.region.journal(), shown->size, shown->proof};
    if (!newest) w = {c.region.journal(), 1, std::nullopt};
    REQUIRE(c.region.st->put(carried_request{1, {w}}).ok());
    c.net.settle(c.region);
    auto left = c.region.st->unheard();
    CHECK((std::count(left.begin(), left.end(), head_office) == 0) == (newest && shown->size == size));
  }
}
