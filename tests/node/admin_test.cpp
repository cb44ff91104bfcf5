#include "devices/luhn.hpp"
#include "node/office.hpp"
#include "node/office_desk.hpp"
#include "node/rules_file.hpp"
#include "storage/entry_codec.hpp"
#include "sync/medium.hpp"
#include "sync/seeded.hpp"
#include "sync/text.hpp"

using namespace tally;
using nlohmann::json;
using test::with;

namespace {

using desk = test::office_desk;

const json limits{{"ceiling", 100}, {"daily_inflow", 200}, {"quota", 300}, {"daily_quota", 400}};
const json invite{{"name", "Store A"}, {"role", "store"}, {"parent", 1}, {"hours", 24}, {"limits", limits}};

}  // namespace

TEST_CASE("an invitation gives a token and keeps a hash", "[admin]") {
  desk d;
  auto a = d.post("invite", invite);
  REQUIRE(d.status == 200);
  CHECK(a["node"] == 2);
  auto token = parse_enrolment_token(a["token"].get<std::string>());
  REQUIRE(token);
  CHECK(token->chain == "bakery");
  CHECK(token->expiry == d.clock + 24 * 3600);
  auto record = decode_invitation(*d.node.recall(invitation_key(token->id)));
  REQUIRE(record);
  CHECK(record->hash == hash_enrolment_secret(token->id, view_of(token->secret)));
  CHECK(record->what.limits == node_limits{100, 200, 300, 400});
  CHECK(d.post("invite", invite)["node"] == 3);
  d.context.next_node = 0;  // after a restart
  CHECK(d.post("invite", invite)["node"] == 4);
}

TEST_CASE("open invitations are shown and can be taken back", "[admin]") {
  desk d;
  CHECK(d.call("GET", "invitations", "")["invitations"].empty());
  auto first = d.post("invite", invite);
  CHECK(first["name_taken"] == false);
  CHECK(d.post("invite", invite)["name_taken"] == true);
  CHECK(d.post("invite", with(invite, "name", "HQ"))["name_taken"] == true);
  node_snapshot::remote old;
  old.node = node_id{9};
  old.name = "Old town";
  d.node.shown->below.push_back(old);
  CHECK(d.post("invite", with(with(invite, "name", "Old town"), "hours", 1))["name_taken"] == true);
  auto list = d.call("GET", "invitations", "")["invitations"];
  REQUIRE(list.size() == 4);
  CHECK(list[0]["node"] == 2);
  CHECK(list[0]["name"] == "Store A");
  CHECK(list[0]["role"] == "store");
  CHECK(list[0]["parent"] == 1);
  CHECK(list[0]["expires"] == d.clock + 24 * 3600);

  CHECK(d.post("invitations/cancel", {{"node", 2}})["cancelled"] == 1);
  auto token = parse_enrolment_token(first["token"].get<std::string>());
  CHECK_FALSE(d.node.recall(invitation_key(token->id)));
  CHECK(d.call("GET", "invitations", "")["invitations"].size() == 3);
  d.post("invitations/cancel", {{"node", 2}});
  CHECK(d.status == 404);
  d.clock += 3600;  // one of an hour
  CHECK(d.call("GET", "invitations", "")["invitations"].size() == 2);
  for (const auto& bad : {json{{"node", 1}}, json{{"node", "2"}}, json::object()}) {
    d.post("invitations/cancel", bad);
    CHECK(d.status == 400);
  }
  d.node.remembers = false;
  d.post("invitations/cancel", {{"node", 3}});
  CHECK(d.status == 503);
}

TEST_CASE("an invitation that was used is not open, and a record that is damaged is none", "[admin]") {
  desk d;
  auto a = d.post("invite", invite);
  auto key = invitation_key(parse_enrolment_token(a["token"].get<std::string>())->id);
  auto record = *decode_invitation(*d.node.recall(key));
  record.used = true;
  d.node.remember(key, encode(record), [](bool) {});
  d.node.remember("enrol/rubbish", bytes("rubbish"), [](bool) {});
  CHECK(d.call("GET", "invitations", "")["invitations"].empty());
  d.post("invitations/cancel", {{"node", 2}});
  CHECK(d.status == 404);
}

