// One-time codes: what asks for one, and what it opens.
#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

using verdict = code_proof::verdict;

/// Cards of kind 1: no code up to 10.00.
struct code_shop : member_shop {
  code_shop() {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.code_above = 1'000;
    r.programme.card_kinds = {k};
    r.programme.discounts.clear();
    r.programme.gift_per_day = 5'000;
    prices.add(r);
  }
  code_proof right(std::uint64_t number, amount up_to = 5'000) const {
    return {verdict::right, number, up_to, now + 300, 3};
  }
  decision pay(amount card, code_proof code = {}) {
    auto c = sale({{product_id{1}, card / 100}}, card);
    c.code = code;
    return run(c);
  }
};

const refusal& why(const decision& d) {
  REQUIRE(std::holds_alternative<refusal>(d));
  return std::get<refusal>(d);
}

}  // namespace

TEST_CASE("a code has six digits", "[code]") {
  CHECK(is_code("000000"));
  for (const char* bad : {"", "12345", "1234567", "12345a", "１２３４５６", " 12345"})
    CHECK_FALSE(is_code(bad));
}

TEST_CASE("limits ask for a code", "[code]") {
  card_kind_rule k{1, {"Card"}, {}, true, 0};
  CHECK_FALSE(asks_for_code(&k, amount_max, true));
  CHECK_FALSE(asks_for_code(nullptr, 1, true));
  k.code_above = 300;
  CHECK_FALSE(asks_for_code(&k, 300, true));
  CHECK(asks_for_code(&k, 301, true));
  CHECK_FALSE(asks_for_code(&k, 0, true));
  k.code_above = 0;
  CHECK(asks_for_code(&k, 0, true));  // points alone
  CHECK_FALSE(asks_for_code(&k, 0, false));
}

TEST_CASE("above the limit a sale needs a code, and says what goes without", "[code]") {
  code_shop s;
  auto free = s.pay(1'000);
  CHECK(written(free).code_checked == 0);
  auto d = s.pay(1'100);
  CHECK(refused(d) == errc::code_required);
  CHECK(why(d).without_code == 1'000);
  CHECK(why(d).why.detail.empty());
  d = s.pay(1'100, {verdict::unknown, 0, 0, 0, 0});
  CHECK(refused(d) == errc::code_required);
  CHECK(why(d).why.detail.find("have one sent") != std::string::npos);
  d = s.pay(1'100, {verdict::wrong, 7, 5'000, s.now + 300, 2});
  CHECK(refused(d) == errc::code_wrong);
  CHECK(why(d).tries == 2);
  CHECK(why(d).without_code == 1'000);
  auto paid = s.pay(1'100, s.right(7));
  CHECK(written(paid).code_checked == 7);
  // In cash nothing is asked for; nor is a code used up that was not asked for.
  auto cash = s.run(s.sale({{product_id{1}, 20}}, 0, {in_cash(2'000)}));
  CHECK(written(cash).code_checked == 0);
  auto small = s.pay(500, s.right(8));
  CHECK(written(small).code_checked == 0);
}

TEST_CASE("a code is for one sale, up to its sum, before its time is over", "[code]") {
  code_shop s;
  auto d = s.pay(1'200, s.right(7, 1'100));
  CHECK(refused(d) == errc::code_required);
  CHECK(why(d).why.detail.find("at most 11.00") != std::string::npos);
  auto late = s.right(7);
  late.until = s.now;
  CHECK(refused(s.pay(1'200, late)) == errc::code_required);
  auto c = s.sale({{product_id{1}, 12}}, 1'200);
  c.code = s.right(7);
  auto paid = s.run(c);
  CHECK(written(paid).code_checked == 7);
  CHECK(code_used(s.st, s.self, card_1) == 7);
  CHECK(code_used(s.st, {s.self.node, {}}, card_1) == 7);  // the node's next life knows it as well
  // The same request again is the same sale, whatever is typed with it.
  c.code = {verdict::unknown, 0, 0, 0, 0};
  CHECK(std::holds_alternative<replayed>(s.run(c)));
  // Another sale is another code.
  for (std::uint64_t used : {7U, 6U}) {
    d = s.pay(1'200, s.right(used));
    CHECK(refused(d) == errc::code_required);
    CHECK(why(d).why.detail.find("used before") != std::string::npos);
  }
  auto next = s.pay(1'200, s.right(8));
  CHECK(written(next).code_checked == 8);
  // Of one card: another one's numbers are its own.
  s.rights(card_2, 5'000);
  auto other = s.sale({{product_id{1}, 12}}, 1'200);
  other.account = card_2;
  other.code = s.right(3);
  auto done = s.run(other);
  CHECK(written(done).code_checked == 3);
}

TEST_CASE("judge: a code that opens two entries", "[code][judge]") {
  code_shop s;
  auto d = s.pay(1'200, s.right(7));
  auto e = written(d);
  e.counter = s.counter + 1;
  CHECK(s.write(e).code() == errc::key_reused);
  e.code_checked = UINT64_MAX;
  CHECK(s.write(e).code() == errc::malformed);
  e.code_checked = 8;
  CHECK(s.write(e).ok());
}

TEST_CASE("money put aside, given away or paid out asks for a code as a sale does", "[code]") {
  code_shop s;
  authorise_command hold{s.next_key(), card_1, 1'100, 600};
  CHECK(refused(s.run(hold)) == errc::code_required);
  hold.code = s.right(1);
  auto held = s.run(hold);
  CHECK(written(held).code_checked == 1);
  gift_command gift{s.next_key(), card_1, card_2, purse_paid, 1'100};
  CHECK(refused(s.run(gift)) == errc::code_required);
  gift.code = s.right(2);
  auto given = s.run(gift);
  CHECK(written(given).code_checked == 2);
  CHECK(written(given).card_kind == 1);
  hand_back_command back{s.next_key(), card_1, s.held(card_1), 0};
  CHECK(refused(s.run(back)) == errc::code_required);
  back.code = s.right(3, amount_max);
  auto paid_out = s.run(back);
  CHECK(written(paid_out).code_checked == 3);
  CHECK(written(paid_out).card_kind == 1);
  CHECK(written(paid_out).rules_version == 3);
}

TEST_CASE("above both limits the PIN and a code are asked for, the PIN first", "[code][pin]") {
  code_shop s;
  auto r = *s.prices.newest();
  ++r.version;
  r.programme.card_kinds.front().pin_above = 300;
  s.prices.add(r);
  auto fact = card_fact(card_1, card_of(s.st, card_1).value());
  fact.pin = {1, 0, true};
  apply_directory(fact, s.st);
  auto c = s.sale({{product_id{1}, 12}}, 1'200);
  c.code = s.right(4);
  CHECK(refused(s.run(c)) == errc::pin_required);
  c.pin = {pin_proof::verdict::right, 1};
  c.code = {};
  CHECK(refused(s.run(c)) == errc::code_required);
  c.code = s.right(4);
  auto paid = s.run(c);
  CHECK(written(paid).pin_checked == 1);
  CHECK(written(paid).code_checked == 4);
}
