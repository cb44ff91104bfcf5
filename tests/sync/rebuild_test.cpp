// Head office on a backup: what it had published stands, what nobody was told is lost, and nothing is there twice.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/closing.hpp"
#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::about;
using test::alarmed;
using test::held;
using test::in_all;
using test::let_time_pass;
using test::station_net;
using test::why;

namespace {

entry freeze(const station_net& net, card_status status) {
  auto card = card_of(const_cast<station_net&>(net).hq().st->ledger().st(), station_net::card);
  REQUIRE(card.has_value());
  card->status = status;
  ++card->version;
  return card_fact(station_net::card, *card);
}

std::uint64_t directory_at(const station_net::node& n, const writer_id& life) {
  return n.source->size({life, sub_stream::directory, {}});
}

/// Head office goes on from that copy, and does not wait for one.
void go_on_without(station_net& net, const kv_image& copy, node_id whom) {
  net.go_back(copy, {whom});
  net.link(net.region(), net.hq(), true);
  let_time_pass(net, 40);
  REQUIRE_FALSE(net.hq().st->is_rebuilding());
}

/// Sends that head office took back, as their receivers never did.
std::size_t returned(const station_net::node& hq) {
  std::size_t n = 0;
  for (sequence s = 0; s < hq.st->ledger().next(); ++s)
    if (auto e = hq.st->ledger().find_entry(s); e && e->kind == entry_kind::regrant)
      n += e->cited_kind == entry_kind::receive;
  return n;
}

}  // namespace

TEST_CASE("head office on a backup has what it published given back, and goes on", "[sync][rebuild]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3), &b = net.at(4);
  auto before = hq.writer();
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  auto had = directory_at(hq, before);
  auto journal = hq.source->size(hq.journal());

  REQUIRE(net.publish({freeze(net, card_status::frozen)}).code == errc::ok);
  REQUIRE(why(net.top_up(b, 90'000)) != errc::no_quota);  // its quota is filled up again
  let_time_pass(net, 3);
  auto published = directory_at(hq, before);
  CHECK(published > had);
  REQUIRE(hq.source->size(hq.journal()) > journal);

  net.go_back(copy);
  CHECK(hq.st->is_rebuilding());
  CHECK(directory_at(hq, before) == had);
  // It decides nothing before the region has answered, and an empty answer is none.
  CHECK(net.publish({freeze(net, card_status::active)}).code == errc::rolled_back);
  let_time_pass(net, 3);
  CHECK(hq.st->is_rebuilding());
  CHECK(hq.st->rebuilt().silent == std::vector<node_id>{net.region().id});
  CHECK(hq.source->size(hq.journal()) == journal);

  net.link(net.region(), hq, true);
  let_time_pass(net, 15);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  auto life = hq.st->ledger().self();
  CHECK(life != before);
  CHECK(directory_at(hq, before) == published);
  CHECK(card_of(hq.st->ledger().st(), station_net::card)->status == card_status::frozen);
  auto closed = closing_of(hq.st->ledger().st(), before);
  REQUIRE(closed.has_value());
  CHECK(closed->complete());
  for (auto* n : {&net.region(), &a, &b}) {
    CHECK(directory_at(*n, before) == published);
    CHECK(node_of(n->st->ledger().st(), head_office)->epoch == life.epoch);
    CHECK(n->st->directory().writer == life);
    CHECK_FALSE(alarmed(*n, errc::rolled_back));
  }
  // Its word counts again, everywhere, and stores trade on as they were.
  REQUIRE(net.publish({freeze(net, card_status::active)}).code == errc::ok);
  let_time_pass(net, 2);
  CHECK(card_of(b.st->ledger().st(), station_net::card)->status == card_status::active);
  REQUIRE(why(net.ask(b, net.sale(b, 5), true)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 1), true)) == errc::ok);
  net.sync();
  for (const auto& w : hq.st->seen().writers()) {
    INFO(w.node.value);
    CHECK(hq.st->seen().contested_of(w) == 0);
    CHECK(hq.st->seen().unproven(w).quota == 0);
    CHECK(hq.st->seen().unproven(w).rights == 0);
  }
}

TEST_CASE("a crash while what was published is given back costs nothing", "[sync][rebuild]") {
  station_net net;
  auto& hq = net.hq();
  auto before = hq.writer();
  auto copy = hq.store.image();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(net.publish({freeze(net, i % 2 == 0 ? card_status::frozen : card_status::active)}).code == errc::ok);
    net.sync();
  }
  auto published = directory_at(hq, before);
  net.go_back(copy);
  net.link(net.region(), hq, true);
  net.settle(hq);
  net.link(net.region(), hq, false);
  net.open(hq);
  REQUIRE(hq.st->begin_restored_epoch(net.now()).ok());
  CHECK(hq.st->is_rebuilding());
  net.link(net.region(), hq, true);
  let_time_pass(net, 15);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  CHECK(directory_at(hq, before) == published);
  auto life = hq.st->ledger().self();
  net.open(hq);  // the mark is gone
  REQUIRE(hq.st->begin_restored_epoch(net.now()).ok());
  CHECK_FALSE(hq.st->is_rebuilding());
  CHECK(hq.st->ledger().self() == life);
}

