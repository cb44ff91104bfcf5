// Payments that come to head office, in a small network.
#include <catch2/catch.hpp>

#include "ledger/card_sale.hpp"
#include "sync/audit.hpp"
#include "sync/programme_net.hpp"
#include "sync/reexecution.hpp"

using namespace tally;
using test::alarmed;
using test::why;

namespace {

struct online_net : test::programme_net {
  online_net()
      : programme_net([](rules_record& r) {
          r.top_up_max = 50'000;
          r.programme.purses[1].manual_per_day = 500;
        }) {}

  facts_answer pay(const std::string& reference, amount value, account_id account = card, std::uint32_t package = 0) {
    entry e;
    e.kind = entry_kind::top_up;
    e.account = account;
    e.values = {{purse_paid, main_unit, 0, value}};
    e.tenders = {{tender_kind::online, main_unit, value}};
    e.package = package;
    e.blob = reference;
    auto a = publish({e});
    sync();
    return a;
  }
  /// Units by hand at head office: taken, when below zero.
  facts_answer by_hand(const std::string& reference, amount units, account_id account = card,
                       const std::string& reason = "a mistake", std::uint32_t purse = test::points_purse) {
    entry e;
    e.kind = entry_kind::adjust;
    e.account = account;
    (units < 0 ? e.values : e.earned) = {{purse, unit_of(purse), 0, units < 0 ? -units : units}};
    e.blob = hand_note_text(reference, reason);
    auto a = publish({e});
    sync();
    UNSCOPED_INFO(a.detail);
    return a;
  }
  amount points_at(node& n) { return holding(n.st->ledger().st(), n.writer(), card, test::points_purse); }
  amount held_at(node& n) { return holding(n.st->ledger().st(), n.writer(), card); }
  /// The first thing that the audit of head office's data finds; empty when all is well.
  std::string audited() {
    auto r = audit(hq().store, {std::string(chain), root()}, with(), {});
    if (!r) return r.error().detail;
    for (const auto& line : r->lines)
      for (const auto& p : line.problems)
        return p.where + ": " + p.found + " for " + p.expected;
    return {};
  }
};

}  // namespace

