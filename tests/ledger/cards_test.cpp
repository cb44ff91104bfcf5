#include <catch2/catch.hpp>

#include <map>

#include "card_shop.hpp"
#include "ledger/closing.hpp"

using namespace tally;
using namespace tally::test;

namespace {

amount posted(const std::vector<posting>& list, account_type type) {
  amount sum = 0;
  for (const auto& p : list)
    if (p.account.type == type) sum += p.amount;
  return sum;
}

}  // namespace

TEST_CASE("a card that is reported lost is refused at once where it was reported", "[cards]") {
  card_shop s;
  s.quota(100'000);
  s.rights(card_1, 10'000);
  auto bought = s.sale(card_1, 100);
  written(bought);
  auto claimed = s.claim(card_1, card_status::lost);
  CHECK(written(claimed).status == card_status::lost);
  CHECK(written(claimed).account_version == 1);
  auto again = s.sale(card_1, 100);
  CHECK(refused(again) == errc::card_blocked);
  CHECK(refusal_of(again).why.detail == "reported lost");
  CHECK(refusal_of(again).standing == card_status::lost);
  CHECK(refused(s.run(top_up_command{s.next_key(), card_1, 1'000})) == errc::card_blocked);
  CHECK(refused(s.run(refund_command{s.next_key(), s.journal.size() - 2, {{product_id{1}, 1}}, true})) ==
        errc::card_blocked);
  CHECK(refused(s.run(hand_back_command{s.next_key(), card_1, 100, 0})) == errc::card_blocked);
  // Less than lost is nothing new.
  CHECK(refused(s.claim(card_1, card_status::frozen)) == errc::card_blocked);
  CHECK(refused(s.claim(unknown_card, card_status::lost)) == errc::unknown_card);
  for (auto other : {card_status::active, card_status::cancelled, card_status::stock, card_status{9}})
    CHECK(refused(s.claim(card_2, other)) == errc::malformed);
}

TEST_CASE("a repeated report is answered by its entry", "[cards]") {
  card_shop s;
  claim_command c{s.next_key(), card_1, card_status::frozen};
  auto first = s.run(c);
  written(first);
  CHECK(std::holds_alternative<replayed>(s.run(c)));
  c.status = card_status::lost;
  CHECK(refused(s.run(c)) == errc::key_reused);
}

TEST_CASE("only head office loosens, by an answer to the claim", "[cards]") {
  card_shop s;
  s.rights(card_1, 10'000);
  auto first = s.claim(card_1, card_status::frozen);
  written(first);
  sequence seq = s.journal.size() - 1;
  s.says(card_1, card_status::active);  // it has not seen the claim
  CHECK(refused(s.sale(card_1, 100)) == errc::card_blocked);
  s.says(card_1, card_status::frozen, seq);
  CHECK(refused(s.sale(card_1, 100)) == errc::card_blocked);
  REQUIRE(claim_of(s.st, card_1));
  CHECK(claim_of(s.st, card_1)->writer == store_a);
  CHECK(claim_of(s.st, card_1)->before == card_status::active);
  s.says(card_1, card_status::active);
  CHECK_FALSE(claim_of(s.st, card_1));
  auto bought = s.sale(card_1, 100);
  written(bought);
  // An answer to an older claim does not take a younger one back.
  auto second = s.claim(card_1, card_status::lost);
  written(second);
  s.says(card_1, card_status::active, seq);
  CHECK(refused(s.sale(card_1, 100)) == errc::card_blocked);
}

TEST_CASE("a store reports few cards that it does not know", "[cards]") {
  card_shop s;
  s.rights(card_1, 100);
  for (std::uint64_t i = 0; i < 30; ++i)
    put_card(s.st, {5'000 + i}, {card_status::active, 1, 1});
  std::size_t made = 0;
  for (std::uint64_t i = 0; i < 30; ++i)
    made += std::holds_alternative<entry>(s.claim({5'000 + i}, card_status::frozen)) ? 1 : 0;
  CHECK(made == blind_claims_per_day_max);
  CHECK(refused(s.claim({5'029}, card_status::frozen)) == errc::too_many_claims);
  auto known = s.claim(card_1, card_status::frozen);
  written(known);
  CHECK(claims_on(s.st, day_of(s.now), store_a).all == blind_claims_per_day_max + 1);
  // Whoever writes on is contested by all who read it, in the same way.
  entry e;
  e.kind = entry_kind::claim;
  e.terminal = 201;
  e.counter = 900;
  e.account = {5'029};
  e.status = card_status::frozen;
  e.business_date = day_of(s.now);
  CHECK(judge(e, {store_a, node_role::store, s.journal.size()}, s.st).code() == errc::too_many_claims);
  CHECK(judge(e, {region, node_role::region, s.journal.size()}, s.st).code() == errc::not_entitled);
  s.now += 86'400;
  s.hq_time = s.now;
  auto tomorrow = s.claim({5'029}, card_status::frozen);
  written(tomorrow);
}

TEST_CASE("a flood of claims ends at the day's limit", "[cards]") {
  card_shop s;
  for (std::int64_t i = 0; i < claims_per_day_max + 5; ++i) {
    account_id a{9'000 + static_cast<std::uint64_t>(i)};
    put_card(s.st, a, {card_status::active, 1, 1});
    s.rights(a, 1);
    auto d = s.claim(a, card_status::lost);
    CHECK(std::holds_alternative<entry>(d) == (i < claims_per_day_max));
  }
}

TEST_CASE("a card expires when both calendars have passed its date", "[cards]") {
  card_shop s;
  s.rights(card_1, 10'000);
  put_card(s.st, card_1, {card_status::active, 1, 1, 0, day_of(noon)});
  auto last_day = s.sale(card_1, 100);
  written(last_day);
  s.now += 86'400;  // the clock alone takes nothing from a holder
  auto by_clock = s.sale(card_1, 100);
  written(by_clock);
  s.hq_time += 86'400;
  auto over = s.sale(card_1, 100);
  CHECK(refused(over) == errc::card_blocked);
  CHECK(refusal_of(over).why.detail == "good until 2026-11-22");
  // What lies on it is still the holder's.
  auto back = s.run(hand_back_command{s.next_key(), card_1, s.held(card_1), 0});
  written(back);
}

TEST_CASE("how long a card is good", "[cards]") {
  card_kind_rule k;
  auto day = day_of(noon);
  CHECK(expiry_of(k, day) == 0);
  k.valid_days = 1;
  CHECK(expiry_of(k, day) == day);
  k.valid_days = 0;
  for (std::uint32_t months = 1; months <= valid_months_max; ++months) {
    k.valid_months = months;
    auto end = expiry_of(k, day);
    CHECK(month_of(end) == add_months(month_of(day), months));
    CHECK(month_of(end + 1) == add_months(month_of(day), months + 1));
  }
}

TEST_CASE("a store sells a card of its run, with its deposit and a first load", "[cards]") {
  card_shop s;
  CHECK(refused(s.run(card_sale_command{s.next_key(), stock_card, 5'000})) == errc::no_quota);
  s.quota(100'000);
  CHECK(refused(s.sale(stock_card, 100)) == errc::card_blocked);
  auto d = s.run(card_sale_command{s.next_key(), stock_card, 5'000, tender_kind::bank});
  const auto& e = written(d);
  CHECK(e.kind == entry_kind::issue);
  CHECK(e.tenders == std::vector<tender_item>{{tender_kind::bank, main_unit, 7'200}});
  CHECK(e.expires == day_of(noon) + 29);
  auto postings = expand(e, store_a);
  REQUIRE(postings);
  CHECK(posted(*postings, account_type::fees) == -200);
  CHECK(posted(*postings, account_type::hold) == -7'000);
  CHECK(holding(s.st, store_a, stock_card) == 5'000);
  CHECK(holding(s.st, store_a, stock_card, purse_deposit) == 2'000);
  // It is good here at once, and not for sale again.
  auto bought = s.sale(stock_card, 100);
  written(bought);
  CHECK(refused(s.run(card_sale_command{s.next_key(), stock_card, 0})) == errc::not_applicable);
  CHECK(judge(e, {store_a, node_role::store, s.journal.size()}, s.st).code() == errc::key_reused);
  // Nothing is bought with the deposit, whoever tries.
  entry theft;
  theft.kind = entry_kind::sale;
  theft.terminal = 201;
  theft.counter = 700;
  theft.account = stock_card;
  theft.lines = {{product_id{1}, 1}};
  theft.values = {{purse_deposit, main_unit, 0, 100}};
  CHECK(judge(theft, {store_a, node_role::store, s.journal.size()}, s.st).code() == errc::malformed);
}

TEST_CASE("a card of a kind that tills do not load is loaded once, when it is sold", "[cards]") {
  card_shop s;
  auto r = *s.prices.rules(2);
  r.version = 3;
  r.programme.card_kinds[0].top_up = false;
  s.prices.add(r);
  for (std::uint32_t id = 1; id <= 3; ++id)
    s.prices.add(product_of(id, 3, id * 100, 0));
  s.quota(100'000);
  auto d = s.run(card_sale_command{s.next_key(), stock_card, 5'000});
  REQUIRE(std::holds_alternative<entry>(d));
  CHECK(holding(s.st, s.self, stock_card) == 5'000);
  CHECK(refused(s.run(top_up_command{s.next_key(), stock_card, 1'000, tender_kind::cash})) != errc::ok);
  CHECK(std::holds_alternative<entry>(s.sale(stock_card, 1'000)));
}

TEST_CASE("cards of another node's run, of none and of an earlier life are not sold", "[cards]") {
  card_shop s;
  s.quota(100'000);
  put_card(s.st, {2'000}, {card_status::stock, 1, 0});
  put_card(s.st, {3'000}, {card_status::stock, 1, 0});
  s.allot({3'000}, 5, store_b);
  s.allot({2'000}, 5, writer(3, 77));
  for (account_id a : {account_id{2'000}, account_id{3'000}})
    CHECK(refused(s.run(card_sale_command{s.next_key(), a, 0})) == errc::not_entitled);
  CHECK(refused(s.run(card_sale_command{s.next_key(), card_1, 0})) == errc::not_applicable);
  CHECK(refused(s.run(card_sale_command{s.next_key(), unknown_card, 0})) == errc::unknown_card);
  entry e;
  e.kind = entry_kind::activate;
  e.terminal = 201;
  e.counter = 1;
  e.account = {3'000};
  entry_place by_a{.writer = store_a, .role = node_role::store, .seq = 1, .watched = true, .directory = &s.st};
  CHECK(judge(e, by_a, s.st).ok());  // a region may know less than the store below it
  by_a.revocations = true;           // head office does not
  auto by_b = by_a;
  by_b.writer = store_b;
  CHECK(judge(e, by_a, s.st).code() == errc::not_entitled);
  CHECK(judge(e, by_b, s.st).ok());
}

TEST_CASE("a card that comes back is paid out, what is here, and used no more", "[cards]") {
  card_shop s;
  s.quota(100'000);
  auto sold = s.run(card_sale_command{s.next_key(), stock_card, 5'000});
  written(sold);
  auto too_much = s.run(hand_back_command{s.next_key(), stock_card, 6'000, 3'000});
  CHECK(refused(too_much) == errc::insufficient);
  CHECK(refusal_of(too_much).lacks ==
        std::vector<purse_lack>{{purse_paid, 5'000, 1'000}, {purse_deposit, 2'000, 1'000}});
  s.now += 40 * 86'400;
  hand_back_command c{s.next_key(), stock_card, 5'000, 2'000};
  CHECK(refused(s.run(c)) == errc::stale_lists);  // nobody knows whether it was stolen meanwhile
  s.hq_time = s.now;
  entry mark;
  mark.kind = entry_kind::mark;
  mark.hq_time = s.now;
  s.fact(mark);
  auto back = s.run(c);
  CHECK(written(back).tenders == std::vector<tender_item>{{tender_kind::cash, main_unit, 7'000}});
  CHECK(holding(s.st, store_a, stock_card) == 0);
  CHECK(holding(s.st, store_a, stock_card, purse_deposit) == 0);
  CHECK(std::holds_alternative<replayed>(s.run(c)));
  auto after = s.run(top_up_command{s.next_key(), stock_card, 1'000});
  CHECK(refused(after) == errc::card_blocked);
  CHECK(refusal_of(after).why.detail == "given back");
  CHECK(refused(s.run(hand_back_command{s.next_key(), stock_card, 0, 0})) == errc::card_blocked);
}

TEST_CASE("a card is in a run exactly when its number says so", "[cards]") {
  dice d(7);
  for (int round = 0; round < 300; ++round) {
    memory_state st;
    entry e;
    e.kind = entry_kind::allot;
    e.account = {1 + d.below(5'000)};
    e.size = 1 + d.below(round % 2 ? 40 : 3'000);
    e.subject = store_a;
    apply_directory(e, st);
    for (int i = 0; i < 60; ++i) {
      account_id a{e.account.value - std::min<std::uint64_t>(e.account.value, 5) + d.below(e.size + 10)};
      bool in = a.value >= e.account.value && a.value < e.account.value + e.size;
      CHECK(may_sell(st, st, store_a, a) == in);
      CHECK_FALSE(may_sell(st, st, store_b, a));
    }
    CHECK(batch_at(st, e.account)->count == e.size);
  }
}

TEST_CASE("a run that was called back is sold no more, until it is delivered again", "[cards]") {
  dice d(11);
  for (int round = 0; round < 100; ++round) {
    memory_state st;
    auto fact = [&](entry_kind kind, std::uint64_t first, std::uint64_t count) {
      entry e;
      e.kind = kind;
      e.account = {first};
      e.size = count;
      e.subject = store_a;
      e.blob = "spring";
      return e;
    };
    auto first = 1 + d.below(500), count = 1 + d.below(300);
    auto some = [&] { return account_id{first + d.below(count)}; };
    entry_place at{store_a, node_role::store, 5};
    at.directory = &st;
    auto bring = fact(entry_kind::bring_back, first, count);
    bring.subject = {};
    bring.blob.clear();
    apply_directory(fact(entry_kind::allot, first, count), st);
    CHECK(judge(bring, at, st).code() == errc::not_entitled);
    apply_directory(fact(entry_kind::recall, first, count), st);
    CHECK(is_recalled(st, store_a, {first}, count));
    CHECK(may_sell(st, st, store_a, some()));  // not before it has answered
    auto postings = judge(bring, at, st);
    REQUIRE(postings);
    CHECK(postings->empty());
    REQUIRE(apply(bring, at, *postings, st).ok());
    for (int i = 0; i < 20; ++i)
      CHECK_FALSE(may_sell(st, st, store_a, some()));
    CHECK(judge(bring, at, st).code() == errc::not_entitled);  // once for each call
    // To another, and again to the first, cut otherwise.
    auto other = fact(entry_kind::allot, first, count);
    other.subject = store_b;
    apply_directory(other, st);
    CHECK(may_sell(st, st, store_b, some()));
    CHECK_FALSE(may_sell(st, st, store_a, some()));
    auto part = 1 + d.below(count);
    apply_directory(fact(entry_kind::allot, first, part), st);
    for (int i = 0; i < 20; ++i) {
      auto a = some();
      CHECK(may_sell(st, st, store_a, a) == (a.value < first + part));
    }
    CHECK_FALSE(is_recalled(st, store_a, {first}, part));
  }
}

TEST_CASE("a store that hears nothing gives no discount, and takes little from a card", "[cards]") {
  card_shop s;
  s.rights(card_1, 10'000);
  auto fresh = s.run(sale_command{s.next_key(), card_1, {{product_id{2}, 2}}, 200, {}});
  CHECK_FALSE(written(fresh).stale);
  s.now += 30 * 3600;
  auto much = s.run(sale_command{s.next_key(), card_1, {{product_id{2}, 2}}, 200, {}});
  CHECK(refused(much) == errc::stale_lists);
  auto little = s.sale(card_1, 100);
  CHECK_FALSE(written(little).stale);
  s.now += 20 * 3600;
  auto plain = s.run(sale_command{s.next_key(), card_1, {{product_id{1}, 1}}, 100, {}});
  CHECK(written(plain).stale);
  auto terms = terms_of_entry(written(plain), s.prices.rules(2)->programme);
  REQUIRE(terms);
  CHECK(price_sale(s.prices, *terms)->due == 100);
  auto cash = s.run(sale_command{s.next_key(), {}, {{product_id{1}, 4}}, 0, {{tender_kind::cash, main_unit, 400}}});
  CHECK(written(cash).stale);
  entry mark;
  mark.kind = entry_kind::mark;
  mark.hq_time = s.now;
  s.fact(mark);
  auto heard = s.run(sale_command{s.next_key(), card_1, {{product_id{2}, 2}}, 200, {}});
  CHECK_FALSE(written(heard).stale);
}

TEST_CASE("a card is never looser at a store than its own claims and head office make it", "[cards]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    dice d(seed);
    card_shop s;
    s.quota(10'000'000);
    struct known {
      card_status published = card_status::active;
      std::map<sequence, card_status> open;  ///< claims without an answer
    };
    std::map<std::uint64_t, known> model;
    for (std::uint64_t a = 1; a <= 4; ++a) {
      put_card(s.st, {a}, {card_status::active, 1, 1});
      s.rights({a}, 50'000);
      model[a] = {};
    }
    constexpr card_status published[] = {card_status::active, card_status::frozen, card_status::lost,
                                         card_status::blacklisted, card_status::active};
    for (int step = 0; step < 200; ++step) {
      account_id a{1 + d.below(4)};
      auto& m = model[a.value];
      auto tightest = m.published;
      for (auto [seq, status] : m.open)
        if (tightness(status) > tightness(tightest)) tightest = status;
      switch (d.below(4)) {
        case 0: {
          auto want = d.percent(50) ? card_status::lost : card_status::frozen;
          auto seq = s.journal.size();
          auto made = s.claim(a, want);
          bool allowed = tightness(want) > tightness(tightest) &&
                         claims_on(s.st, day_of(s.now), store_a).all <= claims_per_day_max;
          CHECK(std::holds_alternative<entry>(made) == allowed);
          if (allowed) m.open = {{seq, want}};  // the tighter one takes the place of the other
          break;
        }
        case 1:
          m.published = published[d.below(5)];
          if (!m.open.empty() && d.percent(50)) {
            s.says(a, m.published, m.open.rbegin()->first);
            m.open.clear();
          } else {
            s.says(a, m.published);
          }
          break;
        default: {
          auto bought = s.sale(a, 100);
          CHECK(std::holds_alternative<entry>(bought) == (tightest == card_status::active));
          if (tightest != card_status::active) CHECK(refusal_of(bought).standing == tightest);
        }
      }
    }
    amount sum = 0;
    for (std::uint64_t a = 1; a <= 4; ++a)
      sum += s.held({a});
    CHECK(sum == held_total(s.st, store_a));
  }
}
