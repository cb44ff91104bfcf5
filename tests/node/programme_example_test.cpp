// The example of docs/programme.md, step by step: every figure of its table.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "ledger/clearing.hpp"
#include "ledger/fixture.hpp"
#include "node/demo.hpp"
#include "node/rules_file.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr std::uint32_t bonus = 2, points = 3, voucher = 4;

std::string money(amount v) { return format_amount(v, 2); }

class bakery {
public:
  bakery() {
    auto list = parse_rules(demo_rules(), "demo-rules.toml");
    REQUIRE(list);
    for (auto* s : {&a, &b, &r}) {
      s->prices = {};
      auto rules = list->rules;
      rules.version = 1;
      s->prices.add(rules);
      for (auto p : list->products) {
        p.version = 1;
        s->prices.add(p);
      }
    }
    for (auto* s : {&a, &b}) {
      s->quota(1'000'000);
      for (const auto& p : list->rules.programme.purses)
        REQUIRE(s->write(s->receive({}, {{0, quota_of(unit_of(p.id)), 0, p.quota}})).ok());
    }
  }

  void top_up(std::uint32_t package, amount value) {
    auto d = a.run(top_up_command{a.next_key(), card_1, value, tender_kind::cash, false, package});
    row(a, "top-up, package " + std::to_string(package), written(d));
  }
  void sale(shop& s, const std::string& what, std::vector<line_item> lines, amount card, amount cash,
            std::vector<unit_use> uses = {}) {
    sale_command c{s.next_key(), card_1, std::move(lines), card, {}, false, std::move(uses), {}};
    if (cash != 0) c.tenders.push_back({tender_kind::cash, main_unit, cash});
    auto d = s.run(c);
    row(s, what, written(d));
  }
  void reversal(sequence seq, const std::string& what) {
    auto d = a.run(reverse_command{a.next_key(), seq});
    row(a, what, written(d));
  }
  /// By way of the region, as a pull brings it.
  void move_to_b(std::vector<value_item> values) {
    auto pass = [&](shop& from, shop& to) {
      auto e = decide_send(from.at(), to.self, card_1, values, send_cause::pull, 0, 0);
      REQUIRE(e.ok());
      REQUIRE(from.write(*e).ok());
      REQUIRE(to.write(to.receive(card_1, values, from.self)).ok());
    };
    put_limits(r.st, b.self.node, {1'000'000, 1'000'000, 1'000'000, 1'000'000});
    pass(a, r);
    pass(r, b);
  }
  /// What a store's owner owes the scheme, as `tallystick settlement` counts it.
  static std::pair<clearing_sums, clearing_position> cleared(const shop& s) {
    clearing_sums sums;
    for (const auto& e : s.journal) {
      auto postings = expand(e, s.self);
      REQUIRE(postings);
      REQUIRE(clear_entry(e, s.self, *postings, [&](node_id) -> clearing_sums& { return sums; }));
    }
    clearing_position out;
    REQUIRE(position_of(sums, unit_prices(s.prices.rules(1)->programme), out));
    return {sums, out};
  }

  shop a{store_a}, b{store_b}, r{region, node_role::region};
  std::vector<std::string> rows;

private:
  void row(const shop& s, const std::string& what, const entry& e) {
    amount due = 0, by_bonus = 0, by_card = 0, by_cash = 0;
    for (const auto& v : e.values) {
      if (v.purse == purse_paid) by_card += v.amount;
      if (v.purse == bonus) by_bonus += v.amount;
    }
    for (const auto& t : e.tenders)
      by_cash += t.amount;
    due = e.kind == entry_kind::top_up ? by_cash : by_bonus + by_card + by_cash;
    std::string earned;
    bool back = e.kind == entry_kind::reverse;
    for (const auto& v : e.earned)
      earned += (earned.empty() ? "" : ", ") + std::string(back ? "-" : "") +
                (v.purse == bonus ? money(v.amount) : std::to_string(v.amount)) +
                (v.purse == bonus    ? " gift money"
                 : v.purse == points ? " points"
                                     : " voucher");
    for (const auto& v : e.debts)
      earned += "; " + std::to_string(v.amount) + (v.purse == voucher ? " voucher" : " points") + " spent before";
    std::ostringstream out;
    out << "| " << rows.size() + 1 << " | " << (s.self == store_a ? "A" : "B") << " | " << what << " | " << money(due)
        << " | " << money(by_bonus) << " | " << (e.kind == entry_kind::top_up ? "" : money(by_card)) << " | "
        << money(by_cash) << " | " << earned << " | " << money(s.held(card_1)) << " | "
        << money(holding(s.st, s.self, card_1, bonus)) << " | " << holding(s.st, s.self, card_1, points) << " |";
    rows.push_back(out.str());
  }
};

}  // namespace

