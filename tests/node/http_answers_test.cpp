#include <catch2/catch.hpp>

#include "devices/escpos_render.hpp"
#include "http_desk.hpp"
#include "node/api_events.hpp"
#include "sync/certificate.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("every refusal of a money call says how to go on", "[node][http]") {
  desk d;
  auto check = [&](std::string_view path, const std::string& body, std::string_view error) {
    INFO(body);
    auto r = d.post(path, body);
    CHECK(text_of(r.json, "error") == error);
    CHECK(number_of(r.json, "next_counter") == 1);
    CHECK(verify_rollback_token(d.secret, text_of(r.json, "seen")));
  };
  auto sale = [](const std::string& lines, const std::string& tenders) {
    return "{\"counter\":1,\"lines\":" + lines + ",\"tenders\":" + tenders + "}";
  };
  const std::string one = R"([{"product":1,"quantity":1}])";
  std::string many = "[" + one.substr(1, one.size() - 2);
  for (int i = 0; i < 200; ++i)
    many += "," + one.substr(1, one.size() - 2);
  for (const char* path : {"/api/v1/sales", "/api/v1/topups", "/api/v1/reversals"}) {
    check(path, "", "malformed");
    check(path, "[]", "malformed");
    check(path, R"({"counter":0})", "malformed");
  }
  check("/api/v1/sales", sale(many + "]", "[]"), "bad_basket");
  check("/api/v1/sales", sale(R"([{"product":1,"quantity":0}])", "[]"), "bad_basket");
  check("/api/v1/sales", sale(R"([{"ean":"1","quantity":1}])", "[]"), "unknown_product");
  check("/api/v1/sales", sale(one, R"([{"kind":"cash","amount":0}])"), "bad_amount");
  check("/api/v1/sales", sale(one, R"([{"kind":"cash","amount":1}])"), "bad_tender");
  check("/api/v1/topups", R"({"counter":1,"card":"9704000000000000","amount":5,"tender":"cash"})", "unknown_card");
  check("/api/v1/reversals", R"({"counter":1,"receipt":"4.0000000000000001.3"})", "not_reversible");
  check("/api/v1/reversals", R"({"counter":1,"receipt":"3.0000000000000002.3"})", "not_reversible");
}

