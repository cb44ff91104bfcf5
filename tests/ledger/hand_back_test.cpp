// Cards that come back for good, what comes to them later, and receipts that stay as they are.
#include <catch2/catch.hpp>

#include "card_shop.hpp"
#include "ledger/card_sale.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("a card is given back with all of its money, which is drawn in first where there is a line", "[cards]") {
  card_shop s;
  s.rights(card_1, 10'000);
  auto part = s.run(hand_back_command{s.next_key(), card_1, 1, 0});
  REQUIRE(refused(part) == errc::bad_amount);
  CHECK(refusal_of(part).why.detail == "100.00 of the card's money lies here: a card is given back with all of it");
  CHECK(refused(s.run(hand_back_command{s.next_key(), card_1, 0, 0})) == errc::bad_amount);
  // Whoever can ask others is told to, also when all that is wanted lies here.
  auto at = s.at();
  at.pulls = true;
  auto ask = decide(hand_back_command{s.next_key(), card_1, 10'000, 0}, at);
  REQUIRE(refused(ask) == errc::insufficient);
  CHECK(refusal_of(ask).lacks ==
        std::vector<purse_lack>{{purse_paid, 10'000, amount_max - 10'000}, {purse_deposit, 0, amount_max}});
  auto back = s.run(hand_back_command{s.next_key(), card_1, 10'000, 0});
  CHECK(written(back).tenders == std::vector<tender_item>{{tender_kind::cash, main_unit, 10'000}});
}

TEST_CASE("what a card paid that was given back since is given back in cash", "[cards][refund]") {
  card_shop s;
  s.rights(card_1, 10'000);
  REQUIRE(s.write(s.receive({}, {{0, refund_of(main_unit), 0, 10'000}})).ok());
  auto bought =
      s.run(sale_command{s.next_key(), card_1, {{product_id{1}, 8}}, 300, {{tender_kind::cash, main_unit, 100}}});
  written(bought);
  const auto seq = s.journal.size() - 1;
  auto refund = [&](bool to_card, std::int64_t pieces) {
    return s.run(refund_command{s.next_key(), seq, {{product_id{1}, pieces}}, to_card, tender_kind::cash});
  };
  CHECK(refused(refund(false, 4)) == errc::not_applicable);  // 1.00 was paid in cash
  auto back = s.run(hand_back_command{s.next_key(), card_1, 9'700, 0});
  written(back);
  auto no = refund(true, 2);
  REQUIRE(refused(no) == errc::card_blocked);
  CHECK(refusal_of(no).why.detail == "given back: its share is given back in cash");
  auto undo = s.run(reverse_command{s.next_key(), seq});
  REQUIRE(refused(undo) == errc::card_blocked);
  CHECK(refusal_of(undo).why.detail == "given back: take the goods back for cash, as goods of that receipt");
  auto cash = refund(false, 6);
  CHECK(written(cash).tenders == std::vector<tender_item>{{tender_kind::cash, main_unit, 300}});
  auto rest = refund(false, 2);
  CHECK(written(rest).tenders == std::vector<tender_item>{{tender_kind::cash, main_unit, 100}});
  CHECK(refused(refund(false, 1)) == errc::already_reversed);
  CHECK(s.held(card_1) == 0);
  // Nobody writes more than was paid, whoever gives it.
  auto more = written(rest);
  more.counter = 900;
  more.tenders.front().amount = 500;
  CHECK_FALSE(s.write(more).ok());
}

TEST_CASE("head office pays out what is left on a card, under a reference, and no store does", "[cards]") {
  entry e;
  e.kind = entry_kind::hand_back;
  e.terminal = office_terminal;
  e.counter = 1;
  e.account = card_1;
  e.values = {{purse_paid, main_unit, 0, 400}};
  e.tenders = {{tender_kind::transfer, main_unit, 400}};
  e.business_date = day_of(noon);
  shop office(hq, node_role::hq);
  REQUIRE(office.write(office.receive(card_1, {{purse_paid, main_unit, 0, 1'000}}, region)).ok());
  CHECK(judge(e, {hq, node_role::hq, 2}, office.st).code() == errc::malformed);
  e.blob = "bank-0815";
  REQUIRE(office.write(e).ok());
  CHECK(office.held(card_1) == 600);
  CHECK(top_up_for(office.st, "BANK-0815") == std::optional<sequence>(2));
  auto again = e;
  again.counter = 2;
  CHECK(judge(again, {hq, node_role::hq, 3}, office.st).code() == errc::key_reused);
  again.blob = "bank-0816";
  again.values.clear();
  again.tenders.clear();
  CHECK(judge(again, {hq, node_role::hq, 3}, office.st).code() == errc::malformed);
  card_shop s;
  s.rights(card_1, 1'000);
  CHECK(judge(e, {store_a, node_role::store, s.journal.size()}, s.st).code() == errc::malformed);
}

TEST_CASE("a receipt that is not reversed says why in words", "[cards]") {
  card_shop s;
  s.quota(100'000);
  auto sold = s.run(card_sale_command{s.next_key(), stock_card, 5'000});
  written(sold);
  auto no = s.run(reverse_command{s.next_key(), s.journal.size() - 1});
  REQUIRE(refused(no) == errc::not_reversible);
  CHECK(refusal_of(no).why.detail == "a store takes back a card that it sold, not its sale: give the card back");
  auto back = s.run(hand_back_command{s.next_key(), stock_card, 5'000, 2'000});
  written(back);
  auto never = s.run(reverse_command{s.next_key(), s.journal.size() - 1});
  REQUIRE(refused(never) == errc::not_reversible);
  CHECK(refusal_of(never).why.detail == "a card that was given back stays given back");
}
