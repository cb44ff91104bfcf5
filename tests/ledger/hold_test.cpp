// Authorise, capture, void, time-out, and sales that the card pays in part.
#include <catch2/catch.hpp>

#include <utility>

#include "ledger/purses.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct hold_shop : member_shop {
  explicit hold_shop(const std::function<void(programme&)>& change = {}) {
    auto r = rules_of(3, 0);
    r.programme = chain_programme();
    r.programme.discounts.clear();
    if (change) change(r.programme);
    prices.add(r);
    REQUIRE(write(receive({}, {{0, refund_of(main_unit), 0, 1'000'000}})).ok());
  }
  sequence authorise(amount v, std::int64_t seconds = 3'600) {
    auto d = run(authorise_command{next_key(), card_1, v, seconds});
    return *written(d).cites;
  }
  capture_command capture(sequence of, std::vector<line_item> lines, amount card,
                          std::vector<tender_item> tenders = {}) {
    return {sale_command{next_key(), {}, std::move(lines), card, std::move(tenders)}, of};
  }
  amount aside() const {
    amount sum = 0;
    for (const auto& [a, v] : st.balances())
      if (a.type == account_type::held && a.unit == main_unit) sum -= v;
    return sum;
  }
  /// An entry that an honest node would not write.
  errc verdict(const entry& e) {
    auto cited = e.cites ? find(*e.cites) : std::nullopt;
    return judge(e, {self, role, journal.size(), cited ? &*cited : nullptr}, st).code();
  }
};

}  // namespace

