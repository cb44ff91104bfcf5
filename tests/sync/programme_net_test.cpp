// The programme in a small network: units move, are owed, expire, and move cards up and down.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "sync/notice.hpp"
#include "sync/programme_net.hpp"

using namespace tally;
using test::alarmed;
using test::five_off;
using test::points_purse;
using test::station_net;
using test::why;

namespace {

constexpr std::uint32_t bonus = test::bonus_purse;

struct chain_net : test::programme_net {
  explicit chain_net(const std::function<void(programme&)>& change = {})
      : programme_net([&](rules_record& r) {
          r.programme.refund_quota = 5'000;
          if (change) change(r.programme);
        }) {}
  /// A connection begins with head office's time.
  void tell_time(node& child, node& parent) {
    link(child, parent, true);
    sync();
  }
  amount units(node& n, std::uint32_t purse) { return holding(n.st->ledger().st(), n.writer(), card, purse); }
  /// As head office sees all nodes.
  amount everywhere(std::uint32_t purse) {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id)
      sum += holding(hq().st->seen().st(), at(id).writer(), card, purse);
    return sum;
  }
};

}  // namespace

TEST_CASE("each unit has its quota at each store, and head office fills it up", "[sync][programme]") {
  chain_net net;
  auto& a = net.at(3);
  const auto& st = a.st->ledger().st();
  CHECK(quota_left(st, a.writer(), unit_of(points_purse)) == 1'000'000);
  CHECK(quota_left(st, a.writer(), unit_of(bonus)) == 1'000'000);
  CHECK(-st.balance(quota_account(a.writer(), refund_of(main_unit))) == 5'000);
  net.nothing_contested();
}

TEST_CASE("points earned in one store pay in another, which pulls them", "[sync][programme]") {
  chain_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);  // 50 points
  REQUIRE(why(net.ask(a, net.sale(a, 50))) == errc::ok);
  CHECK(net.units(a, points_purse) == 550);
  net.sync();
  auto sale = net.sale(b, 10);
  sale.card = 500;
  sale.uses = {{points_purse, 500}};
  auto answer = net.ask(b, sale, true);
  CHECK(why(answer) == errc::ok);
  net.turn();
  CHECK(net.units(b, points_purse) == 50);
  CHECK(net.everywhere(points_purse) == 100);
  net.nothing_contested();
}

