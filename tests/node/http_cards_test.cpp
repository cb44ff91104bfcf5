// Reports, sales and returns of cards over the till's interface.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "ledger/cards.hpp"

using namespace tally;
using namespace tally::test;

namespace {

const std::string stock_number = "9704000000007773";

entry stock_run() {
  entry e;
  e.kind = entry_kind::allot;
  e.account = {31};
  e.size = 1;
  e.card_kind = 4;
  e.blob = "spring";
  e.subject = writer_of(3);
  return e;
}
entry stock_medium() {
  entry e;
  e.kind = entry_kind::map_media;
  e.account = {31};
  e.medium = medium_of(chain, stock_number);
  e.card_kind = 4;
  e.status = card_status::stock;
  return e;
}
entry selling_rules() {
  auto r = *decode_rules(test_rules().front().blob);
  r.version = 2;
  card_kind_rule k{4, {"Gift card"}, {}, true, 0};
  k.price = 500;
  k.deposit = 2'000;
  k.valid_days = 10;
  r.programme.card_kinds = {k};
  r.programme.stale = {48, 24, 1'000};
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::rules;
  e.rules_version = 2;
  e.blob = encode_rules(r);
  return e;
}

std::string body(desk& d, const std::string& card, const std::string& more) {
  return "{\"counter\":" + std::to_string(d.next()) + ",\"card\":\"" + card + "\"," + more + "}";
}
std::string status_of(desk& d, const std::string& card) {
  return text_of(d.post("/api/v1/cards/lookup", "{\"card\":\"" + card + "\"}").json, "status");
}

}  // namespace

TEST_CASE("a customer reports a card at the till", "[node][http][cards]") {
  desk d;
  REQUIRE(d.top_up(10'000).status == 200);
  auto sent = body(d, card_a, "\"state\":\"lost\"");
  auto r = d.post("/api/v1/cards/reports", sent);
  REQUIRE(r.status == 200);
  CHECK(text_of(r.json, "kind") == "card_report");
  CHECK(text_of(r.json, "reported") == "lost");
  CHECK(text_of(r.json, "masked") == "**** 3931");
  CHECK(text_of(d.post("/api/v1/cards/reports", sent).json, "id") == text_of(r.json, "id"));
  CHECK(status_of(d, card_a) == "lost");
  auto sale = d.post("/api/v1/sales", d.sale_body(d.next(), 1));
  CHECK(error_of(sale) == "409 card_blocked");
  CHECK(text_of(sale.json, "detail") == "reported lost");
  CHECK(text_of(sale.json, "status") == "lost");
  for (const char* bad : {"\"state\":\"active\"", "\"state\":3", "\"state\":\"lost\",\"why\":1", "\"stat\":\"lost\""})
    CHECK(d.post("/api/v1/cards/reports", body(d, card_a, bad)).status == 400);
  CHECK(error_of(d.post("/api/v1/cards/reports", body(d, "9704000000009999", "\"state\":\"lost\""))) ==
        "409 unknown_card");
  CHECK(d.send("POST", "/api/v1/cards/reports", sent, "").status == 401);
}

TEST_CASE("a card of the store's own stock is sold, used and given back", "[node][http][cards]") {
  desk d;
  d.node.learn({selling_rules(), stock_medium(), stock_run()});
  auto card = d.post("/api/v1/cards/lookup", "{\"card\":\"" + stock_number + "\"}");
  CHECK(text_of(card.json, "status") == "stock");
  REQUIRE(card.json.find("for_sale"));
  CHECK(number_of(*card.json.find("for_sale"), "price") == 500);
  CHECK(number_of(*card.json.find("for_sale"), "deposit") == 2'000);
  auto sold = d.post("/api/v1/cards/sales", body(d, stock_number, "\"load\":5000,\"tender\":\"cash\""));
  REQUIRE(sold.status == 200);
  CHECK(text_of(sold.json, "kind") == "card_sale");
  CHECK(number_of(sold.json, "total") == 7'500);
  CHECK(number_of(sold.json, "card_price") == 500);
  CHECK(number_of(sold.json, "deposit") == 2'000);
  CHECK(number_of(sold.json, "loaded") == 5'000);
  CHECK(number_of(sold.json, "here") == 5'000);
  CHECK(d.node.drawers == 1);
  card = d.post("/api/v1/cards/lookup", "{\"card\":\"" + stock_number + "\"}");
  CHECK(text_of(card.json, "status") == "active");
  CHECK(text_of(card.json, "expires") == "2026-12-01");
  CHECK(number_of(card.json, "deposit_here") == 2'000);
  CHECK_FALSE(card.json.find("for_sale"));
  CHECK(error_of(d.post("/api/v1/cards/sales", body(d, stock_number, "\"tender\":\"cash\""))) == "409 not_applicable");
  CHECK(d.post("/api/v1/cards/sales", body(d, stock_number, "\"tender\":\"card\"")).status == 400);
  CHECK(error_of(d.post("/api/v1/cards/returns",
                        body(d, stock_number, "\"paid\":5001,\"deposit\":2000,\"tender\":\"cash\""))) ==
        "409 insufficient");
  auto back =
      d.post("/api/v1/cards/returns", body(d, stock_number, "\"paid\":5000,\"deposit\":2000,\"tender\":\"cash\""));
  REQUIRE(back.status == 200);
  CHECK(text_of(back.json, "kind") == "card_return");
  CHECK(number_of(back.json, "total") == 7'000);
  CHECK(status_of(d, stock_number) == "returned");
  auto read = d.get("/api/v1/receipts/" + text_of(sold.json, "id"));
  CHECK(number_of(read.json, "total") == 7'500);
  const auto day = d.get("/api/v1/reports/today/all");
  CHECK(number_of(*day.json.find("card_sales"), "amount") == 7'500);
  CHECK(number_of(*day.json.find("card_returns"), "amount") == 7'000);
  CHECK(number_of(*day.json.find("cash"), "expected") == 500);
  CHECK(number_of(day.json.find("card_tenders")->items.at(0), "amount") == 500);
  CHECK(number_of(*day.json.find("sales"), "count") == 0);
}

TEST_CASE("a till says how old what it knows of blocked cards is", "[node][http][cards]") {
  desk d;
  auto lists = [&] { return *d.get("/api/v1/till").json.find("lists"); };
  CHECK(is_null(lists(), "as_of"));
  auto rules = selling_rules();
  rules.business_date = day_of(noon) - 3;
  d.node.learn({rules});
  CHECK(number_of(lists(), "as_of") == start_of_day(rules.business_date));
  CHECK(number_of(lists(), "card_sale_max") == 1'000);
  REQUIRE(d.top_up(10'000).status == 200);
  auto refused = d.post("/api/v1/sales", d.sale_body(d.next(), 1));
  CHECK(error_of(refused) == "409 stale_lists");
  auto mark = rules;
  mark.kind = entry_kind::mark;
  mark.business_date = day_of(noon);
  d.node.learn({mark});
  CHECK(is_null(lists(), "card_sale_max"));
  CHECK(d.post("/api/v1/sales", d.sale_body(d.next(), 1)).status == 200);
}
