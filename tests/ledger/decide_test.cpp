#include "ledger/decide.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct till : shop {
  till() : shop(store_a) {
    quota(50'000);
    rights(card_1, 10'000);
  }
  // Product 1 costs 100, 2 costs 200, 3 costs 300 and bears no tax.
  sale_command sale(amount card, std::vector<tender_item> tenders = {},
                    std::vector<line_item> lines = {{product_id{1}, 5}}) {
    return {next_key(), card != 0 ? card_1 : account_id{}, std::move(lines), card, std::move(tenders)};
  }
  top_up_command top_up(amount value, account_id account = card_1) {
    return {next_key(), account, value, tender_kind::cash};
  }
};

tender_item cash(amount v) { return {tender_kind::cash, main_unit, v}; }

}  // namespace

TEST_CASE("a sale is decided with prices, tax and both kinds of payment", "[decide]") {
  till t;
  auto command = t.sale(300, {cash(150), {tender_kind::bank, main_unit, 50}});
  auto d = t.run(command);
  auto& e = written(d);
  CHECK(e.kind == entry_kind::sale);
  CHECK(e.terminal == 201);
  CHECK(e.operator_id == 5);
  CHECK(e.business_date == 2517);
  CHECK(e.stamp == 43'200);
  CHECK(e.rules_version == 1);
  CHECK(e.account_version == 1);
  CHECK(e.values == std::vector<value_item>{{purse_paid, main_unit, 0, 300}});
  CHECK(e.taxes == std::vector<tax_item>{{0, main_unit, 58}});
  CHECK(t.held(card_1) == 9700);

  auto in_cash = t.run(t.sale(0, {cash(500)}));
  CHECK(written(in_cash).account == account_id{});
  CHECK(t.held(card_1) == 9700);

  auto untaxed = t.run(t.sale(300, {}, {{product_id{3}, 1}}));
  CHECK(written(untaxed).taxes.empty());
}

TEST_CASE("payments must add up to the total", "[decide]") {
  till t;
  CHECK(refused(t.run(t.sale(499))) == errc::bad_tender);
  CHECK(refused(t.run(t.sale(501))) == errc::bad_tender);
  CHECK(refused(t.run(t.sale(400, {cash(99)}))) == errc::bad_tender);
  CHECK(refused(t.run(t.sale(400, {cash(100), cash(1)}))) == errc::bad_tender);
  CHECK(refused(t.run(t.sale(500, {cash(0)}))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(600, {cash(-100)}))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(-500, {cash(1000)}))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(amount_max + 1))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(INT64_MIN))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(0, {cash(INT64_MAX), cash(INT64_MAX)}))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(0, {{tender_kind::cash, unit_of(2), 500}}))) == errc::bad_amount);
  CHECK(refused(t.run(t.sale(483, std::vector<tender_item>(17, cash(1))))) == errc::bad_tender);
  CHECK(refused(t.run(t.sale(0, {{static_cast<tender_kind>(9), main_unit, 500}}))) == errc::malformed);
  CHECK(t.journal.size() == 3);  // nothing was written
  CHECK(t.held(card_1) == 10'000);
}

TEST_CASE("unknown products and wrong baskets are refused", "[decide]") {
  till t;
  CHECK(refused(t.run(t.sale(500, {}, {{product_id{9}, 1}}))) == errc::unknown_product);
  CHECK(refused(t.run(t.sale(500, {}, {}))) == errc::bad_basket);
  CHECK(refused(t.run(t.sale(500, {}, {{product_id{1}, 0}}))) == errc::bad_basket);
  CHECK(refused(t.run(t.sale(500, {}, {{product_id{1}, -5}}))) == errc::bad_basket);
  t.prices = {};
  CHECK(refused(t.run(t.sale(500))) == errc::bad_rules);
  CHECK(refused(t.run(t.top_up(500))) == errc::bad_rules);
}

