#include "node/rules_file.hpp"

#include <catch2/catch.hpp>

#include "devices/barcode.hpp"
#include "node/demo.hpp"

using namespace tally;

namespace {

const std::string head = "currency = \"CNY\"\ncard_prefix = \"9704\"\n[[tax]]\nletter = \"A\"\npercent = \"13.00\"\n";
const std::string bread =
    "[[product]]\nid = 1\nean = \"4006381333931\"\nprice = \"12.50\"\ntax = \"A\"\nname = { en = \"Bread\" }\n";

std::string why(const std::string& text) {
  auto r = parse_rules(text, "f.toml");
  if (r) return "good";
  CHECK(r.code() == errc::bad_rules);
  return r.error().detail;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

product made(std::uint32_t id, amount price, std::uint64_t version = 0) {
  product p;
  p.id.value = id;
  p.price = price;
  p.names[0] = "P" + std::to_string(id);
  p.version = version;
  return p;
}

price_list list_of(std::vector<product> products) {
  price_list l;
  l.rules.taxes = {{"A", 1300}};
  l.products = std::move(products);
  return l;
}

}  // namespace

TEST_CASE("a small rules file", "[rules]") {
  auto r = parse_rules("effective_from = 2026-12-01\n" + head + bread, "f.toml");
  REQUIRE(r);
  CHECK(date_text(r->rules.effective_from) == "2026-12-01");
  CHECK(r->rules.taxes == std::vector<tax_rate>{{"A", 1300}});
  REQUIRE(r->products.size() == 1);
  CHECK(r->products[0].price == 1250);
  CHECK(r->products[0].tax == 0);
  CHECK(r->products[0].names[0] == "Bread");
}

TEST_CASE("the demo's rules", "[rules]") {
  auto r = parse_rules(demo_rules(), "demo-rules.toml");
  REQUIRE(r);
  CHECK(r->products.size() == 12);
  for (const auto& p : r->products) {
    CHECK(ean_valid(p.ean));
    for (const auto& n : p.names)
      CHECK(!n.empty());
  }
}

TEST_CASE("every error of a rules file names line and reason", "[rules]") {
  CHECK(why("") == "f.toml:1: there is no tax rate; write one [[tax]], also for 0 percent");
  CHECK(why(head) == "f.toml:1: there is no product; write at least one [[product]]");
  CHECK(why("a = \n").starts_with("f.toml:1: "));
  CHECK(why("colour = 1\n" + head + bread).starts_with("f.toml:1: there is no key colour here; known are"));
  CHECK(why("currency = 3\n").starts_with("f.toml:1: currency is text"));
  CHECK(why(replaced(head, "CNY", "cny") + bread).find("three capital letters") != std::string::npos);
  CHECK(why("exponent = 5\n" + head + bread) == "f.toml:1: exponent is a whole number from 0 to 4");
  CHECK(why("top_up_min = \"1.001\"\n" + head + bread).starts_with("f.toml:1: top_up_min is an amount in quotes"));
  CHECK(why("top_up_min = 1.5\n" + head + bread).starts_with("f.toml:1: top_up_min is an amount in quotes"));
  CHECK(why("top_up_min = \"-1.00\"\n" + head + bread).starts_with("f.toml:1: top_up_min is an amount in quotes"));
  CHECK(why("top_up_min = \"9.00\"\ntop_up_max = \"8.00\"\n" + head + bread) ==
        "f.toml:1: top_up_min is above top_up_max");
  CHECK(why("effective_from = \"2026-12-01\"\n" + head + bread).starts_with("f.toml:1: effective_from is a date"));
  CHECK(why("effective_from = 2019-12-31\n" + head + bread) == "f.toml:1: effective_from is no such date");
  CHECK(why("header = \"" + std::string(201, 'x') + "\"\n" + head + bread).find("at most 200") != std::string::npos);
  CHECK(why(replaced(head, "9704", "97o4") + bread).find("card_prefix is at most 8 digits") != std::string::npos);
  CHECK(why("product = 1\n" + head) == "f.toml:1: product is written as [[product]]");
}

TEST_CASE("receipts have copies and a layout in the rules", "[rules]") {
  const std::string sale = "[receipt.sale]\ncopies = 2\nlayout = \"\"\"\n{store}{right}{sum}\n{total}\n{id}\n\"\"\"\n";
  auto r = parse_rules(head + bread + sale, "f.toml");
  REQUIRE(r);
  CHECK(r->rules.receipts[0] == receipt_form{"{store}{right}{sum}\n{total}\n{id}\n", 2});
  CHECK(r->rules.receipts[1] == receipt_form{});
  CHECK(why(head + bread + "[receipt.gift]\ncopies = 1\n").find("there is no key gift here") != std::string::npos);
  CHECK(why(head + bread + "[receipt.sale]\ncopies = 5\n") == "f.toml:13: copies is a whole number from 1 to 4");
  CHECK(why(head + bread + "[receipt]\nsale = 1\n") == "f.toml:13: receipts are written as [receipt.sale]");
  CHECK(why(head + bread + replaced(sale, "{total}\n", "")).find("shows {total} and {id}") != std::string::npos);
  const auto wrong = [&](const std::string& line) { return why(head + bread + replaced(sale, "{store}", line)); };
  CHECK(wrong("{shop}").find("[receipt.sale]: line 1 of a receipt's layout: there is no field {shop}") !=
        std::string::npos);
  CHECK(why(head + bread + "[receipt.day_report]\nlayout = \"{id}\"\n").find("[receipt.day_report]: a day report's") !=
        std::string::npos);
  CHECK(why(head + bread + "[receipt.top_up]\nlayout = \"{total}\\na\\tb\\n{id}\"\n")
            .find("line 2 of [receipt.top_up]'s layout: the control character U+0009 (a tab) cannot be printed") !=
        std::string::npos);
  CHECK(why("footer = \"a\\nb\\u001Bc\"\n" + head + bread).find("line 2 of footer: the control character U+001B") !=
        std::string::npos);
  CHECK(wrong("{lines} ").find("{lines} stands on a line of its own") != std::string::npos);
  CHECK(wrong("a {").find("a brace stands alone") != std::string::npos);
  CHECK(wrong("a }").find("a brace stands alone") != std::string::npos);
  CHECK(wrong("a{right}").find("{right} stands once") != std::string::npos);
  CHECK(wrong("a{centre}").find("at the start of a line") != std::string::npos);
}

TEST_CASE("wrong taxes and products", "[rules]") {
  CHECK(why(replaced(head, "\"A\"", "\"a\"") + bread).find("A to Z") != std::string::npos);
  CHECK(why(replaced(head, "13.00", "100.01") + bread) == "f.toml:3: a tax rate is 0.00 to 100.00 percent");
  CHECK(why(head + "[[tax]]\nletter = \"A\"\npercent = \"9\"\n" + bread) == "f.toml:6: tax letter A was used before");
  CHECK(why(head + "[[tax]]\nletter = \"B\"\n" + bread) == "f.toml:6: this tax rate has no percent");
  CHECK(why(head + replaced(bread, "id = 1", "id = 0")).starts_with("f.toml:7: id is a whole number"));
  CHECK(why(head + replaced(bread, "id = 1", "")) == "f.toml:6: a product's id is 1 or above");
  CHECK(why(head + replaced(bread, "333931", "333932")).find("right check digit") != std::string::npos);
  CHECK(why(head + replaced(bread, "12.50", "12.505")).starts_with("f.toml:9: price is an amount"));
  CHECK(why(head + replaced(bread, "price = \"12.50\"\n", "")) ==
        "f.toml:6: this product has no price; write one, or open = true if the amount is typed at the till");
  CHECK(why(head + replaced(bread, "price = \"12.50\"\n", "price = \"12.50\"\nopen = true\n")) ==
        "f.toml:6: this product has open = true and a price; the amount is typed at the till");
  CHECK(why(head + replaced(bread, "price = \"12.50\"\n", "open = 1\n")).find("open is true or false") !=
        std::string::npos);
  CHECK(why(head + replaced(bread, "tax = \"A\"", "tax = \"B\"")) == "f.toml:10: there is no [[tax]] with letter B");
  CHECK(why(head + replaced(bread, "{ en = \"Bread\" }", "\"Bread\"")).starts_with("f.toml:11: a product has a name"));
  CHECK(why(head + replaced(bread, "en =", "ko =")).find("English name") != std::string::npos);
  CHECK(why(head + replaced(bread, "en =", "fr =")).starts_with("f.toml:11: there is no key fr here"));
  CHECK(why(head + bread + bread) == "f.toml:12: product id 1 was used before");
  CHECK(why(head + bread + replaced(bread, "id = 1", "id = 2")) ==
        "f.toml:12: ean 4006381333931 belongs to product 1 already");
  CHECK(why(replaced(head, "9704", "4006") + bread).find("it would be read as a card") != std::string::npos);
  CHECK(why(head + "[[tax]]\nletter = \"B\"\npercent = \"9\"\n" + replaced(bread, "tax = \"A\"\n", ""))
            .find("names no tax letter") != std::string::npos);
}

TEST_CASE("what must be written so that a list is on sale", "[rules]") {
  catalogue c;
  auto first = list_of({made(1, 100), made(2, 200)});
  CHECK(changed_products(c, first, 1).size() == 2);
  for (auto p : changed_products(c, first, 1))
    c.add(p);
  first.rules.version = 1;
  c.add(first.rules);

  CHECK(changed_products(c, first, 2).empty());
  auto next = list_of({made(1, 150), made(3, 300)});
  auto changes = changed_products(c, next, 2);
  REQUIRE(changes.size() == 3);
  CHECK((changes[0].id.value == 1 && changes[0].price == 150 && changes[0].version == 2));
  CHECK((changes[1].id.value == 3 && !changes[1].withdrawn));
  CHECK((changes[2].id.value == 2 && changes[2].withdrawn && changes[2].version == 2));

  SECTION("other tax rates: everything again, because products name rates by position") {
    next.rules.taxes = {{"B", 900}, {"A", 1300}};
    CHECK(changed_products(c, list_of({made(1, 100), made(2, 200)}), 2).empty());
    next.products = {made(1, 100), made(2, 200)};
    CHECK(changed_products(c, next, 2).size() == 2);
  }
  SECTION("leftovers of a publication that broke off are withdrawn or written over") {
    c.add(made(9, 900, 2));
    c.add(made(1, 111, 2));
    auto again = changed_products(c, first, 2);
    REQUIRE(again.size() == 2);
    CHECK((again[0].id.value == 1 && again[0].price == 100));
    CHECK((again[1].id.value == 9 && again[1].withdrawn));
  }
}
