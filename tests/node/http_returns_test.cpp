// Goods of other stores' sales, and gifts between members, as a till asks for them.
#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "storage/entry_codec.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct return_desk : desk {
  return_desk() {
    sale.kind = entry_kind::sale;
    sale.terminal = 257;
    sale.counter = 5;
    sale.rules_version = 1;
    sale.lines = {{product_id{1}, 3}};
    sale.tenders = {{tender_kind::cash, main_unit, 3'750}};
    sale.taxes = {{0, main_unit, 431}};
    api->services.check_receipt = [this](std::string_view code) -> result<receipt_report> {
      if (code != "TALLYR2.good") return error{errc::bad_signature, "no node of the chain signed it"};
      receipt_report r;
      r.code.writer = writer_of(4);
      r.code.seq = 9;
      r.standing = standing;
      r.entry = known ? encode_entry(sale) : bytes();
      return r;
    };
  }
  std::string body(const std::string& more) { return "{\"counter\":" + std::to_string(next()) + more + "}"; }
  reply refund(const std::string& what, const std::string& to = "cash", int pieces = 1) {
    return post("/api/v1/refunds", body(what + ",\"lines\":[{\"product\":1,\"quantity\":" + std::to_string(pieces) +
                                        "}],\"to\":\"" + to + "\""));
  }

  entry sale;
  receipt_standing standing = receipt_standing::signed_only;
  bool known = true;
};
const std::string good = ",\"proof\":\"TALLYR2.good\"";

}  // namespace