TEST_CASE("bonus that lies elsewhere pays a part of the card's amount", "[sync][programme]") {
  chain_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.ask(a, top_up_command{net.key(a), net.card, 5'000, tender_kind::cash, false, 1})) == errc::ok);
  net.sync();
  auto answer = net.ask(b, net.sale(b, 54), true);
  REQUIRE(why(answer) == errc::ok);
  CHECK(std::get<entry>(answer.outcome).values ==
        std::vector<value_item>{{purse_paid, main_unit, 0, 4'900}, {bonus, unit_of(bonus), 0, 500}});
  net.turn();
  net.nothing_contested();
}

TEST_CASE("a till is told what lies elsewhere of every purse", "[sync][programme]") {
  chain_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.ask(a, top_up_command{net.key(a), net.card, 5'000, tender_kind::cash, false, 1})) == errc::ok);
  net.sync();
  REQUIRE(b.st->put(elsewhere_request{net.card}).ok());
  net.settle(b);
  net.sync();
  auto hint = b.st->hint(net.card);
  REQUIRE(hint);
  CHECK(hint->value == 5'000);
  CHECK(hint->units == std::vector<unit_use>{{bonus, 500}, {points_purse, 25}});
  // A pull of points says nothing of the money.
  auto sale = net.sale(b, 1);
  sale.card = 0;
  sale.tenders = {{tender_kind::cash, main_unit, 80}};
  sale.uses = {{points_purse, 20}};
  REQUIRE(why(net.ask(b, sale, true)) == errc::ok);
  hint = b.st->hint(net.card);
  CHECK(hint->value == 5'000);
  CHECK(hint->units == std::vector<unit_use>{{bonus, 500}, {points_purse, 5}});
}

TEST_CASE("what no quota covers is owed, and head office gives it, once, a quota a day", "[sync][programme]") {
  chain_net net([](programme& g) {
    for (auto& p : g.purses)
      if (p.id == points_purse) p.quota = 100;
  });
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 1'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 10))) == errc::ok);  // 5 points on the top-up, 100 on the sale
  CHECK(net.units(a, points_purse) == 5);
  net.turn();
  CHECK(net.everywhere(points_purse) == 105);
  net.turn(3);
  CHECK(net.everywhere(points_purse) == 105);
  // A day's measure is used up.
  REQUIRE(why(net.top_up(a, 2'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 10))) == errc::ok);
  net.turn(3);
  CHECK(net.everywhere(points_purse) == 115);
  net.turn(2, 86'400'000);
  CHECK(net.everywhere(points_purse) == 215);
  net.nothing_contested();
}

TEST_CASE("what waits for a day's measure is given when the rules make it larger", "[sync][programme]") {
  auto small = [](programme& g) {
    for (auto& p : g.purses)
      if (p.id == points_purse) p.quota = 100;
  };
  chain_net net(small);
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 10))) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 10))) == errc::ok);
  net.turn(4);
  const auto before = net.everywhere(points_purse);
  net.turn(4);
  REQUIRE(net.everywhere(points_purse) == before);  // looks find that all of it waits
  auto larger = *net.hq().st->ledger().rules().newest();
  ++larger.version;
  for (auto& p : larger.programme.purses)
    if (p.id == points_purse) p.quota = 10'000;
  REQUIRE(net.publish({test::rules_fact(larger)}).code == errc::ok);
  net.turn(3);
  CHECK(net.everywhere(points_purse) == before + 100);
  net.nothing_contested();
}

TEST_CASE("what is owed for a sale that was taken back is not given", "[sync][programme]") {
  chain_net net([](programme& g) {
    for (auto& p : g.purses)
      if (p.id == points_purse) p.quota = 100;
  });
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 5'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 50));
  REQUIRE(std::get<entry>(sale.outcome).owed.size() == 1);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq})) == errc::ok);
  net.turn(4);
  CHECK(net.everywhere(points_purse) == 25);
  net.nothing_contested();
}

TEST_CASE("a store that owes more than its rules give gets nothing for it, and an alarm", "[sync][programme]") {
  chain_net net;
  auto& a = net.at(3);
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 300;
  e.counter = 1;
  e.business_date = day_of(net.now());
  e.account = net.card;
  e.rules_version = 2;
  e.lines = {{product_id{1}, 1}};
  e.tenders = {{tender_kind::cash, main_unit, 100}};
  e.owed = {{points_purse, unit_of(points_purse), 202711, 900'000}};
  auto s = net.forge(net.region(), a.journal(), {e}, *a.keys);
  CHECK(net.ingest(net.region(), a.id, s).code == errc::ok);
  net.forget();
  net.link(a, net.region(), false);
  net.turn(3);
  CHECK(net.everywhere(points_purse) == 0);
  CHECK(alarmed(net.hq(), errc::bad_rules));
}

TEST_CASE("units expire where they lie, at each node, once head office's time has passed", "[sync][programme]") {
  chain_net net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 50))) == errc::ok);
  net.sync();
  auto pull = net.sale(b, 2);
  pull.card = 100;
  pull.uses = {{points_purse, 100}};
  REQUIRE(why(net.ask(b, pull, true)) == errc::ok);
  net.turn();
  CHECK(net.everywhere(points_purse) > 400);
  net.link(b, net.region(), false);  // dark from now on
  for (int month = 0; month < 14; ++month)
    net.turn(1, tick_ms{31} * 86'400'000);
  net.tell_time(net.region(), net.hq());
  net.tell_time(a, net.region());
  net.turn(3);
  CHECK(net.units(a, points_purse) == 0);
  auto left = net.units(b, points_purse);
  CHECK(left > 0);  // a clock alone takes nothing
  net.tell_time(b, net.region());
  net.turn(3);
  CHECK(net.units(b, points_purse) == 0);
  CHECK(net.everywhere(points_purse) == 0);
  net.nothing_contested();
}

TEST_CASE("a card moves up when it has paid enough, and down when that is long ago", "[sync][programme]") {
  chain_net net;
  auto &a = net.at(3), &b = net.at(4);
  auto level = [&](station_net::node& n) { return card_of(n.st->ledger().st(), net.card)->level; };
  REQUIRE(why(net.top_up(a, 60'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 99))) == errc::ok);
  net.turn();
  CHECK(level(a) == 0);
  auto sale = net.ask(a, net.sale(a, 1));
  net.turn();
  CHECK(level(a) == 1);
  CHECK(level(b) == 1);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq})) == errc::ok);
  net.turn();
  CHECK(level(b) == 0);  // the ground is gone
  REQUIRE(why(net.ask(b, net.sale(b, 401), true)) == errc::ok);
  net.turn();
  CHECK(level(b) == 2);
  for (int month = 0; month < 13; ++month)
    net.turn(2, tick_ms{31} * 86'400'000);
  CHECK(level(a) == 0);
  CHECK(card_of(net.hq().st->ledger().st(), net.card)->status == card_status::active);
  net.nothing_contested();
}

TEST_CASE("goods that come back weigh on the month in which they were paid", "[sync][programme]") {
  chain_net net;
  auto& a = net.at(3);
  auto level = [&] { return card_of(a.st->ledger().st(), net.card)->level; };
  auto months = [&](int n) {
    for (int i = 0; i < n; ++i)
      net.turn(2, tick_ms{155} * 8'640'000);  // half a month each
  };
  REQUIRE(why(net.top_up(a, 60'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 100));
  net.turn();
  REQUIRE(level() == 1);
  months(1);
  REQUIRE(level() == 1);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq}, true)) == errc::ok);
  net.turn();
  CHECK(level() == 0);
  months(11);  // the sale's month is past, that of the reversal is not
  REQUIRE(why(net.ask(a, net.sale(a, 100), true)) == errc::ok);
  net.turn();
  CHECK(level() == 1);
  net.nothing_contested();
}

