// A chain with a programme, audited, and tried under other rules.
#include <catch2/catch.hpp>

#include "ledger/programme_fixture.hpp"
#include "storage/entry_codec.hpp"
#include "storage/kv_state.hpp"
#include "sync/audit_chain.hpp"
#include "sync/what_if.hpp"

using namespace tally;
using test::audit_chain;

namespace {

/// Prices 100 and 200, and the fixture's programme without discounts.
std::vector<product> two_products(amount price) {
  std::vector<product> out;
  for (std::uint32_t id : {1U, 2U}) {
    product p;
    p.id = product_id{id};
    p.names[0] = "Bread";
    p.price = price * id;
    out.push_back(p);
  }
  return out;
}

rules_record next_rules() {
  rules_record r;
  r.taxes = {{"A", 1300}};
  r.programme = test::chain_programme();
  r.programme.discounts.clear();
  for (auto& p : r.programme.purses) {
    p.on.clear();
    p.gifts.clear();
  }
  r.programme.purses[2].kind = purse_kind::points;
  for (auto& e : r.programme.earns)
    e.when.products.clear();
  return r;
}

/// The first problem of all checks, as text; empty when all hold.
std::string first_problem(const audit_report& r) {
  for (const auto& line : r.lines)
    for (const auto& p : line.problems)
      return p.where + ": " + p.found + " for " + p.expected;
  return {};
}

/// Whether one of the problems says that.
bool names(const result<audit_report>& r, const std::string& text) {
  REQUIRE(r);
  for (const auto& line : r->lines)
    for (const auto& p : line.problems)
      if ((p.where + ": " + p.found + " for " + p.expected).find(text) != std::string::npos) return true;
  return false;
}

void publish_programme(audit_chain& c, std::uint64_t version, const std::function<void(programme&)>& change = {}) {
  auto r = next_rules();
  if (change) change(r.programme);
  r.version = version;
  std::vector<entry> list(3);
  for (auto& e : list)
    e.kind = entry_kind::publish;
  list[0].topic = publish_topic::rules;
  list[0].blob = encode_rules(r);
  auto products = two_products(100);
  for (std::size_t i = 0; i < 2; ++i) {
    products[i].version = version;
    list[i + 1].topic = publish_topic::product;
    list[i + 1].blob = encode_product(products[i]);
  }
  c.facts(std::move(list));
}

}  // namespace

TEST_CASE("the audit prices a programme again, and names a gift that the rules do not give", "[audit][programme]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  publish_programme(c, 2);
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  for (int i = 0; i < 5; ++i)
    c.sell(3, 8);
  c.reverse(3, c.node(3).st->ledger().next() - 1);
  c.sync();
  c.checkpoint();
  for (std::uint32_t id : {1U, 2U, 3U}) {
    auto r = c.check(id);
    REQUIRE(r);
    CHECK(first_problem(*r) == "");
    CHECK(r->ok());
  }

  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 3'002;
  e.counter = 1;
  e.account = audit_chain::card;
  e.rules_version = 2;
  e.lines = {{product_id{1}, 1}};
  e.tenders = {{tender_kind::cash, main_unit, 100}};
  e.taxes = {{0, main_unit, 12}};
  e.earned = {{test::points_purse, unit_of(test::points_purse), 202711, 11}};
  c.write(3, e);
  c.sync();
  auto r = c.check(1);
  REQUIRE(r);
  REQUIRE_FALSE(r->ok());
  CHECK(first_problem(*r).find("11 of purse 3@202711 earned for 20 of purse 3@202711 earned") != std::string::npos);
}

