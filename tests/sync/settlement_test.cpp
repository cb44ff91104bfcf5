// What owners owe each other through the scheme, counted from head office's data.
#include "sync/settlement.hpp"

#include <catch2/catch.hpp>

#include "sync/programme_net.hpp"

using namespace tally;
using test::five_off;
using test::points_purse;
using test::station_net;
using test::why;

namespace {

struct shops : test::programme_net {
  shops()
      : programme_net([](rules_record& r) {
          r.currency = "CNY";
          r.exponent = 2;
        }) {}
  std::uint32_t today() const { return day_of(now()); }
  settlement_report settled(node& n, std::uint32_t first, std::uint32_t last) {
    auto r = settle_of(n, first, last);
    REQUIRE(r.ok());
    // Whatever happened: clearing nets to zero with what the scheme holds, counted twice.
    amount sum = 0, owners = 0;
    for (const auto& [id, line] : r->nodes)
      sum += line.owes;
    for (const auto& [owner, owes] : r->owners)
      owners += owes;
    CHECK(sum == r->pool);
    CHECK(owners == r->pool);
    CHECK(r->pool == r->money + r->units);
    CHECK(r->money + r->aside == r->on_cards);
    return *r;
  }
  /// What the store with this writer writes against the rules, as head office gets to see it.
  segment forged(node& store, entry lie) {
    lie.terminal = 300;
    lie.counter = 99;
    lie.operator_id = 1;
    lie.business_date = today();
    lie.account = card;
    lie.account_version = 1;
    lie.rules_version = 2;
    auto out = forge(region(), store.journal(), {lie}, *store.keys);
    REQUIRE(ingest(region(), store.id, out).code == errc::ok);
    carry(region(), hq());
    return out;
  }
  result<settlement_report> settle_of(node& n, std::uint32_t first, std::uint32_t last) {
    return tally::settle(n.store, *n.certificates, {first, last, {}});
  }
};

}  // namespace

