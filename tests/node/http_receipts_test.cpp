#include <catch2/catch.hpp>

#include "devices/escpos_render.hpp"
#include "http_desk.hpp"
#include "test_rules.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("a receipt's code is in its answer, on its ticket and to be checked", "[node][http]") {
  desk d;
  d.node.set_devices({"ready", "ready", "none"});
  std::string asked;
  d.api->services.prove_receipt = [](const writer_id& w, sequence seq) { return "TALLYR2." + receipt_id(w, seq); };
  d.api->services.check_receipt = [&](std::string_view code) -> result<receipt_report> {
    asked = code;
    if (code == "TALLYR2.bad") return error{errc::bad_signature, "forged"};
    receipt_report r;
    r.code.writer.node = node_id{3};
    r.standing = receipt_standing::held;
    r.store = "Store A";
    return r;
  };
  const auto sold = d.top_up(5'000);
  REQUIRE(sold.status == 200);
  const auto id = text_of(sold.json, "id");
  CHECK(text_of(sold.json, "proof") == "TALLYR2." + id);
  printer_emulator printer;
  (void)printer.feed(d.node.printed.at(0).second);
  CHECK(printer.tickets().at(0).qr == "TALLYR2." + id);
  const auto code = d.get("/api/v1/receipts/" + id + "/code");
  CHECK(code.status == 200);
  CHECK(text_of(code.json, "code") == "TALLYR2." + id);
  CHECK(d.get("/api/v1/receipts/9.0000000000000000.1x/code").status == 404);
  const auto checked = d.post("/api/v1/receipts/check", R"({"code":"TALLYR2.good"})");
  CHECK(checked.status == 200);
  CHECK(asked == "TALLYR2.good");
  CHECK(checked.body.find(R"("standing":"held")") != std::string::npos);
  CHECK(checked.body.find(R"("entry":null)") != std::string::npos);
  CHECK(error_of(d.post("/api/v1/receipts/check", R"({"code":"TALLYR2.bad"})")) == "409 bad_signature");
  CHECK(error_of(d.post("/api/v1/receipts/check", R"({"code":7})")) == "400 malformed");
  CHECK(error_of(d.post("/api/v1/receipts/check", R"({"code":")" + std::string(441, 'x') + "\"}")) == "400 malformed");
  CHECK(d.get("/api/v1/receipts/check").status == 405);
}

TEST_CASE("a receipt names the card's level, and a new one once", "[node][http]") {
  desk d;
  auto rules = hand_rules(1'000);
  auto r = decode_rules(rules.blob);
  r->programme.levels = {{1, {"Silver", "银卡", "", ""}, 10'000, 12}, {2, {"Gold"}, 50'000, 12}};
  rules.blob = encode_rules(*r);
  d.node.learn({rules});
  REQUIRE(d.top_up(10'000).status == 200);
  auto account = number_of(d.post("/api/v1/cards/lookup", "{\"card\":\"" + card_a + "\"}").json, "account");
  std::uint64_t version = 10;
  auto level = [&](std::uint32_t l) {
    entry e;
    e.kind = entry_kind::card_state;
    e.account = {static_cast<std::uint64_t>(account)};
    e.account_version = ++version;
    e.card_kind = 1;
    e.status = card_status::active;
    e.level = l;
    d.node.learn({e});
  };
  auto sell = [&] { return d.post("/api/v1/sales", d.sale_body(d.next(), 1)); };
  CHECK(sell().body.find("level") == std::string::npos);  // it has none
  level(1);
  auto counter = d.next();
  auto first = d.post("/api/v1/sales", d.sale_body(counter, 1));
  CHECK(text_of(first.json, "level") == "Silver");
  CHECK(first.body.find("\"new_level\":true") != std::string::npos);
  CHECK(first.body.find("new level: Silver") != std::string::npos);
  CHECK(d.post("/api/v1/sales", d.sale_body(counter, 1)).body.find("new level: Silver") != std::string::npos);
  auto id = text_of(first.json, "id");
  auto second = sell();
  CHECK(text_of(second.json, "level") == "Silver");
  CHECK(second.body.find("new_level") == std::string::npos);
  CHECK(second.body.find("  level: Silver") != std::string::npos);
  CHECK(d.get("/api/v1/receipts/" + id).body.find("new level: Silver") != std::string::npos);
  level(2);
  CHECK(sell().body.find("new level: Gold") != std::string::npos);
  level(0);
  CHECK(sell().body.find("level") == std::string::npos);
}
