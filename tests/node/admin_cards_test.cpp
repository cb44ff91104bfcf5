#include "ledger/cards.hpp"
#include "ledger/fold.hpp"
#include "node/office_desk.hpp"
#include "storage/kv_state.hpp"
#include "sync/card_qr.hpp"
#include "sync/medium.hpp"
#include "sync/text.hpp"

using namespace tally;
using nlohmann::json;
using test::with;

namespace {

using desk = test::office_desk;

}  // namespace

TEST_CASE("cards are mapped once, within what was reserved", "[admin]") {
  desk d;
  CHECK(d.post("cards/reserve", {{"count", 3}})["first"] == 1);
  CHECK(d.post("cards/reserve", {{"count", 2}})["first"] == 4);
  d.context.next_account = 0;  // after a restart
  CHECK(d.post("cards/reserve", {{"count", 1}})["first"] == 6);
  for (const auto& bad : {json{{"count", 0}}, json{{"count", 1'000'001}}, json{{"count", "3"}}, json::object()}) {
    d.post("cards/reserve", bad);
    CHECK(d.status == 400);
  }
  auto medium = to_hex(medium_of("bakery", "9704000000000017"));
  json map{{"first", 1}, {"kind", 1}, {"media", {medium}}};
  CHECK(d.post("cards/map", map)["written"] == 1);
  REQUIRE(d.node.written.size() == 1);
  CHECK(d.node.written[0].account == account_id{1});
  CHECK(d.node.written[0].medium == medium_of("bakery", "9704000000000017"));
  CHECK(d.node.written[0].status == card_status::active);
  d.post("cards/map", with(map, "first", 7));
  CHECK(d.status == 403);
  for (const auto& bad : {with(map, "media", json::array()), with(map, "media", {"00"}), with(map, "media", {3}),
                          with(map, "media", json(std::vector<std::string>(501, medium))), with(map, "kind", 0),
                          with(map, "first", -1)}) {
    d.post("cards/map", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.written.size() == 1);
}

TEST_CASE("a card that is replaced: the old number is cancelled, the new one has the account", "[admin]") {
  desk d;
  auto old = medium_of("bakery", "9704000000000017"), fresh = medium_of("bakery", "9704000000000025");
  memory_state st;
  auto put = [&](const entry& e) { apply_directory(e, st); };
  d.post("cards/reserve", {{"count", 2}});
  d.post("cards/map", {{"first", 1}, {"kind", 3}, {"media", {to_hex(old)}}});
  put(d.node.written.front());
  d.node.learn(d.node.written.front());
  const json call{{"medium", to_hex(old)}, {"replacement", to_hex(fresh)}, {"dead", 2}};
  for (const auto& bad : {with(call, "medium", "00"), with(call, "replacement", "zz"), with(call, "dead", 0)}) {
    d.post("card/replace", bad);
    CHECK(d.status == 400);
  }
  d.post("card/replace", with(call, "dead", 3));
  CHECK(d.status == 403);
  d.post("card/replace", with(call, "replacement", to_hex(old)));
  CHECK(d.status == 409);
  d.post("card/replace", with(call, "medium", to_hex(fresh)));
  CHECK(d.status == 409);
  // Whether it can be is said before a number is drawn.
  const json check{{"medium", to_hex(old)}, {"check", true}};
  CHECK(d.post("card/replace", check)["account"] == 1);
  d.post("card/replace", with(check, "check", "yes"));
  CHECK(d.status == 400);
  CHECK(d.node.written.size() == 1);
  CHECK(d.post("card/replace", call)["account"] == 1);
  REQUIRE(d.node.written.size() == 4);
  for (std::size_t i = 1; i < 4; ++i)
    put(d.node.written[i]);
  // The code that is printed on the old one leads nowhere either.
  CHECK(account_of(st, code_medium("bakery", {1}, 0)) == account_id{2});
  CHECK(card_of(st, *account_of(st, old))->status == card_status::cancelled);
  CHECK(account_of(st, fresh) == account_id{1});
  CHECK(card_of(st, {1})->status == card_status::active);
  CHECK(card_of(st, {1})->kind == 3);
  CHECK(card_of(st, {1})->version == 1);
}

TEST_CASE("further codes lead to a card, until they are ended or its number is", "[admin]") {
  desk d;
  const std::string chain = "bakery", number = "9704000000000017";
  const json card{{"medium", to_hex(medium_of(chain, number))}};
  d.post("cards/reserve", {{"count", 4}});
  d.post("cards/map", {{"first", 1}, {"kind", 3}, {"media", {card["medium"]}}});
  auto learn = [&, seen = std::size_t{0}]() mutable {
    for (; seen < d.node.written.size(); ++seen)
      d.node.learn(d.node.written[seen]);
  };
  auto leads_to = [&](std::uint32_t serial) {
    auto a = account_of(durable_state(d.node.store()), code_medium(chain, {1}, serial));
    return a ? a->value : 0;
  };
  learn();
  CHECK(d.post("card/code", card)["serial"] == 1);
  learn();
  CHECK(d.post("card/code", card)["serial"] == 2);
  learn();
  CHECK(leads_to(1) == 1);
  CHECK(leads_to(2) == 1);
  d.post("card/codes/void", with(card, "dead", 9));
  CHECK(d.status == 403);
  CHECK(d.post("card/codes/void", with(card, "dead", 2))["voided"] == 2);
  learn();
  CHECK(leads_to(1) == 2);
  CHECK(leads_to(0) == 0);  // the one that is printed on it counts on
  CHECK(card_of(durable_state(d.node.store()), {2})->status == card_status::cancelled);
  // A new one is another one; with the number all of them end.
  CHECK(d.post("card/code", card)["serial"] == 3);
  learn();
  d.post("card/replace", with(with(card, "replacement", to_hex(medium_of(chain, "9704000000000025"))), "dead", 3));
  learn();
  CHECK(leads_to(0) == 3);
  CHECK(leads_to(3) == 3);
  CHECK(leads_to(1) == 2);  // it had ended before
  d.post("card/code", card);
  CHECK(d.status == 403);  // the old number is nobody's
  const json fresh{{"medium", to_hex(medium_of(chain, "9704000000000025"))}};
  CHECK(d.post("card/code", fresh)["serial"] == 4);
  learn();
  // At most so many at a time; when they have ended there are others.
  for (int i = 0; i < 31; ++i) {
    d.post("card/code", fresh);
    learn();
  }
  CHECK(d.status == 200);
  d.post("card/code", fresh);
  learn();
  d.post("card/code", fresh);
  CHECK(d.answer["error"] == "full");
  d.post("card/codes/void", with(fresh, "dead", 4));
  learn();
  CHECK(d.post("card/code", fresh)["serial"] == 37);
}

TEST_CASE("a card's state, date and kind are changed; what is final stays", "[admin]") {
  desk d;
  auto medium = to_hex(medium_of("bakery", "9704000000000017"));
  d.post("cards/reserve", {{"count", 1}});
  d.post("cards/map", {{"first", 1}, {"kind", 1}, {"media", {medium}}, {"state", "stock"}});
  CHECK(d.node.written.back().status == card_status::stock);
  d.node.learn(d.node.written.back());
  const json call{{"medium", medium}};
  for (const auto& bad : {with(call, "state", "lively"), with(call, "expires", -1), with(call, "expires", "never"),
                          with(call, "kind", 0), with(call, "state", 3)}) {
    d.post("card/state", bad);
    CHECK(d.status == 400);
  }
  for (const auto& bad : {json("frozen"), json(7)}) {
    d.post("cards/map", {{"first", 1}, {"kind", 1}, {"media", {medium}}, {"state", bad}});
    CHECK(d.status == 400);
  }
  auto out = d.post("card/state", with(with(with(call, "state", "active"), "expires", 2'600), "kind", 2));
  CHECK(out["state"] == "active");
  CHECK(d.node.written.back().expires == 2'600);
  CHECK(d.node.written.back().card_kind == 2);
  CHECK(d.node.written.back().account_version == 1);
  d.node.learn(d.node.written.back());
  auto before = d.node.written.size();
  CHECK(d.post("card/state", with(call, "state", "active"))["version"] == 1);  // nothing new is nothing written
  CHECK(d.node.written.size() == before);
  d.post("card/state", with(call, "state", "stock"));
  CHECK(d.status == 403);
  d.post("card/state", with(call, "state", "returned"));
  CHECK(d.node.written.back().expires == 2'600);
  d.node.learn(d.node.written.back());
  d.post("card/state", with(call, "state", "active"));
  CHECK(d.status == 403);
}

TEST_CASE("a run of cards lies at one store, which keeps it while it lives", "[admin]") {
  desk d;
  auto put_store = [&](std::uint32_t node, std::uint8_t epoch) {
    memory_state st;
    put_node(st, {node}, {node_role::store, {{epoch}}, {node_id{1}}});
    d.node.put_cells(st);
  };
  put_store(3, 1);
  put_store(4, 1);
  d.post("cards/reserve", {{"count", 100}});
  const json run{{"first", 1}, {"count", 50}, {"kind", 1}, {"name", "spring"}, {"node", 0}};
  for (const auto& bad : {with(run, "count", 0), with(run, "first", 0), with(run, "name", ""),
                          with(run, "name", std::string(61, 'x')), with(run, "kind", 101), with(run, "node", "3")}) {
    d.post("cards/allot", bad);
    CHECK(d.status == 400);
  }
  d.post("cards/allot", with(run, "count", 101));
  CHECK(d.status == 403);  // not reserved
  d.post("cards/allot", with(run, "node", 9));
  CHECK(d.status == 404);
  d.post("cards/allot", run);
  CHECK(d.status == 200);
  d.node.learn(d.node.written.back());
  d.post("cards/allot", with(with(run, "node", 3), "count", 20));
  CHECK(d.status == 200);
  CHECK(d.node.written.back().subject.node == node_id{3});
  d.node.learn(d.node.written.back());
  // Not a second time, and not in part, to nobody else.
  for (const auto& other :
       {with(with(run, "node", 4), "count", 20), with(run, "node", 4), with(with(run, "node", 4), "first", 20)}) {
    d.post("cards/allot", other);
    CHECK(d.status == 403);
  }
  d.post("cards/allot", with(with(with(run, "node", 4), "first", 21), "count", 30));
  CHECK(d.status == 200);
  d.node.learn(d.node.written.back());
  CHECK(d.call("GET", "cards/batches", "")["batches"].size() == 2);
  // Called back, it stays there until the store has answered.
  d.post("cards/recall", {{"first", 2}});
  CHECK(d.status == 404);
  d.post("cards/recall", {{"first", 0}});
  CHECK(d.status == 400);
  auto written = d.node.written.size();
  CHECK(d.post("cards/recall", {{"first", 1}}) == json{{"first", 1}, {"count", 20}, {"node", 3}, {"left", 0}});
  REQUIRE(d.node.written.size() == written + 1);
  CHECK(d.node.written.back().kind == entry_kind::recall);
  CHECK(d.node.written.back().subject.node == node_id{3});
  d.node.learn(d.node.written.back());
  d.post("cards/recall", {{"first", 1}});
  CHECK(d.status == 200);
  CHECK(d.node.written.size() == written + 1);  // said once
  auto listed = d.call("GET", "cards/batches", "")["batches"];
  CHECK(listed[0]["called_back"] == true);
  CHECK(listed[1]["called_back"] == false);
  d.post("cards/allot", with(with(run, "node", 4), "count", 20));
  CHECK(d.status == 403);
  // The store answered, so head office writes that it lies nowhere.
  entry free;
  free.kind = entry_kind::allot;
  free.account = {1};
  free.size = 20;
  free.card_kind = 1;
  free.blob = "spring";
  d.node.learn(free);
  d.post("cards/recall", {{"first", 1}});
  CHECK(d.status == 403);
  d.post("cards/allot", with(with(run, "node", 3), "count", 20));
  CHECK(d.status == 200);
  d.node.learn(d.node.written.back());
  CHECK(d.call("GET", "cards/batches", "")["batches"][0]["called_back"] == false);
}

TEST_CASE("a part from the middle of an order leaves two orders", "[admin]") {
  desk d;
  memory_state st;
  put_node(st, {3}, {node_role::store, {{1}}, {node_id{1}}});
  d.node.put_cells(st);
  d.post("cards/reserve", {{"count", 100}});
  const json run{{"first", 1}, {"count", 50}, {"kind", 1}, {"name", "spring"}, {"node", 0}};
  d.post("cards/allot", run);
  d.node.learn(d.node.written.back());
  d.post("cards/allot", with(with(with(run, "node", 3), "first", 11), "count", 5));
  REQUIRE(d.status == 200);
  REQUIRE(d.node.written.size() == 3);
  d.node.learn(d.node.written[1]);
  d.node.learn(d.node.written[2]);
  auto parts = d.call("GET", "cards/batches", "")["batches"];
  REQUIRE(parts.size() == 3);
  const std::uint64_t firsts[] = {1, 11, 16}, counts[] = {10, 5, 35};
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(parts[i]["first"] == firsts[i]);
    CHECK(parts[i]["count"] == counts[i]);
    CHECK(parts[i]["name"] == "spring");
    CHECK(parts[i]["node"] == (i == 1 ? 3 : 0));
  }
  // Each part goes its own way.
  d.post("cards/allot", with(with(with(run, "node", 3), "first", 16), "count", 35));
  CHECK(d.status == 200);
  CHECK(d.node.written.size() == 4);
}

TEST_CASE("claims of a store are listed and undone together", "[admin]") {
  desk d;
  memory_state st;
  writer_id store{{3}, {{1}}};
  put_node(st, {3}, {node_role::store, store.epoch, {node_id{1}}});
  d.node.put_cells(st);
  for (std::uint64_t account = 1; account <= 4; ++account) {
    card_record card{card_status::active, 1, 1};
    auto e = card_fact({account}, card);
    d.node.learn(e);
    card.version = 2;
    e = card_fact({account}, card);
    e.status = card_status::frozen;
    e.subject = account == 4 ? writer_id{{4}, {{1}}} : store;
    e.cites = account * 10;
    d.node.learn(e);
  }
  auto shown = d.call("GET", "cards/claims", "");
  REQUIRE(shown["claims"].size() == 4);
  CHECK(shown["claims"][0]["before"] == "active");
  CHECK(shown["claims"][0]["position"] == 10);
  for (const auto& bad : {json{{"node", 3}}, json{{"from", 3}}, json{{"node", 3}, {"from", -1}}}) {
    d.post("cards/claims/undo", bad);
    CHECK(d.status == 400);
  }
  d.post("cards/claims/undo", {{"node", 8}, {"from", 0}});
  CHECK(d.status == 404);
  d.post("cards/claims/undo", {{"node", 3}, {"from", 20}, {"and_later", 1}});
  CHECK(d.status == 400);
  // What was claimed up to now: nothing is said of what comes later.
  auto undone = d.post("cards/claims/undo", {{"node", 3}, {"from", 20}});
  CHECK(undone["undone"] == 2);
  REQUIRE(d.node.written.size() == 2);
  CHECK(std::ranges::none_of(d.node.written, [](const entry& e) { return e.kind == entry_kind::claims_stand; }));
  d.node.written.clear();
  d.post("cards/claims/end", {{"node", 3}});
  CHECK(d.status == 404);
  undone = d.post("cards/claims/undo", {{"node", 3}, {"from", 20}, {"and_later", true}});
  CHECK(undone["undone"] == 2);
  CHECK(undone["pins"] == 0);
  REQUIRE(d.node.written.size() == 3);
  CHECK(d.node.written[0].kind == entry_kind::claims_stand);
  CHECK(d.node.written[0].size == 20);
  for (std::size_t i : {1U, 2U}) {
    CHECK(d.node.written[i].status == card_status::active);
    CHECK(d.node.written[i].account == account_id{i + 1});
    CHECK_FALSE(d.node.written[i].cites);
  }
  d.node.learn(entry(d.node.written[0]));
  auto silenced = d.call("GET", "cards/claims", "")["silenced"];
  REQUIRE(silenced.size() == 1);
  CHECK(silenced[0] == json{{"node", 3}, {"from", 20}});
  d.node.written.clear();
  d.post("cards/claims/end", {{"node", 3}});
  REQUIRE(d.node.written.size() == 1);
  CHECK(d.node.written[0].kind == entry_kind::claims_stand);
  CHECK(d.node.written[0].size == every_claim);
  d.node.learn(entry(d.node.written[0]));
  CHECK(d.call("GET", "cards/claims", "")["silenced"].empty());
}

TEST_CASE("card numbers that do not fit behind a prefix reserve nothing", "[admin]") {
  desk d;
  d.post("cards/reserve", {{"count", 1'000}, {"prefix", "97040000"}});  // 1 to 999 fit
  CHECK(d.status == 503);
  CHECK(d.answer["error"] == "full");
  CHECK(d.answer["detail"].get<std::string>().find("prefix 97040000") != std::string::npos);
  CHECK(d.post("cards/reserve", {{"count", 999}, {"prefix", "97040000"}})["first"] == 1);
  d.post("cards/reserve", {{"count", 1}, {"prefix", "97040000"}});
  CHECK(d.status == 503);
  CHECK(d.post("cards/reserve", {{"count", 1}, {"prefix", "9704000"}})["first"] == 1'000);
  for (const auto& prefix : {json(""), json("97o4"), json("970400001"), json(9704)}) {
    d.post("cards/reserve", {{"count", 1}, {"prefix", prefix}});
    CHECK(d.status == 400);
  }
}

TEST_CASE("cards of a batch that lies at head office are sold at once, and once", "[admin]") {
  desk d;
  rules_record r;
  r.version = 1;
  r.programme.card_kinds = {{3, {"Company"}, {}, true, 0}};
  r.programme.card_kinds[0].price = 150;
  r.programme.card_kinds[0].deposit = 300;
  auto rules = std::make_shared<catalogue>();
  rules->add(r);
  d.node.shown->rules = rules;
  d.node.shown->self = {head_office, {{1, 2, 3, 4, 5, 6, 7, 8}}};
  d.post("cards/reserve", {{"count", 3}});
  for (int i = 0; i < 3; ++i) {
    auto medium = to_hex(medium_of("bakery", "970400000000001" + std::to_string(i)));
    d.post("cards/map", {{"first", 1 + i}, {"kind", 3}, {"media", {medium}}, {"state", "stock"}});
    d.node.learn(d.node.written.back());
  }
  const json sell{{"first", 1}, {"count", 2}, {"load", 2'000}, {"tender", "transfer"}};
  d.post("cards/sell", sell);
  CHECK(d.status == 403);  // they do not lie here
  entry lot;
  lot.kind = entry_kind::allot;
  lot.account = {1};
  lot.size = 2;
  lot.subject = d.node.shown->self;
  lot.blob = "company";
  d.node.learn(lot);
  for (const auto& bad : {with(sell, "count", 0), with(sell, "count", 501), with(sell, "load", -1),
                          with(sell, "tender", "card"), with(sell, "first", 0)}) {
    d.post("cards/sell", bad);
    CHECK(d.status == 400);
  }
  d.post("cards/sell", with(sell, "load", 2'000'000'000));
  CHECK(d.answer["error"] == "bad_amount");
  d.post("cards/sell", with(sell, "count", 3));
  CHECK(d.status == 403);
  auto before = d.node.written.size();
  auto answer = d.post("cards/sell", sell);
  REQUIRE(answer["sold"].size() == 2);
  CHECK(answer["sold"][0] == json{{"account", 1}, {"load", 2'000}, {"deposit", 300}, {"price", 150}, {"expires", 0}});
  REQUIRE(d.node.written.size() == before + 2);
  CHECK(d.node.written.back().tenders.front().amount == 2'450);
  // What was sold is passed over.
  auto state = card_fact({1}, {card_status::active, 3, 0});
  d.node.learn(state);
  answer = d.post("cards/sell", sell);
  CHECK(answer["sold"].size() == 1);
  CHECK(answer["before"] == 1);
  // All that was sold is listed from the journal, in this life and in those before it.
  const json all{{"first", 1}, {"count", 2}};
  CHECK(d.post("cards/sold", all)["sold"].empty());
  auto issue = [](std::uint64_t account, amount load) {
    entry e;
    e.kind = entry_kind::issue;
    e.terminal = 127;
    e.counter = account;
    e.account = {account};
    e.values = {{purse_paid, main_unit, 0, load}, {purse_deposit, main_unit, 0, 300}};
    e.tenders = {{tender_kind::transfer, main_unit, load + 450}};
    return e;
  };
  entry other;
  other.kind = entry_kind::mark;
  other.hq_time = 1;
  d.node.keep_journal({head_office, {{9}}}, {other, issue(2, 2'000)});
  d.node.keep_journal(d.node.shown->self, {other, issue(1, 2'000), issue(3, 70)});
  auto sold = d.post("cards/sold", all)["sold"];
  REQUIRE(sold.size() == 2);
  CHECK(sold[0]["stays"].get<std::string>().find("was used since") != std::string::npos);  // nothing lies here
  sold[0].erase("stays");
  CHECK(sold[0] ==
        json{{"account", 1}, {"load", 2'000}, {"deposit", 300}, {"price", 150}, {"expires", 0}, {"position", 1}});
  CHECK(sold[1]["account"] == 2);
  CHECK_FALSE(sold[1].contains("position"));  // of an earlier life: nothing undoes it
  for (const auto& bad : {with(all, "count", 0), with(all, "count", 10'001), with(all, "first", 0)}) {
    d.post("cards/sold", bad);
    CHECK(d.status == 400);
  }
}

TEST_CASE("head office takes a PIN away, and allows fresh tries", "[admin][pin]") {
  desk d;
  auto medium = medium_of("bakery", "9704000000000017");
  d.post("cards/reserve", {{"count", 1}});
  d.post("cards/map", {{"first", 1}, {"kind", 3}, {"media", {to_hex(medium)}}});
  d.node.learn(d.node.written.front());
  const json call{{"medium", to_hex(medium)}};
  CHECK(d.post("card", call)["pin"] == false);
  d.post("card/state", with(call, "pin", "unlock"));
  CHECK(d.status == 403);  // there is none
  for (const auto& bad : {json("away"), json(1), json("")}) {
    d.post("card/state", with(call, "pin", bad));
    CHECK(d.status == 400);
  }
  auto set = card_fact(account_id{1}, {card_status::active, 3, 1, 0, 0, 0, {4, 1, true}});
  d.node.learn(set);
  CHECK(d.post("card", call)["pin"] == true);
  CHECK(d.post("card/state", with(call, "pin", "unlock"))["pin"] == true);
  CHECK(d.node.written.back().pin == pin_state{4, 2, true});
  d.node.learn(d.node.written.back());
  // Another change says the same of the PIN.
  d.post("card/state", with(call, "state", "frozen"));
  CHECK(d.node.written.back().pin == pin_state{4, 2, true});
  d.node.learn(d.node.written.back());
  CHECK(d.post("card/state", with(call, "pin", "reset"))["pin"] == false);
  CHECK(d.node.written.back().pin == pin_state{5, 2, false});
  CHECK(d.node.written.back().status == card_status::frozen);
}

TEST_CASE("PINs that a store set are taken away with its claims", "[admin][card][pin]") {
  desk d;
  memory_state st;
  writer_id store{{3}, {{7}}}, other{{4}, {{8}}};
  put_node(st, {3}, {node_role::store, store.epoch, {node_id{1}}});
  d.node.put_cells(st);
  auto pin_of_store = [&](std::uint64_t account, const writer_id& w, sequence seq) {
    card_record card{card_status::active, 1, 1};
    d.node.learn(card_fact({account}, card));
    card.version = 2;
    auto e = card_fact({account}, card);
    e.pin = {1, 0, true};
    e.subject = w;
    e.cites = seq;
    d.node.learn(e);
  };
  pin_of_store(1, store, 10);
  pin_of_store(2, store, 30);
  pin_of_store(3, other, 40);
  pin_of_store(4, store, 50);
  // Of one card its report as well: one new state takes both back.
  auto reported = card_fact({4}, card_of(durable_state(d.node.store()), {4}).value());
  reported.status = card_status::lost;
  reported.subject = store;
  reported.cites = 51;
  d.node.learn(reported);
  auto undone = d.post("cards/claims/undo", {{"node", 3}, {"from", 20}, {"and_later", true}});
  CHECK(d.status == 200);
  CHECK(undone["undone"] == 1);
  CHECK(undone["pins"] == 2);
  REQUIRE(d.node.written.size() == 3);
  CHECK(d.node.written[0].kind == entry_kind::claims_stand);
  for (std::size_t i : {1U, 2U}) {
    const auto& e = d.node.written[i];
    CHECK((e.account == account_id{2 * i} && e.pin == pin_state{2, 0, false} && e.status == card_status::active));
  }
}