TEST_CASE("who took the money owes it, who gave the goods is owed, points at their rate", "[sync][settlement]") {
  shops net;
  auto &a = net.at(3), &b = net.at(4);
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);        // 50 points
  REQUIRE(why(net.ask(a, net.sale(a, 50))) == errc::ok);  // 5,000 from the card: 500 points, a voucher of 500
  net.sync();
  auto sale = net.sale(b, 10);
  sale.card = 500;
  sale.uses = {{points_purse, 500}};
  REQUIRE(why(net.ask(b, sale, true)) == errc::ok);
  net.turn();
  auto r = net.settled(net.hq(), net.today(), net.today());
  CHECK(r.folded);
  CHECK(r.currency == "CNY");
  const auto &at_a = r.nodes.at(a.id), &at_b = r.nodes.at(b.id);
  CHECK(at_a.sums.loaded == 10'000);
  CHECK(at_a.sums.spent == 5'000);
  CHECK(at_a.sums.beside.at(unit_of(points_purse)).given == 550);
  CHECK(at_a.sums.beside.at(unit_of(five_off)).given == 1);
  CHECK(at_a.period.given == 550 + 500);
  CHECK(at_a.owes == 10'000 - 5'000 + 1'050);
  CHECK(at_b.sums.spent == 500);
  CHECK(at_b.period.redeemed == 500);
  auto earned = at_b.period.given;  // points of a sale that cost 500 in money
  CHECK(earned == 50);
  CHECK(at_b.owes == -500 - 500 + earned);
  CHECK(r.money == 4'500);
  CHECK(at_b.heard_until == net.today());

  // The region has heard the same of its stores.
  CHECK(net.settled(net.region(), net.today(), net.today()).nodes.at(a.id).owes == at_a.owes);
  // A store knows its own.
  auto own = net.settled(b, net.today(), net.today());
  CHECK_FALSE(own.folded);
  CHECK(own.nodes.at(b.id).owes == at_b.owes);
}

TEST_CASE("what was taken back is owed to nobody, and what was before is carried over", "[sync][settlement]") {
  shops net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 3'000)) == errc::ok);
  net.turn();
  auto first = net.today();
  net.pass_time(3 * 86'400'000LL);
  net.turn();
  auto sold = net.ask(a, net.sale(a, 10));
  REQUIRE(why(sold) == errc::ok);
  auto seq = a.source->size(a.journal()) - 1;
  net.turn();
  auto r = net.settled(net.hq(), first + 1, net.today());
  CHECK(r.nodes.at(a.id).before.owes == 3'000 + 15);
  CHECK(r.nodes.at(a.id).sums.loaded == 0);
  CHECK(r.nodes.at(a.id).owes == 2'000 + 15 + 100);
  REQUIRE(why(net.ask(a, reverse_command{net.key(a), seq})) == errc::ok);
  net.turn();
  r = net.settled(net.hq(), first + 1, net.today());
  CHECK(r.nodes.at(a.id).sums.spent == 0);
  CHECK(r.nodes.at(a.id).period.given == 0);
  CHECK(r.nodes.at(a.id).owes == 3'015);
  // An earlier last day leaves out what came later, and says so.
  r = net.settled(net.hq(), 0, first);
  CHECK(r.nodes.at(a.id).owes == 3'015);
  CHECK(r.later > 0);
  CHECK_FALSE(r.folded);
}

TEST_CASE("a contested entry gives its writer nothing", "[sync][settlement]") {
  shops net;
  auto& a = net.at(3);
  REQUIRE(why(net.top_up(a, 300)) == errc::ok);
  net.turn();
  entry lie;  // goods for card value that the store does not have
  lie.kind = entry_kind::sale;
  lie.lines = {{product_id{1}, 5'000}};
  lie.values = {{purse_paid, main_unit, 0, 500'000}};
  auto forged = net.forged(a, lie);
  auto r = net.settled(net.hq(), 0, net.today());
  CHECK(r.contested == 1);
  CHECK(r.nodes.at(a.id).sums.spent == 0);
  CHECK(r.money == 300);
  CHECK(r.aside == -500'000);

  // Head office rules: the chain bears it, so the goods count as given for card value.
  entry ruling;
  ruling.kind = entry_kind::ruling;
  ruling.subject = a.writer();
  ruling.cites = forged.first;
  ruling.outcome = ruling_outcome::stands;
  REQUIRE(net.publish({ruling}).code == errc::ok);
  r = net.settled(net.hq(), 0, net.today());
  CHECK(r.nodes.at(a.id).sums.spent == 500'000);
  CHECK(r.aside == 0);
}

TEST_CASE("money that a contested top-up took is owed all the same", "[sync][settlement]") {
  shops net;
  auto& a = net.at(3);
  entry lie;  // beyond its quota
  lie.kind = entry_kind::top_up;
  lie.values = {{purse_paid, main_unit, 0, 900'000}};
  lie.tenders = {{tender_kind::cash, main_unit, 900'000}};
  net.forged(a, lie);
  auto r = net.settled(net.hq(), 0, net.today());
  CHECK(r.contested == 1);
  CHECK(r.nodes.at(a.id).owes == 900'000);
}

TEST_CASE("units keep the worth of the day: no later rules change a day that is over", "[sync][settlement]") {
  shops net;
  auto& a = net.at(3);
  const auto publish = [&](std::uint32_t from, amount pays) {
    auto rules = *net.hq().st->ledger().rules().newest();
    ++rules.version;
    rules.effective_from = from;
    rules.programme.purses[1].rate_money = pays;  // 100 points were 1.00
    REQUIRE(net.publish({test::rules_fact(rules)}).code == errc::ok);
    net.turn();
  };
  REQUIRE(why(net.top_up(a, 10'000)) == errc::ok);  // 50 points
  net.turn();
  const auto first = net.today();
  REQUIRE(net.settled(net.hq(), first, first).nodes.at(a.id).owes == 10'000 + 50);

  // Published, and not in force yet.
  publish(first + 3, 40);
  CHECK(net.settled(net.hq(), first, first).nodes.at(a.id).owes == 10'000 + 50);
  CHECK(net.settled(net.hq(), first, first + 1'000).nodes.at(a.id).owes == 10'000 + 50);
  net.pass_time(3 * 86'400'000LL);
  net.turn();
  const auto second = net.today();
  REQUIRE(second == first + 3);
  auto sale = net.sale(a, 10);  // 10.00, of which 50 points pay 0.20; the card's 9.80 give 98 points
  sale.card = 980;
  sale.uses = {{points_purse, 50}};
  REQUIRE(why(net.ask(a, sale)) == errc::ok);
  net.turn();
  auto r = net.settled(net.hq(), second, second);
  const auto given = r.nodes.at(a.id).sums.beside.at(unit_of(points_purse)).given;
  CHECK(r.nodes.at(a.id).before.owes == 10'000 + 50);
  CHECK(r.nodes.at(a.id).period.redeemed == 20);
  CHECK(r.nodes.at(a.id).period.given == given * 40 / 100);
  const auto owed = r.nodes.at(a.id).owes;
  CHECK(net.settled(net.hq(), first, second).nodes.at(a.id).owes == owed);

  // Nor do rules that name a day which is over: they are in force from the day on which they were published.
  net.pass_time(86'400'000LL);
  net.turn();
  publish(first, 10);
  CHECK(net.settled(net.hq(), first, first).nodes.at(a.id).owes == 10'000 + 50);
  CHECK(net.settled(net.hq(), second, second).nodes.at(a.id).owes == owed);
  // A region has heard the same.
  CHECK(net.settled(net.region(), second, second).nodes.at(a.id).owes == owed);
}

TEST_CASE("there is no settlement of what no node ran on", "[sync][settlement]") {
  memory_kv empty;
  ed25519_verifier with;
  CHECK(settle(empty, certificate_book("net", {}, with), {0, 100, {}}).code() == errc::not_found);
}
