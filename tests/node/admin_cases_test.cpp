// Rulings at head office's administration, and what its answer says.
#include <catch2/catch.hpp>

#include "node/cases.hpp"
#include "node/office_desk.hpp"

using namespace tally;
using nlohmann::json;
using test::with;

namespace {

using desk = test::office_desk;

}  // namespace

TEST_CASE("a ruling names the node whose owner owes the sum", "[admin]") {
  desk d;
  const json ruling{{"case", "3.9f01020304050607.117"}, {"outcome", "owed"}, {"note", "gave back too much"}};
  const auto named = with(with(ruling, "owes", 1250), "owes_node", 4);
  for (const auto& bad :
       {with(named, "owes_node", 0), with(named, "owes_node", "4"), with(named, "owes_node", 1LL << 32),
        with(with(ruling, "owes_node", 4), "outcome", "no_loss")}) {
    d.post("rule", bad);
    CHECK(d.status == 400);
  }
  CHECK(d.node.written.empty());
  d.post("rule", named);
  CHECK(d.status == 200);
  REQUIRE(d.node.written.size() == 1);
  CHECK(d.node.written.front().debtor == node_id{4});
}

TEST_CASE("the answer to a ruling says what is owed, by whom, and what is written off", "[admin]") {
  desk d;
  const auto self = d.node.shown->self;
  entry made;  // as the station completed it
  made.kind = entry_kind::ruling;
  made.subject = {{3}, {{0x9f, 1, 2, 3, 4, 5, 6, 7}}};
  made.cites = 117;
  made.outcome = ruling_outcome::owed;
  made.values = {{purse_paid, main_unit, 0, 600}};
  made.released = {{3, unit_of(3), 0, 40}};
  made.peer = {{4}, {{1, 2, 3, 4, 5, 6, 7, 8}}};
  made.account = {17};
  d.node.keep_journal(self, {made});
  const json asked{{"case", "3.9f01020304050607.117"},
                   {"outcome", "owed"},
                   {"note", ""},
                   {"take", 40},
                   {"take_node", 4},
                   {"take_purse", 3}};
  auto answer = d.post("rule", asked);
  CHECK(d.status == 200);
  CHECK(answer["owed"] == 600);
  CHECK(answer["owed_by"] == 3);
  CHECK(answer["take"] == 40);
  CHECK(answer["take_purse"] == 3);
  CHECK(answer["take_node"] == 4);
  CHECK(answer["take_account"] == 17);
  const auto text = ruled_text(answer, "CNY", 2);
  CHECK(text.find("the owner of node 3 owes 6.00 CNY.") != text.npos);
  CHECK(text.find("Node 4 writes off at most 40 of purse 3 of account 17,") != text.npos);
  // Another entry than the one that was asked for says nothing of it.
  answer = d.post("rule", with(asked, "case", "3.9f01020304050607.118"));
  CHECK(d.status == 200);
  CHECK_FALSE(answer.contains("owed"));
  CHECK(ruled_text(answer, "CNY", 2).find("adds no sum") != std::string::npos);
  CHECK(ruled_text({{"case", "x"}, {"outcome", "stands"}}, "", 2) ==
        "Ruled: x stands. The ruling is an entry of head office's journal, and final.\n");
  CHECK(ruled_text({{"case", "x"}, {"outcome", "stands"}, {"take", 500}, {"take_purse", purse_paid}, {"take_node", 3}},
                   "CNY", 2)
            .find("Node 3 writes off at most 5.00 CNY of account") != std::string::npos);
}

TEST_CASE("a case of goods that came back too often is worth what came back too much", "[admin]") {
  desk d;
  const auto self = d.node.shown->self;
  entry sale;
  sale.kind = entry_kind::sale;
  sale.terminal = 201;
  sale.counter = 1;
  sale.account = {17};
  sale.values = {{purse_paid, main_unit, 0, 2'500}};
  sale.lines = {{product_id{1}, 2}};
  d.node.keep_journal(self, {sale});
  auto list = std::make_shared<node_snapshot::case_list>();
  list->first.push_back({self, 0, errc::over_returned});
  d.node.shown->cases = list;
  // Without the rules of that sale nobody can say more than what was paid for it.
  CHECK(d.call("GET", "cases", "")["cases"][0]["value"] == 2'500);
  list->first[0].beyond = 1'250;
  CHECK(d.call("GET", "cases", "")["cases"][0]["value"] == 1'250);
}