TEST_CASE("the example of docs/programme.md", "[programme]") {
  bakery t;
  t.top_up(1, 20'000);
  t.sale(t.a, "2 white loaves, 1 cheesecake", {{product_id{1}, 2}, {product_id{9}, 1}}, 5'100, 0);
  auto cake = t.a.journal.size();
  t.sale(t.a, "a birthday cake", {{product_id{10}, 1}}, 10'000, 6'800);
  t.sale(t.a, "2 cheesecakes with the voucher", {{product_id{9}, 2}}, 0, 4'700, {{voucher, 1}});
  t.move_to_b({{purse_paid, main_unit, 0, 1'600}, {points, unit_of(points), 202711, 200}});
  t.sale(t.b, "a coffee, 200 points pay 2.00", {{product_id{12}, 1}}, 1'600, 0, {{points, 200}});
  t.reversal(cake, "the birthday cake goes back");
  // What the stores owe each other: who took the money of a top-up owes it, who sold for card value is owed it.
  auto [a, at_a] = t.cleared(t.a);
  auto [b, at_b] = t.cleared(t.b);
  amount left = t.a.held(card_1) + t.b.held(card_1);
  CHECK(a.loaded - a.spent - b.spent == left);
  t.rows.push_back("A took " + money(a.loaded) + " for the card, sold for " + money(a.spent) +
                   " of card money, gave units worth " + money(at_a.given) + " and took " + money(at_a.redeemed) +
                   " of units, so it owes the scheme " + money(at_a.owes) + ".");
  t.rows.push_back("B sold for " + money(b.spent) + " of card money, gave units worth " + money(at_b.given) +
                   " and took " + money(at_b.redeemed) + " of units, so it is owed " + money(-at_b.owes) + ".");
  t.rows.push_back("The scheme holds " + money(at_a.owes + at_b.owes) + ": " + money(left) + " of money on the card, " +
                   money(at_a.owes + at_b.owes - left) + " of units.");

  // The sentences around them.
  const auto points_of = [](const entry& e, bool owed) {
    amount n = 0;
    for (const auto& v : owed ? e.debts : e.earned)
      if (v.purse == points) n += v.amount;
    return n;
  };
  const auto& sold = t.a.journal[cake];
  const auto& back = t.a.journal.back();
  const auto owed = points_of(back, true), gone = points_of(back, false), had = points_of(sold, false);
  const auto& at_b_last = t.b.journal.back();
  amount moved_points = 0, moved_money = 0, given = 0;
  for (const auto& v : at_b_last.values)
    (v.purse == points ? moved_points : moved_money) += v.amount;
  for (const auto& e : t.a.journal)
    given += e.kind == entry_kind::sale ? points_of(e, false) : 0;
  const auto number = [](amount n) { return std::to_string(n); };
  const auto worth = t.a.prices.rules(1)->programme.purse(voucher)->off;
  for (const auto& said : {"and " + money(moved_money) + " and " + number(moved_points) + " points moved there",
                           number(had - owed) + " were left at Store A, " + number(owed) + " had been spent",
                           "the card owes " + number(owed) + " points and a voucher of " + money(worth) + " and has " +
                               number(holding(t.b.st, t.b.self, card_1, points)) + " points",
                           "the gift money and " + number(given - had) + " points; the voucher and the " +
                               number(gone) + " points of the cake went back"})
    t.rows.push_back(said);

  std::ifstream in(std::string(TALLY_SOURCE_DIR) + "/docs/programme.md");
  std::ostringstream text;
  text << in.rdbuf();
  auto section = text.str().substr(text.str().find("## An example, to the cent"));
  section = section.substr(0, section.find("\n## "));
  for (const auto& r : t.rows) {
    INFO(r);
    auto at = section.find(r);
    REQUIRE(at != std::string::npos);
    section.erase(at, r.size());
  }
  // Nor does it say another figure: what is left are the numbers of steps.
  for (const auto* step : {"Before step 5 ", "In step 6 "}) {
    REQUIRE(section.find(step) != std::string::npos);
    section.erase(section.find(step), std::string(step).size());
  }
  INFO(section);
  CHECK(section.find_first_of("0123456789") == std::string::npos);
}
