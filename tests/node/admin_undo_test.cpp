// Sales of cards that head office undoes, as the command asks for them.
#include "ledger/cards.hpp"
#include "node/office_desk.hpp"

using namespace tally;
using nlohmann::json;
using desk = test::office_desk;

TEST_CASE("head office undoes sales, each by itself, and lists them as undone", "[admin]") {
  desk d;
  d.node.shown->self = {head_office, {{1, 2, 3, 4, 5, 6, 7, 8}}};
  const json undo{{"cards", {{{"account", 7}, {"position", 1}}, {{"account", 8}, {"position", 2}}}}};
  for (const auto& bad :
       {json::object(), json{{"cards", json::array()}}, json{{"cards", {3}}}, json{{"cards", {{{"account", 7}}}}},
        json{{"cards", {{{"account", -1}, {"position", 2}}}}}, json{{"cards", {{{"account", 7}, {"position", 0}}}}},
        json{{"cards", std::vector<json>(101, {{"account", 7}, {"position", 1}})}}}) {
    d.post("cards/sales/undo", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.written.empty());
  auto rows = d.post("cards/sales/undo", undo)["cards"];
  REQUIRE(d.node.written.size() == 2);
  CHECK(rows == json{{{"account", 7}}, {{"account", 8}}});
  CHECK(d.node.written[1].kind == entry_kind::reverse);
  CHECK(d.node.written[1].account == account_id{8});
  CHECK(d.node.written[1].cites == 2);
  d.node.writes = false;
  rows = d.post("cards/sales/undo", undo)["cards"];
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == json{{"account", 7}, {"error", "io"}, {"detail", "no"}});

  entry first, issue, reverse;
  first.kind = entry_kind::mark;
  first.hq_time = 1;
  issue.kind = entry_kind::issue;
  issue.terminal = 127;
  issue.counter = 1;
  issue.account = {7};
  issue.tenders = {{tender_kind::transfer, main_unit, 150}};
  reverse.kind = entry_kind::reverse;
  reverse.terminal = 127;
  reverse.counter = 2;
  reverse.account = {7};
  reverse.cites = 1;
  reverse.cited_kind = entry_kind::issue;
  reverse.tenders = issue.tenders;
  d.node.keep_journal(d.node.shown->self, {first, issue, reverse});
  auto sold = d.post("cards/sold", {{"first", 7}, {"count", 1}})["sold"];
  REQUIRE(sold.size() == 1);
  CHECK(sold[0]["undone"] == true);
}

TEST_CASE("head office says before which sales it would not undo", "[admin]") {
  desk d;
  d.node.shown->self = {head_office, {{1, 2, 3, 4, 5, 6, 7, 8}}};
  entry first, issue;
  first.kind = entry_kind::mark;
  first.hq_time = 1;
  issue.kind = entry_kind::issue;
  issue.terminal = 127;
  issue.tenders = {{tender_kind::transfer, main_unit, 150}};
  std::vector<entry> journal{first};
  memory_state st;
  for (std::uint64_t account = 7; account <= 10; ++account) {
    issue.counter = account;
    issue.account = {account};
    journal.push_back(issue);
    if (account < 10) put_card(st, {account}, {card_status::active, 1, 1});
  }
  auto card = *card_of(st, {8});
  card.pin.set = true;
  card.pin.version = 1;
  put_card(st, {8}, card);
  card = *card_of(st, {9});
  card.status = card_status::lost;
  put_card(st, {9}, card);
  d.node.put_cells(st);
  d.node.keep_journal(d.node.shown->self, journal);
  auto sold = d.post("cards/sold", {{"first", 7}, {"count", 4}})["sold"];
  REQUIRE(sold.size() == 4);
  CHECK_FALSE(sold[0].contains("stays"));
  CHECK(sold[1]["stays"] == "card 8 was given a PIN: somebody uses it");
  CHECK(sold[2]["stays"].get<std::string>().starts_with("card 9 is "));
  CHECK(sold[3]["stays"] == "card 10 is not known by now");
  CHECK(d.node.written.empty());
}