TEST_CASE("rights that the lost end of head office's journal passed on are not there twice", "[sync][rebuild]") {
  station_net net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true);
  auto &hq = net.hq(), &a = net.at(3), &far = net.at(5);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  // Up through the region to head office and down to another branch of the tree, in the part that is lost.
  REQUIRE(why(net.ask(far, net.sale(far, 2), true)) == errc::ok);
  let_time_pass(net, 2);
  REQUIRE(in_all(net) == 800);
  bool dark = GENERATE(false, true);  // the branch is cut off when head office goes on
  net.go_back(copy, dark ? std::vector{far.id} : std::vector<node_id>{});
  net.link(far, hq, false);
  net.link(net.region(), hq, true);
  if (!dark) net.link(far, hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  if (dark) {
    CHECK(why(net.ask(a, net.sale(a, 9), true)) == errc::insufficient);
    net.link(far, hq, true);
    let_time_pass(net, 30);
  }
  CHECK(in_all(net) == 800);
  REQUIRE(why(net.ask(far, net.sale(far, 8), true)) == errc::ok);
  CHECK(why(net.ask(far, net.sale(far, 1), true)) == errc::insufficient);
  CHECK(why(net.ask(a, net.sale(a, 1), true)) == errc::insufficient);
  net.sync();
  CHECK(in_all(net) == 0);
  for (const auto& w : hq.st->seen().writers())
    CHECK(hq.st->seen().contested_of(w) == 0);
}

TEST_CASE("what a life of head office granted anew, the next does not grant again", "[sync][rebuild]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  // The store's life ends, and what lay there is granted anew at head office.
  REQUIRE(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 15);
  REQUIRE(held(hq, hq.writer()) == 1'000);
  net.go_back(hq.store.image());
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  CHECK(held(hq, hq.st->ledger().self()) == 1'000);
  REQUIRE(why(net.ask(b, net.sale(b, 10), true)) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 1), true)) == errc::insufficient);
}

