// Gifts on the shelf, as a till counts and sees them.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "test_rules.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// Product 2 is bought with 20 points, product 3 with 500.
entry shelf_rules() {
  auto e = hand_rules(1'000);
  auto r = decode_rules(e.blob);
  r->programme.purses.front().gifts = {{product_id{2}, 20}, {product_id{3}, 500}};
  e.blob = encode_rules(*r);
  return e;
}

struct shelf_desk : desk {
  shelf_desk() {
    node.learn({shelf_rules()});
    node.grant(quota_of(unit_of(3)), 1'000);
  }
  std::string body(const std::string& more) { return "{\"counter\":" + std::to_string(next()) + more + "}"; }
  reply count(const std::string& list) { return post("/api/v1/stock", body(",\"counted\":[" + list + "]")); }
  json_value card() { return post("/api/v1/cards/lookup", "{\"card\":\"" + card_a + "\"}").json; }
  const json_value& row(const reply& r, std::size_t i) { return r.json.find("pieces")->items.at(i); }
  reply points(int n) {
    return post("/api/v1/adjustments", body(",\"card\":\"" + card_a + "\",\"purse\":3,\"units\":" + std::to_string(n) +
                                            ",\"reason\":\"opening\""));
  }
  reply gift() {
    return post("/api/v1/sales", body(",\"card\":\"" + card_a +
                                      "\",\"lines\":[],\"tenders\":[],\"gifts\":[{\"purse\":3,\"product\":2,"
                                      "\"quantity\":1}]"));
  }
};

}  // namespace

TEST_CASE("a till counts gifts, and sees what is left and what points buy", "[node][http][stock]") {
  shelf_desk d;
  auto before = d.get("/api/v1/stock");
  REQUIRE(before.status == 200);
  REQUIRE(before.json.find("pieces")->items.size() == 2);
  CHECK(before.body.find("{\"product\":2,\"left\":null}") != std::string::npos);
  auto r = d.count("{\"product\":2,\"pieces\":2}");
  REQUIRE(r.status == 200);
  CHECK(number_of(d.row(r, 0), "left") == 2);
  CHECK(number_of(r.json, "next_counter") > 0);
  REQUIRE(d.points(70).status == 200);
  auto card = d.card();
  const auto& gifts = *card.find("gifts");
  REQUIRE(gifts.items.size() == 1);  // the other costs more than there is
  CHECK(number_of(gifts.items[0], "product") == 2);
  CHECK(number_of(gifts.items[0], "pieces") == 3);
  CHECK(number_of(gifts.items[0], "left") == 2);
  auto sold = d.gift();
  REQUIRE(sold.status == 200);
  CHECK(number_of(d.card().find("gifts")->items[0], "left") == 1);
  REQUIRE(d.post("/api/v1/reversals", d.body(",\"receipt\":\"" + text_of(sold.json, "id") + "\"")).status == 200);
  CHECK(number_of(d.card().find("gifts")->items[0], "left") == 2);
  // Nothing on the shelf by the count: it is given all the same.
  REQUIRE(d.count("{\"product\":2,\"pieces\":0}").status == 200);
  CHECK(d.gift().status == 200);
  CHECK(number_of(d.card().find("gifts")->items[0], "left") == -1);
  r = d.post("/api/v1/stock", d.body(",\"delivered\":[{\"product\":2,\"pieces\":5}]"));
  REQUIRE(r.status == 200);
  CHECK(number_of(d.row(r, 0), "left") == 4);
}

TEST_CASE("counts that say nothing sensible", "[node][http][stock]") {
  shelf_desk d;
  CHECK(error_of(d.post("/api/v1/stock", d.body(""))) == "400 malformed");
  CHECK(error_of(d.count("")) == "400 malformed");
  CHECK(error_of(d.post("/api/v1/stock", d.body(",\"counted\":[{\"product\":2,\"pieces\":1}],\"delivered\":[{"
                                                "\"product\":2,\"pieces\":1}]"))) == "400 malformed");
  CHECK(error_of(d.count("{\"product\":2,\"pieces\":-1}")) == "400 malformed");
  CHECK(error_of(d.count("{\"product\":2,\"pieces\":1000001}")) == "400 malformed");
  CHECK(error_of(d.count("{\"product\":2,\"pieces\":1},{\"product\":2,\"pieces\":1}")) == "400 malformed");
  CHECK(error_of(d.count("{\"product\":2}")) == "400 malformed");
  CHECK(error_of(d.count("{\"product\":1,\"pieces\":1}")) == "409 not_applicable");
  CHECK(error_of(d.post("/api/v1/stock", d.body(",\"delivered\":[{\"product\":2,\"pieces\":0}]"))) == "400 malformed");
  CHECK(d.get("/api/v1/stock").body.find("\"left\":null") != std::string::npos);
}
