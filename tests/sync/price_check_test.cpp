// The check of prices on made-up journals: what depends on the entries before.
#include <catch2/catch.hpp>

#include "storage/entry_codec.hpp"
#include "sync/price_check.hpp"

using namespace tally;

namespace {

constexpr account_id card{17};

/// Rules with a card that stores may lend to, and one that asks for a code.
struct made_up final : price_ground {
  made_up() {
    rules_record r;
    r.version = 1;
    r.top_up_max = 10'000;
    r.taxes = {{"A", 0}};
    card_kind_rule lent{1, {"Lent"}, {}, true, 0};
    lent.risk_sale = 100;
    lent.risk_total = 150;
    lent.risk_count = 3;
    card_kind_rule proved{2, {"Proved"}, {}, true, 0};
    proved.code_above = 500;
    r.programme.card_kinds = {lent, proved};
    r.programme.risk_budget = 1'000;
    rules->add(r);
    product p;
    p.id = product_id{1};
    p.version = 1;
    p.names[0] = "Bread";
    p.price = 10;
    rules->add(p);
  }
  void checked() override { ++count; }
  void differs(const stream_id&, sequence seq, std::string expected, std::string found) override {
    said.push_back(std::to_string(seq) + ": " + expected + " / " + found);
  }
  std::optional<entry> entry_at(const stream_id&, sequence) override { return std::nullopt; }
  bool is_closed(const writer_id&) override { return false; }
  std::optional<card_record> card_at(account_id) override { return known; }
  directory_sizes adopted_by(const stream_id&, std::uint64_t) override { return {}; }
  std::shared_ptr<const catalogue> published(const directory_sizes&) override { return rules; }
  std::optional<std::uint32_t> owner_of(const writer_id&, const directory_sizes&) override { return owner; }
  std::shared_ptr<const catalogue> everything() override { return rules; }
  amount figure(const stream_id&, const bytes& key) override { return figures[key]; }
  void set_figure(const stream_id&, const bytes& key, amount value) override { figures[key] = value; }

  std::shared_ptr<catalogue> rules = std::make_shared<catalogue>();
  std::optional<card_record> known;
  std::optional<std::uint32_t> owner;
  std::map<bytes, amount> figures;
  std::vector<std::string> said;
  int count = 0;
};

struct journal {
  made_up ground;
  price_checker prices{ground, {{node_id{3}, epoch_id{}}, sub_stream::journal, {}}};
  sequence next = 0;
  std::uint64_t counter = 0;

  void look(const entry& e) { prices.look_at(next++, encode_entry(e)); }
  /// A sale of that much, paid by the card.
  entry sale(amount money, std::uint32_t of_kind) {
    entry e;
    e.kind = entry_kind::sale;
    e.terminal = 301;
    e.counter = ++counter;
    e.business_date = 2'517;
    e.account = card;
    e.rules_version = 1;
    e.card_kind = of_kind;
    e.lines = {{product_id{1}, money / 10}};
    e.values = {{purse_paid, main_unit, 0, money}};
    return e;
  }
  void lend(amount money) {
    auto e = sale(money, 1);
    e.debts = {{purse_paid, main_unit, 0, money}};
    e.risk = money;
    look(e);
  }
  /// Debts of the card: up to the parent, or paid by a top-up.
  void debts(entry_kind kind, amount n) {
    entry e;
    e.kind = kind;
    e.account = card;
    e.rules_version = 1;
    if (kind == entry_kind::send) {
      e.peer = {node_id{2}, epoch_id{{1}}};
      e.channel = 1;
      e.cause = send_cause::sweep;
    } else {
      e.terminal = 301;
      e.counter = ++counter;
      e.card_kind = 1;
      e.values = {{purse_paid, main_unit, 0, 500}};
      e.tenders = {{tender_kind::cash, main_unit, 500}};
    }
    e.debts = {{purse_paid, main_unit, 0, n}};
    look(e);
  }
};

}  // namespace

TEST_CASE("a card may owe a store so much, so often, until its debts went up", "[prices]") {
  journal j;
  j.lend(100);
  j.lend(50);
  CHECK(j.ground.said.empty());
  SECTION("more in all") {
    j.lend(10);
    REQUIRE(j.ground.said.size() == 1);
    CHECK(j.ground.said.front() == "2: a card that owes at most 1.50 CNY here under rules 1 / 1.60 CNY");
  }
  SECTION("paid meanwhile, and then too often") {
    j.debts(entry_kind::top_up, -140);
    j.lend(10);
    CHECK(j.ground.said.empty());
    j.lend(10);
    REQUIRE(j.ground.said.size() == 1);
    CHECK(j.ground.said.front() == "4: at most 3 times at risk until the store was heard of under rules 1 / 4");
  }
  SECTION("gone up") {
    j.debts(entry_kind::send, 150);
    j.lend(100);
    j.lend(50);
    CHECK(j.ground.said.empty());
  }
  SECTION("more at once") {
    j.debts(entry_kind::send, 150);
    j.lend(110);
    REQUIRE(j.ground.said.size() == 1);
    CHECK(j.ground.said.front() == "3: at most 1.00 CNY at risk, and 1.10 CNY under rules 1 / 1.10 CNY");
  }
}

TEST_CASE("an entry names the kind of card that head office published", "[prices]") {
  journal j;
  card_record card_now;
  card_now.kind = 2;
  j.ground.known = card_now;
  j.look(j.sale(600, 2));
  REQUIRE(j.ground.said.size() == 1);
  CHECK(j.ground.said.front() == "0: at most 5.00 CNY without a one-time code under rules 1 / 6.00 CNY");
  j.ground.said.clear();
  j.look(j.sale(600, 1));
  REQUIRE(j.ground.said.size() == 1);
  CHECK(j.ground.said.front() == "1: a card of kind 2, as head office published it / kind 1");
  j.ground.said.clear();
  // Known, and no kind; only a store that never heard of the card names no version either.
  card_now.version = 4;
  j.ground.known = card_now;
  auto e = j.sale(600, 0);
  e.account_version = 4;
  j.look(e);
  CHECK(j.ground.said.size() == 1);
  e = j.sale(600, 0);
  j.look(e);
  // Its kind may have been another one before.
  e = j.sale(600, 1);
  e.account_version = 3;
  j.look(e);
  CHECK(j.ground.said.size() == 1);
}

TEST_CASE("a one-time code opens one entry", "[prices]") {
  journal j;
  auto e = j.sale(600, 2);
  e.code_checked = 7;
  j.look(e);
  CHECK(j.ground.said.empty());
  e.counter = ++j.counter;
  j.look(e);
  REQUIRE(j.ground.said.size() == 1);
  CHECK(j.ground.said.front() == "1: a one-time code after number 7 / number 7");
}

TEST_CASE("a check that goes on from a day's first entry has the same sums", "[prices]") {
  journal j;
  CHECK(j.prices.day_start(0).seq == 0);
  j.look(j.sale(100, 2));
  j.look(j.sale(200, 2));
  CHECK(j.prices.day_start(2).seq == 0);
  auto e = j.sale(300, 2);
  e.business_date += 1;
  j.look(e);
  CHECK(j.prices.day_start(3).seq == 2);
}