TEST_CASE("a receipt says the same whenever it is asked for", "[node][http]") {
  desk d;
  d.node.set_devices({"ready", "none", "none"});
  auto lines = [](const json_value& v) {
    std::vector<std::string> out;
    for (const auto& l : v.find("text")->items)
      out.push_back(l.text);
    return out;
  };
  REQUIRE(d.top_up(10'000).status == 200);
  auto first = d.post("/api/v1/sales", d.sale_body(2, 1));
  auto again = d.post("/api/v1/sales", d.sale_body(2, 1));
  REQUIRE(d.top_up(5'000).status == 200);
  auto later = d.post("/api/v1/sales", d.sale_body(2, 1));
  auto read = d.get("/api/v1/receipts/" + text_of(first.json, "id"));
  CHECK(again.json.find("text")->items.size() > 5);
  CHECK(lines(again.json) == lines(later.json));
  CHECK(lines(again.json) == lines(read.json));
  // The first one is the same but for what the card was worth then.
  std::vector<std::string> without;
  for (const auto& l : lines(first.json))
    if (l.find("to spend here") == std::string::npos && l.find("elsewhere,") == std::string::npos) without.push_back(l);
  CHECK(without.size() < lines(first.json).size());
  CHECK(without == lines(again.json));
  CHECK(std::ranges::count(without, "Card **** 3931") == 1);
  // Fields beside the text tell how things stand when they are asked for.
  CHECK(number_of(later.json, "here") == 13'750);
  REQUIRE(d.post("/api/v1/receipts/" + text_of(first.json, "id") + "/print", "").status == 200);
  printer_emulator printer;
  (void)printer.feed(d.node.printed.back().second);
  REQUIRE(printer.tickets().size() == 1);
  for (const auto& l : printer.tickets()[0].lines)
    CHECK(l.find("to spend here") == std::string::npos);
}

TEST_CASE("events and reversals show the card that was presented", "[node][http]") {
  desk d;
  std::promise<std::string> told;
  auto subscription = d.node.events().subscribe([&](const node_event& e) {
    if (const auto* r = std::get_if<receipt_event>(&e)) told.set_value(event_text(*d.api, *r));
  });
  d.node.announce = true;
  REQUIRE(d.top_up(10'000).status == 200);
  auto text = told.get_future().get();
  d.node.events().unsubscribe(subscription);
  CHECK(text.find("\"masked\":\"**** 3931\"") != std::string::npos);
  CHECK(text.find(card_a) == std::string::npos);
  CHECK(d.node.recall("till/card/17") == bytes("3931"));
}

TEST_CASE("only stores have tills", "[node][http]") {
  desk d;
  for (int i = 0; i < 10; ++i)
    CHECK(d.send("POST", "/api/v1/admin/pair", "{}", "the-admin-token").status == 200);
  auto eleventh = d.send("POST", "/api/v1/admin/pair", "{}", "the-admin-token");
  CHECK(error_of(eleventh) == "409 too_many_codes");
  CHECK(text_of(eleventh.json, "message").find("disk") == std::string::npos);
  d.api->services.identity.role = node_role::region;  // its network page is paired like a till
  for (auto path : {"/api/v1/topups", "/api/v1/sales", "/api/v1/reversals"})
    CHECK(error_of(d.post(path, "{}")) == "409 stores_only");
  CHECK(d.get("/api/v1/network").status == 200);
  d.node.alter([](node_snapshot& s) { s.role = node_role::hq; });
  CHECK(is_null(d.get("/api/v1/till").json, "topup_quota_left"));
}

TEST_CASE("what somebody may have tried is told to the security log, but no secret", "[node][http]") {
  desk d;
  CHECK(d.told.empty());
  (void)d.send("GET", "/api/v1/admin/status", "", "a-guess-of-a-token");
  REQUIRE(d.told.size() == 1);
  CHECK(d.told[0].starts_with("not_allowed node 3: "));
  CHECK(d.told[0].find("a-guess-of-a-token") == std::string::npos);
  for (int i = 0; i < 5; ++i)
    (void)d.send("POST", "/api/v1/pair", R"({"code":"no code"})", "");
  REQUIRE(d.told.size() == 2);
  CHECK(d.told[1].starts_with("bad_token node 3: 5 wrong pairing codes"));
  for (int i = 0; i < 100; ++i)
    (void)d.send("GET", "/api/v1/admin/status", "", "x");
  CHECK(d.told.size() == static_cast<std::size_t>(api_context::suspicions_max));
  d.clock.tick += 60'000;
  (void)d.send("GET", "/api/v1/admin/status", "", "x");
  CHECK(d.told.back().find("more; node 3") != std::string::npos);
}

TEST_CASE("a store's network page takes its parent's name from the certificate", "[node][http]") {
  desk d;
  ed25519_signer region(make_signing_key(d.random));
  certificate c{.chain = chain,
                .node = node_id{2},
                .name = "North",
                .role = node_role::region,
                .parents = {node_id{1}},
                .signing = region.key(),
                .curve = make_curve_key(d.random).pub,
                .epoch = writer_of(2).epoch,
                .serial = 1,
                .not_before = noon,
                .not_after = noon + 1'000};
  REQUIRE(check(c));
  d.node.keep(certificate_key(c.node, c.serial), encode(sign_certificate(c, node_id{1}, region)));
  auto r = d.get("/api/v1/network");
  CHECK(text_of(r.json.find("nodes")->items.at(0), "name") == "North");
}

TEST_CASE("the last alarm stands on the node's own row", "[node][http]") {
  served s;
  auto alarm = [&] {
    auto r = s.connect().call("GET", "/api/v1/network", {}, s.token);
    return text_of(r.json.find("nodes")->items.at(1), "alarm");
  };
  CHECK(alarm().empty());
  s.node.events().publish(alarm_event{errc::bad_proof, "x"});
  s.node.events().publish(alarm_event{errc::bad_signature, "x"});
  CHECK(alarm() == "bad_signature");
  s.node.alter([](node_snapshot& n) { n.disk_low = true; });
  CHECK(alarm() == "full");
}
