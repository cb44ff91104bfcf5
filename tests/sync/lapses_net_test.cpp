// Expiry, oldest first over all nodes: three stores, of which each sees only what lies with it.
#include <catch2/catch.hpp>

#include "ledger/lapses.hpp"
#include "sync/audit.hpp"
#include "sync/programme_net.hpp"

using namespace tally;
using test::points_purse;
using test::station_net;
using test::why;

namespace {

constexpr tick_ms day = 86'400'000;

struct lapse_net : test::programme_net {
  lapse_net()
      : programme_net(
            [](rules_record& r) {
              r.programme.purses[1].manual_per_day = 10'000;
              r.programme.purses[1].share_max = 10'000;
              r.programme.earns.clear();
            },
            1) {}

  void give(node& n, amount units) {
    REQUIRE(why(ask(n, adjust_command{key(n), card, points_purse, units, "a gift of the house"})) == errc::ok);
  }
  /// Pays with points alone; what lies elsewhere is not asked for.
  errc pay(node& n, amount units) {
    auto c = sale(n, units / price);
    c.card = 0;
    c.uses = {{points_purse, units}};
    return why(ask(n, c));
  }
  amount at_month(node& n, std::uint32_t month) {
    return -n.st->ledger().st().balance(hold_account(n.writer(), card, points_purse, month, unit_of(points_purse)));
  }
  std::uint32_t month() const { return month_of(day_of(now())); }
  void dark(node& n) { link(n, region(), false); }
  /// A connection begins with head office's time.
  void back(node& n) {
    link(region(), hq(), true);
    sync();
    link(n, region(), true);
    sync();
  }
  /// Until head office's month has passed, with all stores but those that are dark.
  void until(std::uint32_t month_wanted) {
    while (month() < month_wanted) {
      pass_time(4 * day);
      sync();
    }
  }
  std::string audited(std::uint64_t* due = nullptr) {
    auto r = audit(hq().store, {std::string(chain), root()}, with(), {});
    if (!r) return r.error().detail;
    if (due) *due = r->back_due;
    for (const auto& line : r->lines)
      for (const auto& p : line.problems)
        return p.where + ": " + p.found + " for " + p.expected;
    return "";
  }
  amount given() {
    amount sum = 0;
    for (const auto& g : lapses_of(hq().st->seen().st(), card, points_purse).given)
      sum += g.units;
    return sum;
  }
};

}  // namespace

TEST_CASE("what expired at a store is given back as far as younger units paid elsewhere", "[sync][lapses]") {
  lapse_net net;
  auto &a = net.at(3), &b = net.at(4), &c = net.at(5);
  auto first = add_months(net.month(), 12);  // what is given now is good to the end of that month
  net.give(a, 1'000);
  net.turn(2);
  for (auto* n : {&a, &b, &c})
    net.dark(*n);
  net.until(add_months(net.month(), 1));
  net.back(b);
  net.back(c);
  net.give(b, 300);
  net.give(c, 500);
  net.turn(1);
  // No line between them: each pays with what it has, and the oldest lie at the first.
  net.dark(b);
  net.dark(c);
  REQUIRE(net.pay(b, 300) == errc::ok);
  REQUIRE(net.pay(c, 200) == errc::ok);
  net.until(add_months(first, 1));

  // Unlucky: the store where they expired is heard of last of all, or first; then between the others.
  auto order = GENERATE(std::vector<std::uint32_t>{3, 4, 5}, std::vector<std::uint32_t>{5, 3, 4},
                        std::vector<std::uint32_t>{4, 5, 3});
  std::uint64_t waiting = 0;
  for (auto id : order) {
    net.back(net.at(id));
    CHECK(net.audited(&waiting) == "");
    net.turn(4);
  }
  // What is due is counted until head office has looked; where the last to be heard of has paid.
  if (order.front() == 3) CHECK(waiting == 1);
  // 300 and 200 were paid while the 1,000 lay at the first store: of these 500 were spared, and 500 are gone.
  CHECK(net.given() == 500);
  CHECK(net.at_month(a, first) == 0);
  auto second = add_months(first, 1);
  amount there = 0;
  for (std::uint32_t id = 1; id <= 5; ++id)
    there += net.at_month(net.at(id), second);
  CHECK(there == 500 + 300);
  std::uint64_t due = 1;
  CHECK(net.audited(&due) == "");
  CHECK(due == 0);
  net.nothing_contested();
  // They can be spent, and a restart gives nothing twice.
  net.open(net.hq());
  net.link(net.region(), net.hq(), true);
  net.turn(4);
  CHECK(net.given() == 500);
  // More than all journals found is named.
  entry more;
  more.kind = entry_kind::give_back;
  more.account = net.card;
  more.hq_time = net.now();
  more.values = {{points_purse, unit_of(points_purse), second, 1}};
  REQUIRE(net.publish({more}).code == errc::ok);
  CHECK(net.audited().find("501 for at most 500 of purse 3 given back to account 17") != std::string::npos);
}

TEST_CASE("goods that come back after their points expired unused cost the customer none", "[sync][lapses]") {
  test::programme_net net([](rules_record& r) {
    r.programme.purses[1].months = 1;
    r.programme.refund_quota = 100'000;
  });
  auto& a = net.at(3);
  auto all = [&] {  // what the card has, wherever, less what it owes
    amount sum = 0;
    for (std::uint32_t id = 1; id <= 4; ++id) {
      auto& n = net.at(id);
      for (auto m : n.st->ledger().st().months_held(n.writer(), net.card, points_purse))
        sum -= n.st->ledger().st().balance(hold_account(n.writer(), net.card, points_purse, m, unit_of(points_purse)));
      sum -= debt_of(n.st->ledger().st(), n.writer(), net.card, points_purse);
    }
    return sum;
  };
  REQUIRE(why(net.top_up(a, 50'000)) == errc::ok);
  const auto month = [&] { return month_of(day_of(net.now())); };
  auto sale = net.ask(a, net.sale(a, 100));
  REQUIRE(why(sale) == errc::ok);
  const amount earned = 1'000;
  REQUIRE(all() == earned + 250);  // the load gave some as well
  net.turn();
  for (const auto past = add_months(month(), 2); month() < past;) {
    net.pass_time(4 * day);
    net.sync();
  }
  net.link(net.region(), net.hq(), true);  // a connection begins with head office's time
  net.sync();
  net.link(a, net.region(), true);
  net.turn(4);
  REQUIRE(all() == 0);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), sale.seq})) == errc::ok);
  CHECK(all() == -earned);  // it does not know here why they are gone
  net.turn(4);
  CHECK(all() == 0);
  REQUIRE(why(net.ask(a, net.sale(a, 100))) == errc::ok);
  net.turn(4);
  CHECK(all() == earned);
  net.nothing_contested();
  auto r = audit(net.hq().store, {std::string(station_net::chain), net.root()}, net.with(), {});
  REQUIRE(r.ok());
  for (const auto& line : r->lines)
    CHECK(line.failed == 0);
}