TEST_CASE("a payment that came to head office is on the card once, and a store finds it there", "[sync][online]") {
  online_net net;
  CHECK(net.pay("shop-1", 5'000).code == errc::ok);
  CHECK(net.held_at(net.hq()) == 5'000);
  auto again = net.pay("shop-1", 5'000);
  CHECK(again.code == errc::key_reused);
  CHECK(net.held_at(net.hq()) == 5'000);
  CHECK(net.pay("shop-2", 700).code == errc::ok);
  CHECK(net.held_at(net.hq()) == 5'700);

  auto asked = net.ask(net.at(3), net.sale(net.at(3), 20), true);
  net.sync();
  auto answer = net.answer_of(net.at(3), asked.request);
  REQUIRE(answer);
  CHECK(why(*answer) == errc::ok);
  CHECK(net.held_at(net.hq()) == 5'700 - 20 * online_net::price);
  net.nothing_contested();
  CHECK(net.audited() == "");

  // Also after head office began anew on its own data.
  net.open(net.hq());
  CHECK(net.pay("shop-2", 700).code == errc::key_reused);
  auto look = reexecution::open(net.hq().store);
  REQUIRE(look);
  REQUIRE((*look)->step(100'000));
  CHECK((*look)->differences().empty());
}

TEST_CASE("a payment is within the rules of a top-up, and has a name", "[sync][online]") {
  online_net net;
  CHECK(net.pay("", 500).code == errc::bad_amount);
  CHECK(net.pay(std::string(reference_max + 1, 'x'), 500).code == errc::bad_amount);
  CHECK(net.pay(std::string(reference_max, 'x'), 500).code == errc::ok);
  CHECK(net.pay("much", 50'001).code == errc::bad_amount);
  CHECK(net.pay("none", 0).code == errc::bad_amount);
  CHECK(net.pay("whose", 500, account_id{999'999}).code == errc::unknown_card);
  CHECK(net.pay("pack", 500, online_net::card, 99).code == errc::not_applicable);
  CHECK(net.held_at(net.hq()) == 500);
  CHECK(net.audited() == "");
}

TEST_CASE("head office on a backup books payments and units by hand again", "[sync][online]") {
  online_net net;
  auto& hq = net.hq();
  REQUIRE(net.pay("shop-1", 500).code == errc::ok);
  REQUIRE(net.by_hand("hand-1", 7).code == errc::ok);
  auto copy = hq.store.image();
  REQUIRE(net.pay("shop-2", 600).code == errc::ok);
  auto life = hq.st->ledger().self();
  net.go_back(copy);
  net.link(net.region(), hq, true);
  for (int i = 0; i < 20; ++i) {
    net.pass_time(1'100);
    net.sync();
  }
  REQUIRE_FALSE(hq.st->is_rebuilding());
  REQUIRE(hq.st->ledger().self() != life);
  // The numbers of the office's own terminal begin anew with the life; its requests are not those of the life before.
  CHECK(net.pay("shop-3", 300).code == errc::ok);
  CHECK(net.by_hand("hand-2", 3).code == errc::ok);
  CHECK(net.pay("shop-1", 500).code == errc::key_reused);
  CHECK(net.by_hand("hand-1", 7).code == errc::key_reused);
  CHECK(net.audited() == "");
}

TEST_CASE("what head office books again covers what it had passed on before its backup", "[sync][online][rebuild]") {
  online_net net;
  auto &hq = net.hq(), &a = net.at(3);
  auto copy = hq.store.image();
  REQUIRE(net.pay("shop-1", 600).code == errc::ok);
  REQUIRE(net.by_hand("hand-1", 7).code == errc::ok);
  // A part of it is fetched and spent at a store, in the part of head office's books that is lost.
  auto asked = net.ask(a, net.sale(a, 4), true);
  net.sync();
  REQUIRE(why(*net.answer_of(a, asked.request)) == errc::ok);
  net.turn(3);
  REQUIRE(net.held_at(a) + net.held_at(hq) == 600 - 400);
  net.go_back(copy);
  net.link(net.region(), hq, true);
  net.turn(20, 1'100);
  REQUIRE_FALSE(hq.st->is_rebuilding());
  const bool other_first = GENERATE(false, true);
  CAPTURE(other_first);
  if (other_first) REQUIRE(net.pay("shop-2", 100).code == errc::ok);
  REQUIRE(net.pay("shop-1", 600).code == errc::ok);
  CHECK(alarmed(hq, errc::rolled_back));
  REQUIRE(net.by_hand("hand-1", 7).code == errc::ok);
  if (!other_first) REQUIRE(net.pay("shop-2", 100).code == errc::ok);
  auto in_all = [&] {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id)
      sum += holding(net.at(id).st->ledger().st(), net.at(id).st->ledger().self(), online_net::card);
    return sum;
  };
  CHECK(in_all() == 300);
  net.turn(3);
  CHECK(in_all() == 300);
  for (const auto& w : hq.st->seen().writers())
    CHECK(hq.st->seen().contested_of(w) == 0);
  CHECK(net.audited() == "");
}

TEST_CASE("references that differ in small and capital letters are one", "[sync][online]") {
  online_net net;
  CHECK(net.pay("Shop-1a", 500).code == errc::ok);
  for (const char* same : {"Shop-1a", "shop-1A", "SHOP-1A"})
    CHECK(net.pay(same, 500).code == errc::key_reused);
  CHECK(net.pay("Shop-1b", 500).code == errc::ok);
  const auto& st = net.hq().st->ledger();
  auto first = top_up_for(st.st(), "sHOP-1a");
  REQUIRE(first);
  CHECK(st.find_entry(*first)->blob == "Shop-1a");  // as it was typed
  CHECK(same_reference("Ä-1a", "Ä-1A"));
  CHECK_FALSE(same_reference("Ä-1a", "ä-1a"));  // letters A to Z only
  CHECK_FALSE(same_reference("a", "ab"));
  CHECK(net.audited() == "");
}

TEST_CASE("head office gives and takes units by hand, once for each reference", "[sync][online]") {
  online_net net;
  CHECK(net.by_hand("call-1", 300).code == errc::ok);
  for (const char* same : {"call-1", "Call-1"})
    CHECK(net.by_hand(same, 300).code == errc::key_reused);
  CHECK(net.points_at(net.hq()) == 300);
  CHECK(net.by_hand("call-2", -120).code == errc::ok);
  CHECK(net.points_at(net.hq()) == 180);
  // A store finds what is left, and what lies there cannot be taken here.
  auto& store = net.at(3);
  REQUIRE(why(net.ask(store, adjust_command{net.key(store), net.card, test::points_purse, -80, "a mistake"}, true)) ==
          errc::ok);
  net.turn();
  CHECK(net.points_at(net.hq()) + net.points_at(store) == 100);
  auto little = net.by_hand("call-3", -101);
  CHECK(little.code == errc::insufficient);
  CHECK(little.detail.find("lie at head office") != std::string::npos);
  // Within the day's sum of the rules, at head office as at a store.
  CHECK(net.by_hand("call-4", 201).code == errc::bad_amount);
  CHECK(net.by_hand("call-4", 200).code == errc::ok);
  // A payment's reference is another thing.
  CHECK(net.pay("call-1", 500).code == errc::ok);
  net.turn();
  net.nothing_contested();
  CHECK(net.audited() == "");
  // Also after head office began anew on its own data.
  net.open(net.hq());
  CHECK(net.by_hand("call-1", 300).code == errc::key_reused);
  auto look = reexecution::open(net.hq().store);
  REQUIRE(look);
  REQUIRE((*look)->step(100'000));
  CHECK((*look)->differences().empty());
}

TEST_CASE("units by hand at head office have a reference and a reason, and no more than the rules allow",
          "[sync][online]") {
  online_net net;
  CHECK(net.by_hand("", 5).code == errc::malformed);
  CHECK(net.by_hand("x", 5, net.card, "").code == errc::malformed);
  CHECK(net.by_hand(std::string(reference_max + 1, 'x'), 5).code == errc::malformed);
  CHECK(net.by_hand("x", 5, net.card, std::string(note_max + 1, 'x')).code == errc::malformed);
  CHECK(net.by_hand("x", 5, account_id{999'999}).code == errc::unknown_card);
  CHECK(net.by_hand("x", 5, net.card, "why", test::bonus_purse).code == errc::not_applicable);
  CHECK(net.by_hand(std::string(reference_max, 'x'), 5, net.card, std::string(note_max, 'y')).code == errc::ok);
  // What nobody decided: more than the day's sum, and a second one under the same reference.
  auto forge = [&](amount units, const std::string& reference) {
    auto& b = net.hq().st->ledger();
    entry e;
    e.kind = entry_kind::adjust;
    e.terminal = 126;
    e.counter = b.st().newest_counter(b.self(), 126) + 1;
    e.account = net.card;
    e.rules_version = 2;
    e.blob = hand_note_text(reference, "forged");
    date_entry(e, b.st(), b.self(), 0, 0);
    e.earned = {{test::points_purse, unit_of(test::points_purse), month_of(e.business_date) + 100, units}};
    return b.write(e).code();
  };
  CHECK(forge(10, std::string(reference_max, 'X')) == errc::key_reused);
  CHECK(forge(10, "") == errc::malformed);
  CHECK(forge(501, "much") == errc::ok);
  net.settle(net.hq());
  net.sync();
  CHECK(net.audited().find("for at most 500 of purse 3 given by hand in a day") != std::string::npos);
  auto look = reexecution::open(net.hq().store);
  REQUIRE(look);
  REQUIRE((*look)->step(100'000));
  CHECK_FALSE((*look)->differences().empty());
}

TEST_CASE("a store names no payment of head office", "[sync][online]") {
  online_net net;
  auto& store = net.at(3);
  entry e;
  e.kind = entry_kind::top_up;
  e.terminal = 301;
  e.counter = 1;
  e.account = online_net::card;
  e.rules_version = 2;
  e.values = {{purse_paid, main_unit, 0, 500}};
  e.tenders = {{tender_kind::cash, main_unit, 500}};
  e.blob = "shop-1";
  CHECK(store.st->ledger().write(e).code() == errc::malformed);
}
