#include <catch2/catch.hpp>

#include "node/demo.hpp"
#include "node/rules_file.hpp"
#include "storage/entry_codec.hpp"

using namespace tally;

namespace {

const std::string base_rows =
    "currency = \"CNY\"\ntop_up_min = \"10.00\"\ntop_up_max = \"1000.00\"\n[[tax]]\nletter = \"A\"\npercent = "
    "\"13.00\"\n"
    "[[product]]\nid = 1\nprice = \"12.50\"\nname = { en = \"Bread\" }\n"
    "[[product]]\nid = 2\nprice = \"3.00\"\nname = { en = \"Roll\" }\n";
const std::string points_row =
    "[[purse]]\nid = 3\nkind = \"points\"\nname = { en = \"Points\" }\nexpires_months = 12\n"
    "rate = { units = 100, money = \"1.00\" }\nshare_percent = \"50.00\"\ngifts = [{ product = 2, units = 90 }]\nquota "
    "= 500\n";
const std::string bonus_row = "[[purse]]\nid = 2\nkind = \"bonus\"\nname = { en = \"Bonus\" }\nquota = \"99.00\"\n";

std::string why_not(const std::string& more) {
  auto r = parse_rules(base_rows + more, "f.toml");
  if (r) return "good";
  CHECK(r.code() == errc::bad_rules);
  return r.error().detail;
}
bool names(const std::string& more, const std::string& reason) {
  auto got = why_not(more);
  INFO(got);
  return got.find("f.toml:") == 0 && got.find(reason) != std::string::npos;
}

/// A record of form 4 that reads back as it is; cut or changed it is refused, or says something else.
void has_one_spelling(const rules_record& rules) {
  auto record = encode_rules(rules);
  CHECK(record.front() == 4);
  auto again = decode_rules(record);
  REQUIRE(again);
  CHECK(*again == rules);
  for (std::size_t n = 0; n < record.size(); ++n)
    CHECK_FALSE(decode_rules(byte_view(record).substr(0, n)).ok());
  for (std::size_t n = 0; n < record.size(); ++n)
    for (int v = 0; v < 256; ++v) {
      auto changed = record;
      changed[n] = static_cast<char>(v);
      auto x = decode_rules(changed);
      REQUIRE((!x.ok() || encode_rules(*x) == changed));
    }
}

}  // namespace

