// What a ruling says, and what makes a holder write something off.
#include <catch2/catch.hpp>

#include "fixture.hpp"
#include "ledger/accounts.hpp"
#include "ledger/clearing.hpp"
#include "ledger/ruling.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr sequence about = 7;

entry ruling(ruling_outcome o) {
  entry e;
  e.kind = entry_kind::ruling;
  e.subject = store_b;
  e.cites = about;
  e.outcome = o;
  return e;
}
entry owed(amount sum) {
  auto e = ruling(ruling_outcome::owed);
  e.values = {{purse_paid, main_unit, 0, sum}};
  return e;
}
/// The holder is `store_a`.
entry taking(amount units) {
  auto e = ruling(ruling_outcome::no_loss);
  e.peer = store_a;
  e.account = card_1;
  e.released = {{purse_paid, main_unit, 0, units}};
  return e;
}
entry executing(amount units) {
  entry e;
  e.kind = entry_kind::execute;
  e.subject = store_b;
  e.cites = about;
  e.account = card_1;
  if (units != 0) e.values = {{purse_paid, main_unit, 0, units}};
  return e;
}
errc judged_of(const shop& s, const entry& e) {
  return judge(e, {.writer = s.self, .role = s.role, .seq = s.journal.size(), .directory = &s.st}, s.st).code();
}

}  // namespace

TEST_CASE("a ruling owes one sum, and says so", "[ruling]") {
  shop office{hq, node_role::hq};
  CHECK(judged_of(office, ruling(ruling_outcome::stands)) == errc::ok);
  CHECK(judged_of(office, owed(500)) == errc::ok);
  auto e = owed(500);
  e.outcome = ruling_outcome::stands;
  CHECK(judged_of(office, e) == errc::malformed);
  CHECK(judged_of(office, owed(-1)) == errc::malformed);
  CHECK(judged_of(office, owed(INT64_MIN)) == errc::malformed);
  e = owed(500);
  e.values.push_back(e.values.front());
  CHECK(judged_of(office, e) == errc::malformed);
  e = owed(500);
  e.values[0].purse = 2;
  e.values[0].unit = unit_of(2);
  CHECK(judged_of(office, e) == errc::malformed);
  // The first one stands.
  apply_directory(owed(500), office.st);
  CHECK(judged_of(office, owed(500)) == errc::not_entitled);
}

TEST_CASE("a ruling can name another node whose owner owes the sum, and only a sum", "[ruling]") {
  shop office{hq, node_role::hq};
  auto e = owed(500);
  e.debtor = store_a.node;
  CHECK(judged_of(office, e) == errc::ok);
  CHECK(debtor_of(e) == store_a.node);
  CHECK(debtor_of(owed(500)) == store_b.node);
  auto postings = expand(e, hq);
  REQUIRE(postings.ok());
  CHECK(account_name((*postings)[0].account) == "contested:3:1.0000000000000001");
  std::map<node_id, clearing_sums> sums;
  REQUIRE(clear_entry(e, hq, *postings, [&](node_id n) -> clearing_sums& { return sums[n]; }));
  CHECK(sums[store_a.node].ruled == 500);
  CHECK(sums[store_b.node].ruled == 0);
  CHECK(sums[hq.node].ruled == -500);
  e.debtor = store_b.node;  // one spelling: the node of the case is not named
  CHECK(judged_of(office, e) == errc::malformed);
  e = ruling(ruling_outcome::owed);
  e.debtor = store_a.node;
  CHECK(judged_of(office, e) == errc::malformed);
}

TEST_CASE("what is owed posts to head office's accounts alone, and to nobody's cards", "[ruling]") {
  auto postings = expand(owed(500), hq);
  REQUIRE(postings.ok());
  REQUIRE(postings->size() == 2);
  CHECK(balances(*postings));
  CHECK(account_name((*postings)[0].account) == "contested:4:1.0000000000000001");
  CHECK((*postings)[0].amount == 500);
  CHECK(account_name((*postings)[1].account) == "contested:1.0000000000000001");
  std::map<node_id, clearing_sums> sums;
  auto of = [&](node_id n) -> clearing_sums& { return sums[n]; };
  REQUIRE(clear_entry(owed(500), hq, *postings, of));
  CHECK(sums[node_id{4}].ruled == 500);
  CHECK(sums[node_id{1}].ruled == -500);
  clearing_position p;
  REQUIRE(position_of(sums[node_id{4}], {}, p));
  CHECK(p.owes == 500);
}

