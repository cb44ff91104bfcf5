// PINs over the till's interface.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "node/pin_desk.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// The digits themselves: what is judged is the road, not the hash.
struct plain_hasher final : pin_hasher {
  std::optional<std::array<std::uint8_t, 32>> hash(std::string_view pin,
                                                   const std::array<std::uint8_t, 16>&) const override {
    std::array<std::uint8_t, 32> out{};
    std::copy(pin.begin(), pin.end(), out.begin());
    return out;
  }
};

struct pin_counter : desk {
  curve_key office = make_curve_key(random), own = make_curve_key(random);
  plain_hasher hasher;
  std::unique_ptr<pin_desk> pins;

  pin_counter() {
    pins = pin_desk::start({.node = node,
                            .chain = chain,
                            .curve = own,
                            .random = random,
                            .now = [this] { return clock.wall.load(); },
                            .curve_of = [](node_id) { return std::nullopt; },
                            .log = [](errc, const std::string&) {}},
                           secret, hasher);
    api->services.pins = pins.get();
    auto r = *decode_rules(test_rules().front().blob);
    r.version = 2;
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.pin_above = 1'250;
    r.programme.card_kinds = {k};
    entry rules;
    rules.kind = entry_kind::publish;
    rules.topic = publish_topic::rules;
    rules.rules_version = 2;
    rules.blob = encode_rules(r);
    entry key;
    key.kind = entry_kind::publish;
    key.topic = publish_topic::pin_key;
    key.blob = view_of(office.pub);
    node.learn({rules, key});
    REQUIRE(top_up(50'000).status == 200);
  }
  reply set(const std::string& more, const std::string& card = card_a) {
    return post("/api/v1/cards/pin",
                "{\"counter\":" + std::to_string(next()) + ",\"card\":\"" + card + "\"," + more + "}");
  }
  reply pay(int quantity, const std::string& more = "") {
    return post("/api/v1/sales", sale_body(next(), quantity, "card", more));
  }
  json_value card() { return *post("/api/v1/cards/lookup", "{\"card\":\"" + card_a + "\"}").json.find("pin"); }
};

}  // namespace

TEST_CASE("a sale above the limit asks for the PIN, which is chosen at the till", "[node][http][pin]") {
  pin_counter d;
  CHECK(d.pay(1).status == 200);
  auto r = d.pay(2);
  CHECK(error_of(r) == "409 pin_required");
  CHECK(number_of(r.json, "without_pin") == 1'250);
  CHECK(text_of(r.json, "detail").find("choose one") != std::string::npos);
  CHECK_FALSE(d.card().find("set")->truth);
  auto sent = "{\"counter\":" + std::to_string(d.next()) + ",\"card\":\"" + card_a + "\",\"pin\":\"4711\"}";
  auto set = d.post("/api/v1/cards/pin", sent);
  REQUIRE(set.status == 200);
  CHECK_FALSE(set.json.find("changed")->truth);
  CHECK_FALSE(set.json.find("repeated")->truth);
  CHECK(set.body.find("4711") == std::string::npos);
  auto again = d.post("/api/v1/cards/pin", sent);
  REQUIRE(again.status == 200);
  CHECK(again.json.find("repeated")->truth);
  CHECK(d.card().find("set")->truth);
  CHECK(number_of(d.card(), "tries_left") == 3);
  CHECK(number_of(d.card(), "without_pin") == 1'250);
  CHECK(error_of(d.pay(2)) == "409 pin_required");
  auto paid = d.pay(2, ",\"pin\":\"4711\"");
  REQUIRE(paid.status == 200);
  CHECK(paid.body.find("4711") == std::string::npos);
  // Another PIN under the same number is another request.
  auto other = sent;
  other.replace(other.find("4711"), 4, "4712");
  CHECK(error_of(d.post("/api/v1/cards/pin", other)) == "409 key_reused");
}

TEST_CASE("wrong PINs are counted, told, and lock", "[node][http][pin]") {
  pin_counter d;
  REQUIRE(d.set("\"pin\":\"1234\"").status == 200);
  auto body = d.sale_body(d.next(), 2, "card", ",\"pin\":\"9999\"");
  auto r = d.post("/api/v1/sales", body);
  CHECK(error_of(r) == "409 pin_wrong");
  CHECK(number_of(r.json, "tries_left") == 2);
  // The number is used up: the same request again is the same try.
  r = d.post("/api/v1/sales", body);
  CHECK(error_of(r) == "409 pin_wrong");
  CHECK(number_of(r.json, "tries_left") == 2);
  CHECK(static_cast<std::uint64_t>(number_of(r.json, "next_counter")) == d.next());
  CHECK(d.pay(2, ",\"pin\":\"1234\"").status == 200);
  for (int left = 3; left-- > 0;) {
    r = d.set("\"pin\":\"5678\",\"old_pin\":\"0000\"");
    CHECK(error_of(r) == "409 pin_wrong");
    CHECK(number_of(r.json, "tries_left") == left);
  }
  CHECK(number_of(d.card(), "tries_left") == 0);
  r = d.pay(2, ",\"pin\":\"1234\"");
  CHECK(error_of(r) == "409 pin_locked");
  CHECK(number_of(r.json, "without_pin") == 1'250);
  CHECK(d.pay(1).status == 200);
  // Head office allows fresh tries.
  auto e = card_fact(account_id{17}, {card_status::active, 1, 1, 0, 0, 0, {1, 1, true}});
  d.node.learn({e});
  CHECK(number_of(d.card(), "tries_left") == 3);
}

TEST_CASE("a PIN is changed with the old one", "[node][http][pin]") {
  pin_counter d;
  REQUIRE(d.set("\"pin\":\"1234\"").status == 200);
  CHECK(error_of(d.set("\"pin\":\"5678\"")) == "409 pin_required");
  auto changed = d.set("\"pin\":\"5678\",\"old_pin\":\"1234\"");
  REQUIRE(changed.status == 200);
  CHECK(changed.json.find("changed")->truth);
  CHECK(error_of(d.pay(2, ",\"pin\":\"1234\"")) == "409 pin_wrong");
  CHECK(d.pay(2, ",\"pin\":\"5678\"").status == 200);
  CHECK(error_of(d.set("\"pin\":\"5678\"", "9704000000009999")) == "409 unknown_card");
}

TEST_CASE("what is no PIN is refused, and never said again", "[node][http][pin]") {
  pin_counter d;
  for (const char* bad : {"\"123\"", "\"1234567890123\"", "\"12a4\"", "\"\"", "1234", "\"１２３４\""}) {
    for (const auto& r : {d.set(std::string("\"pin\":") + bad), d.pay(2, std::string(",\"pin\":") + bad),
                          d.set(std::string("\"pin\":\"1234\",\"old_pin\":") + bad)}) {
      CHECK(r.status == 400);
      CHECK(text_of(r.json, "error") == "malformed");
    }
  }
  auto r = d.pay(2, ",\"pin\":\"98765x\"");
  CHECK(r.body.find("98765") == std::string::npos);
  CHECK(d.set("\"old_pin\":\"1234\"").status == 400);
  CHECK(d.set("\"pin\":\"1234\",\"more\":1").status == 400);
  CHECK(d.send("POST", "/api/v1/cards/pin", "{}", "").status == 401);
  for (const auto& line : d.told)
    CHECK(line.find("98765") == std::string::npos);
}

TEST_CASE("a store that has no verifier of a PIN, and no line, says so", "[node][http][pin]") {
  pin_counter d;
  auto e = card_fact(account_id{17}, {card_status::active, 1, 1, 0, 0, 0, {1, 0, true}});
  d.node.learn({e});
  auto r = d.pay(2, ",\"pin\":\"1234\"");
  CHECK(error_of(r) == "409 pin_required");
  CHECK(text_of(r.json, "detail").find("line to head office") != std::string::npos);
  CHECK(number_of(d.card(), "tries_left") == 3);
  // A node without PINs at all: the same.
  d.api->services.pins = nullptr;
  CHECK(error_of(d.pay(2, ",\"pin\":\"1234\"")) == "409 pin_required");
  CHECK(error_of(d.set("\"pin\":\"1234\"")) == "403 not_allowed");
}

TEST_CASE("nothing of a PIN is in the journal or the database in the clear", "[node][http][pin]") {
  pin_counter d;
  REQUIRE(d.set("\"pin\":\"482913570246\"").status == 200);
  REQUIRE(d.pay(2, ",\"pin\":\"482913570246\"").status == 200);
  for (auto f : {family::entries, family::state, family::meta})
    for (auto c = d.node.store().scan(f, {}); c->valid(); c->next())
      CHECK(bytes(c->value()).find("482913570246") == bytes::npos);
}

TEST_CASE("the reversal of a top-up takes the PIN of its card", "[node][http][pin]") {
  pin_counter d;
  REQUIRE(d.set("\"pin\":\"1234\"").status == 200);
  auto loaded = d.top_up(5'000);
  REQUIRE(loaded.status == 200);
  auto reverse = [&](const std::string& more = "") {
    return d.post("/api/v1/reversals", "{\"counter\":" + std::to_string(d.next()) + ",\"receipt\":\"" +
                                           text_of(loaded.json, "id") + "\"" + more + "}");
  };
  auto r = reverse();
  CHECK(error_of(r) == "409 pin_required");
  CHECK(r.json.find("without_pin") == nullptr);
  CHECK(error_of(reverse(",\"pin\":\"9999\"")) == "409 pin_wrong");
  CHECK(reverse(",\"pin\":\"1234\"").status == 200);
}
