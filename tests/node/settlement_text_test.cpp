#include "node/settlement_text.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include <nlohmann/json.hpp>
#include <sstream>

#include "ledger/cards.hpp"

using namespace tally;

namespace {

settlement_report sample() {
  settlement_report r;
  r.self = head_office;
  r.role = node_role::hq;
  r.first_day = *day_from("2026-11-01");
  r.last_day = *day_from("2026-11-30");
  r.currency = "CNY";
  r.exponent = 2;
  r.rules_version = 4;
  r.nodes[head_office].name = "Head office";
  r.nodes[head_office].role = node_role::hq;
  r.nodes[head_office].owner = 1;
  auto& a = r.nodes[node_id{2}];
  a.name = "서울역 본점 아주 긴 이름의 가게";
  a.owner = 1;
  a.before.owes = 12'345;
  a.sums.loaded = 100'000;
  a.sums.paid_out = 1'000;
  a.sums.spent = 40'000;
  a.sums.returned = 500;
  a.sums.beside[unit_of(2)] = {700, 200, 0};
  a.period = {700, 200, 60'000};
  a.owes = 72'345;
  a.heard_until = r.last_day;
  auto& b = r.nodes[node_id{3}];
  b.name = "=cmd|' /C calc'!A0,\"x\"";
  b.owner = 2;
  b.owes = -2'345;
  b.heard_until = r.first_day;
  r.owners = {{1, 72'345}, {2, -2'345}};
  r.pool = 70'000;
  r.money = 69'500;
  r.units = 500;
  r.on_cards = 69'500;
  r.folded = true;
  return r;
}

/// Characters of a line, wide ones as one.
std::size_t characters(const std::string& line) {
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

TEST_CASE("a settlement for people fits a terminal and says who owes", "[node][settlement]") {
  auto text = settlement_text(sample());
  INFO(text);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    CHECK(characters(line) <= 100);
  CHECK(text.find("Owner 1: owes the scheme 723.45") != text.npos);
  CHECK(text.find("Owner 2: is owed 23.45") != text.npos);
  CHECK(text.find("990.00") != text.npos);   // loaded, less paid out
  CHECK(text.find("-395.00") != text.npos);  // returned, less spent
  CHECK(text.find("nothing newer was heard of it than 2026-11-01") != text.npos);
  CHECK(text.find("Head office") == text.npos);
  CHECK(text.find("say the same") != text.npos);
}

TEST_CASE("what changes of the rates left with the scheme is told", "[node][settlement]") {
  auto r = sample();
  CHECK(settlement_text(r).find("rates") == std::string::npos);
  r.priced_by = {{r.first_day, 4}};
  CHECK(settlement_text(r).find("Units are priced by the rules of version 4.\n") != std::string::npos);
  r.priced_by = {{r.first_day, 3}, {*day_from("2026-11-24"), 4}};
  r.units_now = 300;
  r.revalued = true;
  auto text = settlement_text(r);
  CHECK(text.find("each day: version 3, from 2026-11-24 version 4.\n") != text.npos);
  CHECK(text.find("come to 3.00: as rates changed, the scheme keeps 2.00.\n") != text.npos);
  r.units_now = 501;
  CHECK(settlement_text(r).find("the scheme lacks 0.01.\n") != std::string::npos);
  auto j = nlohmann::json::parse(settlement_json(r));
  CHECK(j.at("units_now") == 501);
  CHECK(j.at("priced_by") ==
        nlohmann::json::parse(R"([{"from":"2026-11-01","version":3},{"from":"2026-11-24","version":4}])"));
}

TEST_CASE("books that differ are told", "[node][settlement]") {
  auto r = sample();
  CHECK(agrees(r));
  r.aside = -1;
  CHECK_FALSE(agrees(r));
  CHECK(settlement_text(r).find("tallystick audit") != std::string::npos);
  CHECK(nlohmann::json::parse(settlement_json(r)).at("agrees") == false);
  r.aside = INT64_MIN;
  r.money = -1;
  CHECK_FALSE(agrees(r));
}

TEST_CASE("a name is one field of the CSV, and no formula", "[node][settlement]") {
  std::istringstream lines(settlement_csv(sample()));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);)
    rows.push_back(line);
  REQUIRE(rows.size() == 4);
  CHECK(rows[2] ==
        "1,2,서울역 본점 아주 긴 이름의 가게,CNY,123.45,1000.00,10.00,400.00,5.00,7.00,2.00,0.00,723.45,2026-11-30\r");
  CHECK(rows[3] ==
        "2,3,\"'=cmd|' /C calc'!A0,\"\"x\"\"\",CNY,0.00,0.00,0.00,0.00,0.00,0.00,0.00,0.00,-23.45,2026-11-01\r");
}

TEST_CASE("the JSON has every figure in minor units", "[node][settlement]") {
  auto j = nlohmann::json::parse(settlement_json(sample()));
  CHECK(j.at("from") == "2026-11-01");
  CHECK(j.at("pool") == 70'000);
  CHECK(j.at("agrees") == true);
  CHECK(j.at("nodes").at(1).at("units").at(0) ==
        nlohmann::json({{"purse", 2}, {"given", 700}, {"redeemed", 200}, {"expired", 0}}));
  CHECK(j.at("owners") == nlohmann::json::parse(R"([{"owner":1,"owes":72345},{"owner":2,"owes":-2345}])"));
}