TEST_CASE("nobody spends more than is held here", "[decide]") {
  till t;
  auto d = t.run(t.sale(10'100, {}, {{product_id{1}, 101}}));
  REQUIRE(refused(d) == errc::insufficient);
  CHECK(std::get<refusal>(d).here == 10'000);
  CHECK(std::get<refusal>(d).missing == 100);
  CHECK(std::get<refusal>(d).account == card_1);
  auto all = t.run(t.sale(10'000, {}, {{product_id{1}, 100}}));
  CHECK(written(all).values[0].amount == 10'000);
  CHECK(t.held(card_1) == 0);
  CHECK(refused(t.run(t.sale(100, {}, {{product_id{1}, 1}}))) == errc::insufficient);
}

TEST_CASE("a genuine card that is not known here yet is loaded and pays what lies here", "[decide]") {
  till t;
  auto up = t.top_up(700, unknown_card);
  up.genuine = true;
  auto loaded = t.run(up);
  CHECK(written(loaded).account == unknown_card);
  CHECK(written(loaded).account_version == 0);
  CHECK(t.held(unknown_card) == 700);
  auto buy = t.sale(500);
  buy.account = unknown_card;
  buy.genuine = true;
  auto bought = t.run(buy);
  CHECK(written(bought).account_version == 0);
  CHECK(t.held(unknown_card) == 200);
  auto again = t.sale(500);
  again.account = unknown_card;
  again.genuine = true;
  CHECK(refused(t.run(again)) == errc::insufficient);
  // The same number without the proof is a stranger still.
  again.key = t.next_key();
  again.genuine = false;
  CHECK(refused(t.run(again)) == errc::unknown_card);
}

TEST_CASE("only known, active cards pay", "[decide]") {
  till t;
  auto with = [&](account_id account) {
    auto c = t.sale(500);
    c.account = account;
    return refused(t.run(c));
  };
  CHECK(with(frozen_card) == errc::card_blocked);
  CHECK(with(unknown_card) == errc::unknown_card);
  CHECK(with({}) == errc::unknown_card);
  for (auto status : {card_status::frozen, card_status::lost, card_status::expired, card_status::cancelled}) {
    put_card(t.st, card_2, {status, 1, 5});
    CHECK(with(card_2) == errc::card_blocked);
    CHECK(refused(t.run(t.top_up(500, card_2))) == errc::card_blocked);
  }
  CHECK(refused(t.run(t.top_up(500, unknown_card))) == errc::unknown_card);
  // A card that proves itself need not be known, but what is known of a card counts.
  auto genuine = t.top_up(500, frozen_card);
  genuine.genuine = true;
  CHECK(refused(t.run(genuine)) == errc::card_blocked);
  // A node that was rolled back neither takes nor creates card value, and still sells for cash.
  t.stopped = errc::rolled_back;
  CHECK(with(card_1) == errc::rolled_back);
  CHECK(refused(t.run(t.top_up(500))) == errc::rolled_back);
  auto d = t.run(t.sale(0, {cash(500)}));
  CHECK(written(d).account == account_id{});
}

TEST_CASE("top-ups keep to the limits of the rules and to the quota", "[decide]") {
  till t;
  CHECK(refused(t.run(t.top_up(0))) == errc::bad_amount);
  CHECK(refused(t.run(t.top_up(-1))) == errc::bad_amount);
  CHECK(refused(t.run(t.top_up(99))) == errc::bad_amount);
  CHECK(refused(t.run(t.top_up(100'001))) == errc::bad_amount);
  CHECK(refused(t.run(t.top_up(INT64_MAX))) == errc::bad_amount);
  auto d = t.run(t.top_up(100));
  CHECK(written(d).values == std::vector<value_item>{{purse_paid, main_unit, 0, 100}});
  CHECK(t.held(card_1) == 10'100);
  CHECK(quota_left(t.st, t.self) == 49'900);
  auto over = t.run(t.top_up(49'901));
  REQUIRE(refused(over) == errc::no_quota);
  CHECK(std::get<refusal>(over).here == 49'900);
  CHECK(std::get<refusal>(over).why.detail == "at most 49900");
  auto rest = t.run(t.top_up(49'900));
  CHECK(written(rest).account == card_1);
  CHECK(quota_left(t.st, t.self) == 0);
}

TEST_CASE("the same key with the same request is answered from the ledger", "[decide]") {
  till t;
  auto sale = t.sale(300, {cash(200)});
  auto top_up = t.top_up(500);
  auto first = t.run(sale);
  written(first);
  auto sale_seq = t.journal.size() - 1;
  auto second = t.run(top_up);
  written(second);
  auto size = t.journal.size();

  auto again = t.run(sale);
  REQUIRE(std::holds_alternative<replayed>(again));
  CHECK(std::get<replayed>(again).seq == sale_seq);
  again = t.run(top_up);
  REQUIRE(std::holds_alternative<replayed>(again));
  CHECK(std::get<replayed>(again).seq == sale_seq + 1);
  reverse_command back{t.next_key(), sale_seq};
  auto third = t.run(back);
  written(third);
  CHECK(std::holds_alternative<replayed>(t.run(back)));
  // What would be refused now is still answered: the card was blocked and the money spent meanwhile.
  put_card(t.st, card_1, {card_status::lost, 1, 9});
  CHECK(std::holds_alternative<replayed>(t.run(sale)));
  CHECK(t.journal.size() == size + 1);

  auto other = sale;
  other.key.operator_id = 77;  // who stands at the till is not part of the request
  CHECK(std::holds_alternative<replayed>(t.run(other)));
}

TEST_CASE("the same key with another request is refused", "[decide]") {
  till t;
  auto sale = t.sale(300, {cash(200)});
  auto top_up = t.top_up(500);
  auto first = t.run(sale);
  written(first);
  auto seq = t.journal.size() - 1;
  auto second = t.run(top_up);
  written(second);
  auto size = t.journal.size();
  auto changed = [&](auto command, auto change) {
    change(command);
    return refused(t.run(command));
  };
  using S = sale_command&;
  using T = top_up_command&;
  CHECK(changed(sale, [](S s) { s.card = 500, s.tenders.clear(); }) == errc::key_reused);
  CHECK(changed(sale, [](S s) { s.tenders[0].kind = tender_kind::bank; }) == errc::key_reused);
  CHECK(changed(sale, [](S s) { s.lines = {{product_id{2}, 2}, {product_id{1}, 1}}; }) == errc::key_reused);
  CHECK(changed(sale, [](S s) { s.account = card_2; }) == errc::key_reused);
  CHECK(changed(top_up, [](T s) { s.value = 501; }) == errc::key_reused);
  CHECK(changed(top_up, [](T s) { s.tender = tender_kind::bank; }) == errc::key_reused);
  CHECK(changed(top_up, [](T s) { s.account = card_2; }) == errc::key_reused);
  CHECK(refused(t.run(top_up_command{sale.key, card_1, 500, tender_kind::cash})) == errc::key_reused);
  CHECK(refused(t.run(reverse_command{sale.key, seq})) == errc::key_reused);
  CHECK(t.journal.size() == size);
}

TEST_CASE("refusals are not remembered", "[decide]") {
  till t;
  auto sale = t.sale(10'100, {}, {{product_id{1}, 101}});
  CHECK(refused(t.run(sale)) == errc::insufficient);
  t.rights(card_1, 100);
  auto d = t.run(sale);
  CHECK(written(d).counter == sale.key.counter);
}

TEST_CASE("counters far behind or ahead are not executed", "[decide]") {
  till t;
  auto at_counter = [&](std::uint64_t n, std::uint32_t terminal = 201) {
    auto c = t.sale(0, {cash(500)});
    c.key = {terminal, n, 5};
    return t.run(c);
  };
  CHECK(refused(at_counter(0)) == errc::malformed);
  CHECK(refused(at_counter(5, 0)) == errc::malformed);
  CHECK(refused(at_counter(1001)) == errc::malformed);
  CHECK(refused(at_counter(UINT64_MAX)) != errc::ok);
  CHECK(refused(at_counter(UINT64_MAX - 999)) != errc::ok);
  auto d = at_counter(1000);
  written(d);
  CHECK(refused(at_counter(2001)) == errc::malformed);
  d = at_counter(2000);
  written(d);
  CHECK(refused(at_counter(999)) == errc::key_too_old);
  CHECK(refused(at_counter(1)) == errc::key_too_old);
  CHECK(refused(at_counter(1000)) == errc::key_too_old);  // used, but no longer known
  CHECK(std::holds_alternative<replayed>(at_counter(2000)));
  d = at_counter(1001);  // within the window and never used
  CHECK(written(d).counter == 1001);
  d = at_counter(1, 202);  // terminals count for themselves
  CHECK(written(d).terminal == 202);
}

TEST_CASE("a ledger that cannot be read decides nothing", "[decide]") {
  till t;
  auto sale = t.sale(0, {cash(500)});
  auto d = t.run(sale);
  written(d);
  auto s = t.at();
  s.find_entry = [](const writer_id&, sequence) { return std::nullopt; };
  CHECK(refused(decide(sale, s)) == errc::io);
}

TEST_CASE("a receipt is reversed once, and all of it", "[decide]") {
  till t;
  auto d = t.run(t.sale(300, {cash(200)}));
  written(d);
  auto seq = t.journal.size() - 1;
  auto back = t.run(reverse_command{t.next_key(), seq});
  auto& e = written(back);
  CHECK(e.cites == seq);
  CHECK(e.cited_kind == entry_kind::sale);
  CHECK(e.tenders == std::vector<tender_item>{cash(200)});
  CHECK(e.lines.empty());
  CHECK(t.held(card_1) == 10'000);
  CHECK(refused(t.run(reverse_command{t.next_key(), seq})) == errc::already_reversed);
  CHECK(refused(t.run(reverse_command{t.next_key(), seq + 1})) == errc::not_reversible);  // the reversal itself
  CHECK(refused(t.run(reverse_command{t.next_key(), 0})) == errc::not_reversible);        // the opening
  CHECK(refused(t.run(reverse_command{t.next_key(), 999})) == errc::not_found);
  CHECK(refused(t.run(reverse_command{t.next_key(), t.journal.size()})) == errc::not_found);
}

TEST_CASE("a top-up is taken back only while its value is still here", "[decide]") {
  till t;
  auto d = t.run(t.top_up(1000, card_2));
  written(d);
  auto seq = t.journal.size() - 1;
  auto spend = t.sale(100, {}, {{product_id{1}, 1}});
  spend.account = card_2;
  auto spent = t.run(spend);
  written(spent);
  auto sale_seq = t.journal.size() - 1;
  auto refusal_of = t.run(reverse_command{t.next_key(), seq});
  REQUIRE(refused(refusal_of) == errc::insufficient);
  CHECK(std::get<refusal>(refusal_of).here == 900);
  CHECK(std::get<refusal>(refusal_of).missing == 100);
  // Once the sale is undone the value is here again, and so is the quota afterwards.
  auto undone = t.run(reverse_command{t.next_key(), sale_seq});
  written(undone);
  auto quota = quota_left(t.st, t.self);
  auto back = t.run(reverse_command{t.next_key(), seq});
  written(back);
  CHECK(t.held(card_2) == 0);
  CHECK(quota_left(t.st, t.self) == quota + 1000);
  t.stopped = errc::rolled_back;
  CHECK(refused(t.run(reverse_command{t.next_key(), sale_seq})) == errc::rolled_back);
}

TEST_CASE("the business date goes forward only, and not far from head office's time", "[decide]") {
  till t;
  auto date = [&] { return business_date(t.st, t.self, t.now, t.hq_time); };
  constexpr unix_seconds day = 86'400;
  CHECK(date() == 2517);
  t.now = noon + 3 * day;
  CHECK(date() == 2520);
  auto d = t.run(t.sale(0, {cash(500)}));
  CHECK(written(d).business_date == 2520);
  t.now = noon;  // the clock was set back
  CHECK(date() == 2520);
  d = t.run(t.sale(0, {cash(500)}));
  CHECK(written(d).business_date == 2520);
  CHECK(written(d).stamp == 43'200 - 3 * day);  // the stamp tells what the clock said
  t.now = noon + 40 * day;
  CHECK(date() == 2557);
  t.now = noon + 41 * day;
  CHECK(date() == 2557);
  t.now = INT64_MAX;
  CHECK(date() == 2557);
  t.hq_time = noon + 100 * day;
  t.now = noon + 141 * day;
  CHECK(date() == 2657);
  t.now = 0;  // a dead battery
  CHECK(date() == 2520);
  t.hq_time = 0;  // never told: the clock alone counts
  t.now = noon + 1000 * day;
  CHECK(date() == 3517);
}

TEST_CASE("a one-time number pays one sale, and what is left is not paid out to it", "[decide]") {
  till t;
  const bytes scratched(16, 's');
  auto once = [&](sale_command c) {
    c.once = scratched;
    return c;
  };
  const auto first = once(t.sale(500));
  auto d = t.run(first);
  CHECK(written(d).medium == scratched);
  CHECK(refused(t.run(once(t.sale(500)))) == errc::number_used);
  CHECK(std::holds_alternative<replayed>(t.run(first)));
  hand_back_command back{t.next_key(), card_1, 100, 0, tender_kind::cash, scratched};
  CHECK(refused(t.run(back)) == errc::number_used);
  top_up_command more = t.top_up(1'000);
  more.once = scratched;
  CHECK(refused(t.run(more)) == errc::number_used);
  // Another number of the same card, which head office gave it, is another thing.
  CHECK(std::holds_alternative<entry>(t.run(t.sale(500))));
  // Head office has set the card to expired: the number says why, whoever wrote the sale.
  put_card(t.st, card_2, {card_status::expired, 1, 5});
  auto other = once(t.sale(0, {cash(500)}));
  other.account = card_2;
  CHECK(refused(t.run(other)) == errc::number_used);
  other.once.clear();
  CHECK(refused(t.run(other)) == errc::card_blocked);
}
