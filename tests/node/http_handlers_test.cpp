#include <catch2/catch.hpp>

#include "devices/escpos_render.hpp"
#include "http_desk.hpp"
#include "node/api_events.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("a till tells its state", "[node][http]") {
  desk d;
  auto r = d.get("/api/v1/till");
  REQUIRE(r.status == 200);
  CHECK(number_of(r.json, "node") == 3);
  CHECK(text_of(r.json, "store") == "Store A");
  CHECK(number_of(r.json, "terminal") == 193);
  CHECK(number_of(r.json, "next_counter") == 1);
  CHECK(number_of(r.json, "topup_quota_left") == 500'000);
  CHECK(text_of(r.json, "business_date") == "2026-11-22");
  CHECK(number_of(r.json, "rules_version") == 1);
  CHECK(text_of(*r.json.find("unit"), "code") == "CNY");
  CHECK(is_null(r.json, "blocked"));
  CHECK(number_of(*r.json.find("link"), "entries_waiting") == 2);
  CHECK(is_null(*r.json.find("link"), "last_contact"));
  CHECK_FALSE(r.json.find("devices")->find("printer")->find("configured")->truth);
  d.node.alter([](node_snapshot& s) { s.disk_low = true; });
  CHECK(text_of(d.get("/api/v1/till").json, "blocked") == "full");
}

TEST_CASE("products are told with their names", "[node][http]") {
  desk d;
  auto r = d.get("/api/v1/products");
  REQUIRE(r.status == 200);
  const auto& list = r.json.find("products")->items;
  REQUIRE(list.size() == 3);
  CHECK(text_of(list[0], "ean") == "4006381333931");
  CHECK(text_of(*list[0].find("name"), "zh-Hans") == "面包");
  CHECK(list[1].find("name")->find("zh-Hans") == nullptr);
  CHECK(number_of(list[2], "price") == 3750);
  CHECK(text_of(list[2], "tax") == "B");
}

