// Payments that come to head office, in a small network.
#include <catch2/catch.hpp>

#include "ledger/card_sale.hpp"
#include "sync/audit.hpp"
#include "sync/programme_net.hpp"
#include "sync/reexecution.hpp"

using namespace tally;
using test::why;

namespace {

struct online_net : test::programme_net {
  online_net() : programme_net([](rules_record& r) { r.top_up_max = 50'000; }) {}

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
