// PINs in a small network: set at a store, published by head office, locked, refilled, taken away.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "storage/entry_codec.hpp"
#include "sync/station_net.hpp"

using namespace tally;
using test::station_net;
using test::why;

namespace {

using typed = pin_proof::verdict;

struct pin_net : station_net {
  pin_net() {
    rules_record r;
    r.version = 2;
    r.top_up_max = 1'000'000;
    r.taxes = {{"A", 0}};
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.pin_above = 100;
    r.programme.card_kinds = {k};
    entry rules;
    rules.kind = entry_kind::publish;
    rules.topic = publish_topic::rules;
    rules.rules_version = 2;
    rules.blob = encode_rules(r);
    entry key;
    key.kind = entry_kind::publish;
    key.topic = publish_topic::pin_key;
    key.blob = bytes(32, 'k');
    REQUIRE(publish({rules, key}).code == errc::ok);
    sync();
  }
  till_answer set(node& n, pin_proof old = {}) {
    return ask(n, pin_command{key(n), card, old, at_node(n).version + 1, "sealed", bytes(16, 'd')});
  }
  till_answer pay(node& n, std::int64_t things, pin_proof pin = {}) {
    auto c = sale(n, things);
    c.pin = pin;
    return ask(n, c);
  }
  pin_state at_node(node& n) {
    const auto& st = n.st->ledger().st();
    return pin_of(st, n.writer(), card, card_of(st, card).value());
  }
  void says(const pin_state& pin) {
    auto e = card_fact(card, card_of(hq().st->ledger().st(), card).value());
    e.pin = pin;
    REQUIRE(publish({e}).code == errc::ok);
  }
  void nothing_contested() {
    for (std::uint32_t id = 1; id <= 4; ++id)
      CHECK(hq().st->seen().contested_of(at(id).writer()) == 0);
  }
};

const refusal& refused(const till_answer& a) {
  REQUIRE(std::holds_alternative<refusal>(a.outcome));
  return std::get<refusal>(a.outcome);
}

}  // namespace

TEST_CASE("a PIN binds the store that set it, and all others when head office has published it", "[sync][pin]") {
  pin_net net;
  auto &a = net.at(3), &b = net.at(4);
  for (auto* n : {&net.hq(), &net.region(), &a, &b})
    CHECK(pin_key_of(n->st->ledger().st()).has_value());
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  REQUIRE(why(net.top_up(b, 5'000)) == errc::ok);
  net.link(a, net.region(), false);
  CHECK(why(net.pay(a, 2)) == errc::pin_required);
  REQUIRE(why(net.set(a)) == errc::ok);
  CHECK(net.at_node(a) == pin_state{1, 0, true});
  CHECK(why(net.pay(a, 2, {typed::right, 1})) == errc::ok);
  CHECK(net.at_node(b) == pin_state{});
  net.link(a, net.region(), true);
  net.sync();
  for (auto* n : {&net.hq(), &a, &b})
    CHECK(net.at_node(*n) == pin_state{1, 0, true});
  auto from = pin_source(net.hq().st->ledger().st(), station_net::card);
  REQUIRE(from);
  CHECK(from->first == a.writer());
  CHECK(own_pin(a.st->ledger().st(), a.writer(), station_net::card,
                card_of(a.st->ledger().st(), station_net::card).value()) == std::nullopt);
  CHECK(why(net.pay(b, 2)) == errc::pin_required);
  CHECK(why(net.pay(b, 2, {typed::right, 1})) == errc::ok);
  CHECK(why(net.pay(b, 1)) == errc::ok);
  // A fact by somebody who looked at the card before takes nothing away; the status is said.
  auto older = card_fact(station_net::card, card_of(net.hq().st->ledger().st(), station_net::card).value());
  older.pin = {};
  older.status = card_status::frozen;
  REQUIRE(net.publish({older}).code == errc::ok);
  net.sync();
  for (auto* n : {&net.hq(), &a, &b}) {
    CHECK(net.at_node(*n) == pin_state{1, 0, true});
    CHECK(card_of(n->st->ledger().st(), station_net::card)->status == card_status::frozen);
  }
  CHECK(pin_source(net.hq().st->ledger().st(), station_net::card) == from);
  net.nothing_contested();
}

TEST_CASE("of two stores that set a PIN the first that is heard counts", "[sync][pin]") {
  pin_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.link(a, net.region(), false);
  REQUIRE(why(net.set(a)) == errc::ok);
  REQUIRE(why(net.set(b)) == errc::ok);
  net.sync();
  net.link(a, net.region(), true);
  net.sync();
  for (auto* n : {&net.hq(), &a, &b})
    CHECK(net.at_node(*n) == pin_state{1, 0, true});
  CHECK(pin_source(a.st->ledger().st(), station_net::card)->first == b.writer());
  // A store that did not hear of a change cannot undo it.
  net.link(a, net.region(), false);
  REQUIRE(why(net.set(b, {typed::right, 1})) == errc::ok);
  net.says({2, 0, false});
  net.sync();
  CHECK(net.at_node(b) == pin_state{2, 0, false});
  REQUIRE(why(net.set(a, {typed::right, 1})) == errc::ok);
  net.link(a, net.region(), true);
  net.sync();
  for (auto* n : {&net.hq(), &a, &b})
    CHECK(net.at_node(*n) == pin_state{2, 0, false});
  net.nothing_contested();
}

TEST_CASE("who chose a first PIN at a dark store, and changed that, does not change the holder's", "[sync][pin]") {
  pin_net net;
  auto &a = net.at(3), &b = net.at(4);
  net.link(b, net.region(), false);
  REQUIRE(why(net.set(a)) == errc::ok);
  net.sync();
  // Both are version 1, and nobody but their stores can tell which was typed.
  REQUIRE(why(net.set(b)) == errc::ok);
  REQUIRE(why(net.set(b, {typed::right, 1})) == errc::ok);
  net.link(b, net.region(), true);
  net.sync();
  for (auto* n : {&net.hq(), &a, &b})
    CHECK(net.at_node(*n) == pin_state{1, 0, true});
  CHECK(pin_source(net.hq().st->ledger().st(), station_net::card)->first == a.writer());
  // Whoever has heard of it may change it, at any store.
  REQUIRE(why(net.set(b, {typed::right, 1})) == errc::ok);
  net.sync();
  CHECK(net.at_node(a) == pin_state{2, 0, true});
  net.nothing_contested();
}

TEST_CASE("wrong PINs are durable before the answer, lock one store, and head office refills", "[sync][pin]") {
  pin_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  REQUIRE(why(net.top_up(b, 5'000)) == errc::ok);
  REQUIRE(why(net.set(b)) == errc::ok);
  net.sync();
  for (std::uint32_t left = pin_tries_max; left-- > 0;) {
    auto size = a.st->ledger().durable_next();
    auto answer = net.pay(a, 2, {typed::wrong, 1});
    CHECK(refused(answer).why.code == errc::pin_wrong);
    CHECK(refused(answer).tries == left);
    CHECK(a.st->ledger().durable_next() == size + 1);
    // A restart forgets none of them.
    net.open(a);
  }
  auto locked = net.pay(a, 2, {typed::right, 1});
  CHECK(refused(locked).why.code == errc::pin_locked);
  CHECK(refused(locked).without_pin == 100);
  CHECK(why(net.pay(a, 1)) == errc::ok);
  CHECK(why(net.pay(b, 2, {typed::right, 1})) == errc::ok);
  net.says({1, 1, true});
  net.sync();
  CHECK(why(net.pay(a, 2, {typed::right, 1})) == errc::ok);
  net.sync();
  net.nothing_contested();
}
