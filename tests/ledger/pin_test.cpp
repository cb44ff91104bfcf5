#include <catch2/catch.hpp>

#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

using verdict = pin_proof::verdict;

/// Cards of kind 1: no PIN up to 3.00, and up to 5.00 in a day.
struct pin_shop : member_shop {
  pin_shop() {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    card_kind_rule k{1, {"Card"}, {}, true, 0};
    k.pin_above = 300;
    k.pin_above_day = 500;
    r.programme.card_kinds = {k};
    r.programme.discounts.clear();
    r.programme.gift_per_day = 5'000;
    prices.add(r);
  }
  void kind(const std::function<void(card_kind_rule&)>& change) {
    auto r = *prices.newest();
    ++r.version;
    change(r.programme.card_kinds.front());
    prices.add(r);
  }
  /// Head office's word on a card, in answer to an entry of this store or not.
  void says(account_id account, const pin_state& pin, std::optional<sequence> answers = {}) {
    auto e = card_fact(account, card_of(st, account).value());
    e.pin = pin;
    if (answers) e.subject = self, e.cites = answers;
    apply_directory(e, st);
  }
  decision pay(amount card, pin_proof pin = {}) {
    auto c = sale({{product_id{1}, card / 100}}, card);
    c.pin = pin;
    return run(c);
  }
  decision set(pin_proof old = {}, std::string digest = std::string(16, 'd')) {
    return run(pin_command{next_key(), card_1, old, now_pin().version + 1, "sealed", digest});
  }
  pin_state now_pin() const { return pin_of(st, self, card_1, card_of(st, card_1).value()); }
  std::uint32_t tries() const { return pin_tries(st, self, card_1, now_pin()); }
};

const refusal& why(const decision& d) {
  REQUIRE(std::holds_alternative<refusal>(d));
  return std::get<refusal>(d);
}

}  // namespace

TEST_CASE("a PIN is 4 to 12 digits", "[pin]") {
  for (const char* good : {"1234", "000000", "123456789012"})
    CHECK(is_pin(good));
  for (const char* bad : {"", "123", "1234567890123", "12a4", "12 4", "-123", "１２３４"})
    CHECK_FALSE(is_pin(bad));
}

