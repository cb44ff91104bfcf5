// Cards that owe: what a till, head office's list and the metrics say of them.
#include "node/owing.hpp"

#include <catch2/catch.hpp>

#include "http_desk.hpp"
#include "storage/kv_state.hpp"
#include "storage/memory_kv.hpp"

using namespace tally;
using test::desk;

TEST_CASE("a node's own books say which cards owe, and how much in all", "[node][owing]") {
  memory_kv store;
  const writer_id self{head_office, {{1}}}, other{{3}, {{2}}};
  CHECK(cards_owing(store, self, 10)->count == 0);
  kv_batch batch;
  auto put = [&](const ledger_account& a, amount v) { batch.put(family::state, balance_key(a), encode_balance(v)); };
  put(debt_account(self, {7}, purse_paid, main_unit), 1'200);
  put(debt_account(self, {8}, purse_paid, main_unit), 300);
  put(debt_account(self, {9}, purse_paid, main_unit), 0);
  put(debt_account(self, {7}, 3, unit_of(3)), 50);            // points, not money
  put(debt_account(other, {7}, purse_paid, main_unit), 999);  // another life's
  put(hold_account(self, {6}, purse_paid, 0, main_unit), -500);
  REQUIRE(store.commit(batch, true).ok());
  auto all = cards_owing(store, self, 10);
  REQUIRE(all);
  CHECK(all->count == 2);
  CHECK(all->sum == 1'500);
  REQUIRE(all->first.size() == 2);
  CHECK(all->first[0].account == account_id{7});
  CHECK(all->first[0].value == 1'200);
  auto few = cards_owing(store, self, 1);
  CHECK(few->first.size() == 1);
  CHECK(few->count == 2);
}

TEST_CASE("head office's own books say what lies there of cards that were given back", "[node][owing]") {
  memory_kv store;
  const writer_id self{head_office, {{1}}}, other{{3}, {{2}}};
  kv_batch batch;
  auto put = [&](const ledger_account& a, amount v) { batch.put(family::state, balance_key(a), encode_balance(v)); };
  auto card = [&](std::uint64_t account, card_status status) {
    memory_state st;
    put_card(st, {account}, {status, 1, 2});
    for (const auto& [k, v] : st.cells())
      batch.put(family::state, cell_key_bytes(k), encode_cell(v));
  };
  card(5, card_status::active);
  card(6, card_status::returned);
  card(7, card_status::cancelled);
  card(8, card_status::returned);
  card(9, card_status::returned);
  put(hold_account(self, {4}, purse_paid, 0, main_unit), -100);  // no card: a voucher
  put(hold_account(self, {5}, purse_paid, 0, main_unit), -200);
  put(hold_account(self, {6}, purse_paid, 0, main_unit), -300);
  put(hold_account(self, {6}, purse_deposit, 0, main_unit), -1'000);
  put(hold_account(self, {7}, 3, 0, main_unit), -50);             // bonus is not paid out
  put(hold_account(other, {8}, purse_paid, 0, main_unit), -400);  // at a store
  put(hold_account(self, {9}, purse_paid, 0, main_unit), -7);
  put(hold_account(self, {6}, 2, 202701, unit_of(2)), -9);  // points
  REQUIRE(store.commit(batch, true).ok());
  auto all = cards_left_over(store, self, 10);
  REQUIRE(all);
  CHECK(all->count == 2);
  CHECK(all->sum == 1'307);
  REQUIRE(all->first.size() == 2);
  CHECK(all->first[0].account == account_id{6});
  CHECK(all->first[0].value == 1'300);
  CHECK(all->first[1].account == account_id{9});
  CHECK(cards_left_over(store, self, 1)->first.size() == 1);
  CHECK(cards_left_over(store, other, 10)->sum == 400);
}

TEST_CASE("a till and the metrics say what a card owes", "[node][http][owing]") {
  desk d;
  const std::string lookup = "{\"card\":\"" + test::card_a + "\"}";
  auto before = d.post("/api/v1/cards/lookup", lookup);
  REQUIRE(before.status == 200);
  CHECK(before.json.find("owes") == nullptr);
  CHECK(d.get("/metrics").body.find("tallystick_cards_owing 0\n") != std::string::npos);
  const account_id account{static_cast<std::uint64_t>(test::number_of(before.json, "account"))};
  d.node.keep(balance_key(debt_account(d.node.snapshot()->self, account, purse_paid, main_unit)), encode_balance(1'200),
              family::state);
  CHECK(test::number_of(d.post("/api/v1/cards/lookup", lookup).json, "owes") == 1'200);
  auto metrics = d.get("/metrics").body;
  CHECK(metrics.find("tallystick_cards_owing 1\n") != std::string::npos);
  CHECK(metrics.find("tallystick_cards_owing_minor 1200\n") != std::string::npos);
}
