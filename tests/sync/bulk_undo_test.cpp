// Sales of cards that head office undoes, in a small network.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "sync/audit.hpp"
#include "sync/programme_net.hpp"

using namespace tally;
using test::station_net;
using test::why;

namespace {

struct bulk_net : test::programme_net {
  bulk_net()
      : programme_net([&](rules_record& r) {
          card_kind_rule kind{1, {"Member"}, {}, true, 0};
          kind.price = 150;
          kind.deposit = 300;
          kind.valid_months = 12;
          r.programme.card_kinds = {kind};
        }) {
    std::vector<entry> facts;
    for (std::uint64_t i = 0; i < 4; ++i) {
      entry e;
      e.kind = entry_kind::map_media;
      e.account = {100 + i};
      e.medium = bytes(16, static_cast<char>('a' + i));
      e.card_kind = 1;
      e.status = card_status::stock;
      facts.push_back(e);
    }
    entry lot;
    lot.kind = entry_kind::allot;
    lot.account = {100};
    lot.size = 4;
    lot.subject = hq().writer();
    lot.blob = "company";
    lot.card_kind = 1;
    facts.push_back(lot);
    REQUIRE(publish(facts).code == errc::ok);
  }
  sequence sell(std::uint64_t account) {
    entry e;
    e.kind = entry_kind::issue;
    e.account = {account};
    e.values = {{purse_paid, main_unit, 0, 2'000}};
    e.tenders = {{tender_kind::transfer, main_unit, 1}};
    auto a = publish({e});
    INFO(a.detail);
    REQUIRE(a.code == errc::ok);
    return a.first;
  }
  errc undo(std::uint64_t account, sequence of) {
    entry e;
    e.kind = entry_kind::reverse;
    e.account = {account};
    e.cites = of;
    return publish({e}).code;
  }
  card_status state(node& n, std::uint64_t account) { return card_of(n.st->ledger().st(), {account})->status; }
  void audited() {
    auto r = audit(hq().store, {std::string(chain), root()}, with(), {});
    REQUIRE(r.ok());
    for (const auto& line : r->lines)
      for (const auto& p : line.problems)
        FAIL_CHECK(line.check << " " << p.where << ": " << p.found << " for " << p.expected);
  }
};

}  // namespace

TEST_CASE("head office undoes what it sold by mistake, and sells that card no more", "[sync][value][bulk]") {
  bulk_net net;
  auto first = net.sell(100), second = net.sell(101);
  net.turn();
  auto& a = net.at(3);
  auto& ledger = net.hq().st->ledger();
  CHECK(net.state(a, 100) == card_status::active);
  CHECK(net.undo(100, second) == errc::not_found);
  CHECK(net.undo(100, 1'000'000) == errc::not_found);
  REQUIRE(net.undo(100, first) == errc::ok);
  CHECK(net.undo(100, first) == errc::already_reversed);
  net.turn();
  // Nothing on it, cancelled everywhere, not loaded at a till and not sold to anybody else.
  CHECK(holding(ledger.st(), ledger.self(), {100}) == 0);
  CHECK(holding(ledger.st(), ledger.self(), {100}, purse_deposit) == 0);
  CHECK(net.state(net.hq(), 100) == card_status::cancelled);
  CHECK(net.state(a, 100) == card_status::cancelled);
  CHECK(why(net.ask(a, top_up_command{net.key(a), {100}, 500, tender_kind::cash})) != errc::ok);
  CHECK(net.state(a, 101) == card_status::active);
  net.nothing_contested();
  net.audited();
}

TEST_CASE("a card that somebody used stays sold", "[sync][value][bulk]") {
  bulk_net net;
  auto loaded = net.sell(100), reported = net.sell(101), spent = net.sell(102);
  net.turn();
  auto& a = net.at(3);
  REQUIRE(why(net.ask(a, top_up_command{net.key(a), {100}, 500, tender_kind::cash})) == errc::ok);
  REQUIRE(why(net.ask(a, claim_command{net.key(a), {101}, card_status::lost})) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 1, {102}), true)) == errc::ok);
  net.turn();
  CHECK(net.undo(100, loaded) == errc::not_applicable);
  CHECK(net.undo(101, reported) == errc::not_applicable);
  CHECK(net.undo(102, spent) == errc::not_applicable);
  net.nothing_contested();
  net.audited();
}

TEST_CASE("head office reverses nothing but its own sales of cards, and stores none of those", "[sync][value][bulk]") {
  bulk_net net;
  auto at = net.sell(100);
  auto reversal = [&](station_net::node& n, entry_kind of, sequence seq) {
    auto& ledger = n.st->ledger();
    entry e;
    e.kind = entry_kind::reverse;
    e.terminal = 99;
    e.counter = 1;
    e.cited_kind = of;
    e.cites = seq;
    e.account = {100};
    e.values = {{purse_paid, main_unit, 0, 2'000}, {purse_deposit, main_unit, 0, 300}};
    e.tenders = {{tender_kind::transfer, main_unit, 2'450}};
    date_entry(e, ledger.st(), ledger.self(), net.now(), ledger.hq_time());
    return e;
  };
  auto& hq = net.hq().st->ledger();
  CHECK(hq.write(reversal(net.hq(), entry_kind::top_up, at)).code() == errc::not_reversible);
  // A store's own sale of a card, by a node that was changed.
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  auto& ledger = a.st->ledger();
  CHECK(ledger.write(reversal(a, entry_kind::issue, ledger.next() - 1)).code() == errc::not_reversible);
}