TEST_CASE("limits ask for the PIN", "[pin]") {
  card_kind_rule k{1, {"Card"}, {}, true, 0};
  CHECK_FALSE(asks_for_pin(&k, amount_max, true, amount_max));
  CHECK_FALSE(asks_for_pin(nullptr, 1, true, 0));
  k.pin_above = 300;
  CHECK_FALSE(asks_for_pin(&k, 300, true, 10'000));
  CHECK(asks_for_pin(&k, 301, true, 0));
  k.pin_above_day = 500;
  CHECK_FALSE(asks_for_pin(&k, 300, true, 200));
  CHECK(asks_for_pin(&k, 300, true, 201));
  CHECK(free_of_pin(k, 0) == 300);
  CHECK(free_of_pin(k, 400) == 100);
  CHECK(free_of_pin(k, 900) == 0);
  // Units that are no money do not count, but for a card that always asks.
  CHECK_FALSE(asks_for_pin(&k, 0, true, 900));
  k.pin_above = 0;
  CHECK(asks_for_pin(&k, 0, true, 0));
  CHECK_FALSE(asks_for_pin(&k, 0, false, 0));
}

TEST_CASE("a sale above the limit is refused without a PIN, and says what goes without", "[pin]") {
  pin_shop s;
  auto free = s.pay(300);
  CHECK(written(free).pin_checked == 0);
  auto d = s.pay(400);
  CHECK(refused(d) == errc::pin_required);
  CHECK(why(d).why.detail.find("choose one") != std::string::npos);
  CHECK(why(d).without_pin == 200);  // of the day's 500
  s.says(card_1, {1, 0, true});
  d = s.pay(400);
  CHECK(refused(d) == errc::pin_required);
  CHECK(why(d).why.detail.empty());
  d = s.pay(400, {verdict::unknown, 0});
  CHECK(refused(d) == errc::pin_required);
  CHECK(why(d).why.detail.find("line to head office") != std::string::npos);
  // Another PIN than the card has by now.
  CHECK(refused(s.pay(400, {verdict::right, 2})) == errc::pin_required);
  auto paid = s.pay(400, {verdict::right, 1});
  CHECK(written(paid).pin_checked == 1);
  // Nothing is asked for in cash, nor at a sale that the day's sum still covers.
  auto cash = s.run(s.sale({{product_id{1}, 9}}, 0, {in_cash(900)}));
  CHECK(written(cash).pin_checked == 0);
  CHECK(refused(s.pay(100)) == errc::pin_required);  // 700 were spent
  s.now += 86'400;
  auto next_day = s.pay(300);
  CHECK(written(next_day).pin_checked == 0);
  CHECK(s.tries() == 0);
}

TEST_CASE("wrong PINs are entries, which count, and lock the card at this store", "[pin]") {
  pin_shop s;
  s.says(card_1, {1, 0, true});
  auto before = s.held(card_1);
  sale_command c = s.sale({{product_id{1}, 4}}, 400);
  c.pin = {verdict::wrong, 1};
  auto first = s.run(c);
  CHECK(written(first).kind == entry_kind::pin_failed);
  CHECK(s.tries() == 1);
  // The same request again, whatever PIN comes with it, is not counted again, and does not pass.
  for (auto is : {verdict::wrong, verdict::right}) {
    c.pin.is = is;
    auto again = s.run(c);
    REQUIRE(std::holds_alternative<replayed>(again));
    CHECK(s.tries() == 1);
  }
  auto other = c;
  other.account = card_2;
  CHECK(refused(s.run(other)) == errc::key_reused);
  // A right one gives all tries back.
  auto right = s.pay(400, {verdict::right, 1});
  CHECK(written(right).kind == entry_kind::sale);
  CHECK(s.tries() == 0);
  for (std::uint32_t n = 1; n <= pin_tries_max; ++n) {
    // Also when the amount would not have needed it.
    auto d = s.pay(n == 2 ? 100 : 400, {verdict::wrong, 1});
    CHECK(written(d).kind == entry_kind::pin_failed);
    CHECK(s.tries() == n);
  }
  CHECK(refused(s.pay(400, {verdict::right, 1})) == errc::pin_locked);
  CHECK(refused(s.pay(400, {verdict::wrong, 1})) == errc::pin_locked);
  CHECK(refused(s.pay(400)) == errc::pin_locked);
  CHECK(refused(s.set({verdict::right, 1})) == errc::pin_locked);
  // What needs none still goes.
  auto small = s.pay(100, {verdict::right, 1});
  CHECK(written(small).pin_checked == 0);
  CHECK(s.held(card_1) == before - 500);
  // Another card is not locked, and head office's refill counts here.
  s.says(card_1, {1, 1, true});
  CHECK(s.tries() == 0);
  auto refilled = s.pay(400, {verdict::right, 1});
  CHECK(written(refilled).pin_checked == 1);
  // A fourth wrong one is nobody's to write.
  entry e;
  e.kind = entry_kind::pin_failed;
  e.terminal = 201;
  e.account = card_1;
  e.pin = {1, 1, true};
  for (std::uint32_t n = 0; n < pin_tries_max; ++n) {
    e.counter = ++s.counter;
    REQUIRE(s.write(e).ok());
  }
  e.counter = ++s.counter;
  CHECK(s.write(e).code() == errc::pin_locked);
}

TEST_CASE("a PIN is chosen, changed with the old one, and chosen anew after head office took it away", "[pin]") {
  pin_shop s;
  auto set = s.set();
  CHECK(written(set).pin == pin_state{1, 0, true});
  auto at = s.journal.size() - 1;
  CHECK(own_pin(s.st, s.self, card_1, *card_of(s.st, card_1)) == at);
  // It binds this store at once; a repeated request is known by its digest.
  CHECK(s.now_pin() == pin_state{1, 0, true});
  auto paid = s.pay(400, {verdict::right, 1});
  CHECK(written(paid).pin_checked == 1);
  pin_command same{{201, s.journal[at].counter, 5}, card_1, {}, 1, "sealed", std::string(16, 'd')};
  CHECK(std::holds_alternative<replayed>(s.run(same)));
  same.digest[0] = 'x';
  CHECK(refused(s.run(same)) == errc::key_reused);
  // Not sealed as another one than it is.
  CHECK(refused(s.run(pin_command{s.next_key(), card_1, {verdict::right, 1}, 3, "sealed", std::string(16, 'e')})) ==
        errc::pin_required);
  // Not a second time without the first.
  CHECK(refused(s.set()) == errc::pin_required);
  auto wrong = s.set({verdict::wrong, 1});
  CHECK(written(wrong).kind == entry_kind::pin_failed);
  CHECK(s.tries() == 1);
  auto changed = s.set({verdict::right, 1});
  CHECK(written(changed).pin == pin_state{2, 0, true});
  CHECK(written(changed).pin_checked == 1);
  CHECK(s.tries() == 0);
  // Head office publishes the first, then the second.
  s.says(card_1, {1, 0, true}, at);
  CHECK(s.now_pin().version == 2);
  CHECK(pin_source(s.st, card_1) == std::pair(s.self, at));
  s.says(card_1, {2, 0, true}, s.journal.size() - 1);
  CHECK_FALSE(own_pin(s.st, s.self, card_1, *card_of(s.st, card_1)));
  CHECK(pin_source(s.st, card_1) == std::pair(s.self, s.journal.size() - 1));
  // Other news of the card changes nothing of it.
  s.says(card_1, card_of(s.st, card_1)->pin);
  CHECK(s.now_pin() == pin_state{2, 0, true});
  CHECK(pin_source(s.st, card_1));
  s.says(card_1, {3, 0, false});
  CHECK_FALSE(pin_source(s.st, card_1));
  CHECK(refused(s.pay(400, {verdict::right, 2})) == errc::pin_required);
  auto anew = s.set();
  CHECK(written(anew).pin == pin_state{4, 0, true});
  // Head office did not take it, for another one came first.
  s.says(card_1, {4, 0, true}, s.journal.size() - 2);
  CHECK(s.now_pin() == pin_state{4, 0, true});
  CHECK_FALSE(own_pin(s.st, s.self, card_1, *card_of(s.st, card_1)));
}

TEST_CASE("what is chosen is bounded, and refused for cards that cannot be used", "[pin]") {
  pin_shop s;
  CHECK(refused(s.run(pin_command{s.next_key(), frozen_card, {}, 1, "sealed", std::string(16, 'd')})) ==
        errc::card_blocked);
  CHECK(refused(s.run(pin_command{s.next_key(), unknown_card, {}, 1, "sealed", std::string(16, 'd')})) ==
        errc::unknown_card);
  CHECK(refused(s.set({}, "short")) == errc::malformed);
  for (std::int64_t n = 0; n < pins_per_day_max; ++n) {
    auto d = s.set(n == 0 ? pin_proof{} : pin_proof{verdict::right, static_cast<std::uint32_t>(n)});
    REQUIRE(written(d).pin.version == n + 1);
  }
  CHECK(refused(s.set({verdict::right, static_cast<std::uint32_t>(pins_per_day_max)})) == errc::too_many_claims);
  s.now += 86'400;
  auto next_day = s.set({verdict::right, static_cast<std::uint32_t>(pins_per_day_max)});
  CHECK(written(next_day).pin.set);
}

TEST_CASE("judge: PINs that contradict themselves", "[pin][judge]") {
  pin_shop s;
  auto d = s.set();
  auto e = written(d);
  auto refuses = [&](const std::function<void(entry&)>& change) {
    auto bad = e;
    bad.counter = s.counter + 1;
    change(bad);
    return s.write(bad).code();
  };
  CHECK(refuses([](entry& x) { x.pin.set = false; }) == errc::malformed);
  CHECK(refuses([](entry& x) { x.pin = {0, 1, true}; }) == errc::malformed);
  CHECK(refuses([](entry& x) { x.pin_checked = 7; }) == errc::malformed);
  CHECK(refuses([](entry& x) { x.blob = std::string(pin_sealed_max + 1, 'x'); }) == errc::malformed);
  CHECK(refuses([](entry& x) { x.blob.clear(); }) == errc::malformed);
  CHECK(refuses([](entry& x) { x.kind = entry_kind::pin_failed; }) == errc::malformed);
  CHECK(judge(e, {.writer = hq, .role = node_role::hq, .seq = 1}, s.st).code() == errc::not_entitled);
}

TEST_CASE("what was given to other cards counts for the day's sum", "[pin]") {
  pin_shop s;
  s.says(card_1, {1, 0, true});
  auto give = [&](amount money) { return s.run(gift_command{s.next_key(), card_1, card_2, purse_paid, money}); };
  auto first = give(300);
  CHECK(written(first).pin_checked == 0);
  CHECK(refused(give(300)) == errc::pin_required);
  CHECK(refused(s.pay(300)) == errc::pin_required);
  auto rest = give(200);
  CHECK(written(rest).pin_checked == 0);
  CHECK(refused(give(100)) == errc::pin_required);
}

TEST_CASE("a card that has a PIN comes back only with it, whatever is paid out", "[pin]") {
  pin_shop s;
  hand_back_command back{s.next_key(), card_1, s.held(card_1), 0};
  pin_shop none;
  auto without = none.run(hand_back_command{none.next_key(), card_2, none.held(card_2), 0});
  CHECK(written(without).kind == entry_kind::hand_back);
  s.says(card_1, {1, 0, true});
  CHECK(refused(s.run(back)) == errc::pin_required);
  back.pin = {verdict::right, 1};
  auto given = s.run(back);
  CHECK(written(given).pin_checked == 1);
}

TEST_CASE("money put aside, given away or paid out asks for the PIN as a sale does", "[pin]") {
  pin_shop s;
  s.says(card_1, {1, 0, true});
  authorise_command hold{s.next_key(), card_1, 400, 600};
  CHECK(refused(s.run(hold)) == errc::pin_required);
  hold.pin = {verdict::right, 1};
  auto held = s.run(hold);
  CHECK(written(held).pin_checked == 1);
  gift_command gift{s.next_key(), card_1, card_2, purse_paid, 400};
  CHECK(refused(s.run(gift)) == errc::pin_required);
  gift.pin = {verdict::right, 1};
  auto given = s.run(gift);
  CHECK(written(given).pin_checked == 1);
  hand_back_command back{s.next_key(), card_1, s.held(card_1), 0};
  CHECK(refused(s.run(back)) == errc::pin_required);
  back.pin = {verdict::wrong, 1};
  auto wrong = s.run(back);
  CHECK(written(wrong).kind == entry_kind::pin_failed);
  back.key = s.next_key();
  back.pin = {verdict::right, 1};
  auto paid_out = s.run(back);
  CHECK(written(paid_out).pin_checked == 1);
}

TEST_CASE("a card that always asks does so for points alone", "[pin]") {
  pin_shop s;
  s.kind([](card_kind_rule& k) { k.pin_above = 0, k.pin_above_day.reset(); });
  s.says(card_1, {1, 0, true});
  s.give(card_1, visits_purse, 3);
  auto c = s.sale({}, 0);
  c.gifts = {{visits_purse, product_id{1}, 1}};
  auto d = s.run(c);
  CHECK(refused(d) == errc::pin_required);
  CHECK(why(d).without_pin == 0);
  c.pin = {verdict::right, 1};
  auto paid = s.run(c);
  CHECK(written(paid).pin_checked == 1);
}

TEST_CASE("a wrong PIN's number is no other request's", "[pin]") {
  pin_shop s;
  s.says(card_1, {1, 0, true});
  auto c = s.sale({{product_id{1}, 4}}, 400);
  c.pin = {verdict::wrong, 1};
  auto tried = s.run(c);
  REQUIRE(written(tried).kind == entry_kind::pin_failed);
  CHECK(written(tried).request != 0);
  c.pin = {};
  CHECK(std::holds_alternative<replayed>(s.run(c)));
  auto more = c;
  more.lines = {{product_id{1}, 5}};
  more.card = 500;
  CHECK(refused(s.run(more)) == errc::key_reused);
  CHECK(refused(s.run(authorise_command{c.key, card_1, 400, 600})) == errc::key_reused);
  CHECK(refused(s.run(gift_command{c.key, card_1, card_2, purse_paid, 400})) == errc::key_reused);
  CHECK(refused(s.run(reverse_command{c.key, 1})) == errc::key_reused);
  auto set = s.set({verdict::wrong, 1});
  REQUIRE(written(set).kind == entry_kind::pin_failed);
  till_key key{written(set).terminal, written(set).counter, 0};
  CHECK(std::holds_alternative<replayed>(
      s.run(pin_command{key, card_1, {verdict::right, 1}, 2, "sealed", std::string(16, 'd')})));
  CHECK(refused(s.run(pin_command{key, card_1, {verdict::right, 1}, 2, "sealed", std::string(16, 'e')})) ==
        errc::key_reused);
}

TEST_CASE("an older entry of a wrong PIN answers for its account, as it did", "[pin]") {
  pin_shop s;
  s.says(card_1, {1, 0, true});
  entry e;
  e.kind = entry_kind::pin_failed;
  auto key = s.next_key();
  e.terminal = key.terminal;
  e.counter = key.counter;
  e.account = card_1;
  e.pin = {1, 0, true};
  REQUIRE(s.write(e).ok());
  CHECK(std::holds_alternative<replayed>(s.run(authorise_command{key, card_1, 400, 600})));
  CHECK(refused(s.run(authorise_command{key, card_2, 400, 600})) == errc::key_reused);
}

TEST_CASE("bonus that sales took counts for the day's sum", "[pin]") {
  pin_shop s;
  s.says(card_1, {1, 0, true});
  s.give(card_1, bonus_purse, 300);
  auto first = s.pay(300);  // all of it bonus
  CHECK(written(first).pin_checked == 0);
  CHECK(s.units_of(card_1, bonus_purse) == 0);
  CHECK(taken_on(s.st, written(first).business_date, s.self, card_1, bonus_purse) == 300);
  auto d = s.pay(300);
  CHECK(refused(d) == errc::pin_required);
  CHECK(why(d).without_pin == 200);
  s.now += 86'400;
  auto next_day = s.pay(300);
  CHECK(written(next_day).pin_checked == 0);
}

TEST_CASE("a top-up of a card with a PIN is paid out only with it", "[pin]") {
  pin_shop s;
  top_up_command load{s.next_key(), card_1, 1'000, tender_kind::cash};
  auto loaded = s.run(load);
  REQUIRE(written(loaded).kind == entry_kind::top_up);
  auto at = s.journal.size() - 1;
  reverse_command back{s.next_key(), at};
  SECTION("no PIN was chosen: as ever") {
    auto d = s.run(back);
    CHECK(written(d).kind == entry_kind::reverse);
  }
  SECTION("its kind asks for none") {
    s.says(card_1, {1, 0, true});
    s.kind([](card_kind_rule& k) { k.pin_above.reset(), k.pin_above_day.reset(); });
    auto d = s.run(back);
    CHECK(written(d).pin_checked == 0);
  }
  SECTION("it has one") {
    s.says(card_1, {1, 0, true});
    auto d = s.run(back);
    CHECK(refused(d) == errc::pin_required);
    CHECK_FALSE(why(d).without_pin);
    back.pin = {verdict::wrong, 1};
    auto wrong = s.run(back);
    CHECK(written(wrong).kind == entry_kind::pin_failed);
    CHECK(s.tries() == 1);
    CHECK(std::holds_alternative<replayed>(s.run(back)));
    back.key = s.next_key();
    back.pin = {verdict::right, 1};
    auto d2 = s.run(back);
    CHECK(written(d2).kind == entry_kind::reverse);
    CHECK(written(d2).pin_checked == 1);
    CHECK(s.tries() == 0);
  }
  SECTION("the reversal of a sale pays nothing out and asks for nothing") {
    s.says(card_1, {1, 0, true});
    auto sold = s.pay(300);
    REQUIRE(written(sold).kind == entry_kind::sale);
    auto d = s.run(reverse_command{s.next_key(), s.journal.size() - 1});
    CHECK(written(d).kind == entry_kind::reverse);
  }
}

TEST_CASE("limits are told as money", "[pin]") {
  pin_shop s;
  s.kind([](card_kind_rule& k) { k.pin_above.reset(), k.pin_above_day.reset(), k.per_day = 500; });
  auto d = s.pay(600);
  CHECK(why(d).why.detail == "this card spends at most 5.00 a day here");
  auto r = *s.prices.newest();
  ++r.version;
  r.programme.purses[0].gift_per_day = 250;
  r.programme.purses[0].manual_per_day = 150;
  r.programme.purses[1].gift_per_day = 250;
  s.prices.add(r);
  d = s.run(gift_command{s.next_key(), card_1, card_2, bonus_purse, 300});
  CHECK(why(d).why.detail == "of Bonus this card gives 2.50 more here today");
  d = s.run(gift_command{s.next_key(), card_1, card_2, points_purse, 300});
  CHECK(why(d).why.detail == "of Points this card gives 250 more here today");
  d = s.run(gift_command{s.next_key(), card_1, card_2, purse_paid, 6'000});
  CHECK(why(d).why.detail == "of paid money this card gives 50.00 more here today");
  d = s.run(adjust_command{s.next_key(), card_1, bonus_purse, 200, "mistake"});
  CHECK(why(d).why.detail == "by hand this store gives 1.50 more of Bonus today");
}
