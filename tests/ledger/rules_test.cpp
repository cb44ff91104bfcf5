#include "ledger/rules.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

catalogue two_rates() {
  catalogue c;
  auto r = rules_of(1, 0);
  r.taxes = {{"A", 1300}, {"B", 600}};
  c.add(r);
  c.add(product_of(1, 1, 1250, 0));
  c.add(product_of(2, 1, 999, 1));
  c.add(product_of(3, 1, 0, 0));
  return c;
}

}  // namespace

TEST_CASE("a basket is priced line by line and taxed once per rate", "[rules]") {
  auto c = two_rates();
  auto b = c.price({{product_id{1}, 2}, {product_id{2}, 3}, {product_id{1}, 1}, {product_id{3}, 5}}, 1);
  REQUIRE(b.ok());
  CHECK(b->total == 3 * 1250 + 3 * 999);
  CHECK(b->lines.size() == 4);
  CHECK(b->lines[0].sum == 2500);
  CHECK(b->lines[1].item->id == product_id{2});
  // 3750 × 13/113 = 431.416, 2997 × 6/106 = 169.64
  CHECK(b->taxes == std::vector<tax_item>{{0, main_unit, 431}, {1, main_unit, 170}});
}

TEST_CASE("tax is rounded once, not per line, half up", "[rules]") {
  catalogue c;
  auto r = rules_of(1, 0);
  r.taxes = {{"A", 10'000}};  // half of the price is tax
  c.add(r);
  c.add(product_of(1, 1, 1));
  CHECK(c.price({{product_id{1}, 1}}, 1)->taxes == std::vector<tax_item>{{0, main_unit, 1}});
  // Three lines of 1: each alone would give 1, together 1.5 → 2.
  CHECK(c.price({{product_id{1}, 1}, {product_id{1}, 1}, {product_id{1}, 1}}, 1)->taxes ==
        std::vector<tax_item>{{0, main_unit, 2}});
  r.version = 2;
  r.taxes = {{"Z", 0}};
  c.add(r);
  CHECK(c.price({{product_id{1}, 3}}, 2)->taxes.empty());  // a rate of zero leaves no item
}

TEST_CASE("a product that is sold by amount is a basket by itself", "[rules]") {
  auto c = two_rates();
  auto open = product_of(9, 1, 1, 1);
  open.open = true;
  c.add(open);
  auto b = c.price({{product_id{9}, 123'456}, {product_id{1}, 1}}, 1);
  REQUIRE(b.ok());
  CHECK(b->total == 123'456 + 1'250);
  CHECK(b->lines[0].sum == 123'456);
  CHECK(c.price({{product_id{9}, open_amount_max}}, 1)->total == open_amount_max);
  for (std::int64_t q : {std::int64_t{0}, std::int64_t{-5}, open_amount_max + 1, INT64_MAX})
    CHECK(c.price({{product_id{9}, q}}, 1).code() == errc::bad_basket);
}

TEST_CASE("wrong baskets are refused", "[rules]") {
  auto c = two_rates();
  auto code = [&](std::vector<line_item> lines, std::uint64_t version = 1) { return c.price(lines, version).code(); };
  CHECK(code({}) == errc::bad_basket);
  CHECK(code(std::vector<line_item>(200, {product_id{1}, 1})) == errc::ok);
  CHECK(code(std::vector<line_item>(201, {product_id{1}, 1})) == errc::bad_basket);
  for (std::int64_t q : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{10'000}, INT64_MAX, INT64_MIN})
    CHECK(code({{product_id{1}, q}}) == errc::bad_basket);
  CHECK(code({{product_id{1}, 9999}}) == errc::ok);
  CHECK(code({{product_id{4}, 1}}) == errc::unknown_product);
  CHECK(code({{product_id{1}, 1}}, 0) == errc::bad_rules);
  CHECK(code({{product_id{1}, 1}}, 9) == errc::bad_rules);
  c.add(product_of(5, 1, INT64_MAX / 2));
  CHECK(code({{product_id{5}, 3}}) == errc::overflow);
  c.add(product_of(6, 1, amount_max));
  CHECK(code({{product_id{6}, 1}}) == errc::ok);
  CHECK(code({{product_id{6}, 2}}) == errc::overflow);
  c.add(product_of(7, 1, 100, 2));
  CHECK(code({{product_id{7}, 1}}) == errc::bad_rules);  // no such rate
}

TEST_CASE("the newest version whose date has come is in force", "[rules]") {
  catalogue c;
  CHECK(c.version_at(100) == 0);
  CHECK(c.newest() == nullptr);
  c.add(rules_of(1, 10));
  c.add(rules_of(2, 30));
  c.add(rules_of(3, 20));  // published later, takes effect earlier
  CHECK(c.version_at(9) == 0);
  CHECK(c.version_at(10) == 1);
  CHECK(c.version_at(19) == 1);
  CHECK(c.version_at(20) == 3);
  CHECK(c.version_at(30) == 3);
  CHECK(c.newest()->version == 3);
  CHECK(c.rules(2)->effective_from == 30);
  CHECK(c.rules(4) == nullptr);
}

TEST_CASE("a past sale is priced under its own version", "[rules]") {
  catalogue c;
  for (std::uint64_t v = 1; v <= 4; ++v)
    c.add(rules_of(v, 0));
  c.add(product_of(1, 1, 100));
  c.add(product_of(1, 3, 130));
  auto gone = product_of(1, 4, 130);
  gone.withdrawn = true;
  c.add(gone);
  c.add(product_of(2, 2, 50));
  auto price = [&](std::uint64_t v) { return c.price({{product_id{1}, 1}}, v); };
  CHECK(price(1)->total == 100);
  CHECK(price(2)->total == 100);
  CHECK(price(3)->total == 130);
  CHECK(price(4).code() == errc::unknown_product);
  CHECK(c.price({{product_id{2}, 1}}, 1).code() == errc::unknown_product);
  CHECK(c.on_sale(1).size() == 1);
  CHECK(c.on_sale(2).size() == 2);
  CHECK(c.on_sale(4).size() == 1);
  // Back on sale later.
  c.add(rules_of(5, 0));
  c.add(product_of(1, 5, 140));
  CHECK(price(5)->total == 140);
  CHECK(price(4).code() == errc::unknown_product);
}

TEST_CASE("a scanned number finds the product that has it in that version", "[rules]") {
  catalogue c;
  c.add(rules_of(1, 0));
  c.add(rules_of(2, 0));
  auto with = [](product p, const char* ean) {
    p.ean = ean;
    return p;
  };
  c.add(with(product_of(1, 1, 100), "4006381333931"));
  c.add(with(product_of(2, 1, 100), "96385074"));
  c.add(product_of(3, 1, 100));
  CHECK(c.find_ean("4006381333931", 1)->id == product_id{1});
  CHECK(c.find_ean("96385074", 2)->id == product_id{2});
  CHECK(c.find_ean("", 1) == nullptr);
  CHECK(c.find_ean("4006381333948", 1) == nullptr);
  CHECK(c.find_ean("4006381333931", 0) == nullptr);
  // Version 2 gives the number to another product; version 1, still in force elsewhere, keeps it.
  c.add(with(product_of(1, 2, 100), "5901234123457"));
  c.add(with(product_of(9, 2, 100), "4006381333931"));
  CHECK(c.find_ean("4006381333931", 1)->id == product_id{1});
  CHECK(c.find_ean("4006381333931", 2)->id == product_id{9});
  CHECK(c.find_ean("5901234123457", 1) == nullptr);
  CHECK(c.find_ean("5901234123457", 2)->id == product_id{1});
}

TEST_CASE("where goods are left out none is sold, and what was sold can still be read", "[rules]") {
  auto c = two_rates();
  product scanned, loose;
  scanned.id = {901};
  loose.id = {902};
  scanned.version = loose.version = 1;
  scanned.ean = "4006381333931";
  scanned.price = loose.price = 1;
  loose.open = true;
  c.add(scanned);
  c.add(loose);
  REQUIRE(c.price({{{901}, 2}}, 1).ok());
  const auto all = c.on_sale(1).size();
  c.leave_goods(true);
  CHECK(c.price({{{901}, 2}}, 1).code() == errc::unknown_product);
  CHECK(c.price({{{901}, 2}}, 1).error().detail.find("tallystick status") != std::string::npos);
  CHECK(c.price({{{902}, 2}}, 1).ok());
  CHECK(c.offered({901}, 1) == nullptr);
  CHECK(c.find_ean("4006381333931", 1) == nullptr);
  CHECK(c.on_sale(1).size() == 1);
  REQUIRE(c.find({901}, 1) != nullptr);
  CHECK(*c.find({901}, 1) == scanned);
  c.leave_goods(false);
  CHECK(c.on_sale(1).size() == all);
}

TEST_CASE("languages have their tags", "[rules]") {
  CHECK(language_tag(language::en) == "en");
  CHECK(language_tag(language::zh_hans) == "zh-Hans");
  CHECK(language_tag(language::zh_hant) == "zh-Hant");
  CHECK(language_tag(language::ko) == "ko");
}