TEST_CASE("a receipt's code gives goods of another store back", "[node][http][elsewhere]") {
  return_desk d;
  CHECK(error_of(d.refund(good)) == "409 no_quota");
  d.node.grant(refund_of(main_unit), 5'000);
  auto r = d.refund(good, "cash", 2);
  REQUIRE(r.status == 200);
  CHECK(text_of(r.json, "kind") == "refund");
  CHECK(text_of(r.json, "reverses") == receipt_id(writer_of(4), 9));
  CHECK(number_of(r.json, "total") == 2'500);
  CHECK(number_of(r.json.find("lines")->items.at(0), "quantity") == 2);
  CHECK(error_of(d.refund(good, "cash", 2)) == "409 already_reversed");
  auto again = d.get("/api/v1/receipts/" + text_of(r.json, "id"));
  CHECK(number_of(again.json, "total") == 2'500);
  // This store paid it out, so it is in this store's day.
  auto day = d.get("/api/v1/reports/today/all");
  CHECK(number_of(*day.json.find("refunds"), "amount") == 2'500);
  CHECK(number_of(day.json, "net_sales") == -2'500);
  CHECK(number_of(*day.json.find("cash"), "out") == 2'500);
}

TEST_CASE("codes that give nothing back", "[node][http][elsewhere]") {
  return_desk d;
  d.node.grant(refund_of(main_unit), 5'000);
  CHECK(error_of(d.refund(",\"proof\":\"TALLYR2.bad\"")) == "409 bad_signature");
  CHECK(error_of(d.refund("")) == "400 malformed");
  CHECK(error_of(d.refund(good + ",\"receipt\":\"3.0000000000000001.3\"")) == "400 malformed");
  CHECK(error_of(d.refund(",\"receipt\":\"4.0000000000000001.3\"")) == "409 not_reversible");
  CHECK(error_of(d.refund(good, "card")) == "409 unknown_card");
  d.standing = receipt_standing::other_history;
  CHECK(error_of(d.refund(good)) == "409 bad_proof");
  d.standing = receipt_standing::revoked;
  CHECK(error_of(d.refund(good)) == "409 revoked");
  d.standing = receipt_standing::cosigned;
  d.known = false;
  CHECK(error_of(d.refund(good)) == "404 not_found");
  d.known = true;
  d.sale.kind = entry_kind::top_up;
  CHECK(error_of(d.refund(good)) == "409 not_reversible");
}

TEST_CASE("gifts between members need rules that allow them", "[node][http][gift]") {
  return_desk d;
  REQUIRE(d.top_up(5'000).status == 200);
  auto give = [&](const std::string& to, const std::string& more = ",\"units\":100") {
    return d.post("/api/v1/transfers", d.body(",\"card\":\"" + card_a + "\",\"to\":\"" + to + "\"" + more));
  };
  CHECK(error_of(give(card_frozen)) == "409 card_blocked");
  CHECK(error_of(give(card_a)) == "409 not_applicable");
  CHECK(error_of(give("9704000000000000")) == "409 unknown_card");
  CHECK(error_of(give(card_b)) == "409 not_applicable");
  CHECK(error_of(give(card_b, ",\"units\":0")) == "409 bad_amount");
  CHECK(error_of(give(card_b, "")) == "400 malformed");
  CHECK(error_of(give(card_b, ",\"units\":5,\"purse\":300")) == "400 malformed");
  d.node.learn({gift_rules(2'000)});
  auto r = give(card_b, ",\"units\":700");
  REQUIRE(r.status == 200);
  CHECK(text_of(r.json, "kind") == "gift");
  CHECK(number_of(r.json, "total") == 700);
  CHECK(number_of(r.json, "here") == 4'300);
  CHECK(number_of(r.json, "to_account") == 18);
  CHECK(text_of(r.json, "to_masked") == "**** 0000");  // of its serial number
  CHECK(r.body.find("GIFT TO A MEMBER") != std::string::npos);
  CHECK(error_of(give(card_b, ",\"units\":1301")) == "409 bad_amount");
  REQUIRE(d.post("/api/v1/reversals", d.body(",\"receipt\":\"" + text_of(r.json, "id") + "\"")).status == 200);
  auto day = d.get("/api/v1/reports/today/all");
  CHECK(number_of(*day.json.find("reversed_sales"), "count") == 0);
  CHECK(number_of(day.json, "net_sales") == 0);
}

TEST_CASE("units are given and taken by hand, with a reason", "[node][http][adjust]") {
  return_desk d;
  auto adjust = [&](const std::string& units, const std::string& more = ",\"reason\":\"opening day\"") {
    return d.post("/api/v1/adjustments", d.body(",\"card\":\"" + card_a + "\",\"purse\":3,\"units\":" + units + more));
  };
  CHECK(error_of(adjust("20")) == "409 not_applicable");
  d.node.learn({hand_rules(100)});
  auto none = adjust("20");
  CHECK(error_of(none) == "409 no_quota");
  d.node.grant(quota_of(unit_of(3)), 1'000);
  auto r = adjust("60");
  REQUIRE(r.status == 200);
  CHECK(text_of(r.json, "kind") == "adjustment");
  CHECK(text_of(r.json, "reason") == "opening day");
  CHECK(number_of(r.json.find("earned")->items.at(0), "units") == 60);
  CHECK(r.body.find("UNITS BY HAND") != std::string::npos);
  CHECK(r.body.find("  reason: opening day") != std::string::npos);  // on the slip as well
  CHECK(error_of(adjust("41")) == "409 bad_amount");
  auto taken = adjust("-25");
  REQUIRE(taken.status == 200);
  CHECK(number_of(taken.json.find("given")->items.at(0), "units") == 25);
  CHECK(error_of(adjust("-36")) == "409 insufficient");
  CHECK(error_of(adjust("0")) == "409 bad_amount");
  CHECK(error_of(adjust("5", "")) == "400 malformed");
  for (const char* nothing : {"", "   ", "\u3000", "\u00a0 \u200b"})
    CHECK(error_of(adjust("5", std::string(",\"reason\":\"") + nothing + "\"")) == "400 malformed");
  CHECK(error_of(adjust("5", ",\"reason\":\"" + std::string(201, 'x') + "\"")) == "400 malformed");
  auto back = d.post("/api/v1/reversals", d.body(",\"receipt\":\"" + text_of(taken.json, "id") + "\""));
  REQUIRE(back.status == 200);
  CHECK(number_of(back.json.find("returned")->items.at(0), "units") == 25);
  auto again = d.get("/api/v1/receipts/" + text_of(r.json, "id"));
  CHECK(text_of(again.json, "reason") == "opening day");
}

TEST_CASE("a refusal names the bonus that is missing", "[node][http][adjust]") {
  return_desk d;
  d.node.learn({bonus_rules()});
  d.node.grant(quota_of(unit_of(2)), 1'000);
  auto adjust = [&](const std::string& units) {
    return d.post("/api/v1/adjustments",
                  d.body(",\"card\":\"" + card_a + "\",\"purse\":2,\"units\":" + units + ",\"reason\":\"a slip\""));
  };
  REQUIRE(adjust("500").status == 200);
  auto more = adjust("-518");
  CHECK(error_of(more) == "409 insufficient");
  CHECK(text_of(more.json, "detail") == "5.00 CNY of Pearl money can be spent here, 0.18 CNY are missing");
}

TEST_CASE("a card that is not good at this store says so", "[node][http]") {
  return_desk d;
  REQUIRE(d.top_up(5'000).status == 200);
  d.node.learn({hand_rules(100, [](card_kind_rule& k) {
    k.not_at = {3};
    k.no_top_up_at = {3};
  })});
  CHECK(error_of(d.top_up(5'000)) == "409 not_here");
  auto sale = d.post("/api/v1/sales", d.body(",\"card\":\"" + card_a +
                                             "\",\"lines\":[{\"product\":1,\"quantity\":1}],\"tenders\":[{\"kind\":"
                                             "\"card\",\"amount\":1250}]"));
  CHECK(error_of(sale) == "409 not_here");
}

TEST_CASE("a card pays for the goods of its kind, and says how much that is", "[node][http]") {
  return_desk d;
  REQUIRE(d.top_up(5'000).status == 200);
  d.node.learn({hand_rules(100, [](card_kind_rule& k) { k.not_products = {product_id{1}}; })});
  auto sell = [&](int card, int cash) {
    return d.post("/api/v1/sales",
                  d.body(",\"card\":\"" + card_a +
                         "\",\"lines\":[{\"product\":1,\"quantity\":1},{\"product\":2,\"quantity\":1}],\"tenders\":[{"
                         "\"kind\":\"card\",\"amount\":" +
                         std::to_string(card) + "},{\"kind\":\"cash\",\"amount\":" + std::to_string(cash) + "}]"));
  };
  auto quote =
      d.post("/api/v1/quotes",
             "{\"card\":\"" + card_a + "\",\"lines\":[{\"product\":1,\"quantity\":1},{\"product\":2,\"quantity\":1}]}");
  REQUIRE(quote.status == 200);
  auto due = number_of(quote.json, "due"), most = number_of(quote.json, "card_goods");
  CHECK(most == due - 1'250);
  CHECK(number_of(quote.json, "card_max") == most);
  auto no = sell(static_cast<int>(most) + 1, 1'249);
  CHECK(error_of(no) == "409 other_goods");
  CHECK(number_of(no.json, "card_goods") == most);
  CHECK(sell(static_cast<int>(most), 1'250).status == 200);
  auto programme = d.get("/api/v1/programme");
  CHECK(programme.body.find("\"not_products\":[1]") != std::string::npos);
}
