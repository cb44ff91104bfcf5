// Certificates that end, and keys that change.
#include <catch2/catch.hpp>

#include "ledger/closing.hpp"
#include "sync/checkpoint.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::alarmed;
using test::held;
using test::seen;
using test::station_net;
using test::why;

namespace {

constexpr unix_seconds day = 86'400;

void let_minutes_pass(station_net& net, int minutes) {
  for (int i = 0; i < minutes; ++i) {
    net.pass_time(61'000);
    net.sync();
  }
}

/// Head office certifies the keys of a node again, for some other time.
void certify_again(station_net& net, const station_net::node& n, unix_seconds from, unix_seconds until) {
  auto c = n.cert;
  c.serial = 2;
  c.not_before = from;
  c.not_after = until;
  entry e;
  e.kind = entry_kind::certify;
  e.blob = encode(sign_certificate(c, head_office, *net.hq().keys));
  REQUIRE(net.publish({e}).code == errc::ok);
}

struct new_keys {
  signing_key signing;
  next_keys next;
  explicit new_keys(std::uint64_t seed) {
    test::seeded_entropy random(seed);
    signing = make_signing_key(random);
    next.signing = std::make_shared<ed25519_signer>(signing.clone());
    next.curve = make_curve_key(random).pub;
    random.fill(next.epoch.value);
  }
};

/// What the owner of a node does when head office has certified its new keys.
std::unique_ptr<ed25519_signer> start_with(station_net& net, station_net::node& n, const new_keys& k) {
  auto old = std::exchange(n.keys, std::make_unique<ed25519_signer>(k.signing.clone()));
  net.open(n);
  n.source->sign_with(n.cert.epoch, *old);
  n.st->begin_certified_epoch(net.now());
  net.settle(n);
  return old;
}

}  // namespace

TEST_CASE("a certificate is renewed in its last third, over region and head office, once", "[sync][keys]") {
  station_net net;
  auto& a = net.at(3);
  certify_again(net, a, net.now() - 100 * day, net.now() + 60 * day);
  net.sync();
  let_minutes_pass(net, 2);
  CHECK(a.st->certificate_of(a.id)->serial == 2);  // 60 of 160 days are more than a third
  net.pass_time(tick_ms{8} * day * 1'000);
  net.link(a, net.region(), false);
  net.link(net.region(), net.hq(), false);
  net.link(net.region(), net.hq(), true);  // brings the time
  net.sync();
  net.link(a, net.region(), true);
  net.sync();
  let_minutes_pass(net, 2);
  for (auto* n : {&net.hq(), &net.region(), &a}) {
    const auto* c = n->st->certificate_of(a.id);
    CHECK(c->serial == 3);
    CHECK(c->signing == a.cert.signing);
    CHECK(c->epoch == a.cert.epoch);
    CHECK(c->not_after > net.now() + 364 * day);
  }
  let_minutes_pass(net, 130);
  CHECK(net.hq().st->certificate_of(a.id)->serial == 3);
  CHECK(why(net.top_up(a, 1'000)) == errc::ok);
  CHECK(net.region().st->void_keys().empty());
  CHECK_FALSE(alarmed(a, errc::not_certified));
}

TEST_CASE("head office gives no serial number twice, whatever an operator saw", "[sync][keys]") {
  station_net net;
  auto& a = net.at(3);
  certify_again(net, a, a.cert.not_before, a.cert.not_after);
  auto before = net.hq().st->ledger().durable_next();
  auto other = a.cert;  // as somebody saw it a moment ago
  other.serial = 2;
  other.parents = {head_office};
  entry limits, certify;
  limits.kind = entry_kind::limits;
  limits.subject = {a.id, a.cert.epoch};
  certify.kind = entry_kind::certify;
  certify.blob = encode(sign_certificate(other, head_office, *net.hq().keys));
  auto answer = net.publish({limits, certify});
  CHECK(answer.code == errc::busy);
  CHECK(answer.written == 0);  // nothing of it, the limits neither
  CHECK(net.hq().st->ledger().durable_next() == before);
  CHECK(net.hq().st->certificate_of(a.id)->parents == a.cert.parents);
}

TEST_CASE("whose certificate has ended may do one thing, and is back when it is renewed", "[sync][keys]") {
  station_net net;
  auto& a = net.at(3);
  net.link(a, net.region(), false);
  certify_again(net, a, net.now() - 100 * day, net.now() - day);
  net.sync();
  net.forget();
  let_minutes_pass(net, 1);
  CHECK_FALSE(net.region().st->curve_key_of(a.id).has_value());
  REQUIRE(net.region().st->void_keys().size() == 1);
  CHECK(net.region().st->void_keys()[0] == void_key{a.cert.curve, a.id, any_size, errc::not_certified});
  CHECK(alarmed(net.region(), errc::not_certified));
  REQUIRE(seen<cut_off_effect>(net.region()) != nullptr);
  // It trades on: validity is about connections.
  CHECK(why(net.top_up(a, 1'000)) == errc::ok);
  net.link(a, net.region(), true);
  let_minutes_pass(net, 3);
  CHECK(a.st->certificate_of(a.id)->serial == 3);
  CHECK(net.region().st->curve_key_of(a.id) == a.cert.curve);
  CHECK(net.region().st->void_keys().empty());
  CHECK(seen<lives_anew_effect>(a) != nullptr);  // connects anew, for everything
  CHECK(a.st->ledger().self() == a.writer());
  CHECK(net.hq().st->seen().contested_of(a.writer()) == 0);
}

TEST_CASE("a region changes the key that it signs with, and its stores find it", "[sync][keys]") {
  station_net net;
  auto &region = net.region(), &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  new_keys fresh(78);
  fresh.next.curve = region.cert.curve;
  net.link(b, region, false);  // it hears of it later
  region.st->want_keys(fresh.next);
  let_minutes_pass(net, 2);
  REQUIRE(seen<new_keys_effect>(region) != nullptr);
  net.forget();
  auto old = start_with(net, region, fresh);
  let_minutes_pass(net, 8);
  net.link(b, region, true);
  let_minutes_pass(net, 8);

  CHECK(region.st->ledger().self().epoch == fresh.next.epoch);
  auto closed = closing_of(net.hq().st->ledger().st(), region.writer());
  REQUIRE(closed.has_value());
  CHECK(closed->complete());
  CHECK(closed->successor == fresh.next.epoch);
  for (auto* n : {&net.hq(), &a, &b}) {
    CHECK(n->st->certificate_of(region.id)->signing == fresh.next.signing->key());
    CHECK(n->st->certificate_of(region.id)->curve == region.cert.curve);
    CHECK_FALSE(alarmed(*n, errc::bad_signature));
  }
  CHECK(net.hq().st->void_keys().empty());
  // Rights come over it again.
  CHECK(a.st->ledger().stopped() == errc::ok);
  CHECK(b.st->ledger().stopped() == errc::ok);
  CHECK(why(net.ask(a, net.sale(a, 4), true)) == errc::ok);
  CHECK(why(net.top_up(b, 300)) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 3), true)) == errc::ok);
  net.sync();
  for (auto* n : {&region, &a, &b})
    CHECK(net.hq().st->seen().contested_of(n->st->ledger().self()) == 0);
}

TEST_CASE("what a region signs with keys that nobody certified is a forgery after ten minutes", "[sync][keys]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  new_keys other(79);
  auto forged = [&] {
    cosign_message m{a.journal(), 1, {}, net.region().id, net.now(), {}};
    m.sign =
        sign_cosignature(*other.next.signing, {stream_origin(station_net::chain, m.stream), 1, m.root, {}}, m.time);
    REQUIRE(a.st->put(control_arrival{net.region().id, m}).ok());
    net.settle(a);
  };
  forged();
  CHECK_FALSE(alarmed(a, errc::bad_signature));
  net.pass_time(11 * 60'000);
  forged();
  CHECK(alarmed(a, errc::bad_signature));
}

TEST_CASE("a region's door stays the same, a store's does not", "[sync][keys]") {
  station_net net;
  auto ask = [&](const station_net::node& n, bool same) {
    new_keys k(80);
    if (same) k.next.curve = n.cert.curve;
    auto m = make_renewal(station_net::chain, n.cert, *n.keys, &k.next);
    return check_renewal(station_net::chain, n.cert, m, ed25519_verifier()).code();
  };
  CHECK(ask(net.region(), true) == errc::ok);
  CHECK(ask(net.region(), false) == errc::bad_proof);
  CHECK(ask(net.at(3), false) == errc::ok);
  CHECK(ask(net.at(3), true) == errc::bad_proof);
}

TEST_CASE("a store changes its keys after a month in the dark, and nothing is lost", "[sync][keys]") {
  station_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  net.sync();
  net.link(a, net.region(), false);
  new_keys fresh(77);
  a.st->want_keys(fresh.next);
  net.pass_time(tick_ms{30} * day * 1'000);
  net.settle(a);
  REQUIRE(why(net.ask(a, net.sale(a, 3))) == errc::ok);  // with the old keys, in the old epoch
  net.link(a, net.region(), true);
  let_minutes_pass(net, 2);
  REQUIRE(seen<new_keys_effect>(a) != nullptr);
  REQUIRE(why(net.ask(a, net.sale(a, 1))) == errc::ok);
  net.link(a, net.region(), false);
  auto old = start_with(net, a, fresh);
  auto life = a.st->ledger().self();
  CHECK(life.epoch == fresh.next.epoch);
  CHECK(why(net.ask(a, net.sale(a, 1))) == errc::epoch_closed);
  // A second start does not begin again.
  net.open(a);
  a.source->sign_with(a.cert.epoch, *old);
  a.st->begin_certified_epoch(net.now());
  net.settle(a);
  CHECK(a.st->ledger().self() == life);
  net.link(a, net.region(), true);
  let_minutes_pass(net, 8);

  auto closed = closing_of(net.hq().st->ledger().st(), a.writer());
  REQUIRE(closed.has_value());
  CHECK(closed->complete());
  CHECK(closed->successor == life.epoch);
  CHECK(net.hq().st->seen().contested_of(a.writer()) == 0);
  CHECK(net.hq().st->seen().contested_of(life) == 0);
  CHECK(a.st->ledger().stopped() == errc::ok);
  CHECK(why(net.ask(a, net.sale(a, 6), true)) == errc::ok);  // all 600 that are left, in the new epoch
  net.sync();
  // The old keys may hear of it, no more; what they signed stands.
  auto keys = net.region().st->void_keys();
  REQUIRE(keys.size() == 1);
  CHECK(keys[0].curve == a.cert.curve);
  CHECK(keys[0].why == errc::not_certified);
  CHECK(keys[0].directory < net.hq().source->size(net.hq().st->directory()) + 1);
  CHECK(net.region().st->curve_key_of(a.id) == fresh.next.curve);
}

TEST_CASE("a renewal is believed from who holds the keys only", "[sync][keys]") {
  station_net net;
  auto& a = net.at(3);
  new_keys thief(78);
  auto own = *net.hq().st->certificate_of(a.id);
  auto ask = [&](const renew_message& m) {
    net.forget();
    REQUIRE(net.region().st->put(control_arrival{a.id, m}).ok());
    net.sync();
    return net.hq().st->certificate_of(a.id)->serial;
  };
  SECTION("not from somebody else") {
    auto m = make_renewal(station_net::chain, own, *thief.next.signing, &thief.next);
    CHECK(ask(m) == 1);
    CHECK(alarmed(net.hq(), errc::bad_signature));
    m = make_renewal(station_net::chain, own, *a.keys, &thief.next);
    m.by_new = m.by_old;  // without the new key
    CHECK(ask(m) == 1);
    m = make_renewal("other", own, *a.keys, &thief.next);
    CHECK(ask(m) == 1);
    auto half = thief.next;
    half.epoch = own.epoch;
    CHECK(ask(make_renewal(station_net::chain, own, *a.keys, &half)) == 1);
    CHECK(alarmed(net.hq(), errc::bad_proof));
    // Too early for the same keys, and from the wrong side.
    CHECK(ask(make_renewal(station_net::chain, own, *a.keys, nullptr)) == 1);
    m = make_renewal(station_net::chain, own, *a.keys, &thief.next);
    REQUIRE(net.region().st->put(control_arrival{node_id{4}, m}).ok());
    net.sync();
    CHECK(net.hq().st->certificate_of(a.id)->serial == 1);
  }
  SECTION("a thief of its keys gets new ones, and the store itself stops") {
    CHECK(ask(make_renewal(station_net::chain, own, *a.keys, &thief.next)) == 2);
    CHECK(a.st->ledger().stopped() == errc::revoked);
    CHECK(why(net.top_up(a, 1'000)) == errc::revoked);
  }
  SECTION("not for a revoked node") {
    entry e;
    e.kind = entry_kind::revoke;
    e.subject.node = a.id;
    REQUIRE(net.publish({e}).code == errc::ok);
    CHECK(ask(make_renewal(station_net::chain, own, *a.keys, &thief.next)) == 1);
  }
}