TEST_CASE("an instruction is whole or none", "[ruling]") {
  shop office{hq, node_role::hq};
  CHECK(judged_of(office, taking(300)) == errc::ok);
  for (auto broken :
       {+[](entry& e) { e.peer = {}; }, +[](entry& e) { e.account = {}; }, +[](entry& e) { e.released.clear(); },
        +[](entry& e) { e.released[0].amount = 0; }, +[](entry& e) { e.released[0].bucket = 202'612; },
        +[](entry& e) { e.released[0].purse = 0; }, +[](entry& e) { e.released[0].purse = purse_deposit; },
        +[](entry& e) { e.released.push_back(e.released[0]); }, +[](entry& e) { e.released[0].unit = unit_of(2); }}) {
    auto e = taking(300);
    broken(e);
    CHECK(judged_of(office, e) == errc::malformed);
  }
}

TEST_CASE("a holder writes off once what a ruling says, at most what lies there", "[ruling]") {
  shop s{store_a};
  s.rights(card_1, 200);
  CHECK(judged_of(s, executing(100)) == errc::not_entitled);  // nobody ruled
  CHECK_FALSE(decide_execute(s.at(), store_b, about));
  apply_directory(taking(300), s.st);
  REQUIRE(instruction_of(s.st, store_b, about));
  CHECK(instruction_of(s.st, store_b, about)->holder == store_a);
  CHECK(judged_of(s, executing(301)) == errc::not_entitled);
  CHECK(judged_of(s, executing(250)) == errc::insufficient);
  auto other = executing(100);
  other.account = card_2;
  CHECK(judged_of(s, other) == errc::not_entitled);
  other = executing(100);
  other.cites = about + 1;
  CHECK(judged_of(s, other) == errc::not_entitled);
  other = executing(100);
  other.values.push_back({2, unit_of(2), 0, 1});
  CHECK(judged_of(s, other) == errc::not_entitled);
  auto e = decide_execute(s.at(), store_b, about);
  REQUIRE(e);
  CHECK(e->values == std::vector<value_item>{{purse_paid, main_unit, 0, 200}});  // what is there
  REQUIRE(s.write(*e).ok());
  CHECK(holding(s.st, s.self, card_1) == 0);
  s.rights(card_1, 50);
  CHECK_FALSE(decide_execute(s.at(), store_b, about));
  CHECK(judged_of(s, executing(10)) == errc::not_entitled);
  // Another life of the same node was not told.
  shop again{writer(3, 2)};
  again.rights(card_1, 500);
  apply_directory(taking(300), again.st);
  CHECK_FALSE(decide_execute(again.at(), store_b, about));
  CHECK(judged_of(again, executing(100)) == errc::not_entitled);
}

TEST_CASE("where nothing lies, the entry says that nothing was taken", "[ruling]") {
  shop s{store_a};
  apply_directory(taking(300), s.st);
  auto e = decide_execute(s.at(), store_b, about);
  REQUIRE(e);
  CHECK(e->values.empty());
  REQUIRE(s.write(*e).ok());
  s.rights(card_1, 500);
  CHECK_FALSE(decide_execute(s.at(), store_b, about));
}

TEST_CASE("what was written off is the chain's", "[ruling]") {
  auto e = executing(200);
  auto postings = expand(e, store_a);
  REQUIRE(postings.ok());
  std::map<node_id, clearing_sums> sums;
  auto of = [&](node_id n) -> clearing_sums& { return sums[n]; };
  REQUIRE(clear_entry(e, store_a, *postings, of));
  CHECK(sums[node_id{1}].spent == 200);
  CHECK(sums.count(node_id{3}) == 0);
}

TEST_CASE("a case is about what its entry names", "[ruling]") {
  entry e;
  e.kind = entry_kind::sale;
  e.values = {{purse_paid, main_unit, 0, 400}, {2, unit_of(2), 0, 70}};
  e.tenders = {{tender_kind::cash, main_unit, 600}};
  CHECK(case_sum(e, errc::used_lost, nullptr) == 400);
  CHECK(case_sum(e, errc::over_returned, nullptr) == 1'000);
  CHECK(case_sum_max(e, nullptr) == 1'000);
  // Bonus is worth as much money, points are not.
  rules_record rules;
  rules.programme.purses.resize(1);
  rules.programme.purses[0].id = 2;
  rules.programme.purses[0].kind = purse_kind::bonus;
  CHECK(case_sum(e, errc::used_lost, &rules) == 470);
  CHECK(case_sum_max(e, &rules) == 1'070);
  rules.programme.purses[0].kind = purse_kind::points;
  CHECK(case_sum(e, errc::used_lost, &rules) == 400);
  e.bearer = 500;
  e.risk = 300;
  CHECK(case_sum(e, errc::voucher_used, nullptr) == 300);
  e.values = {{purse_paid, main_unit, 0, INT64_MAX}, {purse_paid, main_unit, 202'612, INT64_MAX}};
  CHECK(case_sum(e, errc::over_returned, nullptr) == amount_max);
}