TEST_CASE("wrong invitations are refused with the reason", "[admin]") {
  desk d;
  for (const auto& bad :
       {with(invite, "name", ""), with(invite, "name", std::string(61, 'x')), with(invite, "name", 3),
        with(invite, "name", "a\nb"), with(invite, "name", "a\x7f"), with(invite, "role", "hq"),
        with(invite, "parent", 0), with(invite, "hours", 0), with(invite, "hours", 721), with(invite, "limits", 3),
        with(invite, "limits", with(limits, "ceiling", -1)), with(invite, "limits", with(limits, "quota", 1e300)),
        with(invite, "doors", {"http://x"}), json::object()}) {
    INFO(bad.dump());
    auto a = d.post("invite", bad);
    CHECK(d.status == 400);
    CHECK(!a["detail"].get<std::string>().empty());
  }
  d.post("invite", with(invite, "parent", 9));
  CHECK(d.status == 404);
  d.context.doors = {"tcp://0.0.0.0:7102"};
  d.post("invite", invite);
  CHECK(d.status == 409);
  d.context.doors.clear();
  d.post("invite", invite);
  CHECK(d.status == 503);
  CHECK(d.node.notes.empty());
  d.context.doors = {"tcp://127.0.0.1:7102"};
  d.node.remembers = false;
  d.post("invite", invite);
  CHECK(d.status == 503);
}

TEST_CASE("calls that do not exist, bodies that are no objects, and nodes that are not head office", "[admin]") {
  desk d;
  d.call("GET", "invite", "");
  CHECK(d.status == 404);
  d.call("POST", "nonsense", "{}");
  CHECK(d.status == 404);
  for (const char* body : {"[]", "3", "{", "\"x\"", "\xff"}) {
    d.call("POST", "invite", body);
    CHECK(d.status == 400);
  }
  d.context.identity.role = node_role::store;
  d.post("invite", invite);
  CHECK(d.status == 403);
  d.call("GET", "status", "");
  CHECK(d.status == 200);
}

TEST_CASE("a chain never changes its currency or exponent", "[admin]") {
  desk d;
  rules_record r;
  r.version = 1;
  r.currency = "CNY";
  r.exponent = 2;
  r.taxes = {{"A", 1300}};
  auto first = r;
  r.version = 2;
  auto publication = [&] {
    return json{{"version", 2},
                {"publication", "x"},
                {"rules", to_base64(encode_rules(r))},
                {"products", json::array()},
                {"last", true}};
  };
  catalogue published;
  published.add(first);
  d.node.shown->rules = std::make_shared<catalogue>(std::move(published));
  r.currency = "JPY";
  d.post("publish", publication());
  CHECK(d.status == 409);
  CHECK(d.answer["error"] == "bad_rules");
  CHECK(d.answer["detail"].get<std::string>().find("CNY with 2 decimals") != std::string::npos);
  r.currency = "CNY";
  r.exponent = 0;
  d.post("publish", publication());
  CHECK(d.status == 409);
  CHECK(d.node.written.empty());
  r.exponent = 2;
  d.post("publish", publication());
  CHECK(d.status == 200);
  CHECK(d.node.written.size() == 1);
}

