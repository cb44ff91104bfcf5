// Where cards are good, units by hand and fees of unused cards, in a small network.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "sync/audit.hpp"
#include "sync/notice.hpp"
#include "sync/programme_net.hpp"

using namespace tally;
using test::points_purse;
using test::station_net;
using test::why;

namespace {

struct value_net : test::programme_net {
  explicit value_net(const std::function<void(programme&)>& change)
      : programme_net([&](rules_record& r) {
          r.programme.card_kinds = {{1, {"Member"}, {}, true, 0}};
          r.programme.purses[1].manual_per_day = 1'000;
          change(r.programme);
        }) {}
  amount paid(node& n) { return holding(n.st->ledger().st(), n.writer(), card); }
  amount paid_everywhere() {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id)
      sum += paid(at(id));
    return sum;
  }
  /// A month goes by in which somebody pays in cash.
  void month(int of = 1) {
    for (; of > 0; --of) {
      pass_time(30 * tick_ms{86'400'000});
      cash();
      pass_time(86'400'000);  // head office looks once a day
      turn(4, 30'000);
    }
  }
  /// The first thing that the audit of head office's data finds; empty when all is well.
  std::string audited() {
    auto r = audit(hq().store, {std::string(chain), root()}, with(), {});
    if (!r) return r.error().detail;
    for (const auto& line : r->lines)
      for (const auto& p : line.problems)
        return p.where + ": " + p.found + " for " + p.expected;
    return r->ok() ? "" : "something";
  }
  void cash() {
    sync();
    auto c = sale(at(4), 1, {});
    c.tenders = {{tender_kind::cash, main_unit, price}};
    c.card = 0;
    REQUIRE(why(ask(at(4), c)) == errc::ok);
    turn(4, 30'000);
  }
};

}  // namespace

TEST_CASE("a store refuses a kind of card that is not good there, another takes it", "[sync][value]") {
  value_net net([](programme& g) {
    g.card_kinds[0].not_at = {4};
    g.card_kinds[0].no_top_up_at = {3};
  });
  auto &a = net.at(3), &b = net.at(4);
  CHECK(why(net.top_up(a, 1'000)) == errc::not_here);
  REQUIRE(why(net.top_up(b, 1'000)) == errc::ok);
  CHECK(why(net.ask(b, net.sale(b, 1))) == errc::not_here);
  net.sync();
  REQUIRE(why(net.ask(a, net.sale(a, 1), true)) == errc::ok);
  net.turn();
  net.nothing_contested();
}

TEST_CASE("units by hand are asked for where they lie, and judged by all", "[sync][value]") {
  value_net net([](programme&) {});
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.ask(a, adjust_command{net.key(a), net.card, points_purse, 300, "opening day"})) == errc::ok);
  net.sync();
  REQUIRE(why(net.ask(b, adjust_command{net.key(b), net.card, points_purse, -120, "a mistake"}, true)) == errc::ok);
  net.turn();
  CHECK(holding(net.hq().st->seen().st(), a.writer(), net.card, points_purse) +
            holding(net.hq().st->seen().st(), b.writer(), net.card, points_purse) ==
        180);
  net.nothing_contested();
  CHECK(net.audited() == "");
}

TEST_CASE("head office takes the fee of an unused card, once a month, wherever its money lies", "[sync][value][fee]") {
  value_net net([](programme& g) { g.card_kinds[0].dormant = {3, 200, {purse_paid}}; });
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  net.turn(4);
  // The month in which uses begin to be counted is not whole, nor is that of the top-up idle.
  net.month(3);
  CHECK(net.paid_everywhere() == 10'000);
  net.month();
  CHECK(net.paid_everywhere() == 9'800);
  net.cash();
  net.turn(5, 30'000);
  CHECK(net.paid_everywhere() == 9'800);
  net.month();
  CHECK(net.paid_everywhere() == 9'600);
  // A restart takes nothing twice.
  const bool orderly = GENERATE(true, false);
  if (orderly) {
    net.hq().st->checkpoint();
    net.settle(net.hq());
  }
  net.open(net.hq());
  net.link(net.region(), net.hq(), false);
  net.link(net.region(), net.hq(), true);
  net.turn(5, 30'000);
  CHECK(net.paid_everywhere() == 9'600);
  net.month();
  // When a use came is not known again behind the last checkpoint: as if it had come with the start.
  CHECK(net.paid_everywhere() == (orderly ? 9'400 : 9'600));
  net.month(3);
  const auto paid = orderly ? 8'800 : 9'400;
  CHECK(net.paid_everywhere() == paid);
  // Who uses it again pays no more.
  REQUIRE(why(net.ask(a, net.sale(a, 1), true)) == errc::ok);
  net.turn(4, 30'000);
  net.month(3);
  CHECK(net.paid_everywhere() == paid - net.price);
  net.nothing_contested();
  CHECK(net.audited() == "");
}

TEST_CASE("a dark store's card pays when its store is back, head office's clock alone ends nothing",
          "[sync][value][fee]") {
  value_net net([](programme& g) { g.card_kinds[0].dormant = {3, 200, {purse_paid}}; });
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  net.turn(4);
  net.link(a, net.region(), false);
  net.month(5);
  CHECK(net.paid_everywhere() == 10'000);  // it lies where nobody can ask for it
  net.link(a, net.region(), true);
  net.turn(4, 30'000);
  net.month();
  net.turn(10, 30'000);
  CHECK(net.paid_everywhere() < 10'000);
  auto left = net.paid_everywhere();
  // Nobody trades: no month is seen, whatever head office's clock says.
  net.pass_time(200 * tick_ms{86'400'000});
  net.turn(6, 30'000);
  CHECK(net.paid_everywhere() == left);
  net.nothing_contested();
}

TEST_CASE("head office sells a batch to a company, each card loaded, and any store takes them", "[sync][value][bulk]") {
  value_net net([](programme& g) {
    g.card_kinds[0].price = 150;
    g.card_kinds[0].deposit = 300;
    g.card_kinds[0].valid_months = 12;
  });
  std::vector<entry> facts;
  for (std::uint64_t i = 0; i < 3; ++i) {
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
  lot.size = 2;
  lot.subject = net.hq().writer();
  lot.blob = "company";
  lot.card_kind = 1;
  facts.push_back(lot);
  REQUIRE(net.publish(facts).code == errc::ok);
  auto sale = [](std::uint64_t account, amount load) {
    entry e;
    e.kind = entry_kind::issue;
    e.account = {account};
    if (load != 0) e.values = {{purse_paid, main_unit, 0, load}};
    e.tenders = {{tender_kind::transfer, main_unit, 1}};
    return e;
  };
  auto sold = net.publish({sale(100, 2'000), sale(101, 2'000)});
  INFO(sold.detail);
  REQUIRE(sold.code == errc::ok);
  auto first = net.hq().st->ledger().find_entry(sold.first);
  REQUIRE(first);
  CHECK(first->tenders == std::vector<tender_item>{{tender_kind::transfer, main_unit, 2'450}});
  CHECK(first->expires != 0);
  // Once each, none that lies elsewhere, none beyond the bounds of a load.
  CHECK(net.publish({sale(100, 2'000)}).code == errc::not_applicable);
  CHECK(net.publish({sale(102, 2'000)}).code == errc::not_entitled);
  CHECK(net.publish({sale(999, 2'000)}).code == errc::unknown_card);
  CHECK(net.publish({sale(101, 2'000'000'000)}).code == errc::not_applicable);
  net.turn();
  for (std::uint32_t store : {3U, 4U})
    CHECK(card_of(net.at(store).st->ledger().st(), {100})->status == card_status::active);
  CHECK(card_of(net.at(3).st->ledger().st(), {102})->status == card_status::stock);
  auto& a = net.at(3);
  auto buy = net.sale(a, 2, {100});
  REQUIRE(why(net.ask(a, buy, true)) == errc::ok);
  // It comes back like any other: what is left, and its deposit.
  REQUIRE(why(net.ask(a, hand_back_command{net.key(a), {100}, 1'800, 300}, true)) == errc::ok);
  net.turn();
  net.nothing_contested();
  CHECK(net.audited() == "");
  // A fee that no rule takes: everybody believes head office, the audit does not.
  entry fee;
  fee.kind = entry_kind::fee;
  fee.account = {101};
  fee.card_kind = 1;
  fee.rules_version = 2;
  fee.values = {{purse_paid, main_unit, 0, 100}};
  fee.hq_time = net.now();
  fee.deadline = start_of_day(*day_from("2026-11-01"));
  auto& ledger = net.hq().st->ledger();
  date_entry(fee, ledger.st(), ledger.self(), net.now(), ledger.hq_time());
  REQUIRE(ledger.write(fee).ok());
  net.settle(net.hq());
  CHECK(net.audited().find("1.00 CNY for a fee of at most 0.00 CNY") != std::string::npos);
}

TEST_CASE("a member is told once before the first fee, and again when the card was used meanwhile",
          "[sync][value][fee][notice]") {
  auto days = GENERATE(0U, 28U);
  value_net net([](programme& g) { g.card_kinds[0].dormant = {3, 200, {purse_paid}}; });
  station_config habits;
  habits.notice_fee_days = days;
  auto again = [&] {
    net.open(net.hq(), habits);
    net.link(net.region(), net.hq(), true);
    net.turn(5, 30'000);
  };
  again();
  auto told = [&] {
    std::vector<notice> out;
    for (auto c = net.hq().store.scan(family::meta, notice_prefix); c->valid() && c->key().starts_with(notice_prefix);
         c->next())
      out.push_back(decode_notice(c->value()).value());
    return out;
  };
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  net.turn(4);
  net.month(2);
  CHECK(told().empty());
  // Looked at every day: the fee of the third month is ahead.
  for (int day = 0; day < 80 && net.paid_everywhere() == 10'000; ++day) {
    net.pass_time(86'400'000);
    net.cash();
    net.turn(4, 30'000);
  }
  CHECK(net.paid_everywhere() == 9'800);
  if (days == 0) {
    CHECK(told().empty());
    return;
  }
  REQUIRE(told().size() == 1);
  auto first = told().front();
  CHECK(first.kind == notice_kind::fee);
  CHECK(first.card == net.card);
  CHECK(first.fee == 200);
  CHECK(first.at < start_of_day(first.day));
  CHECK(start_of_day(first.day) - first.at <= 28 * 86'400);
  CHECK(day_of(net.now()) >= first.day);
  net.month(2);
  CHECK(net.paid_everywhere() < 9'800);
  CHECK(told().size() == 1);
  again();
  CHECK(told().size() == 1);
  REQUIRE(why(net.ask(a, net.sale(a, 1), true)) == errc::ok);
  net.turn(4, 30'000);
  for (int day = 0; day < 150 && told().size() == 1; ++day) {
    net.pass_time(86'400'000);
    if (day % 10 == 0) net.cash();
    net.turn(4, 30'000);
  }
  REQUIRE(told().size() == 2);
  CHECK(told().back().day > first.day);
  net.nothing_contested();
  CHECK(net.audited() == "");
}
