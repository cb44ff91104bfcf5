// Kinds of cards that are good at the stores of some owners only, in a chain that is audited.
#include <catch2/catch.hpp>

#include "ledger/programme_fixture.hpp"
#include "storage/entry_codec.hpp"
#include "sync/audit_chain.hpp"
#include "sync/reexecution.hpp"
#include "sync/what_if.hpp"

using namespace tally;
using test::audit_chain;

namespace {

struct owners_chain : audit_chain {
  owners_chain() {
    found();
    publish(1, 100);
    sync();
  }
  static rules_record member_rules(const std::function<void(card_kind_rule&)>& change) {
    rules_record r;
    r.taxes = {{"A", 1300}, {"B", 0}};
    r.top_up_max = 100'000;
    r.programme.card_kinds = {{1, {"Member"}, {}, true, 0}};
    change(r.programme.card_kinds[0]);
    return r;
  }
  void rules(const std::function<void(card_kind_rule&)>& change) {
    auto r = member_rules(change);
    r.version = 2;
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::rules;
    e.rules_version = 2;
    e.blob = encode_rules(r);
    facts({e});
  }
  void belongs_to(std::uint32_t id, std::uint32_t owner) {
    auto& n = node(id);
    ++n.cert.serial;
    n.cert.owner = owner;
    entry e;
    e.kind = entry_kind::certify;
    e.blob = encode(sign_certificate(n.cert, head_office, *node(1).keys));
    facts({e});
  }
  /// A load that nobody decided.
  void load(std::uint32_t store) {
    entry e;
    e.kind = entry_kind::top_up;
    e.terminal = store * 1'000 + 2;
    e.counter = ++loads_;
    e.account = card;
    e.account_version = 1;
    e.rules_version = 2;
    e.card_kind = 1;
    e.values = {{purse_paid, main_unit, 0, 1'000}};
    e.tenders = {{tender_kind::cash, main_unit, 1'000}};
    write(store, e);
  }
  std::string audited() {
    auto r = check(1);
    REQUIRE(r);
    std::string out;
    for (const auto& line : r->lines)
      for (const auto& p : line.problems)
        out += p.where + ": " + p.found + " for " + p.expected + "\n";
    return out;
  }
  std::vector<std::string> priced_again() {
    auto second = reexecution::open(node(1).store);
    REQUIRE(second);
    REQUIRE((*second)->step(100'000));
    std::vector<std::string> out;
    for (const auto& d : (*second)->differences())
      out.push_back(d.expected);
    return out;
  }
  std::uint64_t loads_ = 0;
};

}  // namespace

TEST_CASE("a card at a store of another owner is named, by the certificate that the store had taken in",
          "[audit][owners]") {
  owners_chain c;
  auto owner_at = [&](std::uint32_t id) { return c.node(id).st->ledger().owner(); };
  CHECK(owner_at(3) == 1U);
  c.belongs_to(3, 2);
  c.rules([](card_kind_rule& k) { k.only_owners = {2}; });
  c.sync();
  CHECK(owner_at(3) == 2U);
  CHECK(owner_at(4) == 1U);
  CHECK_FALSE(owner_at(1));  // head office keeps the cards of all
  c.load(3);
  // The store is sold, and has not heard of it.
  c.belongs_to(3, 1);
  c.load(3);
  c.sync();
  CHECK(owner_at(3) == 1U);
  CHECK(c.audited() == "");
  CHECK(c.priced_again().empty());

  c.load(3);
  c.load(4);  // its first certificate names an owner, too
  c.sync();
  const std::string at_3 = "no card of kind 1 loaded at node 3, of owner 1, under rules 2",
                    at_4 = "no card of kind 1 loaded at node 4, of owner 1, under rules 2";
  auto found = c.audited();
  CHECK(found.find(at_3) != std::string::npos);
  CHECK(found.find(at_4) != std::string::npos);
  CHECK(std::ranges::count(found, '\n') == 2);
  auto again = c.priced_again();
  std::ranges::sort(again);
  CHECK(again == std::vector{at_3, at_4});
}

TEST_CASE("sales at the stores of others are impossible, if the rules were so", "[what_if][owners]") {
  owners_chain c;
  c.rules([](card_kind_rule&) {});
  c.next_day();
  c.sync();
  c.top_up(3, 50'000);
  c.sell(3, 1);
  c.sell_for_cash(3, 1);
  c.sync();
  std::vector<product> products;
  for (std::uint32_t id : {1U, 2U}) {
    product p;
    p.id = product_id{id};
    p.names[0] = "Bread";
    p.price = 100 * id;
    products.push_back(p);
  }
  auto impossible = [&](const std::function<void(card_kind_rule&)>& change) {
    auto if_so = what_if(c.node(1).store, node_id{1}, owners_chain::member_rules(change), products, 1);
    REQUIRE(if_so);
    CHECK(if_so->sum.sales == 2);
    return if_so->sum.impossible;
  };
  CHECK(impossible([](card_kind_rule&) {}) == 0);
  CHECK(impossible([](card_kind_rule& k) { k.only_owners = {1}; }) == 0);
  CHECK(impossible([](card_kind_rule& k) { k.only_owners = {2}; }) == 1);
  CHECK(impossible([](card_kind_rule& k) { k.not_owners = {1}; }) == 1);
  CHECK(impossible([](card_kind_rule& k) { k.not_at = {3}; }) == 1);
}
