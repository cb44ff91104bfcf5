// Sales without a basket: a product whose amount is typed.
#include <catch2/catch.hpp>

#include "devices/escpos_render.hpp"
#include "http_desk.hpp"
#include "test_rules.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("an amount is sold, printed and given back as one", "[node][http]") {
  desk d;
  d.node.set_devices({"ready", "ready", "none"});
  product p;
  p.id = product_id{9};
  p.version = 1;
  p.names = {"Sundries", "", "", ""};
  p.price = 1;
  p.open = true;
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::product;
  e.blob = encode_product(p);
  d.node.learn({e});
  d.node.grant(refund_of(main_unit), 500'000);
  CHECK(d.get("/api/v1/products").body.find("\"price\":1,\"open\":true") != std::string::npos);
  REQUIRE(d.top_up(500'000).status == 200);
  auto sale = [&](std::int64_t sum, std::int64_t paid) {
    return d.post("/api/v1/sales", "{\"counter\":" + std::to_string(d.next()) + ",\"card\":\"" + card_a +
                                       "\",\"lines\":[{\"product\":9,\"quantity\":" + std::to_string(sum) +
                                       "}],\"tenders\":[{\"kind\":\"card\",\"amount\":" + std::to_string(paid) + "}]}");
  };
  const auto sold = sale(123'456, 123'456);
  REQUIRE(sold.status == 200);
  CHECK(sold.body.find("\"amount\":123456") != std::string::npos);
  CHECK(sold.body.find("\"open\":true") != std::string::npos);
  printer_emulator printer;
  for (const auto& [id, ticket] : d.node.printed)
    (void)printer.feed(ticket);
  std::string text;
  for (const auto& line : printer.tickets().back().lines)
    text += line + "\n";
  CHECK(text.find("1234.56 A") != std::string::npos);
  CHECK(text.find(" x ") == std::string::npos);
  CHECK(error_of(sale(0, 0)) == "409 bad_basket");
  CHECK(error_of(sale(1'000'000'001, 1)) == "409 bad_basket");
  CHECK(error_of(d.post("/api/v1/sales", d.sale_body(d.next(), 10'000))) == "409 bad_basket");

  auto back = [&](std::int64_t sum) {
    return d.post("/api/v1/refunds",
                  "{\"counter\":" + std::to_string(d.next()) + ",\"receipt\":\"" + text_of(sold.json, "id") +
                      "\",\"lines\":[{\"product\":9,\"quantity\":" + std::to_string(sum) + "}],\"to\":\"card\"}");
  };
  const auto some = back(23'456);
  REQUIRE(some.status == 200);
  CHECK(some.body.find("\"total\":23456") != std::string::npos);
  CHECK(error_of(back(100'001)) == "409 already_reversed");
  CHECK(back(100'000).status == 200);
}