TEST_CASE("a new level is noted in the group that writes it, once, and only while it is asked for",
          "[sync][programme][notice]") {
  chain_net net;
  auto& a = net.at(3);
  auto told = [&] {
    std::vector<notice> out;
    for (auto c = net.hq().store.scan(family::meta, notice_prefix); c->valid() && c->key().starts_with(notice_prefix);
         c->next())
      out.push_back(decode_notice(c->value()).value());
    return out;
  };
  auto reopen = [&](bool on) {
    station_config habits;
    habits.notice_levels = on;
    net.open(net.hq(), habits);
    net.link(net.region(), net.hq(), true);
    net.turn();
  };
  REQUIRE(why(net.top_up(a, 60'000)) == errc::ok);
  REQUIRE(why(net.ask(a, net.sale(a, 100))) == errc::ok);
  net.turn();
  CHECK(card_of(a.st->ledger().st(), net.card)->level == 1);
  CHECK(told().empty());
  reopen(true);
  CHECK(told().empty());  // nothing of before
  REQUIRE(why(net.ask(a, net.sale(a, 401))) == errc::ok);
  net.turn();
  CHECK(card_of(a.st->ledger().st(), net.card)->level == 2);
  REQUIRE(told().size() == 1);
  CHECK(told()[0].kind == notice_kind::level);
  CHECK(told()[0].card == net.card);
  CHECK(told()[0].from == 1);
  CHECK(told()[0].to == 2);
  reopen(true);
  CHECK(told().size() == 1);
  for (int month = 0; month < 13; ++month)
    net.turn(2, tick_ms{31} * 86'400'000);
  CHECK(card_of(a.st->ledger().st(), net.card)->level == 0);
  auto all = told();
  REQUIRE(all.size() >= 2);
  CHECK(std::ranges::count(all, 0U, &notice::to) == 1);  // down, whatever it came by
  net.nothing_contested();
}

TEST_CASE("a refund is within the store's right, and everybody believes it", "[sync][programme]") {
  chain_net net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 6'000)) == errc::ok);
  auto sale = net.ask(a, net.sale(a, 60));
  REQUIRE(why(sale) == errc::ok);
  auto refund = [&](std::int64_t pieces) {
    return net.ask(a, refund_command{net.key(a), sale.seq, {{product_id{1}, pieces}}, true, tender_kind::cash});
  };
  CHECK(why(refund(51)) == errc::no_quota);
  REQUIRE(why(refund(50)) == errc::ok);
  CHECK(why(refund(1)) == errc::no_quota);
  net.turn(2, 86'400'000);
  CHECK(why(refund(1)) == errc::ok);
  net.turn();
  CHECK(net.everywhere(purse_paid) == 5'100);
  CHECK(net.everywhere(points_purse) == 30 + 90);
  net.nothing_contested();
}

TEST_CASE("a member is told once before units expire, wherever they lie", "[sync][programme][notice]") {
  test::programme_net net([](rules_record& r) { r.programme.purses[1].months = 1; });
  station_config habits;
  habits.notice_expiry_days = 10;
  auto again = [&] {
    net.open(net.hq(), habits);
    net.link(net.region(), net.hq(), true);
    net.turn();
  };
  auto told = [&] {
    std::vector<notice> out;
    for (auto c = net.hq().store.scan(family::meta, notice_prefix); c->valid() && c->key().starts_with(notice_prefix);
         c->next())
      out.push_back(decode_notice(c->value()).value());
    return out;
  };
  auto points = [&] {
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id)
      sum += holding(net.at(id).st->ledger().st(), net.at(id).writer(), net.card, points_purse);
    return sum;
  };
  again();
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);             // 50 points
  REQUIRE(why(net.ask(b, net.sale(b, 3), true)) == errc::ok);  // and 30 at the other store
  net.turn();
  const auto had = points();
  REQUIRE(had == 80);
  CHECK(told().empty());
  for (int day = 0; day < 70 && told().empty(); ++day)
    net.turn(1, 86'400'000);
  REQUIRE(told().size() == 1);
  auto one = told().front();
  CHECK(one.kind == notice_kind::expiry);
  CHECK(one.card == net.card);
  CHECK(one.from == points_purse);
  CHECK(one.fee == had);
  CHECK(month_of(one.day) != month_of(one.day + 1));  // the month's last day
  CHECK(one.day - day_of(one.at) < 10);
  CHECK(points() == had);
  again();
  CHECK(told().size() == 1);
  for (int day = 0; day < 45; ++day)
    net.turn(1, 86'400'000);
  CHECK(told().size() == 1);
  net.nothing_contested();
}
