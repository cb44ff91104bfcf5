#include "ledger/accounts.hpp"

#include <catch2/catch.hpp>

#include <set>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("accounts have readable names", "[accounts]") {
  CHECK(writer_name(writer(3, 0x5f0c1a2b3c4d5e6f)) == "3.5f0c1a2b3c4d5e6f");
  auto w = writer(3, 0x5f0c1a2b3c4d5e6f);
  CHECK(account_name(hold_account(w, card_1, purse_paid, 0, main_unit)) == "hold:17:paid:3.5f0c1a2b3c4d5e6f");
  CHECK(account_name(hold_account(w, card_1, 2, 202612, main_unit)) == "hold:17:p2@202612:3.5f0c1a2b3c4d5e6f");
  CHECK(account_name(quota_account(w, quota_unit)) == "quota:1:3.5f0c1a2b3c4d5e6f");
  CHECK(account_name(transit_account(w, hq, w, main_unit)) ==
        "transit:1.0000000000000001:3.5f0c1a2b3c4d5e6f:3.5f0c1a2b3c4d5e6f");
  CHECK(unit_name(main_unit, "CNY") == "CNY");
  CHECK(unit_name(main_unit, "") == "U1");
  CHECK(unit_name(quota_unit, "CNY") == "Q:CNY");
  CHECK(unit_name(unit_of(7), "CNY") == "U7");
  CHECK(unit_name(unit_of(7, unit_class::risk), "CNY") == "R:U7");
}

TEST_CASE("two accounts never share a name and a unit", "[accounts]") {
  std::vector<ledger_account> all;
  const writer_id writers[] = {hq, region, store_a, writer(3, 2), writer(33)};
  const unit_id units[] = {main_unit, quota_unit, unit_of(2), unit_of(11), unit_of(1, unit_class::risk)};
  for (const auto& w : writers)
    for (auto u : units) {
      for (std::uint64_t account : {1, 11, 111})
        for (std::uint32_t purse : {1, 2, 11, 12})
          for (std::uint32_t bucket : {0, 202601, 202612})
            all.push_back(hold_account(w, account_id{account}, purse, bucket, u));
      for (const auto& from : writers)
        for (const auto& to : writers)
          if (from != to && (w == from || w == to)) all.push_back(transit_account(w, from, to, u));
      if (class_of(u) == unit_class::quota) all.push_back(quota_account(w, u));
      for (std::uint64_t kind = 1; kind <= 4; ++kind)
        for (std::uint64_t shift : {0, 1, 11})
          all.push_back({.type = account_type::tender,
                         .unit = u,
                         .a = kind,
                         .b = shift,
                         .c = 0,
                         .writer = w,
                         .from = {},
                         .to = {}});
      for (auto type : {account_type::issued, account_type::sales, account_type::tax, account_type::contested})
        all.push_back({.type = type, .unit = u, .a = base_of(u), .b = 0, .c = 0, .writer = w, .from = {}, .to = {}});
    }
  std::set<std::string> names;
  for (const auto& a : all) {
    auto name = account_name(a) + " " + unit_name(a.unit, "CNY");
    INFO(name);
    REQUIRE(names.insert(name).second);
    // hledger takes two spaces as the end of an account name.
    REQUIRE(account_name(a).find(' ') == std::string::npos);
  }
  CHECK(names.size() == all.size());
}

TEST_CASE("rights must hold a credit, except head office's source of quotas", "[accounts]") {
  CHECK(must_hold_credit(hold_account(store_a, card_1, 1, 0, main_unit)));
  CHECK(must_hold_credit(hold_account(hq, card_1, 1, 0, main_unit)));
  CHECK(must_hold_credit(quota_account(store_a, quota_unit)));
  CHECK(must_hold_credit(quota_account(region, quota_unit)));
  CHECK_FALSE(must_hold_credit(quota_account(hq, quota_unit)));
  CHECK_FALSE(must_hold_credit(transit_account(hq, hq, store_a, quota_unit)));
  for (auto type : {account_type::issued, account_type::transit, account_type::tender, account_type::sales,
                    account_type::tax, account_type::contested})
    CHECK_FALSE(must_hold_credit(
        {.type = type, .unit = main_unit, .a = 0, .b = 0, .c = 0, .writer = store_a, .from = {}, .to = {}}));
}

TEST_CASE("merging adds up per account and stops at overflow", "[accounts]") {
  auto a = hold_account(store_a, card_1, 1, 0, main_unit), b = hold_account(store_a, card_2, 1, 0, main_unit);
  std::vector<posting> list = {{a, 5}, {b, 7}, {a, -2}, {b, 1}};
  CHECK(merge(list));
  CHECK(list == std::vector<posting>{{a, 3}, {b, 8}});
  std::vector<posting> wraps = {{a, INT64_MAX}, {b, 1}, {a, 1}};
  CHECK_FALSE(merge(wraps));
  std::vector<posting> none;
  CHECK(merge(none));
  CHECK(balances(none));
  CHECK_FALSE(balances({{a, INT64_MAX}, {b, INT64_MAX}, {a, 2}}));            // wraps to zero in 64 bits
  CHECK_FALSE(balances({{a, 1}, {quota_account(store_a, quota_unit), -1}}));  // zero only across units
}