TEST_CASE("the audit names a card where it is not good, and what was given or taken beyond the rules",
          "[audit][programme]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  publish_programme(c, 2, [](programme& g) {
    g.card_kinds = {{1, {"Member"}, {}, true, 0}, {2, {"Elsewhere"}, {}, true, 0}};
    g.card_kinds[0].dormant = {12, 200, {purse_paid}};
    g.card_kinds[1].not_at = {3};
    g.card_kinds[1].no_top_up_at = {3};
    g.purses[1].manual_per_day = 100;
  });
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  c.sell(3, 1);
  c.sync();
  std::uint64_t counter = 0;
  auto till = [&](entry_kind kind) {
    entry e;
    e.kind = kind;
    e.terminal = 3'002;
    e.counter = ++counter;
    e.account = audit_chain::card;
    e.rules_version = 2;
    return e;
  };
  auto by_hand = till(entry_kind::adjust);
  by_hand.blob = "opening day";

  by_hand.earned = {{test::points_purse, unit_of(test::points_purse), 202711, 60}};
  c.write(3, by_hand);
  c.sync();
  auto r = c.check(1);
  REQUIRE(r);
  CHECK(first_problem(*r) == "");

  SECTION("units by hand") {
    by_hand.counter = ++counter;
    c.write(3, by_hand);
    c.sync();
    CHECK(first_problem(*c.check(1)).find("120 for at most 100 of purse 3 given by hand in a day") !=
          std::string::npos);
  }
  SECTION("a top-up") {
    auto e = till(entry_kind::top_up);
    e.card_kind = 2;
    e.values = {{purse_paid, main_unit, 0, 1'000}};
    e.tenders = {{tender_kind::cash, main_unit, 1'000}};
    e.account_version = 1;  // as the card is published
    c.write(3, e);
    c.sync();
    CHECK(names(c.check(1), "no card of kind 2 loaded at node 3"));
    CHECK(names(c.check(1), "kind 2 for a card of kind 1, as head office published it"));
  }
  SECTION("money that is put aside") {
    auto e = till(entry_kind::authorise);
    e.card_kind = 2;
    e.cites = c.node(3).st->ledger().next();
    e.values = {{purse_paid, main_unit, 0, 1'000}};

    auto& b = c.node(3).st->ledger();
    date_entry(e, b.st(), b.self(), 0, 0);  // its newest date
    e.deadline = start_of_day(e.business_date) + 2 * 86'400;
    c.write(3, e);
    c.sync();
    CHECK(names(c.check(1), "no card of kind 2 used at node 3"));
  }
}

TEST_CASE("the audit names a card that paid for other goods than its kind's", "[audit][programme]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  publish_programme(c, 2, [](programme& g) {
    g.card_kinds = {{1, {"Bread"}, {}, true, 0}};
    g.card_kinds[0].only_products = {product_id{1}};
  });
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 3'002;
  e.account = audit_chain::card;
  e.card_kind = 1;
  e.rules_version = 2;
  e.lines = {{product_id{1}, 1}, {product_id{2}, 1}};
  e.values = {{purse_paid, main_unit, 0, 100}};
  e.tenders = {{tender_kind::cash, main_unit, 200}};
  e.taxes = {{0, main_unit, 35}};
  e.earned = {{test::points_purse, unit_of(test::points_purse), 202711, 60}};
  e.counter = 1;
  c.write(3, e);
  c.sync();
  CHECK(first_problem(*c.check(1)) == "");
  e.counter = 2;
  e.values.front().amount = 101;
  e.tenders.front().amount = 199;
  c.write(3, e);
  c.sync();
  CHECK(first_problem(*c.check(1)).find("1.01 CNY for at most 1.00 CNY from a card of kind 1") != std::string::npos);
  // What those sales would be if the card were good for nothing of it.
  auto r = next_rules();
  r.programme.card_kinds = {{1, {"Rolls"}, {}, true, 0}};
  r.programme.card_kinds[0].not_products = {product_id{1}, product_id{2}};
  auto if_so = what_if(c.node(1).store, node_id{1}, r, two_products(100), 1);
  REQUIRE(if_so);
  CHECK(if_so->sum.impossible == 2);
}

TEST_CASE("the audit names card money that was taken without the card's PIN", "[audit][pin]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  card_kind_rule kind{1, {"Card"}, {}, true, 0};
  kind.pin_above = 300;
  kind.pin_above_day = 500;
  publish_programme(c, 2, [&](programme& g) { g.card_kinds = {kind}; });
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  c.sell(3, 1);  // 300, with the second product
  entry e;
  e.kind = entry_kind::sale;
  e.terminal = 3'002;
  e.account = audit_chain::card;
  e.card_kind = 1;
  e.rules_version = 2;
  e.lines = {{product_id{1}, 3}};
  e.values = {{purse_paid, main_unit, 0, 300}};
  e.taxes = {{0, main_unit, 35}};
  e.earned = {{test::points_purse, unit_of(test::points_purse), 202711, 60}};
  e.counter = 1;
  e.pin_checked = 1;
  c.write(3, e);
  c.sync();
  auto before = c.check(1);
  REQUIRE(before);
  CHECK(first_problem(*before) == "");
  // 600 were spent that day: nothing more goes without.
  e.counter = 2;
  e.pin_checked = 0;
  c.write(3, e);
  c.sync();
  for (std::uint32_t id : {1U, 3U}) {
    auto r = c.check(id);
    REQUIRE(r);
    CHECK_FALSE(r->ok());
    CHECK(first_problem(*r).find("3.00 CNY for at most 0.00 CNY without the card's PIN") != std::string::npos);
  }
}

TEST_CASE("the audit names card money that was given or paid out without the card's PIN or a code", "[audit][pin]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  card_kind_rule kind{1, {"Card"}, {}, true, 0};
  kind.pin_above = 300;
  kind.code_above = 600;
  publish_programme(c, 2, [&](programme& g) { g.card_kinds = {kind}; });
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  entry e;
  e.terminal = 3'002;
  e.counter = 1;
  e.account = audit_chain::card;
  e.card_kind = 1;
  e.rules_version = 2;
  e.values = {{purse_paid, main_unit, 0, 700}};
  e.pin_checked = 1;
  e.code_checked = 9;
  auto find = [&](const std::string& what) {
    c.sync();
    auto r = c.check(1);
    REQUIRE(r);
    CHECK_FALSE(r->ok());
    CHECK(first_problem(*r).find(what) != std::string::npos);
  };
  SECTION("a gift") {
    e.kind = entry_kind::gift;
    e.to_account = account_id{audit_chain::card.value + 1};
    SECTION("with both") {
      c.write(3, e);
      c.sync();
      CHECK(first_problem(*c.check(1)) == "");
    }
    SECTION("without the PIN") {
      e.pin_checked = 0;
      c.write(3, e);
      find("7.00 CNY for at most 3.00 CNY without the card's PIN");
    }
    SECTION("without a code") {
      e.code_checked = 0;
      c.write(3, e);
      find("7.00 CNY for at most 6.00 CNY without a one-time code");
    }
  }
  SECTION("a card that came back") {
    e.kind = entry_kind::hand_back;
    e.tenders = {{tender_kind::cash, main_unit, 700}};
    SECTION("with both") {
      c.write(3, e);
      c.sync();
      CHECK(first_problem(*c.check(1)) == "");
    }
    SECTION("without the PIN") {
      e.pin_checked = 0;
      c.write(3, e);
      find("7.00 CNY for at most 3.00 CNY without the card's PIN");
    }
    SECTION("without a code") {
      e.code_checked = 0;
      c.write(3, e);
      find("7.00 CNY for at most 6.00 CNY without a one-time code");
    }
  }
}

TEST_CASE("a sum of the day that an older version did not keep is no difference, a larger one is", "[audit][pin]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  publish_programme(c, 2, [&](programme& g) { g.card_kinds = {{1, {"Card"}, {}, true, 0}}; });
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  auto& b = c.node(3).st->ledger();
  auto held = b.st().months_held(b.self(), audit_chain::card, test::points_purse);
  REQUIRE_FALSE(held.empty());
  entry e;
  e.kind = entry_kind::authorise;
  e.terminal = 3'002;
  e.counter = 1;
  e.account = audit_chain::card;
  e.card_kind = 1;
  e.rules_version = 2;
  e.cites = b.next();
  e.values = {{test::points_purse, unit_of(test::points_purse), held.front(), 10}};
  date_entry(e, b.st(), b.self(), 0, 0);
  e.deadline = start_of_day(e.business_date) + 2 * 86'400;
  c.write(3, e);
  c.sync();
  CHECK(first_problem(*c.check(3)) == "");
  cell_key k{.type = cell_type::taken_today,
             .a = audit_chain::card.value,
             .b = test::points_purse,
             .writer = c.node(3).writer(),
             .peer = {}};
  auto key = cell_key_bytes(k);
  bytes octets;
  REQUIRE(c.node(3).store.get(family::state, key, octets) == lookup::found);
  auto sum = *decode_cell(octets);
  CHECK(sum.n == 10);
  auto with = [&](std::optional<amount> n) {
    kv_batch change;
    if (n) {
      change.put(family::state, key, encode_cell({*n, sum.data}));
    } else {
      change.erase(family::state, key);
    }
    REQUIRE(c.node(3).store.commit(change, true).ok());
    return first_problem(*c.check(3));
  };
  CHECK(with(std::nullopt) == "");
  CHECK(with(4) == "");
  CHECK(with(11) != "");
  CHECK(with(-1) != "");
}

TEST_CASE("what yesterday's sales would have cost", "[what_if]") {
  audit_chain c;
  c.found();
  c.publish(1, 100);
  c.sync();
  c.top_up(3, 50'000);
  c.sell(3, 3);  // 300 and 200
  c.next_day();
  c.sync();
  c.sell(3, 1);  // 100 and 200
  c.sell_for_cash(3, 2);
  c.sync();

  auto products = two_products(150);
  auto r = what_if(c.node(1).store, node_id{1}, next_rules(), products, 1);
  REQUIRE(r);
  CHECK(r->first_day == r->last_day);
  CHECK(r->sum.sales == 2);
  CHECK(r->sum.changed == 2);
  CHECK(r->sum.due_then == 500);
  CHECK(r->sum.due_now == 750);
  CHECK(r->sum.given_then.empty());
  CHECK(r->sum.given_now.at(test::points_purse) == 45 + 45);  // two rules, both hold; cash without a card earns nothing
  CHECK(r->nodes.at(node_id{3}).sales == 2);

  r = what_if(c.node(1).store, node_id{1}, next_rules(), products, 2);
  REQUIRE(r);
  CHECK(r->sum.sales == 3);
  CHECK(r->sum.due_then == 1'000);

  // Cheaper: what a card paid then is more than is due now, and no reason.
  r = what_if(c.node(1).store, node_id{1}, next_rules(), two_products(50), 1);
  REQUIRE(r);
  CHECK(r->sum.impossible == 0);
  CHECK(r->sum.due_now < r->sum.due_then);

  products.pop_back();  // withdrawn
  r = what_if(c.node(1).store, node_id{1}, next_rules(), products, 9);
  REQUIRE(r);
  CHECK(r->sum.impossible == 2);
  CHECK(r->first_impossible == "product 2");
  memory_kv empty;
  r = what_if(empty, node_id{1}, next_rules(), products, 9);
  REQUIRE(r);
  CHECK(r->last_day == 0);
}