TEST_CASE("what is put aside is spent by its capture alone, and the rest goes back", "[hold]") {
  hold_shop t;
  auto seq = t.authorise(2'000);
  CHECK(t.held(card_1) == 8'000);
  CHECK(t.aside() == 2'000);
  CHECK(held_total(t.st, t.self) == 10'000);
  CHECK(open_holds(t.st, t.self) == 1);
  // Nobody else spends it: neither a sale nor a send.
  CHECK(refused(t.run(t.sale({{{1}, 90}}, 9'000))) == errc::insufficient);

  auto d = t.run(t.capture(seq, {{{1}, 3}, {{3}, 2}}, 900));
  auto& e = written(d);
  CHECK(e.kind == entry_kind::capture);
  CHECK(e.released == std::vector<value_item>{{purse_paid, main_unit, 0, 1'100}});
  CHECK(e.earned.size() == 1);  // a sale like any other
  CHECK(t.held(card_1) == 9'100);
  CHECK(t.aside() == 0);
  CHECK(held_total(t.st, t.self) == 9'100);
  CHECK(open_holds(t.st, t.self) == 0);
  CHECK(refused(t.run(t.capture(seq, {{{1}, 1}}, 100))) == errc::already_reversed);
  CHECK(refused(t.run(void_command{t.next_key(), seq})) == errc::already_reversed);
}

TEST_CASE("a capture takes at most what is held; more is paid otherwise", "[hold]") {
  hold_shop t;
  auto seq = t.authorise(500);
  CHECK(refused(t.run(t.capture(seq, {{{1}, 6}}, 600))) == errc::bad_amount);
  CHECK(refused(t.run(t.capture(seq, {{{1}, 6}}, 500))) == errc::bad_tender);
  CHECK(refused(t.run(t.capture(seq, {{{1}, 6}}, 0, {in_cash(600)}))) == errc::bad_amount);
  auto d = t.run(t.capture(seq, {{{1}, 6}}, 500, {in_cash(60), {tender_kind::bank, main_unit, 40}}));
  CHECK(written(d).tenders.size() == 2);
  CHECK(written(d).released.empty());
  CHECK(t.held(card_1) == 9'500);
}

TEST_CASE("a void gives all of it back, once", "[hold]") {
  hold_shop t;
  auto before = t.st.balances();
  auto seq = t.authorise(700);
  auto key = t.next_key();
  auto d = t.run(void_command{key, seq});
  CHECK(written(d).released.front().amount == 700);
  CHECK(t.st.balances() == before);
  CHECK(std::holds_alternative<replayed>(t.run(void_command{key, seq})));
  CHECK(refused(t.run(void_command{t.next_key(), seq})) == errc::already_reversed);
  CHECK(refused(t.run(reverse_command{t.next_key(), seq})) == errc::not_reversible);
  CHECK(refused(t.run(void_command{t.next_key(), 0})) == errc::not_found);
  CHECK(refused(t.run(void_command{t.next_key(), seq + 100})) == errc::not_found);
}

TEST_CASE("an authorisation times out by business time, not before, and once", "[hold]") {
  hold_shop t;
  auto seq = t.authorise(700, 600);
  t.now += 599;
  CHECK_FALSE(decide_time_out(t.at(), seq));
  // A clock that went back changes nothing; one that ran a year ahead is held by head office's time.
  t.now -= 40 * 86'400;
  CHECK_FALSE(decide_time_out(t.at(), seq));
  t.now = noon + 600;
  CHECK(refused(t.run(t.capture(seq, {{{1}, 1}}, 100))) == errc::not_applicable);
  auto e = decide_time_out(t.at(), seq);
  REQUIRE(e);
  auto early = *e;
  early.stamp -= 1;
  CHECK(t.verdict(early) == errc::not_entitled);
  REQUIRE(t.write(*e).ok());
  CHECK(t.held(card_1) == 10'000);
  CHECK_FALSE(decide_time_out(t.at(), seq));
  CHECK(t.verdict(*e) == errc::already_reversed);
}

TEST_CASE("what an authorisation must be", "[hold]") {
  hold_shop t([](programme& g) { g.hold_minutes = 30; });
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, 0, 60})) == errc::bad_amount);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, -5, 60})) == errc::bad_amount);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, amount_max + 1, 60})) == errc::bad_amount);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, 100, 0})) == errc::bad_amount);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, 100, 1'801})) == errc::bad_amount);
  CHECK(refused(t.run(authorise_command{t.next_key(), frozen_card, 100, 60})) == errc::card_blocked);
  CHECK(refused(t.run(authorise_command{t.next_key(), unknown_card, 100, 60})) == errc::unknown_card);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, 10'001, 60})) == errc::insufficient);
  auto key = t.next_key();
  auto d = t.run(authorise_command{key, card_1, 100, 1'800});
  auto e = written(d);
  CHECK(std::holds_alternative<replayed>(t.run(authorise_command{key, card_1, 100, 1'800})));
  CHECK(refused(t.run(authorise_command{key, card_1, 101, 1'800})) == errc::key_reused);
  CHECK(refused(t.run(authorise_command{key, card_1, 100, 60})) == errc::key_reused);
  // Made up by somebody: under another name, without end, twice the same.
  e.counter += 10;
  CHECK(t.verdict(e) == errc::malformed);
  e.cites = t.journal.size();
  CHECK(t.verdict(e) == errc::ok);
  e.deadline = business_moment(e) + hold_seconds_max + 1;
  CHECK(t.verdict(e) == errc::malformed);
  e.deadline = business_moment(e);
  CHECK(t.verdict(e) == errc::malformed);
}

TEST_CASE("a capture that keeps something, or takes what is another's, is not believed", "[hold]") {
  hold_shop t;
  auto first = t.authorise(500), second = t.authorise(300);
  auto d = decide(t.capture(first, {{{1}, 2}}, 200), t.at());
  auto e = written(d);
  REQUIRE(t.verdict(e) == errc::ok);
  auto bad = e;
  bad.released.clear();
  CHECK(t.verdict(bad) == errc::malformed);
  bad = e;
  bad.released.front().amount += 1;
  CHECK(t.verdict(bad) == errc::malformed);
  bad = e;
  bad.cites = second;
  CHECK(t.verdict(bad) == errc::malformed);
  bad = e;
  bad.account = card_2;
  CHECK(t.verdict(bad) == errc::not_reversible);
  bad = e;
  bad.kind = entry_kind::sale;
  bad.cites.reset();
  CHECK(t.verdict(bad) == errc::malformed);  // a sale releases nothing
  CHECK(open_holds(t.st, t.self) == 2);
}

TEST_CASE("the reversal of a capture brings back what it took", "[hold]") {
  hold_shop t;
  t.give(card_1, bonus_purse, 300);
  auto before = t.st.balances();
  auto seq = t.authorise(2'000);
  auto d = t.run(t.capture(seq, {{{1}, 3}}, 300));
  REQUIRE(std::holds_alternative<entry>(d));
  auto back = t.run(reverse_command{t.next_key(), t.journal.size() - 1});
  CHECK(written(back).cited_kind == entry_kind::capture);
  CHECK(t.st.balances() == before);
  CHECK(t.aside() == 0);
  CHECK(refused(t.run(reverse_command{t.next_key(), t.journal.size() - 2})) == errc::already_reversed);
}

TEST_CASE("goods of a capture are refunded like those of a sale", "[hold][refund]") {
  hold_shop t;
  auto seq = t.authorise(2'000);
  REQUIRE(std::holds_alternative<entry>(t.run(t.capture(seq, {{{1}, 3}}, 300))));
  auto sale = t.journal.size() - 1;
  auto d = t.run(refund_command{t.next_key(), sale, {{{1}, 2}}, true, tender_kind::cash});
  CHECK(written(d).values.front().amount == 200);
  CHECK(t.held(card_1) == 9'900);
}

TEST_CASE("a sale that may be approved in part puts aside what the card has", "[hold][partial]") {
  hold_shop t;
  REQUIRE(std::holds_alternative<entry>(t.run(t.sale({{{1}, 95}}, 9'500))));  // 500 are left
  t.give(card_1, bonus_purse, 120);
  auto sale = t.sale({{{1}, 9}}, 900);
  sale.partial = true;
  auto d = t.run(sale);
  auto& e = written(d);
  REQUIRE(e.kind == entry_kind::authorise);
  amount approved = 0;
  for (const auto& v : e.values)
    approved += v.amount;
  CHECK(approved == 620);
  CHECK(e.lines == sale.lines);
  CHECK(t.held(card_1) == 0);
  auto seq = t.journal.size() - 1;
  CHECK(std::holds_alternative<replayed>(t.run(sale)));
  auto other = sale;
  other.lines = {{{1}, 8}};
  CHECK(refused(t.run(other)) == errc::key_reused);
  auto paid_otherwise = sale;
  paid_otherwise.tenders = {in_cash(1)};
  CHECK(refused(t.run(paid_otherwise)) == errc::key_reused);
  auto less = sale;
  less.card -= 1;
  CHECK(refused(t.run(less)) == errc::key_reused);
  // Of an entry from before that was noted, goods and card are compared alone.
  const auto digest = std::exchange(t.journal[seq].request, 0);
  CHECK(digest != 0);
  CHECK(std::holds_alternative<replayed>(t.run(paid_otherwise)));
  t.journal[seq].request = digest;

  auto done = t.run(t.capture(seq, sale.lines, 620, {in_cash(280)}));
  auto& c = written(done);
  CHECK(c.released.empty());
  CHECK(t.aside() == 0);
  CHECK(t.units_of(card_1, bonus_purse) == 0);
  amount paid = 0;
  for (const auto& v : c.values)
    if (v.unit == main_unit) paid += v.amount;
  CHECK(paid == 500);
}

TEST_CASE("a part is approved only when asked for, after a pull, and of some money", "[hold][partial]") {
  hold_shop t;
  auto sale = t.sale({{{1}, 101}}, 10'100);
  CHECK(refused(decide(sale, t.at())) == errc::insufficient);
  sale.partial = true;
  auto now = t.at();
  now.pulls = true;
  CHECK(refused(decide(sale, now)) == errc::insufficient);
  auto none = t.sale({{{1}, 1}}, 100);
  none.account = card_2;
  none.partial = true;
  CHECK(refused(decide(none, t.at())) == errc::insufficient);
  // Enough: an ordinary sale.
  auto enough = t.sale({{{1}, 1}}, 100);
  enough.partial = true;
  auto d = t.run(enough);
  CHECK(written(d).kind == entry_kind::sale);
  auto again = enough;
  again.partial = false;
  CHECK(std::holds_alternative<replayed>(t.run(again)));
}

TEST_CASE("a day's limit counts what is put aside", "[hold]") {
  hold_shop t([](programme& g) { g.card_kinds = {{1, {"small"}, {}, true, 1'000}}; });
  auto seq = t.authorise(800);
  CHECK(refused(t.run(t.sale({{{1}, 3}}, 300))) == errc::bad_amount);
  REQUIRE(std::holds_alternative<entry>(t.run(t.capture(seq, {{{1}, 8}}, 800))));
  CHECK(refused(t.run(t.sale({{{1}, 3}}, 300))) == errc::bad_amount);
  CHECK(refused(t.run(authorise_command{t.next_key(), card_1, 300, 60})) == errc::bad_amount);
}

namespace {

struct random_holds : hold_shop {
  explicit random_holds(std::uint64_t seed) : roll(seed) { give(card_1, bonus_purse, roll.between(0, 900)); }

  sequence any() { return *std::next(open.begin(), static_cast<std::ptrdiff_t>(roll.below(open.size()))); }
  /// A capture of a part, a void, or a time-out of one that is open.
  void end_one(std::uint64_t how) {
    auto of = any(), next = journal.size();
    if (how < 2) {
      amount total = 100 * roll.between(1, 6);
      auto card = roll.between(0, std::min<amount>(total, sum_of(journal[of].values)));
      auto c = capture(of, {{{1}, total / 100}}, card);
      if (total > card) c.sale.tenders = {in_cash(total - card)};
      if (!std::holds_alternative<entry>(run(c))) return;
      captures.push_back(next);
    } else if (how == 2) {
      if (!std::holds_alternative<entry>(run(void_command{next_key(), of}))) return;
      ++voided;
    } else {
      auto e = decide_time_out(at(), of);
      if (!e || !write(*e).ok()) return;
      ++out;
    }
    open.erase(of);
  }
  /// More than the card has at times: a part is put aside; else it is taken back at once.
  void sell() {
    auto next = journal.size();
    auto s = sale({{{1}, roll.between(90, 130)}}, 0);
    s.card = s.lines.front().quantity * 100;
    s.partial = true;
    auto d = run(s);
    const auto* e = std::get_if<entry>(&d);
    if (e && e->kind == entry_kind::authorise) open.insert(next), ++partial;
    if (e && e->kind == entry_kind::sale)
      REQUIRE(std::holds_alternative<entry>(run(reverse_command{next_key(), next})));
  }
  void step() {
    now += static_cast<unix_seconds>(roll.below(400));
    hq_time = now;
    auto how = open.empty() ? 5 : roll.below(6);
    if (how < 4) return end_one(how);
    if (how == 4) return sell();
    auto next = journal.size();
    authorise_command c{next_key(), card_1, roll.between(1, 900), roll.between(1, 3'000)};
    if (std::holds_alternative<entry>(run(c))) open.insert(next);
  }
  void check() {
    CHECK(open_holds(st, self) == static_cast<std::int64_t>(open.size()));
    amount money = 0;
    for (auto of : open)
      for (const auto& v : journal[of].values)
        if (v.unit == main_unit) money += v.amount;
    CHECK(aside() == money);
    CHECK(held_total(st, self) == held(card_1) + money);
  }
  /// As head office folds it.
  memory_state watched() {
    memory_state seen;
    for (sequence i = 0; i < journal.size(); ++i) {
      const auto& e = journal[i];
      entry_place place{self, role, i, e.cites ? &journal[*e.cites] : nullptr, true};
      auto postings = judge(e, place, seen);
      REQUIRE(postings.ok());
      REQUIRE(apply(e, place, *postings, seen).ok());
    }
    return seen;
  }

  dice roll;
  std::set<sequence> open;
  std::vector<sequence> captures;
  int voided = 0, out = 0, partial = 0;
};

}  // namespace

TEST_CASE("random authorisations: nothing is lost, made or left behind", "[hold][random]") {
  std::size_t captured = 0;
  int voided = 0, out = 0, reversed = 0, partial = 0;
  for (std::uint64_t seed = 1; seed <= 120; ++seed) {
    INFO("seed " << seed);
    random_holds t(seed);
    auto before = t.st.balances();
    for (int n = 0; n < 40; ++n) {
      t.step();
      t.check();
    }
    captured += t.captures.size();
    for (auto of : t.captures)
      if (std::holds_alternative<entry>(t.run(reverse_command{t.next_key(), of}))) ++reversed;
    for (auto of : t.open)
      REQUIRE(std::holds_alternative<entry>(t.run(void_command{t.next_key(), of})));
    CHECK(t.st.balances() == before);
    CHECK(t.watched().balances() == t.st.balances());
    voided += t.voided, out += t.out, partial += t.partial;
  }
  CHECK(captured > 200);
  CHECK(voided > 100);
  CHECK(out > 50);
  CHECK(reversed > 150);
  CHECK(partial > 20);
}
