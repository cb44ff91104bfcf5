// One-time codes over the till's interface, with a head office that answers as the test wants.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "node/pin_desk.hpp"
#include "sync/code_letter.hpp"
#include "sync/member_seal.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// The digits themselves: what is judged is the road, not the hash.
struct plain_hasher final : pin_hasher {
  std::optional<std::array<std::uint8_t, 32>> hash(std::string_view text,
                                                   const std::array<std::uint8_t, 16>&) const override {
    std::array<std::uint8_t, 32> out{};
    std::copy(text.begin(), text.end(), out.begin());
    return out;
  }
};

/// Cards of kind 1 need a code above 20.00.
struct code_counter : desk {
  curve_key office = make_curve_key(random), own = make_curve_key(random);
  plain_hasher hasher;
  std::unique_ptr<pin_desk> pins;
  std::mutex mutex;
  std::vector<code_question> questions;
  code_answer next_answer;
  std::string code = "246810";
  bool silent = false;

  code_counter() {
    pins = pin_desk::start({.node = node,
                            .chain = chain,
                            .curve = own,
                            .random = random,
                            .now = [this] { return clock.wall.load(); },
                            .curve_of = [this](node_id) { return std::optional(office.pub); },
                            .log = [](errc, const std::string&) {}},
                           secret, hasher);
    api->services.pins = pins.get();
    next_answer = {.number = 100, .seconds = 300, .ends_in = "42"};
    node.on_letters([this](node_id, const bytes& body) { answer_letter(body); });
    node.alter([](node_snapshot& s) { s.link_up = true; });
    auto r = *decode_rules(test_rules().front().blob);
    r.version = 2;
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.code_above = 2'000;
    r.programme.card_kinds = {k};
    r.programme.gift_per_day = 50'000;
    entry rules;
    rules.kind = entry_kind::publish;
    rules.topic = publish_topic::rules;
    rules.rules_version = 2;
    rules.blob = encode_rules(r);
    node.learn({rules});
    REQUIRE(top_up(50'000).status == 200);
  }
  ~code_counter() {
    node.on_letters({});
    pins.reset();
  }
  void answer_letter(const bytes& body) {
    auto text = open_letter(office, own.pub, *pin_letter(body));
    std::lock_guard lock(mutex);
    auto q = text ? decode_code_question(*text) : result<code_question>(errc::bad_proof, "");
    if (!q) return;
    questions.push_back(*q);
    if (silent) return;
    auto a = next_answer;
    a.id = q->id;
    if (a.code == errc::ok) {
      a.number = next_answer.number++;
      std::copy(code.begin(), code.end(), a.verifier.hash.begin());
    }
    node.letter_from_office(as_pin_letter(seal_letter(office, own.pub, encode_code_answer(a), random)));
  }
  reply send_code(std::int64_t sum, const std::string& card = card_a) {
    return post("/api/v1/cards/code", "{\"card\":\"" + card + "\",\"amount\":" + std::to_string(sum) + "}");
  }
  reply pay(int quantity, const std::string& more = "") {
    return post("/api/v1/sales", sale_body(next(), quantity, "card", more));
  }
};

}  // namespace

TEST_CASE("a sale above the limit asks for a code, which is sent and opens it once", "[node][http][code]") {
  code_counter d;
  CHECK(d.pay(1).status == 200);
  auto r = d.pay(2);
  CHECK(error_of(r) == "409 code_required");
  CHECK(number_of(r.json, "without_code") == 2'000);
  auto sent = d.send_code(2'500);
  REQUIRE(sent.status == 200);
  CHECK(text_of(sent.json, "ends_in") == "42");
  CHECK(number_of(sent.json, "seconds") == 300);
  CHECK(number_of(sent.json, "up_to") == 2'500);
  CHECK(sent.body.find(d.code) == std::string::npos);
  REQUIRE(d.questions.size() == 1);
  CHECK(d.questions.front().account == account_id{17});
  CHECK(d.questions.front().up_to == 2'500);
  auto with_code = ",\"code\":\"" + d.code + "\"";
  CHECK(error_of(d.pay(3, with_code)) == "409 code_required");  // of more than it is for
  auto body = d.sale_body(d.next(), 2, "card", with_code);
  auto paid = d.post("/api/v1/sales", body);
  REQUIRE(paid.status == 200);
  CHECK(paid.body.find(d.code) == std::string::npos);
  CHECK(text_of(d.post("/api/v1/sales", body).json, "id") == text_of(paid.json, "id"));  // the same request
  auto again = d.pay(2, with_code);
  CHECK(error_of(again) == "409 code_required");
  CHECK(text_of(again.json, "detail").find("used before") != std::string::npos);
}

TEST_CASE("wrong codes are counted, and the third is the last", "[node][http][code]") {
  code_counter d;
  REQUIRE(d.send_code(2'500).status == 200);
  auto body = d.sale_body(d.next(), 2, "card", ",\"code\":\"000000\"");
  for (int twice = 0; twice < 2; ++twice) {  // a request that a till repeats is one try
    auto r = d.post("/api/v1/sales", body);
    CHECK(error_of(r) == "409 code_wrong");
    CHECK(number_of(r.json, "tries_left") == 2);
    CHECK(number_of(r.json, "without_code") == 2'000);
  }
  CHECK(number_of(d.pay(2, ",\"code\":\"000001\"").json, "tries_left") == 1);
  CHECK(number_of(d.pay(2, ",\"code\":\"000002\"").json, "tries_left") == 0);
  CHECK(error_of(d.pay(2, ",\"code\":\"" + d.code + "\"")) == "409 code_required");
  d.code = "135790";
  REQUIRE(d.send_code(2'500).status == 200);
  CHECK(d.pay(2, ",\"code\":\"" + d.code + "\"").status == 200);
}

TEST_CASE("a code is old after its time, by the store's own clock", "[node][http][code]") {
  code_counter d;
  REQUIRE(d.send_code(2'500).status == 200);
  d.clock.wall += 300;
  CHECK(error_of(d.pay(2, ",\"code\":\"" + d.code + "\"")) == "409 code_required");
}

TEST_CASE("why no code is sent", "[node][http][code]") {
  code_counter d;
  CHECK(error_of(d.send_code(2'000)) == "409 not_applicable");  // goes without one
  CHECK(error_of(d.send_code(2'500, "9704000000009999")) == "409 unknown_card");
  CHECK(error_of(d.send_code(2'500, card_frozen)) == "409 card_blocked");
  CHECK(error_of(d.post("/api/v1/cards/code", "{\"card\":\"" + card_a + "\"}")) == "400 malformed");
  CHECK(error_of(d.send_code(-1)) == "400 malformed");
  CHECK(error_of(d.send_code(amount_max + 1)) == "400 malformed");  // at once: head office would not answer
  CHECK(d.send("POST", "/api/v1/cards/code", "{}", "").status == 401);
  CHECK(d.questions.empty());
  d.next_answer.code = errc::not_found;
  auto r = d.send_code(2'500);
  CHECK(error_of(r) == "409 code_required");
  CHECK(text_of(r.json, "detail").find("telephone") != std::string::npos);
  d.next_answer.code = errc::busy;
  d.next_answer.seconds = 700;
  r = d.send_code(2'500);
  CHECK(error_of(r) == "429 busy");
  CHECK(text_of(r.json, "detail").find("12 minutes") != std::string::npos);
  d.next_answer.code = errc::full;
  r = d.send_code(2'500);
  CHECK(error_of(r) == "429 busy");
  CHECK(text_of(r.json, "detail").find("outbox") != std::string::npos);
  d.node.alter([](node_snapshot& s) { s.link_up = false; });
  r = d.send_code(2'500);
  CHECK(error_of(r) == "503 offline");
}

TEST_CASE("what is no code is refused, and what is put aside, given or paid out takes one", "[node][http][code]") {
  code_counter d;
  for (const char* bad : {"\"12345\"", "\"1234567\"", "\"12345a\"", "123456", "\"\""})
    CHECK(error_of(d.pay(2, std::string(",\"code\":") + bad)) == "400 malformed");
  auto with_code = [&](amount sum = 3'000) {
    REQUIRE(d.send_code(sum).status == 200);
    return ",\"code\":\"" + d.code + "\"}";
  };
  auto begin = [&] { return "{\"counter\":" + std::to_string(d.next()) + ",\"card\":\"" + card_a + "\""; };
  auto hold = ",\"amount\":3000,\"minutes\":10";
  CHECK(error_of(d.post("/api/v1/authorisations", begin() + hold + "}")) == "409 code_required");
  CHECK(d.post("/api/v1/authorisations", begin() + hold + with_code()).status == 200);
  auto gift = ",\"to\":\"" + card_b + "\",\"purse\":1,\"units\":3000";
  CHECK(error_of(d.post("/api/v1/transfers", begin() + gift + "}")) == "409 code_required");
  CHECK(d.post("/api/v1/transfers", begin() + gift + with_code()).status == 200);
  const auto left =
      number_of(d.post("/api/v1/cards/lookup", std::string("{\"card\":\"") + card_a + "\"}").json, "here");
  auto back = ",\"paid\":" + std::to_string(left) + ",\"tender\":\"cash\"";
  CHECK(error_of(d.post("/api/v1/cards/returns", begin() + back + "}")) == "409 code_required");
  CHECK(d.post("/api/v1/cards/returns", begin() + back + with_code(left)).status == 200);
}