TEST_CASE("what the lost end granted anew and passed on is not granted a second time", "[sync][rebuild]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3), &b = net.at(4);
  auto before = hq.writer();
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  REQUIRE(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  // In the part that is lost: granted anew, and half of it sent to the other store and spent there.
  net.pass_time(tick_ms{8} * 24 * 3'600'000);
  let_time_pass(net, 15);
  REQUIRE(held(hq, before) == 1'000);
  REQUIRE(why(net.ask(b, net.sale(b, 5), true)) == errc::ok);
  let_time_pass(net, 2);
  const auto kept = held(hq, before);  // the rest is lost with the disk
  REQUIRE(kept < 1'000);
  const auto spent = 500;

  const bool unknown = GENERATE(false, true);  // the operator waits for nobody
  CAPTURE(unknown);
  net.go_back(copy, unknown ? std::vector{net.region().id} : std::vector<node_id>{});
  if (unknown) let_time_pass(net, 30);
  CHECK(held(hq, hq.st->ledger().self()) == 0);
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  if (unknown) {  // in doubt
    CHECK(held(hq, hq.st->ledger().self()) == 0);
    net.pass_time(tick_ms{8} * 24 * 3'600'000);
    let_time_pass(net, 30);
  }
  CHECK(in_all(net) == 1'000 - spent);
  CHECK(held(hq, hq.st->ledger().self()) == kept);
  for (const auto& w : hq.st->seen().writers())
    CHECK(hq.st->seen().contested_of(w) == 0);
  // And after a start, when all is looked at anew.
  net.open(hq);
  REQUIRE(hq.st->begin_restored_epoch(net.now()).ok());
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  CHECK(held(hq, hq.st->ledger().self()) == kept);
  REQUIRE(why(net.ask(b, net.sale(b, 5), true)) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 1), true)) == errc::insufficient);
  net.sync();
  CHECK(in_all(net) == 0);
  for (const auto& w : hq.st->seen().writers())
    CHECK(hq.st->seen().contested_of(w) == 0);
}

// With its clock behind, it granted anew on a day before the closing, and contested that itself.
TEST_CASE("head office on a backup whose clock went back grants anew on no day before the closing", "[sync][rebuild]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  net.pass_time(tick_ms{20} * 24 * 3'600'000);
  REQUIRE(net.publish({about(entry_kind::close_epoch, a.id)}).code == errc::ok);
  net.sync();
  auto closed = closing_of(hq.st->ledger().st(), a.writer());
  net.set_clock(net.now() - std::int64_t{20} * 24 * 3'600);
  net.go_back(copy);
  net.link(net.region(), hq, true);
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  const auto& self = hq.st->ledger().self();
  REQUIRE(closed.has_value());
  CHECK(business_date(hq.st->ledger().st(), self, 0, 0) >= closed->day);
  net.pass_time(tick_ms{35} * 24 * 3'600'000);  // were it in doubt
  let_time_pass(net, 30);
  CHECK(held(hq, self) == 1'000);
  CHECK(hq.st->seen().contested_of(self) == 0);
}

TEST_CASE("a child that head office does not wait for leaves its end unknown", "[sync][rebuild]") {
  station_net net;
  auto& hq = net.hq();
  auto before = hq.writer();
  REQUIRE(why(net.top_up(net.at(3), 1'000)) == errc::ok);
  net.sync();
  auto copy = hq.store.image();
  net.go_back(copy, {net.region().id});
  let_time_pass(net, 30);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  auto closed = closing_of(hq.st->ledger().st(), before);
  REQUIRE(closed.has_value());
  CHECK_FALSE(closed->complete());
  net.link(net.region(), hq, true);
  let_time_pass(net, 5);
  CHECK(node_of(net.at(3).st->ledger().st(), head_office)->epoch == hq.st->ledger().self().epoch);
}

TEST_CASE("who has less of what was published is given the rest, also where head office did not wait for him",
          "[sync][rebuild]") {
  station_net net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true);
  auto &hq = net.hq(), &far = net.at(5);
  auto before = hq.writer();
  auto copy = hq.store.image();
  net.link(far, hq, false);
  REQUIRE(net.publish({freeze(net, card_status::frozen)}).code == errc::ok);
  net.sync();
  auto published = directory_at(hq, before);
  REQUIRE(directory_at(far, before) < published);
  go_on_without(net, copy, far.id);
  net.link(far, hq, true);
  let_time_pass(net, 5);
  CHECK(directory_at(far, before) == published);
  CHECK(node_of(far.st->ledger().st(), head_office)->epoch == hq.st->ledger().self().epoch);
  CHECK(card_of(far.st->ledger().st(), station_net::card)->status == card_status::frozen);
}

TEST_CASE("what was sent to a life that is closed does not return before its journal is here again",
          "[sync][rebuild]") {
  station_net net({1'000'000, 1'000'000, 100'000, 1'000'000}, 1, true);
  auto &hq = net.hq(), &far = net.at(5);
  REQUIRE(why(net.top_up(far, 90'000)) == errc::ok);
  net.link(far, hq, false);
  net.carry(far, hq);
  net.pass_time(2'000);
  net.settle(hq);  // it fills up the quota
  auto copy = hq.store.image();
  const auto sent = hq.source->size({hq.writer(), sub_stream::addressed, far.id});
  net.carry(hq, far);
  net.carry(far, hq);
  const auto journal = hq.source->size(far.journal());
  REQUIRE(net.publish({about(entry_kind::close_epoch, far.id)}).code == errc::ok);
  net.sync();
  go_on_without(net, copy, far.id);
  REQUIRE(closing_of(hq.st->ledger().st(), far.writer()).has_value());
  REQUIRE(hq.source->size(far.journal()) < journal);
  REQUIRE(hq.source->size({hq.writer(), sub_stream::addressed, far.id}) == sent);
  CHECK(returned(hq) == 0);
  // It says what is lacking, and how to bring it.
  net.forget();
  net.pass_time(tick_ms{25} * 3'600'000);
  let_time_pass(net, 15);
  CHECK(alarmed(hq, errc::epoch_closed));
  net.link(far, hq, true);
  let_time_pass(net, 15);
  CHECK(hq.source->size(far.journal()) == journal);  // what it adopted at last is in its next life
  CHECK(hq.source->size(far.st->ledger().journal()) > 0);
  CHECK(returned(hq) == 0);
  for (const auto& w : hq.st->seen().writers())
    CHECK(hq.st->seen().contested_of(w) == 0);
}

TEST_CASE("what was sent to a life that is closed and of which nothing is here returns after the days of doubt",
          "[sync][rebuild]") {
  station_net net;
  auto& hq = net.hq();
  // A store right below head office whose machine is gone: head office alone had its journal.
  const ed25519_signer keys(make_signing_key(*hq.random));
  auto cert = net.at(3).cert;
  cert.node = {6};
  cert.parents = {head_office};
  cert.signing = keys.key();
  cert.curve = make_curve_key(*hq.random).pub;
  cert.epoch.value.fill(6);
  const writer_id gone{cert.node, cert.epoch};
  entry certify, limits = net.limits_entry(net.at(3), {1'000'000, 1'000'000, 100'000, 1'000'000});
  certify.kind = entry_kind::certify;
  certify.blob = encode(sign_certificate(cert, head_office, *hq.keys));
  limits.subject = gone;
  REQUIRE(net.publish({certify, limits}).code == errc::ok);
  net.pass_time(2'000);
  net.sync();
  const auto sent = hq.source->size({hq.writer(), sub_stream::addressed, gone.node});
  REQUIRE(sent > 0);
  const auto copy = hq.store.image();
  entry first;
  first.kind = entry_kind::open_epoch;
  REQUIRE(net.ingest(hq, gone.node, net.forge(hq, {gone, sub_stream::journal, {}}, {first}, keys)).code == errc::ok);
  REQUIRE(net.publish({about(entry_kind::close_epoch, gone.node)}).code == errc::ok);
  net.sync();
  go_on_without(net, copy, gone.node);
  REQUIRE(closing_of(hq.st->ledger().st(), gone)->size == 1);
  REQUIRE(hq.source->size({gone, sub_stream::journal, {}}) == 0);
  CHECK(returned(hq) == 0);
  net.forget();
  net.pass_time(tick_ms{25} * 3'600'000);
  let_time_pass(net, 15);
  CHECK(alarmed(hq, errc::epoch_closed));
  CHECK(returned(hq) == 0);
  net.pass_time(tick_ms{8 * 24} * 3'600'000);
  let_time_pass(net, 15);
  CHECK(returned(hq) == sent);
}

TEST_CASE("who was revoked by an earlier life of head office hears of it behind that life", "[sync][rebuild]") {
  station_net net;
  auto &hq = net.hq(), &a = net.at(3);
  auto before = hq.writer();
  entry revoke;
  revoke.kind = entry_kind::revoke;
  revoke.subject.node = a.id;
  net.link(a, net.region(), false);
  REQUIRE(net.publish({revoke}).code == errc::ok);
  net.sync();
  CHECK(net.region().st->directories() == std::vector{stream_id{before, sub_stream::directory, {}}});
  net.go_back(hq.store.image());
  net.link(net.region(), hq, true);
  let_time_pass(net, 15);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  const std::vector lives{stream_id{before, sub_stream::directory, {}}, hq.st->directory()};
  for (int life = 0; life < 2; ++life) {
    for (auto* n : {&hq, &net.region()}) {
      CHECK(n->st->directories() == lives);
      REQUIRE(n->st->void_keys().size() == 1);
      CHECK(n->st->void_keys()[0] == void_key{a.cert.curve, a.id, 1, errc::revoked});
    }
    net.open(net.region());
  }
  // As its parent's link gives it: the life before to its end, and the first entry of the next.
  net.carry(net.region(), a);
  CHECK(a.st->ledger().stopped() == errc::revoked);
}
