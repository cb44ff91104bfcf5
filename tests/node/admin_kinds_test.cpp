// Kinds of cards, what a run of new cards says of itself before any is made, and cards that lead nowhere any more.
#include "ledger/cards.hpp"
#include "node/office_desk.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

using namespace tally;
using nlohmann::json;
using test::with;

namespace {

struct kinds_desk : test::office_desk {
  kinds_desk() {
    node.shown->business_date = 2'500;
    memory_state st;
    put_node(st, {3}, {node_role::store, {{1}}, {node_id{1}}});
    node.put_cells(st);
  }
  static rules_record rules_of(std::vector<std::pair<std::uint32_t, std::string>> kinds, std::uint64_t version = 1) {
    rules_record r;
    r.version = version;
    r.currency = "EUR";
    r.taxes = {{"A", 0}};
    for (auto& [id, name] : kinds)
      r.programme.card_kinds.push_back({id, {name}, {}, true, 0});
    return r;
  }
  void put_in_force(rules_record r) {
    auto rules = std::make_shared<catalogue>();
    rules->add(std::move(r));
    node.shown->rules = rules;
  }
  json publish(const rules_record& r) {
    return post("publish", {{"publication", "a"},
                            {"version", r.version},
                            {"rules", to_base64(encode_rules(r))},
                            {"products", json::array()},
                            {"last", true}});
  }
  /// Makes a card and takes it in as the directory says it.
  void card(std::uint64_t account, std::uint32_t kind, const std::string& number) {
    if (account >= context.next_account) post("cards/reserve", {{"count", account}});
    post("cards/map", {{"first", account}, {"kind", kind}, {"media", {to_hex(medium_of("bakery", number))}}});
    REQUIRE(status == 200);
    node.learn(node.written.back());
  }
};

}  // namespace

TEST_CASE("cards are of a kind that the rules have", "[admin]") {
  kinds_desk d;
  d.put_in_force(kinds_desk::rules_of({{1, "Member"}, {2, "Gift"}}));
  d.post("cards/reserve", {{"count", 3}});
  json map{{"first", 1}, {"kind", 9}, {"media", {to_hex(medium_of("bakery", "1"))}}};
  d.post("cards/map", map);
  CHECK(d.status == 404);
  CHECK(d.answer["detail"].get<std::string>().find("1 (Member), 2 (Gift)") != std::string::npos);
  CHECK(d.node.written.empty());
  d.card(1, 2, "9704000000000017");
  const json one{{"medium", to_hex(medium_of("bakery", "9704000000000017"))}};
  d.post("card/state", with(one, "kind", 9));
  CHECK(d.status == 404);
  d.post("card/state", with(one, "kind", 1));
  CHECK(d.status == 200);
  // Without any kind in the rules there is the one that needs none.
  d.put_in_force(kinds_desk::rules_of({}));
  d.post("cards/map", with(map, "kind", 2));
  CHECK(d.status == 404);
}