TEST_CASE("a programme is read, whatever the order in the file", "[rules][programme]") {
  auto r = parse_rules(
      base_rows + points_row + bonus_row +
          "[[level]]\nid = 1\nname = { en = \"Silver\" }\nspend = \"100.00\"\nmonths = 6\n"
          "[[card_kind]]\nid = 1\nname = { en = \"Gift\" }\npurses = [2]\ntop_up = false\nper_day = \"50.00\"\n"
          "[[discount]]\nid = 7\nname = { en = \"Sunday\" }\noff = \"0.50\"\nweekdays = [\"sun\", \"sat\"]\n"
          "products = [2, 1]\nfrom = 2026-01-01\nuntil = 2026-12-31\n"
          "[[earn]]\nid = 1\nname = { en = \"Points\" }\npurse = 3\nunits = 2\nper = \"1.00\"\nlevels = [1]\n"
          "[[earn]]\nid = 2\nname = { en = \"On top-ups\" }\npurse = 2\non = \"top_up\"\nmoney = \"1.00\"\n"
          "per = \"50.00\"\n"
          "[[package]]\nid = 1\nname = { en = \"100 + 5\" }\npay = \"100.00\"\ngives = [{ purse = 2, money = "
          "\"5.00\" }, { purse = 3, units = 40 }]\n",
      "f.toml");
  REQUIRE(r);
  const auto& g = r->rules.programme;
  REQUIRE(g.purses.size() == 2);
  CHECK(g.purses[0].id == 2);
  CHECK(g.purses[0].quota == 9'900);
  CHECK(g.purses[1].bucket == bucket_rule::expires);
  CHECK(g.purses[1].rate_units == 100);
  CHECK(g.purses[1].rate_money == 100);
  CHECK(g.purses[1].share_max == 5'000);
  CHECK(g.purses[1].gifts == std::vector<product_units>{{product_id{2}, 90}});
  CHECK(g.levels[0].months == 6);
  CHECK_FALSE(g.card_kinds[0].top_up);
  CHECK(g.card_kinds[0].per_day == 5'000);
  CHECK(g.discounts[0].when.weekdays == 0b1100000);
  CHECK(g.discounts[0].when.products == std::vector<product_id>{product_id{1}, product_id{2}});
  CHECK(date_text(g.discounts[0].when.until) == "2026-12-31");
  CHECK(g.earns[1].on_top_up);
  CHECK(g.earns[1].units == 100);
  CHECK(g.packages[0].gives == std::vector<package_gift>{{2, 500}, {3, 40}});
  // And comes back from its record as it was; one octet less or more does not.
  auto record = encode_rules(r->rules);
  auto again = decode_rules(record);
  REQUIRE(again);
  CHECK(*again == r->rules);
  for (std::size_t n = 0; n < record.size(); ++n)
    CHECK_FALSE(decode_rules(byte_view(record).substr(0, n)).ok());
  CHECK_FALSE(decode_rules(record + '\0').ok());
}

TEST_CASE("what a card costs, how long it is good, and what stores do without news", "[rules][programme]") {
  const std::string kind = "[[card_kind]]\nid = 1\nname = { en = \"Gift\" }\n";
  auto r = parse_rules(base_rows + kind +
                           "price = \"2.00\"\ndeposit = \"20.00\"\nvalid_months = 24\nnamed = true\n"
                           "replaceable = false\n"
                           "[[card_kind]]\nid = 2\nname = { en = \"Plain\" }\n"
                           "[stale]\nrules_after_hours = 960\ncards_after_hours = 48\ncard_sale_max = \"50.00\"\n",
                       "f.toml");
  REQUIRE(r);
  const auto& g = r->rules.programme;
  CHECK(g.card_kinds[0].price == 200);
  CHECK(g.card_kinds[0].deposit == 2'000);
  CHECK(g.card_kinds[0].valid_months == 24);
  CHECK(g.card_kinds[0].named);
  CHECK_FALSE(g.card_kinds[0].replaceable);
  CHECK_FALSE(g.card_kinds[1].sells());
  CHECK(g.stale == stale_rule{960, 48, 5'000});
  auto record = encode_rules(r->rules);
  auto again = decode_rules(record);
  REQUIRE(again);
  CHECK(again->programme == g);
  for (std::size_t n = 0; n < record.size(); ++n)
    CHECK_FALSE(decode_rules(record.substr(0, n)));
  CHECK_FALSE(decode_rules(record + '\0'));
  // A store that does not know a section does not sell by the rest.
  auto unknown = record;
  auto without = r->rules;
  without.programme.stale = {};
  without.programme.card_kinds[0] = {1, g.card_kinds[0].names, {}, true, 0};
  auto at = encode_rules(without).size();  // here the sections begin: how many, and the number of the first
  REQUIRE(unknown.at(at) == 1);
  REQUIRE(unknown.at(at + 1) == 1);
  unknown[at + 1] = 9;
  CHECK_FALSE(decode_rules(unknown));
  CHECK(names(kind + "valid_days = 3\nvalid_months = 2\n", "not both"));
  CHECK(names(kind + "valid_days = 0\n", "valid_days"));
  CHECK(names(kind + "named = 1\n", "true or false"));
  CHECK(names(kind + "deposit = 20\n", "deposit"));
  CHECK(names("[stale]\nrules_after_hours = 3\n", "rules_after_hours"));
  CHECK(names("[stale]\ncards_after_hours = 48\n", "belong together"));
  CHECK(names("[stale]\ncard_sale_max = \"5.00\"\n", "belong together"));
  CHECK(names("[stale]\nhours = 48\n", "no key hours"));
}

TEST_CASE("limits that ask for a PIN are read, kept, and may not contradict each other", "[rules][programme][pin]") {
  const std::string kind = "[[card_kind]]\nid = 1\nname = { en = \"Card\" }\n";
  auto of = [&](const std::string& rows) {
    auto r = parse_rules(base_rows + kind + rows, "f.toml");
    return r ? std::optional(r->rules) : std::nullopt;
  };
  auto r = of("pin_above = \"30.00\"\npin_above_day = \"50.00\"\nper_day = \"90.00\"\n");
  REQUIRE(r);
  CHECK(r->programme.card_kinds[0].pin_above == 3'000);
  CHECK(r->programme.card_kinds[0].pin_above_day == 5'000);
  auto always = of("pin_above = \"0.00\"\n"), never = of(""), by_day = of("pin_above_day = \"0.00\"\n");
  REQUIRE((always && never && by_day));
  CHECK(always->programme.card_kinds[0].pin_above == 0);
  CHECK_FALSE(never->programme.card_kinds[0].pin_above);
  CHECK_FALSE(by_day->programme.card_kinds[0].pin_above);
  for (const auto& one : {r, always, never, by_day}) {
    auto record = encode_rules(*one);
    auto again = decode_rules(record);
    REQUIRE(again);
    CHECK(*again == *one);
    for (std::size_t n = 0; n < record.size(); ++n)
      CHECK_FALSE(decode_rules(byte_view(record).substr(0, n)).ok());
  }
  // Without them the record is what older nodes read.
  CHECK(encode_rules(*never)[0] == 3);
  auto names = [&](const std::string& rows, const char* what) {
    auto bad = parse_rules(base_rows + kind + rows, "f.toml");
    return !bad && bad.error().detail.find(what) != std::string::npos;
  };
  CHECK(names("pin_above = 30\n", "pin_above"));
  CHECK(names("pin_above = \"-1.00\"\n", "pin_above"));
  CHECK(names("pin_above = \"30.00\"\npin_above_day = \"20.00\"\n", "at least pin_above"));
  CHECK(names("pin_above = \"0.00\"\npin_above_day = \"20.00\"\n", "at least pin_above"));
  CHECK(names("pin_above = \"30.00\"\nper_day = \"30.00\"\n", "less than per_day"));
  CHECK(names("pin_above_day = \"40.00\"\nper_day = \"30.00\"\n", "less than per_day"));
}

TEST_CASE("what a kind of card asks a one-time code for: read, kept, and refused where it contradicts itself",
          "[rules][programme][code]") {
  const std::string kind = "[[card_kind]]\nid = 1\nname = { en = \"Card\" }\n";
  auto of = [&](const std::string& rows) { return parse_rules(base_rows + kind + rows, "f.toml"); };
  for (const auto& [rows, above] :
       {std::pair("code_above = \"200.00\"\npin_above = \"30.00\"\nper_day = \"900.00\"\n", 20'000),
        std::pair("code_above = \"0.00\"\n", 0), std::pair("code_above = \"30.00\"\npin_above = \"30.00\"\n", 3'000)}) {
    auto r = of(rows);
    REQUIRE(r);
    CHECK(r->rules.programme.card_kinds[0].code_above == above);
    auto record = encode_rules(r->rules);
    auto again = decode_rules(record);
    REQUIRE(again);
    CHECK(*again == r->rules);
    for (std::size_t n = 0; n < record.size(); ++n)
      CHECK_FALSE(decode_rules(byte_view(record).substr(0, n)).ok());
  }
  auto names = [&](const std::string& rows, const char* what) {
    auto bad = of(rows);
    return !bad && bad.error().detail.find(what) != std::string::npos;
  };
  CHECK(names("code_above = 200\n", "code_above"));
  CHECK(names("code_above = \"-1.00\"\n", "code_above"));
  CHECK(names("code_above = \"20.00\"\npin_above = \"30.00\"\n", "code_above is at least pin_above"));
  CHECK(names("code_above = \"30.00\"\nper_day = \"30.00\"\n", "less than per_day"));
  // Where rows stand, for what only head office can refuse.
  auto placed = of("");
  REQUIRE(placed);
  CHECK(placed->lines.at("card_kind 1") > 1);
}

TEST_CASE("a kind of card may have paid money alone", "[rules][programme]") {
  auto of = [](const std::string& rows) {
    auto r = parse_rules(
        base_rows + points_row + bonus_row + "[[card_kind]]\nid = 1\nname = { en = \"Gift\" }\n" + rows, "f.toml");
    REQUIRE(r);
    return decode_rules(encode_rules(r->rules))->programme.card_kinds.front().purses;
  };
  CHECK(of("").empty());  // all
  CHECK(of("purses = []\n") == std::vector<std::uint32_t>{purse_paid});
  CHECK(of("purses = [1]\n") == std::vector<std::uint32_t>{purse_paid});
  CHECK(names(points_row + "[[card_kind]]\nid = 1\nname = { en = \"A\" }\npurses = [1, 3]\n", "there is no purse 1"));
  CHECK(names("[[card_kind]]\nid = 1\nname = { en = \"A\" }\nonly_at = []\n", "only_at is a list of numbers"));
}

TEST_CASE("the demo has a programme", "[rules][programme]") {
  auto r = parse_rules(demo_rules(), "demo-rules.toml");
  REQUIRE(r);
  CHECK(r->rules.programme.purses.size() == 3);
  CHECK(r->rules.programme.packages.size() == 2);
}

TEST_CASE("what is wrong with a programme is named with its line", "[rules][programme]") {
  CHECK(names("[[purse]]\nid = 3\nname = { en = \"P\" }\n", ":15: a purse has a kind"));
  CHECK(names("[[purse]]\nid = 1\nkind = \"points\"\nname = { en = \"P\" }\n", "a purse's id is 2 to 255"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"gold\"\nname = { en = \"P\" }\n", "a purse has a kind"));
  CHECK(names(points_row + points_row, "purse id 3 was used before"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"points\"\nname = { en = \"P\" }\ncolour = 1\n", "there is no key colour"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"voucher\"\nname = { en = \"V\" }\n", "one of them"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"voucher\"\nname = { en = \"V\" }\noff = \"1.00\"\noff_percent = \"5.00\"\n",
              "one of them"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"visits\"\nname = { en = \"V\" }\n", "visits pay for nothing"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"bonus\"\nname = { en = \"B\" }\nrate = { units = 1, money = \"1.00\" }\n",
              "only points and visits have a rate"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"points\"\nname = { en = \"B\" }\nexpires_months = 1\nopens_months = 1\n",
              "not both"));
  CHECK(names("[[purse]]\nid = 3\nkind = \"points\"\nname = { en = \"B\" }\ngifts = [{ product = 9, units = 1 }]\n",
              "there is no product 9"));
  CHECK(names("[[discount]]\nid = 1\nname = { en = \"D\" }\n", "a percent or a sum"));
  CHECK(names("[[discount]]\nid = 1\nname = { en = \"D\" }\npercent = \"100.01\"\n", "percent is"));
  CHECK(
      names("[[discount]]\nid = 1\nname = { en = \"D\" }\npercent = \"5.00\"\nlevels = [4]\n", "there is no level 4"));
  CHECK(names("[[discount]]\nid = 1\nname = { en = \"D\" }\npercent = \"5.00\"\ncard_kinds = [4]\n",
              "there is no card_kind 4"));
  CHECK(
      names("[[discount]]\nid = 1\nname = { en = \"D\" }\npercent = \"5.00\"\nfrom = 2026-02-01\nuntil = 2026-01-01\n",
            "it ends before it begins"));
  CHECK(
      names("[[discount]]\nid = 1\nname = { en = \"D\" }\npercent = \"5.00\"\nweekdays = [\"mo\"]\n", "a weekday is"));
  CHECK(
      names("[[discount]]\nid = 1\nname = { en = \"D\" }\npercent = \"5.00\"\nproducts = [1, 1]\n", "names one twice"));
  CHECK(names("[[discount]]\nid = 1\npercent = \"5.00\"\n", "has a name"));
  CHECK(names("[[earn]]\nid = 1\nname = { en = \"E\" }\npurse = 3\nunits = 1\n", "there is no [[purse]] with id 3"));
  CHECK(
      names(points_row + "[[earn]]\nid = 1\nname = { en = \"E\" }\npurse = 3\nmoney = \"1.00\"\n", "written as units"));
  CHECK(names(bonus_row + "[[earn]]\nid = 1\nname = { en = \"E\" }\npurse = 2\nunits = 1\n", "are money"));
  CHECK(names(points_row + "[[earn]]\nid = 1\nname = { en = \"E\" }\npurse = 3\nunits = 1\nper = \"0.00\"\n",
              "per is above 0"));
  CHECK(names(
      points_row + "[[earn]]\nid = 1\nname = { en = \"E\" }\npurse = 3\nunits = 1\non = \"top_up\"\nproducts = [1]\n",
      "a top-up has no products"));
  CHECK(names(bonus_row + "[[package]]\nid = 9\nname = { en = \"P\" }\npay = \"1.00\"\n", "f.toml:20: package 9: pay"));
  CHECK(names("[[package]]\nid = 1\nname = { en = \"P\" }\npay = \"1.00\"\n", "outside top_up_min"));
  CHECK(names(
      "[[level]]\nid = 1\nname = { en = \"A\" }\nspend = \"9.00\"\n[[level]]\nid = 2\nname = { en = \"B\" }\nspend "
      "= \"9.00\"\n",
      "a higher level asks for more"));
  CHECK(names("[[card_kind]]\nid = 1\nname = { en = \"A\" }\npurses = [9]\n", "there is no purse 9"));
  CHECK(names("rounding = \"up\"\n", "there is no key rounding"));  // it stands behind [[product]] here
  auto wrong = parse_rules("rounding = \"up\"\n" + base_rows, "f.toml");
  CHECK(wrong.error().detail == "f.toml:1: rounding is \"half_up\" or \"half_even\"");
}

TEST_CASE("goods that a kind of card pays for", "[rules][programme]") {
  const std::string kind = "[[card_kind]]\nid = 1\nname = { en = \"Gift\" }\n";
  const std::string other = "[[card_kind]]\nid = 2\nname = { en = \"Other\" }\n";
  auto r = parse_rules(base_rows + kind + "only_products = [2, 1]\n" + other + "not_products = [2]\n", "f.toml");
  if (!r) FAIL(r.error().detail);
  const auto& g = r->rules.programme;
  CHECK(g.card_kinds[0].only_products == std::vector<product_id>{product_id{1}, product_id{2}});
  CHECK(g.card_kinds[1].pays_for(product_id{1}));
  CHECK_FALSE(g.card_kinds[1].pays_for(product_id{2}));
  has_one_spelling(r->rules);
  CHECK(names(kind + "only_products = [9]\n", "f.toml:18: there is no product 9"));
  CHECK(names(kind + "not_products = [1, 9]\n", "there is no product 9"));
  CHECK(names(kind + "only_products = [1]\nnot_products = [2]\n", "only_products or not_products"));
  CHECK(names(kind + "only_products = [1, 1]\n", "names one twice"));
  CHECK(names(kind + "only_products = []\n", "list of numbers"));
  const std::string voucher =
      "[[purse]]\nid = 5\nkind = \"voucher\"\nname = { en = \"Off\" }\noff = \"1.00\"\nproducts = [2]\n";
  CHECK(names(voucher + kind + "only_products = [1]\n", "vouchers of purse 5"));
  CHECK(why_not(voucher + kind + "only_products = [1]\npurses = [5]\n").find("vouchers of purse 5") !=
        std::string::npos);
  CHECK(why_not(voucher + kind + "only_products = [2]\n") == "good");
}

TEST_CASE("where cards are good, fees, units by hand, birthdays", "[rules][programme]") {
  const std::string kind = "[[card_kind]]\nid = 1\nname = { en = \"Gift\" }\n";
  const std::string fee = "dormant_months = 12\ndormant_fee = \"2.00\"\n";
  const std::string earn = "[[earn]]\nid = 1\nname = { en = \"Points\" }\npurse = 3\nunits = 1\nper = \"1.00\"\n";
  auto r = parse_rules(base_rows + bonus_row + "manual_per_day = \"20.00\"\n" + points_row + "manual_per_day = 300\n" +
                           kind + "only_at = [7, 4]\nno_top_up_at = [7]\ndormant_from = [2, 1]\n" + fee +
                           "[[card_kind]]\nid = 2\nname = { en = \"Member\" }\nnot_at = [9]\n" + fee + earn +
                           "birthday = true\n",
                       "f.toml");
  if (!r) FAIL(r.error().detail);
  const auto& g = r->rules.programme;
  CHECK(g.purses[0].manual_per_day == 2'000);
  CHECK(g.purses[1].manual_per_day == 300);
  CHECK(g.card_kinds[0].only_at == std::vector<std::uint32_t>{4, 7});
  CHECK(g.card_kinds[0].good_at({7}, 1));
  CHECK_FALSE(g.card_kinds[0].good_at({5}, 1));
  CHECK_FALSE(g.card_kinds[0].loaded_at({7}, 1));
  CHECK(g.card_kinds[0].dormant == dormant_rule{12, 200, {1, 2}});
  CHECK_FALSE(g.card_kinds[1].good_at({9}, 1));
  CHECK(g.card_kinds[1].good_at({7}, 1));
  CHECK(g.card_kinds[1].dormant == dormant_rule{12, 200, {1}});
  CHECK(g.earns[0].when.birthday);
  CHECK(g.asks_for_birthdays());
  CHECK(g.takes_dormant_fees());
  has_one_spelling(r->rules);

  CHECK(names(kind + "only_at = [1]\nnot_at = [2]\n", "only_at or not_at"));
  CHECK(names(kind + "not_at = [2, 2]\n", "names one twice"));
  CHECK(names(kind + "not_at = [0]\n", "list of numbers"));
  CHECK(names(kind + "only_owners = [1]\nnot_owners = [2]\n", "only_owners or not_owners"));
  CHECK(names(kind + "only_owners = [2, 2]\n", "names one twice"));
  CHECK(names(kind + "not_owners = [0]\n", "list of numbers"));
  auto owners = parse_rules(base_rows + kind + "only_owners = [4, 2]\nonly_at = [7]\n", "f.toml");
  REQUIRE(owners);
  const auto& theirs = owners->rules.programme.card_kinds[0];
  CHECK(theirs.only_owners == std::vector<std::uint32_t>{2, 4});
  CHECK(theirs.good_at({7}, 4));
  CHECK_FALSE(theirs.good_at({7}, 3));
  CHECK_FALSE(theirs.good_at({8}, 4));
  CHECK(theirs.loaded_at({8}, 4));
  CHECK_FALSE(theirs.loaded_at({8}, 3));
  has_one_spelling(owners->rules);
  CHECK(names(kind + "dormant_months = 12\n", "belong together"));
  CHECK(names(kind + "dormant_fee = \"1.00\"\n", "belong together"));
  CHECK(names(kind + "dormant_from = [1]\n", "belongs to dormant_months"));
  CHECK(names(kind + "dormant_months = 2\ndormant_fee = \"1.00\"\n", "dormant_months"));
  CHECK(names(kind + "dormant_months = 12\ndormant_fee = \"0.00\"\n", "above zero"));
  CHECK(names(points_row + kind + fee + "dormant_from = [3]\n", "neither"));
  CHECK(names(bonus_row + points_row + kind + "purses = [3]\n" + fee + "dormant_from = [2]\n", "has no purse 2"));
  CHECK(names(points_row + earn + "birthday = 1\n", "true or false"));
}
