// Authorisations, captures, voids and sales approved in part, as a till asks for them.
#include <catch2/catch.hpp>

#include "http_desk.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct hold_desk : desk {
  hold_desk() { REQUIRE(top_up(10'000).status == 200); }
  std::string counter() { return "{\"counter\":" + std::to_string(next()); }
  reply authorise(std::int64_t amount, const std::string& more = "") {
    return post("/api/v1/authorisations",
                counter() + ",\"card\":\"" + card_a + "\",\"amount\":" + std::to_string(amount) + more + "}");
  }
  reply capture(const std::string& id, int quantity, std::int64_t card, std::int64_t cash = 0) {
    std::string tenders = "{\"kind\":\"card\",\"amount\":" + std::to_string(card) + "}";
    if (cash != 0) tenders += ",{\"kind\":\"cash\",\"amount\":" + std::to_string(cash) + "}";
    return post("/api/v1/captures", counter() + ",\"authorisation\":\"" + id +
                                        "\",\"lines\":[{\"product\":1,\"quantity\":" + std::to_string(quantity) +
                                        "}],\"tenders\":[" + tenders + "]}");
  }
  reply give_back(const std::string& id) {
    return post("/api/v1/voids", counter() + ",\"authorisation\":\"" + id + "\"}");
  }
};

bool prints(const desk::reply& r, std::string_view text) { return r.body.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("money is put aside and captured in part", "[node][http][hold]") {
  hold_desk d;
  auto aside = d.authorise(4'000, ",\"minutes\":30");
  REQUIRE(aside.status == 200);
  CHECK(text_of(aside.json, "kind") == "authorisation");
  CHECK(number_of(aside.json, "total") == 4'000);
  CHECK(number_of(aside.json, "here") == 6'000);
  CHECK(number_of(aside.json, "deadline") == number_of(aside.json, "stamp") + 1'800);
  CHECK(prints(aside, "AUTHORISATION"));
  CHECK(prints(aside, "valid until"));
  auto id = text_of(aside.json, "id");
  auto taken = d.capture(id, 2, 2'500);
  REQUIRE(taken.status == 200);
  CHECK(text_of(taken.json, "kind") == "capture");
  CHECK(text_of(taken.json, "authorisation") == id);
  CHECK(number_of(taken.json, "total") == 2'500);
  CHECK(number_of(taken.json, "here") == 7'500);
  CHECK(number_of(taken.json.find("released")->items.at(0), "units") == 1'500);
  CHECK(prints(taken, "back to the card"));
  CHECK(error_of(d.capture(id, 1, 1'250)) == "409 already_reversed");
  CHECK(error_of(d.give_back(id)) == "409 already_reversed");
  // Read again, it is the same receipt.
  auto again = d.get("/api/v1/receipts/" + text_of(taken.json, "id"));
  CHECK(text_of(again.json, "authorisation") == id);
  // What was put aside is no sale of the day, what was taken of it is.
  REQUIRE(d.authorise(100).status == 200);
  auto day = [&] { return d.get("/api/v1/reports/today/all"); };
  CHECK(number_of(*day().json.find("sales"), "count") == 1);
  CHECK(number_of(*day().json.find("sales"), "amount") == 2'500);
  CHECK(number_of(day().json.find("tenders")->items.at(0), "amount") == 2'500);
  auto back = d.post("/api/v1/reversals", d.counter() + ",\"receipt\":\"" + text_of(taken.json, "id") + "\"}");
  REQUIRE(back.status == 200);
  CHECK(number_of(back.json, "here") == 9'900);
  CHECK(number_of(*day().json.find("reversed_sales"), "amount") == 2'500);
  CHECK(number_of(day().json, "net_sales") == 0);
}

TEST_CASE("an authorisation is voided", "[node][http][hold]") {
  hold_desk d;
  auto id = text_of(d.authorise(4'000).json, "id");
  CHECK(error_of(d.post("/api/v1/reversals", d.counter() + ",\"receipt\":\"" + id + "\"}")) == "409 not_reversible");
  auto r = d.give_back(id);
  REQUIRE(r.status == 200);
  CHECK(text_of(r.json, "kind") == "void");
  CHECK(number_of(r.json, "total") == 4'000);
  CHECK(number_of(r.json, "here") == 10'000);
  CHECK(prints(r, "AUTHORISATION VOID"));
}

TEST_CASE("a sale approved in part tells what remains", "[node][http][hold]") {
  hold_desk d;
  auto body = d.sale_body(d.next(), 10, "card", ",\"partial\":true");
  auto part = d.post("/api/v1/sales", body);
  REQUIRE(part.status == 200);
  CHECK(text_of(part.json, "kind") == "authorisation");
  CHECK(number_of(part.json, "total") == 10'000);
  CHECK(number_of(part.json, "remainder") == 2'500);
  auto again = d.post("/api/v1/sales", body);
  CHECK(number_of(again.json, "remainder") == 2'500);
  auto done = d.capture(text_of(part.json, "id"), 10, 10'000, 2'500);
  REQUIRE(done.status == 200);
  CHECK(number_of(done.json, "total") == 12'500);
  CHECK(number_of(done.json, "here") == 0);
  CHECK(error_of(d.post("/api/v1/sales", d.sale_body(d.next(), 1, "card", ",\"partial\":true"))) == "409 insufficient");
}

TEST_CASE("what a void gives back is named as when it was put aside", "[node][http][hold]") {
  hold_desk d;
  d.node.learn({bonus_rules()});
  d.node.grant(quota_of(unit_of(2)), 10'000);
  REQUIRE(d.post("/api/v1/adjustments",
                 d.counter() + ",\"card\":\"" + card_a + "\",\"purse\":2,\"units\":3000,\"reason\":\"opening day\"}")
              .status == 200);
  auto part = d.post("/api/v1/sales", d.sale_body(d.next(), 20, "card", ",\"partial\":true"));
  REQUIRE(part.status == 200);
  CHECK(number_of(part.json, "total") == 13'000);
  auto r = d.give_back(text_of(part.json, "id"));
  REQUIRE(r.status == 200);
  const auto& released = r.json.find("released")->items;
  REQUIRE(released.size() == 2);
  CHECK(text_of(released[0], "name").empty());
  CHECK(text_of(released[1], "name") == "Pearl money");
  CHECK(number_of(released[1], "units") == 3'000);
  CHECK(prints(r, "Pearl money: back to the card"));
  CHECK(prints(r, "+30.00"));
  CHECK(prints(d.get("/api/v1/receipts/" + text_of(r.json, "id")), "Pearl money"));
}

TEST_CASE("requests about authorisations that make no sense", "[node][http][hold]") {
  hold_desk d;
  CHECK(error_of(d.authorise(10'001)) == "409 insufficient");
  CHECK(error_of(d.authorise(0)) == "409 bad_amount");
  CHECK(error_of(d.authorise(100, ",\"minutes\":0")) == "400 malformed");
  CHECK(error_of(d.authorise(100, ",\"minutes\":57601")) == "400 malformed");
  CHECK(error_of(d.authorise(100, ",\"minutes\":2000")) == "409 bad_amount");
  CHECK(error_of(d.authorise(100, ",\"until\":5")) == "400 malformed");
  CHECK(error_of(d.capture("nonsense", 1, 1'250)) == "400 malformed");
  CHECK(error_of(d.give_back("9.0000000000000001.3")) == "409 not_reversible");
  CHECK(error_of(d.give_back("3.0000000000000001.0")) == "404 not_found");
  CHECK(error_of(d.give_back("3.0000000000000001.900")) == "404 not_found");
  auto id = text_of(d.authorise(1'000).json, "id");
  CHECK(error_of(d.capture(id, 1, 1'250)) == "409 bad_amount");
  CHECK(error_of(d.capture(id, 1, 1'000)) == "409 bad_tender");
  CHECK(error_of(d.post("/api/v1/sales", d.sale_body(d.next(), 1, "card", ",\"partial\":1"))) == "400 malformed");
}