TEST_CASE("top up, spend, read and reverse", "[node][http]") {
  desk d;
  auto up = d.top_up(10'000);
  REQUIRE(up.status == 200);
  CHECK(text_of(up.json, "kind") == "top_up");
  CHECK(text_of(up.json, "masked") == "**** 3931");
  CHECK(number_of(up.json, "here") == 10'000);
  CHECK(number_of(up.json, "elsewhere") == 2'000);
  CHECK(number_of(up.json, "next_counter") == 2);
  auto sale = d.post("/api/v1/sales", d.sale_body(2, 2));
  REQUIRE(sale.status == 200);
  CHECK(number_of(sale.json, "total") == 2'500);
  CHECK(number_of(sale.json, "here") == 7'500);
  CHECK(number_of(sale.json.find("tax")->items.at(0), "amount") == 288);
  CHECK(text_of(sale.json.find("tax")->items.at(0), "percent") == "13.00");
  CHECK(text_of(sale.json.find("lines")->items.at(0), "name") == "Bread 1");
  CHECK(number_of(sale.json.find("lines")->items.at(0), "amount") == 2'500);
  CHECK(number_of(sale.json, "stamp") == noon + 60);
  auto id = text_of(sale.json, "id");
  CHECK(id == "3.0000000000000001.3");

  auto read = d.get("/api/v1/receipts/" + id);
  REQUIRE(read.status == 200);
  CHECK(text_of(read.json, "masked") == "**** 3931");
  CHECK(number_of(read.json, "total") == 2'500);
  CHECK(is_null(read.json, "reversed_by"));

  auto undo = d.post("/api/v1/reversals", "{\"counter\":3,\"receipt\":\"" + id + "\"}");
  REQUIRE(undo.status == 200);
  CHECK(text_of(undo.json, "kind") == "reversal");
  CHECK(text_of(undo.json, "masked") == "**** 3931");
  CHECK(text_of(undo.json, "reverses") == id);
  CHECK(number_of(undo.json, "total") == 2'500);
  CHECK(undo.json.find("lines")->items.size() == 1);
  CHECK(number_of(undo.json, "here") == 10'000);
  CHECK(text_of(d.get("/api/v1/receipts/" + id).json, "reversed_by") == text_of(undo.json, "id"));
  CHECK(error_of(d.post("/api/v1/reversals", "{\"counter\":4,\"receipt\":\"" + id + "\"}")) == "409 already_reversed");
}

TEST_CASE("the same counter gives the same receipt, or a clear refusal", "[node][http]") {
  desk d;
  REQUIRE(d.top_up(10'000).status == 200);
  auto first = d.post("/api/v1/sales", d.sale_body(2, 1));
  auto again = d.post("/api/v1/sales", d.sale_body(2, 1));
  REQUIRE(first.status == 200);
  REQUIRE(again.status == 200);
  CHECK(text_of(first.json, "id") == text_of(again.json, "id"));
  CHECK(number_of(again.json, "here") == 8'750);
  CHECK(error_of(d.post("/api/v1/sales", d.sale_body(2, 2))) == "409 key_reused");
  // A barcode means what it meant when the request was executed.
  auto by_ean =
      R"({"counter":3,"lines":[{"ean":"4006381333931","quantity":1}],"tenders":[{"kind":"cash","amount":1250}]})";
  auto a = d.post("/api/v1/sales", by_ean);
  auto b = d.post("/api/v1/sales", by_ean);
  REQUIRE(a.status == 200);
  CHECK(text_of(a.json, "id") == text_of(b.json, "id"));
  CHECK(is_null(a.json, "account"));
  CHECK(is_null(a.json, "masked"));
  CHECK(is_null(a.json, "here"));
}

TEST_CASE("refusals carry what the till shows", "[node][http]") {
  desk d;
  REQUIRE(d.top_up(1'000).status == 200);
  auto poor = d.post("/api/v1/sales", d.sale_body(2, 1));
  CHECK(error_of(poor) == "409 insufficient");
  CHECK(number_of(poor.json, "here") == 1'000);
  CHECK(number_of(poor.json, "short") == 250);
  CHECK(number_of(poor.json, "pulled") == 0);
  CHECK(number_of(poor.json, "next_counter") == 2);
  CHECK_FALSE(text_of(poor.json, "message").empty());
  CHECK(text_of(poor.json, "detail") == "10.00 CNY can be spent here, 2.50 CNY are missing");
  auto greedy = d.top_up(600'000);
  CHECK(error_of(greedy) == "409 no_quota");
  CHECK(number_of(greedy.json, "left") == 499'000);
  CHECK(text_of(greedy.json, "detail") == "at most 4990.00 CNY here now");
  CHECK(error_of(d.top_up(0)) == "409 bad_amount");
  CHECK(error_of(d.top_up(-5)) == "409 bad_amount");
  CHECK(error_of(d.top_up(INT64_MAX)) == "409 bad_amount");
  auto unknown = R"({"counter":2,"card":"9704000000000000","amount":500,"tender":"cash"})";
  CHECK(error_of(d.post("/api/v1/topups", unknown)) == "409 unknown_card");
  auto frozen = "{\"counter\":2,\"card\":\"" + card_frozen + "\",\"amount\":500,\"tender\":\"cash\"}";
  CHECK(error_of(d.post("/api/v1/topups", frozen)) == "409 card_blocked");
  auto sale = [&](const std::string& lines, const std::string& tenders) {
    return error_of(d.post("/api/v1/sales", "{\"counter\":2,\"lines\":" + lines + ",\"tenders\":" + tenders + "}"));
  };
  CHECK(sale("[]", "[]") == "409 bad_basket");
  CHECK(sale(R"([{"product":1,"quantity":0}])", "[]") == "409 bad_basket");
  CHECK(sale(R"([{"product":1,"quantity":10000}])", "[]") == "409 bad_basket");
  CHECK(sale(R"([{"product":9,"quantity":1}])", "[]") == "409 unknown_product");
  CHECK(sale(R"([{"ean":"1","quantity":1}])", "[]") == "409 unknown_product");
  CHECK(sale(R"([{"product":1,"quantity":1}])", R"([{"kind":"cash","amount":1}])") == "409 bad_tender");
  CHECK(sale(R"([{"product":1,"quantity":1}])", R"([{"kind":"cash","amount":-1250}])") == "409 bad_amount");
  CHECK(sale(R"([{"product":1,"quantity":1}])", R"([{"kind":"card","amount":1250}])") == "409 unknown_card");
  std::string many = "[";
  for (int i = 0; i < 201; ++i)
    many += std::string(i ? "," : "") + R"({"product":1,"quantity":1})";
  CHECK(sale(many + "]", "[]") == "409 bad_basket");
  CHECK(d.next() == 2);
}

TEST_CASE("wrong types are named", "[node][http]") {
  desk d;
  auto detail = [&](std::string_view path, std::string_view body) {
    auto r = d.post(path, body);
    CHECK(r.status == 400);
    CHECK(text_of(r.json, "error") == "malformed");
    return text_of(r.json, "detail");
  };
  CHECK(detail("/api/v1/sales", "") == "no JSON at octet 1");
  CHECK(detail("/api/v1/sales", d.sale_body(1, 1) + '\0').starts_with("no JSON at octet"));
  CHECK(detail("/api/v1/sales", "[]") == "the body must be a JSON object");
  CHECK(detail("/api/v1/sales", "{}") == "counter is missing");
  CHECK(detail("/api/v1/sales", R"({"counter":"1"})").starts_with("counter must be an integer"));
  CHECK(detail("/api/v1/sales", R"({"counter":1.0})").starts_with("counter must be an integer"));
  CHECK(detail("/api/v1/sales", R"({"counter":0})").starts_with("counter must be an integer from 1"));
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":{},"tenders":[]})") == "lines must be a list");
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":[5],"tenders":[]})") == "lines[0] must be a JSON object");
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":[{"product":-1,"quantity":1}],"tenders":[]})")
            .starts_with("lines[0].product must be an integer"));
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":[{"quantity":1}],"tenders":[]})") ==
        "lines[0].product or ean is missing");
  CHECK(detail("/api/v1/sales",
               R"({"counter":1,"lines":[{"product":1,"quantity":1}],"tenders":[{"kind":"gold","amount":1}]})") ==
        "tenders[0].kind must be card, cash or bank");
  CHECK(detail("/api/v1/sales", R"({"counter":1,"counter":2})").find("comes twice") != std::string::npos);
  CHECK(detail("/api/v1/sales", R"({"counter":1,"card":17,"lines":[],"tenders":[]})").starts_with("card must be text"));
  CHECK(detail("/api/v1/topups", R"({"counter":1,"card":"1","amount":1e3,"tender":"cash"})")
            .starts_with("amount must be an integer"));
  CHECK(detail("/api/v1/topups", R"({"counter":1,"card":"1","amount":"1","tender":"cash"})") ==
        "amount must be an integer from 1 to 10000000000000000");
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":[{"product":1,"quantity":"2"}],"tenders":[]})") ==
        "lines[0].quantity must be an integer from 1 to 1000000000");
  CHECK(detail("/api/v1/topups", R"({"counter":1,"card":"1","amount":1,"tender":"cash","seenn":"x"})") ==
        "\"seenn\" is no field of this call");
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":[{"product":1,"quantity":1,"price":1}],"tenders":[]})") ==
        "lines[0].\"price\" is no field of this call");
  CHECK(detail("/api/v1/sales", R"({"counter":1,"lines":[],"tenders":[{"kind":"cash","amount":1,"amountt":null}]})") ==
        "tenders[0].\"amountt\" is no field of this call");
  CHECK(detail("/api/v1/reversals", R"({"counter":1,"receipt":"3.0000000000000001.3","sum":1})") ==
        "\"sum\" is no field of this call");
  CHECK(detail("/api/v1/topups", R"({"counter":1,"card":"1","amount":1,"tender":"gold"})") ==
        "tender must be cash or bank");
  CHECK(detail("/api/v1/reversals", R"({"counter":1,"receipt":"3.1.x"})") == "receipt must be the id of a receipt");
  CHECK(detail("/api/v1/cards/lookup", R"({"card":true})").starts_with("card must be text"));
  CHECK(detail("/api/v1/pair", R"({"code":482913})").starts_with("code must be text"));
  CHECK(d.node.tills_seen == 0);
}

TEST_CASE("receipts of others, of other lives, and ids in other spellings", "[node][http]") {
  desk d;
  auto reverse = [&](const std::string& id) {
    return error_of(d.post("/api/v1/reversals", "{\"counter\":1,\"receipt\":\"" + id + "\"}"));
  };
  CHECK(reverse("4.0000000000000001.3") == "409 not_reversible");
  CHECK(reverse("3.0000000000000002.3") == "409 not_reversible");
  CHECK(reverse("3.0000000000000001.99") == "404 not_found");
  CHECK(reverse("3.0000000000000001.0") == "409 not_reversible");
  CHECK(reverse("3.0000000000000001.03") == "400 malformed");
  for (const char* id :
       {"4.0000000000000001.3", "3.0000000000000001.99", "3.0000000000000001.0", "x", "", "3.1", "%2e%2e",
        "3.0000000000000001.-1", "3.000000000000000A.1", "3.0000000000000001.18446744073709551616"})
    CHECK(error_of(d.get("/api/v1/receipts/" + std::string(id))) == "404 not_found");
}

TEST_CASE("a card is looked up; its number stays out of the answer", "[node][http]") {
  desk d;
  REQUIRE(d.top_up(5'000).status == 200);
  auto r = d.post("/api/v1/cards/lookup", "{\"card\":\"" + card_a + "\"}");
  REQUIRE(r.status == 200);
  CHECK(number_of(r.json, "account") == 17);
  CHECK(text_of(r.json, "status") == "active");
  CHECK(number_of(r.json, "here") == 5'000);
  CHECK(is_null(r.json, "elsewhere"));
  CHECK(r.body.find(card_a) == std::string::npos);
  CHECK(d.node.asked == 1);
  d.node.set_hint({2'000, noon - 60});
  d.node.alter([](node_snapshot& s) { s.link_up = true; });
  r = d.post("/api/v1/cards/lookup", "{\"card\":\"" + card_a + "\"}");
  CHECK(number_of(r.json, "elsewhere") == 2'000);
  CHECK(number_of(r.json, "elsewhere_as_of") == noon - 60);
  CHECK(text_of(d.post("/api/v1/cards/lookup", "{\"card\":\"" + card_frozen + "\"}").json, "status") == "frozen");
  for (const char* number : {"9704000000000000", "", "97040000000039310000000", "97040000 00003931", "abc"})
    CHECK(error_of(d.post("/api/v1/cards/lookup", "{\"card\":\"" + std::string(number) + "\"}")) == "404 unknown_card");
}

TEST_CASE("who may call what", "[node][http]") {
  desk d;
  for (const char* path : {"/api/v1/till", "/api/v1/products", "/api/v1/network", "/api/v1/receipts/x"}) {
    CHECK(error_of(d.send("GET", path, "", "")) == "401 not_allowed");
    CHECK(error_of(d.send("GET", path, "", "wrong")) == "401 not_allowed");
  }
  for (const char* path : {"/api/v1/sales", "/api/v1/topups", "/api/v1/reversals", "/api/v1/cards/lookup",
                           "/api/v1/receipts/x/print", "/api/v1/admin/pair", "/api/v1/admin/anything"})
    CHECK(error_of(d.send("POST", path, "{}", "")) == "401 not_allowed");
  CHECK(d.send("POST", "/api/v1/admin/pair", "{}", d.token).status == 401);
  CHECK(d.send("GET", "/api/v1/till", "", "the-admin-token").status == 401);
  CHECK(d.send("GET", "/healthz", "", "").body == R"({"ok":true,"node":3,"role":"store"})");
  CHECK(error_of(d.send("GET", "/metrics", "", "")) == "401 not_allowed");
  CHECK(d.send("GET", "/metrics", "", "the-admin-token").status == 200);
  CHECK(d.get("/metrics").status == 200);
  CHECK(d.send("GET", "/api/v1/network", "", "the-admin-token").status == 200);
  CHECK(error_of(d.send("DELETE", "/api/v1/till", "", d.token)) == "405 wrong_method");
  CHECK(d.send("POST", "/api/v1/receipts/x", "", d.token).headers == "Allow: GET, HEAD\r\n");
  CHECK(d.send("DELETE", "/api/v1/till", "", d.token).status == 405);
  CHECK(d.send("GET", "/api/v1/sales", "", d.token).headers == "Allow: POST\r\n");
  CHECK(error_of(d.get("/api/v1/none")) == "404 not_found");
  d.api->services.open_network = true;
  CHECK(d.send("GET", "/api/v1/network", "", "").status == 200);
}

TEST_CASE("a node without an admin token has no administration", "[node][http]") {
  bench_node b;
  auto s = b.services();
  s.admin_token.clear();
  api_context api(std::move(s));
  CHECK_FALSE(is_admin(api, "Bearer "));
  CHECK_FALSE(is_admin(api, ""));
}

TEST_CASE("the administration's calls go through the hook", "[node][http]") {
  desk d;
  CHECK(d.send("POST", "/api/v1/admin/issue", "{}", "the-admin-token").status == 404);
  d.api->services.admin = [](std::string method, std::string path, std::string body, auto respond) {
    respond(409, "{\"got\":\"" + method + path + body + "\"}");
  };
  auto r = d.send("POST", "/api/v1/admin/issue", "abc", "the-admin-token");
  CHECK(r.status == 409);
  CHECK(text_of(r.json, "got") == "POST/api/v1/admin/issueabc");
  auto list = d.send("GET", "/api/v1/admin/tills", "", "the-admin-token");
  REQUIRE(list.json.find("tills"));
  CHECK(number_of(list.json.find("tills")->items.at(0), "terminal") == 193);
}

TEST_CASE("a mark from the future is told to the ledger before the request", "[node][http]") {
  desk d;
  auto up = d.top_up(5'000);
  auto mark = [&](std::uint64_t seq, std::uint8_t epoch = 1) {
    return make_rollback_token(d.secret, {writer_of(3, epoch).epoch, seq});
  };
  REQUIRE(verify_rollback_token(d.secret, text_of(up.json, "seen"))->seq == 3);
  CHECK(d.top_up(100, ",\"seen\":\"" + text_of(up.json, "seen") + "\"").status == 200);
  CHECK(d.top_up(100, ",\"seen\":\"rubbish\"").status == 200);
  CHECK(d.top_up(100, ",\"seen\":\"" + mark(9'999, 7) + "\"").status == 200);
  auto stranger = make_node_secret(d.random);
  CHECK(d.top_up(100, ",\"seen\":\"" + make_rollback_token(stranger, {writer_of(3).epoch, 9'999}) + "\"").status ==
        200);
  CHECK(d.node.marks == 0);
  auto r = d.top_up(100, ",\"seen\":\"" + mark(9'999) + "\"");
  CHECK(d.node.marks == 1);
  CHECK(error_of(r) == "409 rolled_back");
  CHECK(text_of(d.get("/api/v1/till").json, "blocked") == "rolled_back");
}

TEST_CASE("tickets: one for each receipt, marked when it is a copy", "[node][http]") {
  desk d;
  REQUIRE(d.top_up(5'000).status == 200);
  CHECK(d.node.printed.empty());
  auto id = text_of(d.post("/api/v1/sales", d.sale_body(2, 1)).json, "id");
  CHECK(error_of(d.post("/api/v1/receipts/" + id + "/print", "{}")) == "409 no_printer");
  d.node.set_devices({"ready", "ready", "none"});
  auto sale = d.post("/api/v1/sales", d.sale_body(3, 2));
  REQUIRE(sale.status == 200);
  REQUIRE(d.post("/api/v1/sales", d.sale_body(3, 2)).status == 200);
  REQUIRE(d.node.printed.size() == 1);
  CHECK(d.node.printed[0].first == text_of(sale.json, "id"));
  CHECK(d.post("/api/v1/receipts/" + id + "/print", "{}").body == R"({"queued":true})");
  REQUIRE(d.node.printed.size() == 2);
  printer_emulator printer;
  for (const auto& [name, data] : d.node.printed)
    (void)printer.feed(data);
  REQUIRE(printer.tickets().size() == 2);
  // What is printed is what the receipt says, line by line.
  std::vector<std::string> text;
  for (const auto& l : sale.json.find("text")->items)
    text.push_back(l.text);
  auto paper = printer.tickets()[0].lines;
  while (!paper.empty() && paper.back().empty())
    paper.pop_back();
  CHECK(paper == text);
  std::string copy;
  for (const auto& l : printer.tickets()[1].lines)
    copy += l + "\n";
  CHECK(copy.find("COPY") != std::string::npos);
  // The rules ask for two of each reversal: one for the shop.
  REQUIRE(d.post("/api/v1/reversals", R"({"counter":4,"receipt":")" + id + "\"}").status == 200);
  REQUIRE(d.node.printed.size() == 4);
  CHECK(d.node.printed[2].first == d.node.printed[3].first);
  for (std::size_t n = 2; n < 4; ++n)
    (void)printer.feed(d.node.printed[n].second);
  CHECK(printer.tickets()[2].lines.front().find("COPY") == std::string::npos);
  CHECK(printer.tickets()[3].lines.front().find("COPY") != std::string::npos);
  d.node.spool_full = true;
  CHECK(error_of(d.post("/api/v1/receipts/" + id + "/print", "{}")) == "429 busy");
}

TEST_CASE("a ticket that cannot be made is told and logged", "[node][http]") {
  desk d;
  std::vector<std::string> told, logged;
  d.node.events().subscribe([&](const node_event& e) {
    if (const auto* p = std::get_if<print_event>(&e)) told.push_back(p->receipt + " " + p->state);
  });
  d.api->services.security = [&](errc code, const std::string& text) {
    logged.push_back(std::string(errc_name(code)) + ": " + text);
  };
  d.api->print("3.5f0c1a2b3c4d5e6f.41", error{errc::malformed, "a ticket has at most 3 lines"});
  CHECK(told == std::vector<std::string>{"3.5f0c1a2b3c4d5e6f.41 refused"});
  CHECK(logged == std::vector<std::string>{
                      "malformed: receipt 3.5f0c1a2b3c4d5e6f.41 is not printed: a ticket has at most 3 lines"});
}

TEST_CASE("cash opens the drawer, and the customer reads the sum", "[node][http]") {
  desk d;
  CHECK(error_of(d.post("/api/v1/drawer", "{}")) == "409 no_drawer");
  CHECK(error_of(d.post("/api/v1/display", "{}")) == "409 no_display");
  device_states all{"ready", "ready", "none"};
  all.display = "ready";
  d.node.set_devices(all);
  d.node.drawers = 0;
  REQUIRE(d.top_up(5'000).status == 200);
  CHECK(d.node.drawers == 1);
  CHECK(d.node.shown == "TOTAL CNY      50.00|to spend here  50.00");
  REQUIRE(d.post("/api/v1/sales", d.sale_body(2, 1)).status == 200);
  CHECK(d.node.drawers == 1);
  CHECK(d.node.shown == "TOTAL CNY      12.50|to spend here  37.50");
  REQUIRE(d.post("/api/v1/sales", d.sale_body(2, 1)).status == 200);  // asked again: nothing happens again
  CHECK(d.post("/api/v1/drawer", "{}").body == R"({"opened":true})");
  CHECK(d.node.drawers == 2);
  all.printer = "offline";
  d.node.set_devices(all);
  CHECK(error_of(d.post("/api/v1/drawer", "{}")) == "503 printer_offline");
  CHECK(d.post("/api/v1/display", R"({"upper":"Loaf","upper_right":"12.50"})").body == R"({"shown":true})");
  CHECK(d.node.shown == "Loaf           12.50|                    ");
  CHECK(error_of(d.post("/api/v1/display", R"({"upper":12})")) == "400 malformed");
}

TEST_CASE("the network as a store and as head office see it", "[node][http]") {
  desk d;
  d.node.alter([](node_snapshot& s) { s.exposure = 40; });
  auto r = d.get("/api/v1/network");
  REQUIRE(r.status == 200);
  const auto& own = r.json.find("nodes")->items;
  REQUIRE(own.size() == 2);
  CHECK(number_of(own[0], "node") == 2);
  CHECK(text_of(own[0], "role") == "region");
  CHECK(text_of(own[0], "name") == "node 2");  // it has no certificate in this test
  for (const char* unknown : {"entries", "entries_waiting", "held", "ceiling", "exposure", "contested"})
    CHECK(is_null(own[0], unknown));
  CHECK(number_of(own[1], "entries") == 2);
  CHECK(number_of(own[1], "exposure") == 40);
  CHECK(is_null(own[1], "alarm"));
  CHECK(number_of(own[1], "parent") == 2);
  CHECK(text_of(own[1], "link") == "never");
  CHECK(r.json.find("demo") == nullptr);
  d.api->services.demo_control = "http://127.0.0.1:1";
  d.node.alter([](node_snapshot& s) {
    s.role = node_role::hq;
    s.self.node = node_id{1};
    s.children = {{node_id{2}, false, true, noon - 5}};
    node_snapshot::remote region, store;
    region.node = node_id{2};
    region.role = node_role::region;
    region.parent = node_id{1};
    store.node = node_id{3};
    store.role = node_role::store;
    store.parent = node_id{2};
    store.exposure = 700;
    store.entries = 5;
    s.below = {region, store};
  });
  r = d.get("/api/v1/network");
  const auto& rows = r.json.find("nodes")->items;
  REQUIRE(rows.size() == 3);
  CHECK(text_of(rows[0], "role") == "hq");
  CHECK(is_null(rows[1], "entries_waiting"));
  CHECK(text_of(rows[1], "link") == "down");
  CHECK(text_of(rows[2], "link") == "down");
  CHECK(is_null(rows[2], "last_contact"));
  CHECK(is_null(rows[2], "entries_waiting"));
  CHECK(number_of(r.json, "total_exposure") == 700);
  CHECK(text_of(r.json, "demo") == "http://127.0.0.1:1");
  // Once the region tells of it, the store is what the region says, as long as the region is there itself.
  d.node.alter([](node_snapshot& s) { s.below[1].told = {{true, noon - 3, 8}}; });
  auto far = [&] { return d.get("/api/v1/network").json.find("nodes")->items.at(2); };
  CHECK(text_of(far(), "link") == "down");
  CHECK(number_of(far(), "last_contact") == noon - 3);
  CHECK(is_null(far(), "entries_waiting"));
  d.node.alter([](node_snapshot& s) { s.children[0].up = true; });
  CHECK(text_of(far(), "link") == "up");
  CHECK(number_of(far(), "entries_waiting") == 3);
  d.node.alter([](node_snapshot& s) { s.below[1].told->up = false; });
  CHECK(text_of(far(), "link") == "down");
  CHECK(is_null(far(), "entries_waiting"));
  // A tree that bites its tail ends the walk.
  d.node.alter([](node_snapshot& s) {
    s.children.clear();
    s.below[0].parent = node_id{3};
  });
  CHECK(d.get("/api/v1/network").status == 200);
}

TEST_CASE("events are told as the pages read them", "[node][http]") {
  desk d;
  const auto& api = *d.api;
  CHECK(event_text(api, card_event{card_a, "reader"}) ==
        "event: card\ndata: {\"number\":\"" + card_a + "\",\"masked\":\"**** 3931\",\"source\":\"reader\"}\n\n");
  CHECK(event_text(api, product_event{"4006381333931"}) ==
        "event: product\ndata: {\"ean\":\"4006381333931\",\"product\":1}\n\n");
  CHECK(event_text(api, product_event{"x\n"}) == "event: product\ndata: {\"ean\":\"x\\n\",\"product\":null}\n\n");
  CHECK(event_text(api, print_event{"3.1", "printed"}) ==
        "event: print\ndata: {\"receipt\":\"3.1\",\"state\":\"printed\"}\n\n");
  CHECK(event_text(api, rules_event{4}) == "event: rules\ndata: {\"version\":4}\n\n");
  CHECK(event_text(api, blocked_event{errc::ok}) == "event: blocked\ndata: {\"blocked\":null}\n\n");
  CHECK(event_text(api, blocked_event{errc::full}) == "event: blocked\ndata: {\"blocked\":\"full\"}\n\n");
  CHECK(event_text(api, link_event{true}).starts_with("event: link\ndata: {\"up\":true,"));
  CHECK(event_text(api, device_event{"printer", "ready"}).starts_with("event: device\ndata: {\"printer\":{"));
  CHECK(event_text(api, alarm_event{errc::io, "x"}).empty());
}