TEST_CASE("everything that is said of a run of cards is looked at before any is made", "[admin]") {
  kinds_desk d;
  d.put_in_force(kinds_desk::rules_of({{1, "Member"}, {2, "Gift"}}));
  const json order{{"kind", 2}, {"node", 3}, {"name", "spring"}};
  d.post("cards/may-issue", order);
  CHECK(d.status == 200);
  CHECK(d.answer["kind_name"] == "Gift");
  CHECK(d.answer["kinds"] == 2);
  d.post("cards/may-issue", with(order, "kind", 9));
  CHECK(d.status == 404);
  d.post("cards/may-issue", with(order, "node", 7));
  CHECK(d.answer["detail"] == "node 7 is no store of this chain");
  d.post("cards/may-issue", with(order, "name", "a\nb"));
  CHECK(d.status == 400);
  d.post("cards/may-issue", with(order, "expires", 2'499));
  CHECK(d.answer["error"] == "bad_amount");
  d.post("cards/may-issue", with(order, "expires", 2'500));
  CHECK(d.status == 200);
  d.post("cards/reserve", {{"count", 10}});
  d.post("cards/allot", {{"first", 1}, {"count", 10}, {"kind", 2}, {"name", "spring"}, {"node", 0}});
  d.node.learn(d.node.written.back());
  const auto before = d.node.written.size();
  d.post("cards/may-issue", order);
  CHECK(d.answer["error"] == "key_reused");
  d.post("cards/may-issue", with(order, "name", ""));
  CHECK(d.status == 200);
  CHECK(d.node.written.size() == before);
}

TEST_CASE("which kind of card is said by number or name, and left out where there is one alone", "[admin]") {
  kinds_desk d;
  auto may_issue = [&](const json& kind) {
    json order{{"node", 0}, {"name", ""}};
    if (!kind.is_null()) order["kind"] = kind;
    d.post("cards/may-issue", order);
    return d.status == 200 ? d.answer["kind"].get<int>() : 0;
  };
  auto detail = [&] { return d.answer["detail"].get<std::string>(); };
  CHECK(may_issue(nullptr) == 1);  // without any rules
  auto rules = kinds_desk::rules_of({{4, "Gift"}});
  d.put_in_force(rules);
  CHECK(may_issue(nullptr) == 4);
  rules = kinds_desk::rules_of({{1, "Member"}, {4, "Gift"}, {5, "Staff"}, {6, "staff"}});
  rules.programme.card_kinds[1].names[1] = "礼品卡";
  d.put_in_force(rules);
  CHECK(may_issue(nullptr) == 0);
  CHECK(d.status == 400);
  CHECK(detail() ==
        "which kind of card is not said, and the rules have several: 1 (Member), 4 (Gift), 5 (Staff), "
        "6 (staff); name one of them, by its number or its name");
  CHECK(may_issue(4) == 4);
  CHECK(may_issue("gIFT") == 4);
  CHECK(may_issue("礼品卡") == 4);
  CHECK(may_issue("Gif") == 0);
  CHECK(d.status == 404);
  CHECK(detail() == "no kind of card is called \"Gif\"; there are 1 (Member), 4 (Gift), 5 (Staff), 6 (staff)");
  CHECK(may_issue("Staff") == 0);
  CHECK(d.answer["error"] == "not_applicable");
  CHECK(may_issue("") == 0);
  for (const auto& bad : {json(0), json(101), json(1.5), json(true), json(std::string(61, 'a')), json::array()}) {
    CHECK(may_issue(bad) == 0);
    CHECK(d.status == 400);
  }
  // Cards are made before a kind begins, and none of a kind that ends then.
  auto next = kinds_desk::rules_of({{1, "Member"}, {7, "Summer"}}, 2);
  next.effective_from = 2'600;
  auto both = std::make_shared<catalogue>();
  both->add(kinds_desk::rules_of({{1, "Member"}, {4, "Gift"}}));
  both->add(next);
  d.node.shown->rules = both;
  CHECK(may_issue("summer") == 7);
  CHECK(may_issue(4) == 0);
}

TEST_CASE("a last date that is past is refused", "[admin]") {
  kinds_desk d;
  d.post("cards/reserve", {{"count", 3}});
  json map{{"first", 2}, {"kind", 1}, {"media", {to_hex(medium_of("bakery", "1"))}}, {"expires", 2'499}};
  d.post("cards/map", map);
  CHECK(d.answer["error"] == "bad_amount");
  d.card(1, 1, "9704000000000017");
  const json one{{"medium", to_hex(medium_of("bakery", "9704000000000017"))}};
  d.post("card/state", with(one, "expires", 2'499));
  CHECK(d.answer["error"] == "bad_amount");
  for (auto good : {2'500, 0}) {
    d.post("card/state", with(one, "expires", good));
    CHECK(d.status == 200);
  }
}

TEST_CASE("a kind that cards have stays in the rules", "[admin]") {
  kinds_desk d;
  d.put_in_force(kinds_desk::rules_of({{1, "Member"}, {2, "Gift"}, {3, "Staff"}}));
  d.card(1, 2, "9704000000000017");
  d.card(2, 3, "9704000000000025");
  d.publish(kinds_desk::rules_of({{1, "Member"}, {3, "Staff"}}, 2));
  CHECK(d.answer["error"] == "bad_rules");
  auto text = d.answer["detail"].get<std::string>();
  CHECK(text.starts_with("card_kind 2 (Gift) is not in the file, and 1 card is of it"));
  // The last such card is over: nobody misses the kind.
  d.post("card/state", {{"medium", to_hex(medium_of("bakery", "9704000000000017"))}, {"state", "cancelled"}});
  d.node.learn(d.node.written.back());
  d.publish(kinds_desk::rules_of({{1, "Member"}, {3, "Staff"}}, 2));
  CHECK(d.status == 200);
  // No card ever was of this one.
  d.publish(kinds_desk::rules_of({{2, "Gift"}, {3, "Staff"}}, 2));
  CHECK(d.status == 200);
}

TEST_CASE("a member is given no card whose number is over for good", "[admin][member]") {
  kinds_desk d;
  d.card(1, 1, "9704000000000017");
  const json form{{"name", "Ann Lee"}, {"add_cards", {to_hex(medium_of("bakery", "9704000000000017"))}}};
  d.post("member/add", form);
  REQUIRE(d.status == 200);
  CHECK(d.members.added.back().cards == std::vector<account_id>{{1}});
  d.post("cards/reserve", {{"count", 2}});
  auto before = d.node.written.size();
  d.post("card/replace", {{"medium", to_hex(medium_of("bakery", "9704000000000017"))},
                          {"replacement", to_hex(medium_of("bakery", "9704000000000025"))},
                          {"dead", 2}});
  REQUIRE(d.status == 200);
  for (; before < d.node.written.size(); ++before)
    d.node.learn(d.node.written[before]);
  d.post("member/add", form);
  CHECK(d.answer["error"] == "not_allowed");
  CHECK(d.answer["detail"].get<std::string>().find("by its new number") != std::string::npos);
  CHECK(d.members.added.size() == 1);
  d.post("member/add", with(form, "add_cards", {to_hex(medium_of("bakery", "9704000000000025"))}));
  CHECK(d.status == 200);
  CHECK(d.members.added.back().cards == std::vector<account_id>{{1}});
}

TEST_CASE("an old number leads an operator to the account that its card has", "[admin]") {
  kinds_desk d;
  const auto old = to_hex(medium_of("bakery", "9704000000000017")),
             fresh = to_hex(medium_of("bakery", "9704000000000025"));
  d.post("cards/reserve", {{"count", 2}});
  d.post("cards/map", {{"first", 1}, {"kind", 3}, {"media", {old}}});
  d.node.learn(d.node.written.front());
  CHECK_FALSE(d.post("card", {{"medium", old}}).contains("replaced"));
  d.post("card/replace", {{"medium", old}, {"replacement", fresh}, {"dead", 2}});
  REQUIRE(d.status == 200);
  for (std::size_t i = 1; i < d.node.written.size(); ++i)
    d.node.learn(d.node.written[i]);
  auto shown = d.post("card", {{"medium", old}});
  CHECK(shown["replaced"] == true);
  CHECK_FALSE(shown.contains("account_now"));  // its directory is not here
  d.node.keep_journal({head_office, {{1, 2, 3, 4, 5, 6, 7, 8}}}, d.node.written);
  shown = d.post("card", {{"medium", old}});
  CHECK(shown["state"] == "cancelled");
  CHECK(shown["account_now"] == 1);
  // By its account, where nobody has the new number; what leads nowhere is changed by no name.
  CHECK(d.post("card", {{"account", 1}})["state"] == "active");
  CHECK_FALSE(d.answer.contains("replaced"));
  CHECK(d.post("card/state", {{"account", 1}, {"state", "frozen"}})["state"] == "frozen");
  CHECK(d.node.written.back().account == account_id{1});
  d.post("card/state", {{"medium", old}, {"state", "frozen"}});
  CHECK(d.status == 403);
  CHECK(d.answer["detail"].get<std::string>().starts_with("this number does not count any more"));
  d.post("card", {{"account", 77}});
  CHECK(d.status == 409);
  CHECK(d.answer["error"] == "unknown_card");
  d.post("card", {{"account", 0}});
  CHECK(d.status == 400);
  // A card that was cancelled is none that was replaced.
  d.node.learn(d.node.written.back());
  d.post("card/state", {{"account", 1}, {"state", "cancelled"}});
  d.node.learn(d.node.written.back());
  CHECK_FALSE(d.post("card", {{"medium", fresh}}).contains("replaced"));
}