TEST_CASE("a publication is the next version, checked, rules last", "[admin]") {
  desk d;
  rules_record r;
  r.version = 1;
  r.taxes = {{"A", 1300}};
  product p;
  p.id.value = 1;
  p.version = 1;
  p.names[0] = "Bread";
  json good{{"version", 1},
            {"publication", "x"},
            {"rules", to_base64(encode_rules(r))},
            {"products", {to_base64(encode_product(p))}},
            {"last", false}};
  d.post("publish", good);
  CHECK(d.status == 200);
  REQUIRE(d.node.written.size() == 1);
  d.post("publish", with(good, "publication", "y"));
  CHECK(d.status == 429);
  d.clock += 61;  // the other one has given up
  d.post("publish", with(with(good, "publication", "y"), "last", true));
  CHECK(d.status == 200);
  REQUIRE(d.node.written.size() == 3);
  CHECK(d.node.written[2].topic == publish_topic::rules);

  d.post("publish", with(good, "version", 2));
  CHECK(d.status == 400);  // the records say 1
  r.version = 3;
  p.version = 3;
  auto later = with(with(good, "rules", to_base64(encode_rules(r))), "products", {to_base64(encode_product(p))});
  d.post("publish", with(later, "version", 3));
  CHECK(d.status == 409);
  p.tax = 7;
  p.version = 1;
  d.post("publish", with(good, "products", {to_base64(encode_product(p))}));
  CHECK(d.status == 409);
  for (const auto& bad : {with(good, "rules", "!"), with(good, "products", 3), with(good, "products", {"AAAA"}),
                          with(good, "publication", std::string(41, 'x'))}) {
    d.post("publish", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.written.size() == 3);
}

TEST_CASE("rules that name stores which there are not are not published", "[admin]") {
  desk d;
  memory_state st;
  put_node(st, {3}, {node_role::store, {{7}}, {node_id{1}}});
  put_node(st, {2}, {node_role::region, {{6}}, {node_id{1}}});
  d.node.put_cells(st);
  rules_record r;
  r.version = 1;
  r.taxes = {{"A", 1300}};
  card_kind_rule kind{4, {"Card"}, {}, true, 0};
  auto publish = [&](std::vector<std::uint32_t> only, std::vector<std::uint32_t> not_loaded) {
    kind.only_at = std::move(only);
    kind.no_top_up_at = std::move(not_loaded);
    r.programme.card_kinds = {kind};
    d.post("publish", {{"version", 1},
                       {"publication", "x"},
                       {"rules", to_base64(encode_rules(r))},
                       {"products", json::array()},
                       {"last", true}});
    return d.answer.contains("detail") ? d.answer["detail"].get<std::string>() : std::string();
  };
  CHECK(publish({3, 9}, {}).find("card_kind 4: only_at names 9") == 0);
  CHECK(d.status == 409);
  CHECK(publish({2}, {}).find("only_at names 2") != std::string::npos);  // a region
  CHECK(publish({}, {7}).find("no_top_up_at names 7") != std::string::npos);
  CHECK(d.node.written.empty());
  CHECK(publish({3}, {3}) == "");
  CHECK(d.node.written.size() == 1);
}

TEST_CASE("rules that name owners which no store has are not published", "[admin]") {
  desk d;
  test::seeded_entropy random{9};
  ed25519_signer keys(make_signing_key(random));
  memory_state st;
  put_node(st, {3}, {node_role::store, {{7}}, {node_id{1}}});
  put_node(st, {4}, {node_role::store, {{8}}, {node_id{1}}});
  d.node.put_cells(st);
  for (std::uint32_t id : {3U, 4U}) {
    certificate c;
    c.chain = "bakery";
    c.node = {id};
    c.name = "Shop";
    c.role = node_role::store;
    c.parents = {head_office};
    c.owner = id - 1;
    c.signing = keys.key();
    random.fill(c.curve);
    c.epoch = {{static_cast<std::uint8_t>(4 + id)}};
    c.serial = 1;
    c.not_after = INT64_MAX;
    d.node.put_certificate(sign_certificate(c, head_office, keys));
    node_snapshot::remote r;
    r.node = {id};
    r.role = node_role::store;
    d.node.shown->below.push_back(r);
  }
  rules_record r;
  r.version = 1;
  r.taxes = {{"A", 1300}};
  auto publish = [&](auto change) {
    card_kind_rule kind{4, {"Card"}, {}, true, 0};
    change(kind);
    r.programme.card_kinds = {kind};
    d.post("publish", {{"version", 1},
                       {"publication", "x"},
                       {"rules", to_base64(encode_rules(r))},
                       {"products", json::array()},
                       {"last", true}});
    return d.answer.contains("detail") ? d.answer["detail"].get<std::string>() : std::string();
  };
  CHECK(publish([](card_kind_rule& k) { k.only_owners = {2, 9}; }).find("card_kind 4: only_owners names 9") == 0);
  CHECK(d.status == 409);
  CHECK(publish([](card_kind_rule& k) { k.not_owners = {1}; }).find("card_kind 4: not_owners names 1") == 0);
  CHECK(publish([](card_kind_rule& k) {
          k.only_owners = {2};
          k.only_at = {4};
        }).find("card_kind 4: only_at names 4, a store of owner 3") == 0);
  CHECK(d.node.written.empty());
  CHECK(publish([](card_kind_rule& k) {
          k.only_owners = {2};
          k.only_at = {3};
        }) == "");
  CHECK(d.node.written.size() == 1);
}

TEST_CASE("the digest of a card number, for ever", "[admin]") {
  // hashlib.blake2b(b"tallystick medium v1\nbakery\n9704000000000017", digest_size=16)
  CHECK(to_hex(medium_of("bakery", "9704000000000017")) == "e91d8d8ce037d60ad3b91f14f75034e7");
  CHECK(medium_of("brewery", "9704000000000017") != medium_of("bakery", "9704000000000017"));
}

TEST_CASE("a list of chips: one UID a line, in any usual spelling", "[admin]") {
  auto list = parse_uids("# stock\n04:a1:b2:c3:d4:e5:80\r\n\n04 A1 B2 C3  # a small one\n04A1B2C3D4E580112233");
  REQUIRE(list);
  CHECK(*list == std::vector<std::string>{"uid:04A1B2C3D4E580", "uid:04A1B2C3", "uid:04A1B2C3D4E580112233"});
  for (const char* bad :
       {"", "# none", "04A1B2", "04A1B2C3D", "04A1B2C3\n04:a1:b2:c3", "083F2177", "hello", "04A1B2C3D4E58011223344"}) {
    INFO(bad);
    CHECK(parse_uids(bad).code() == errc::malformed);
  }
  CHECK(parse_uids("04A1B2C3\n\nxyz").error().detail.starts_with("line 3"));
  // Seven octets that begin with 08 are a card's own.
  CHECK(parse_uids("08A1B2C3D4E580").ok());
}

TEST_CASE("card numbers", "[admin]") {
  CHECK(*card_number("9704", 17, 42) == "970400000170042" + std::string(1, *luhn_digit("970400000170042")));
  CHECK(luhn_valid(*card_number("9704", 9'999'999, 9'999)));
  CHECK_FALSE(card_number("9704", 10'000'000, 0));
  CHECK(card_number("97040000", 999, 0)->size() == 16);
  CHECK_FALSE(card_number("97040000", 1'000, 0));
  CHECK_FALSE(card_number("", 1, 0));
  CHECK_FALSE(card_number("970400001", 1, 0));
  CHECK_FALSE(card_number("97o4", 1, 0));
  CHECK_FALSE(card_number("9704", 1, 10'000));
}

TEST_CASE("an open case is shown, and a ruling about it becomes a fact of head office", "[admin]") {
  desk d;
  CHECK(d.call("GET", "cases", "") == json{{"open", 0}, {"cases", json::array()}});
  const writer_id store{{3}, {{0x9f, 1, 2, 3, 4, 5, 6, 7}}};
  auto list = std::make_shared<node_snapshot::case_list>();
  list->first.push_back({store, 117, errc::insufficient});
  list->open = 5;
  d.node.shown->cases = list;
  auto shown = d.call("GET", "cases", "");
  CHECK(d.status == 200);
  CHECK(shown["open"] == 5);
  REQUIRE(shown["cases"].size() == 1);
  CHECK(shown["cases"][0]["id"] == "3.9f01020304050607.117");
  CHECK(shown["cases"][0]["why"] == "insufficient");
  CHECK(shown["cases"][0]["kind"] == "unknown");  // its journal is not in this store
  CHECK_FALSE(shown["cases"][0].contains("value"));
  // Uses of one voucher's code: the first has them, the others say which it is.
  const std::pair<writer_id, sequence> first{store, 117}, other{store, 118};
  auto uses = std::make_shared<node_snapshot::case_list>();
  uses->first = {{store, 117, errc::voucher_used, first, {first, other}, 40},
                 {store, 118, errc::voucher_used, first, {}, 0}};
  uses->open = 40;
  d.node.shown->cases = uses;
  shown = d.call("GET", "cases", "");
  CHECK(shown["cases"][0]["uses"].size() == 2);
  CHECK(shown["cases"][0]["more_uses"] == 38);
  CHECK_FALSE(shown["cases"][0].contains("same_as"));
  CHECK_FALSE(shown["cases"][1].contains("uses"));
  CHECK(shown["cases"][1]["same_as"] == "3.9f01020304050607.117");

  const json ruling{{"case", "3.9f01020304050607.117"}, {"outcome", "owed"}, {"note", "till stolen"}};
  for (const auto& bad :
       {with(ruling, "case", "3.9f01020304050607.0117"), with(ruling, "case", 3), with(ruling, "outcome", "unknown"),
        with(ruling, "outcome", ""), with(ruling, "note", "a\nb"), with(ruling, "note", std::string(201, 'x'))}) {
    d.post("rule", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.written.empty());
  d.post("rule", ruling);
  CHECK(d.status == 200);
  REQUIRE(d.node.written.size() == 1);
  const auto& e = d.node.written.front();
  CHECK(e.kind == entry_kind::ruling);
  CHECK(e.subject == store);
  CHECK(e.cites == 117);
  CHECK(e.outcome == ruling_outcome::owed);
  CHECK(e.blob == "till stolen");
  CHECK(e.values.empty());
  CHECK(e.released.empty());
  // What is owed, and what a holder is to write off.
  auto more = with(with(with(ruling, "owes", 1250), "take", 800), "take_node", 4);
  d.node.written.clear();
  for (const auto& bad :
       {with(more, "owes", -1), with(more, "owes", "1250"), with(more, "take", 0), with(more, "take_node", 0),
        with(more, "take_purse", 256), with(more, "take_account", 0), with(more, "outcome", "stands")}) {
    d.post("rule", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.written.empty());
  d.post("rule", with(with(more, "take_purse", 3), "take_account", 17));
  CHECK(d.status == 200);
  REQUIRE(d.node.written.size() == 1);
  const auto& whole = d.node.written.front();
  CHECK(whole.values == std::vector<value_item>{{purse_paid, main_unit, 0, 1250}});
  CHECK(whole.peer == writer_id{node_id{4}, {}});
  CHECK(whole.account == account_id{17});
  CHECK(whole.released == std::vector<value_item>{{3, unit_of(3), 0, 800}});
  CHECK(whole.debtor == node_id{});
  d.context.identity.role = node_role::region;
  d.post("rule", ruling);
  CHECK(d.status == 403);
  d.call("GET", "cases", "");
  CHECK(d.status == 200);
}

TEST_CASE("what was priced otherwise is acknowledged with a reason", "[admin]") {
  desk d;
  const writer_id store{{3}, {{0x9f, 1, 2, 3, 4, 5, 6, 7}}};
  const json said{{"case", "3.9f01020304050607.117"}, {"reason", "the price list came late"}};
  for (const auto& bad : {with(said, "case", "3.9f01020304050607.0117"), with(said, "case", 3),
                          with(said, "reason", std::string(201, 'x')), with(said, "reason", 7),
                          with(said, "reason", ""), with(said, "reason", " \xe3\x80\x80")}) {
    d.post("cases/acknowledge", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.acknowledged.empty());
  CHECK(d.post("cases/acknowledge", said)["acknowledged"] == said["case"]);
  CHECK(d.status == 200);
  REQUIRE(d.node.acknowledged.size() == 1);
  CHECK(d.node.acknowledged.front() == std::tuple(store, sequence{117}, said["reason"].get<std::string>(), d.clock));
  d.node.writes = false;
  d.post("cases/acknowledge", said);
  CHECK(d.status == 404);
  d.context.identity.role = node_role::region;
  d.post("cases/acknowledge", said);
  CHECK(d.status == 403);
}
