// Goods of another store's sale, debts that travel and are paid, and reversals that ask before they make one.
#include <catch2/catch.hpp>

#include "ledger/purses.hpp"
#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

rules_record rules() {
  auto r = rules_of(3, 0);
  r.programme = chain_programme();
  r.programme.discounts.clear();
  return r;
}

struct store : member_shop {
  explicit store(writer_id w = store_a) {
    self = w;
    prices.add(rules());
    REQUIRE(write(receive({}, {{0, refund_of(main_unit), 0, 1'000}})).ok());
    units(points_purse, 1'000);
    quota(100'000);
    rights(card_1, 5'000);
  }
  refund_elsewhere_command back(const entry& sale, std::vector<line_item> lines, bool to_card = true) {
    return {next_key(), store_b, 7, sale, "the sale", std::move(lines), to_card, tender_kind::cash};
  }
  amount refund_right() const { return -st.balance(quota_account(self, refund_of(main_unit))); }
};

/// A sale as another store wrote it.
entry sold(account_id account, amount card, std::vector<line_item> lines, amount cash) {
  member_shop other;
  other.prices.add(rules());
  sale_command c{other.next_key(), account, std::move(lines), card, {}};
  if (cash > 0) c.tenders = {in_cash(cash)};
  auto d = other.run(c);
  return written(d);
}

}  // namespace

TEST_CASE("a line of another store's sale is given back from the own right to refund", "[elsewhere]") {
  store t;
  auto sale = sold(card_1, 600, {{{1}, 3}, {{3}, 1}}, 0);
  t.give(card_1, points_purse, 90, 202711);
  auto d = t.run(t.back(sale, {{{1}, 2}}));
  const auto& e = written(d);
  CHECK(e.subject == store_b);
  CHECK(e.cites == 7);
  CHECK(e.blob == "the sale");
  CHECK(e.values.front().amount == 200);
  CHECK(t.refund_right() == 800);
  CHECK(t.units_of(card_1, points_purse) == 60);                        // the points of these pieces, rounded up
  CHECK(quota_left(t.st, t.self, unit_of(points_purse)) == 1'001'000);  // another store's quota gave them
  CHECK(refused(t.run(t.back(sale, {{{1}, 2}}))) == errc::already_reversed);
  CHECK(refused(t.run(t.back(sale, {{{1}, 1}}))) == errc::ok);
  CHECK(refused(t.run(t.back(sale, {{{2}, 1}}))) == errc::already_reversed);
}

TEST_CASE("what a card paid comes back to the card, whoever gives it back", "[elsewhere]") {
  store t;
  auto mixed = sold(card_1, 100, {{{1}, 3}}, 200);
  CHECK(refused(t.run(t.back(mixed, {{{1}, 1}}, false))) == errc::not_applicable);
  CHECK(refused(t.run(t.back(mixed, {{{1}, 1}}))) == errc::ok);
  auto cash = sold({}, 0, {{{1}, 3}}, 300);
  CHECK(refused(t.run(t.back(cash, {{{1}, 1}}))) == errc::unknown_card);
  auto d = t.run([&] {
    auto c = t.back(cash, {{{1}, 1}}, false);
    c.seq = 9;
    return c;
  }());
  CHECK(written(d).tenders.front().amount == 100);
}

TEST_CASE("refunds of another store's sale that are refused", "[elsewhere]") {
  store t;
  auto sale = sold(card_1, 600, {{{1}, 6}}, 0);
  CHECK(refused(t.run(t.back(sale, {}))) == errc::bad_basket);
  CHECK(refused(t.run(t.back(sale, {{{1}, 1}, {{1}, 1}}))) == errc::bad_basket);
  CHECK(refused(t.run(t.back(sale, {{{1}, 7}}))) == errc::already_reversed);
  auto own = t.back(sale, {{{1}, 1}});
  own.writer = t.self;
  CHECK(refused(t.run(own)) == errc::not_applicable);
  auto other = sale;
  other.kind = entry_kind::top_up;
  CHECK(refused(t.run(t.back(other, {{{1}, 1}}))) == errc::not_reversible);
  other = sale;
  other.rules_version = 99;
  CHECK(refused(t.run(t.back(other, {{{1}, 1}}))) == errc::bad_rules);
  other = sale;
  other.account = frozen_card;
  CHECK(refused(t.run(t.back(other, {{{1}, 1}}))) == errc::card_blocked);
  auto much = sold(card_1, 1'100, {{{1}, 11}}, 0);
  CHECK(refused(t.run(t.back(much, {{{1}, 11}}))) == errc::no_quota);
  auto c = t.back(sale, {{{1}, 1}});
  REQUIRE(refused(t.run(c)) == errc::ok);
  CHECK(std::holds_alternative<replayed>(t.run(c)));
  c.lines = {{{1}, 2}};
  CHECK(refused(t.run(c)) == errc::key_reused);
}

TEST_CASE("points that lie elsewhere are asked for before they are a debt", "[elsewhere][debt]") {
  store t;
  auto d = t.run(t.sale({{{1}, 10}}, 1'000));
  REQUIRE(written(d).earned.front().amount == 100);
  auto sale = t.journal.size() - 1;
  entry gone;
  gone.kind = entry_kind::send;
  gone.peer = region;
  gone.channel = 1;
  gone.cause = send_cause::recall;
  gone.account = card_1;
  gone.values = {{points_purse, unit_of(points_purse), written(d).earned.front().bucket, 70}};
  REQUIRE(t.write(gone).ok());
  auto now = t.at();
  now.pulls = true;
  auto first = decide(reverse_command{{201, t.counter + 1, 5}, sale}, now);
  REQUIRE(refused(first) == errc::insufficient);
  CHECK(std::get<refusal>(first).lacks == std::vector<purse_lack>{{points_purse, 30, 70}});
  auto refund = decide(refund_command{{201, t.counter + 1, 5}, sale, {{{1}, 5}}, true, tender_kind::cash}, now);
  REQUIRE(refused(refund) == errc::insufficient);
  CHECK(std::get<refusal>(refund).lacks == std::vector<purse_lack>{{points_purse, 30, 20}});
  auto last = t.run(reverse_command{t.next_key(), sale});
  CHECK(written(last).debts.front().amount == 70);
  CHECK(debt_of(t.st, t.self, card_1, points_purse) == 70);
}

TEST_CASE("a debt travels like value, and is no more than there is", "[elsewhere][debt]") {
  store t;
  REQUIRE(refused(t.run(t.sale({{{1}, 10}}, 1'000))) == errc::ok);
  auto sale = t.journal.size() - 1;
  REQUIRE(refused(t.run([&] {
            auto c = t.sale({{{2}, 1}}, 100);
            c.uses = {{points_purse, 100}};
            return c;
          }())) == errc::ok);
  REQUIRE(refused(t.run(reverse_command{t.next_key(), sale})) == errc::ok);
  auto owed = debt_of(t.st, t.self, card_1, points_purse);
  REQUIRE(owed > 0);
  value_item debt{points_purse, unit_of(points_purse), 0, owed};
  auto more = debt;
  more.amount += 1;
  CHECK_FALSE(decide_send(t.at(), region, card_1, {}, send_cause::sweep, 0, 0, {more}).ok());
  CHECK_FALSE(decide_send(t.at(), region, card_1, {}, send_cause::sweep, 0, 0).ok());
  auto e = decide_send(t.at(), region, card_1, {}, send_cause::sweep, 0, 0, {debt});
  REQUIRE(e.ok());
  REQUIRE(t.write(*e).ok());
  CHECK(debt_of(t.st, t.self, card_1, points_purse) == 0);
  CHECK(parse_transfer_debts(transfer_text(*e)) == std::vector<value_item>{debt});
  REQUIRE(parse_transfer_text(transfer_text(*e)));
  CHECK(parse_transfer_text(transfer_text(*e))->second.empty());

  // At head office it meets what the account is given.
  shop office(hq, node_role::hq);
  auto in = office.receive(card_1, {}, t.self);
  in.debts = {debt};
  REQUIRE(office.write(in).ok());
  CHECK(debt_of(office.st, hq, card_1, points_purse) == owed);
  CHECK_FALSE(decide_settlement(office.at(), card_1, points_purse));
  REQUIRE(
      office.write(office.receive(card_1, {{points_purse, unit_of(points_purse), 202711, owed - 10}}, t.self)).ok());
  auto paid = decide_settlement(office.at(), card_1, points_purse);
  REQUIRE(paid);
  REQUIRE(office.write(*paid).ok());
  CHECK(debt_of(office.st, hq, card_1, points_purse) == 10);
  CHECK(holding(office.st, hq, card_1, points_purse) == 0);
}

TEST_CASE("what an entry owes is one sum, in whichever order its parts are seen", "[elsewhere][owed]") {
  value_item points{points_purse, unit_of(points_purse), 202711, 60};
  entry sale;
  sale.kind = entry_kind::sale;
  sale.account = card_1;
  sale.owed = {points};
  entry earn, refund, taken;
  earn.kind = entry_kind::earn;
  refund.kind = entry_kind::refund_elsewhere;
  taken.kind = entry_kind::take_back;
  for (auto* e : {&earn, &refund, &taken}) {
    e->account = card_1;
    e->subject = store_a;
    e->cites = 5;
  }
  earn.earned = {points};
  points.amount = 20;
  refund.owed = {points};
  refund.subject = store_a;
  taken.earned = {points};
  struct part {
    const entry* e;
    writer_id by;
    sequence seq;
  };
  std::vector<part> parts{{&sale, store_a, 5}, {&earn, hq, 3}, {&refund, store_b, 8}, {&taken, hq, 9}};
  std::sort(parts.begin(), parts.end(), [](const part& a, const part& b) { return a.e < b.e; });
  auto less = [](const part& a, const part& b) { return a.e < b.e; };
  int orders = 0;
  do {
    memory_state s;
    for (const auto& p : parts)
      REQUIRE(apply(*p.e, {.writer = p.by, .role = node_role::store, .seq = p.seq, .watched = true}, {}, s).ok());
    CHECK_FALSE(s.find({.type = cell_type::owing, .a = 5, .b = 0, .writer = store_a, .peer = {}}));
    ++orders;
  } while (std::next_permutation(parts.begin(), parts.end(), less));
  CHECK(orders == 24);
  owed_units text{card_1, {{3, unit_of(3), 202711, -5}, {4, unit_of(4), 0, 7}}};
  CHECK(parse_owed_text(owed_text(text)).units == text.units);
  CHECK(parse_owed_text(owed_text(text)).account == card_1);
  CHECK(parse_owed_text("nonsense").units.empty());
}
