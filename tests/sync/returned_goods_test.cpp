// What several stores, each rounding by itself, give back of what had paid one sale, and what head office evens out.
#include "sync/returned_goods.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "ledger/clearing.hpp"
#include "ledger/programme_fixture.hpp"
#include "ledger/refund_price.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr sequence sold_at = 7;

using purse_sums = std::map<std::uint32_t, amount>;

rules_record rules_with(const programme& plan) {
  auto r = rules_of(3, 0);
  r.programme = plan;
  r.programme.discounts.clear();
  return r;
}

/// A chain in which points and bonus pay next to anything.
programme paying_chain(dice& roll) {
  auto g = chain_programme();
  g.purses[1].share_max = 10'000;
  g.purses[1].rate_units = roll.between(1, 300);
  g.purses[1].rate_money = roll.between(1, 300);
  g.round_half_even = roll.percent(50);
  return g;
}

/// What paid the sale in all, by purse; money however it came.
purse_sums paid_by(const priced_refund& p) {
  purse_sums out;
  if (p.money != 0) out[purse_paid] += p.money;
  for (const auto& v : p.units)
    out[v.purse] += v.amount;
  return out;
}

/// A sale, its goods that come back at stores that know nothing of one another, and head office's view.
struct returns {
  explicit returns(std::uint64_t seed, std::uint32_t stores) : roll(seed), count(stores) {
    member_shop t;
    t.prices.add(rules_with(paying_chain(roll)));
    t.rights(card_1, 1'000'000);
    t.give(card_1, points_purse, roll.between(1, 400), 202701);
    t.give(card_1, points_purse, roll.between(1, 400), 202703);
    t.give(card_1, bonus_purse, roll.between(1, 400));
    auto c = t.sale({}, 0);
    for (std::uint32_t id = 1; id <= 3; ++id)
      if (auto n = roll.between(0, 9); n > 0) c.lines.push_back({product_id{id}, n});
    if (c.lines.empty()) c.lines = {{product_id{1}, 3}};
    c.uses = {{points_purse, roll.between(1, 200)}};
    auto q = quote_sale(c, t.at());
    if (!q) {
      c.uses.clear();
      q = quote_sale(c, t.at());
    }
    REQUIRE(q);
    c.card = roll.between(0, q->price.due);
    if (auto rest = q->price.due - c.card; rest > 0) c.tenders = {in_cash(rest)};
    auto d = t.run(c);
    sale = written(d);
    prices = t.prices;
    for (const auto& l : sale.lines)
      left[l.product] += l.quantity;
    for (std::uint32_t i = 0; i < count; ++i)
      journals.push_back(writer(3 + i));
  }
  void apply_at(const entry& e, const writer_id& w) {
    REQUIRE(apply(e, {.writer = w, .seq = next++, .cited = &sale, .watched = true}, {}, seen).ok());
  }
  /// Some pieces at some store; false when nothing is left, or when they cost nothing.
  void give_back() {
    auto i = roll.below(count);
    const auto& w = journals[i];
    auto p = std::next(left.begin(), static_cast<std::ptrdiff_t>(roll.below(left.size())));
    auto n = roll.percent(30) ? p->second : roll.between(1, p->second);
    auto price = price_refund(prices, sale, {{p->first, n}}, [&](product_id of) { return had[{i, of}]; });
    REQUIRE(price);
    entry e;
    e.kind = i == 0 ? entry_kind::refund : entry_kind::refund_elsewhere;
    e.cites = sold_at;
    if (i != 0) e.subject = journals.front();
    e.account = sale.account;
    e.lines = {{p->first, n}};
    e.values = price->units;
    if (price->money != 0 && roll.percent(50)) {
      e.values.insert(e.values.begin(), {purse_paid, main_unit, 0, price->money});
    } else if (price->money != 0) {
      e.tenders = {in_cash(price->money)};
    }
    e.earned = price->earned;
    e.owed = price->owed;
    apply_at(e, w);
    for (auto [purse, sum] : paid_by(*price))
      given[purse] += sum;
    had[{i, p->first}] += n;
    if ((p->second -= n) == 0) left.erase(p);
  }
  returned_goods back() const { return returned_of(seen, journals, journals.front(), sold_at, sale); }
  /// Head office writes what is due; how many minor units and units those are.
  amount even_out() {
    auto due = uneven_paid_of(seen, prices, back(), journals.front(), sold_at, sale);
    REQUIRE(due);
    amount moved = 0;
    for (const auto put : {true, false}) {
      entry e;
      e.kind = put ? entry_kind::earn : entry_kind::take_back;
      e.cited_kind = entry_kind::sale;
      e.account = sale.account;
      e.subject = journals.front();
      e.cites = sold_at;
      e.earned = put ? due->put_back : due->take_back;
      if (e.earned.empty()) continue;
      std::vector<posting> postings;
      REQUIRE(expand(e, hq, postings).ok());
      CHECK(balances(postings));
      apply_at(e, hq);
      // Of the one who sold, in the settlement; every unit balances there as well.
      std::map<node_id, clearing_sums> sums;
      REQUIRE(clear_entry(e, hq, postings, [&](node_id n) -> clearing_sums& { return sums[n]; }));
      for (const auto& v : e.earned) {
        const auto& seller = sums[journals.front().node];
        auto counted = v.purse == purse_paid ? seller.returned : -seller.beside.at(v.unit).redeemed;
        CHECK((put ? counted : -counted) > 0);
      }
      for (const auto& v : e.earned) {
        CHECK(v.amount > 0);
        evened[v.purse] += put ? v.amount : -v.amount;
        moved += v.amount;
      }
    }
    return moved;
  }
  /// What one store would have given back of all this.
  purse_sums at_one_store() const {
    auto price = price_refund(prices, sale, back().lines, [](product_id) { return std::int64_t{0}; });
    REQUIRE(price);
    return paid_by(*price);
  }

  dice roll;
  std::uint32_t count;
  entry sale;
  catalogue prices;
  std::map<product_id, std::int64_t> left;
  std::vector<writer_id> journals;
  std::map<std::pair<std::uint64_t, product_id>, std::int64_t> had;
  memory_state seen;
  sequence next = 100;
  purse_sums given, evened;
};

}  // namespace

TEST_CASE("whatever the split over stores, all that comes back is what one store would have given",
          "[sync][elsewhere][random]") {
  amount put_back = 0;
  int short_of = 0, taken_again = 0, parts = 0;
  for (std::uint64_t seed = 1; seed <= 600; ++seed) {
    INFO("seed " << seed);
    returns t(seed, static_cast<std::uint32_t>(2 + seed % 4));
    while (!t.left.empty()) {
      t.give_back();
      ++parts;
      auto one = t.at_one_store();
      auto before = t.evened;
      for (auto [purse, sum] : one) {
        // Each rounds down: together never too much, and short of it by no more than is said.
        auto lacks = sum - t.given[purse];
        CHECK(lacks >= 0);
        CHECK(lacks <= uneven_paid_most(t.prices, t.back(), t.sale, purse));
        short_of += lacks > 0;
      }
      if (t.roll.percent(60)) continue;
      put_back += t.even_out();
      for (auto [purse, sum] : one) {
        CHECK(t.given[purse] + t.evened[purse] == sum);
        taken_again += t.evened[purse] < before[purse];
      }
      CHECK(t.even_out() == 0);
    }
    t.even_out();
    for (auto [purse, sum] : t.at_one_store())
      CHECK(t.given[purse] + t.evened[purse] == sum);
  }
  CHECK(parts > 2'000);
  CHECK(short_of > 500);
  CHECK(put_back > 500);
  CHECK(taken_again > 5);
}

TEST_CASE("one store alone leaves nothing to even out", "[sync][elsewhere][random]") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    returns t(seed, 1);
    while (!t.left.empty()) {
      t.give_back();
      CHECK(t.even_out() == 0);
    }
  }
}

TEST_CASE("what was not all seen proves nothing", "[sync][elsewhere]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    returns t(seed, 3);
    while (!t.left.empty())
      t.give_back();
    // A fold that an older version began has pieces, and not what was given for them.
    auto k = evened_key(t.journals.front(), sold_at, evened_part::paid_back);
    auto c = t.seen.find(k);
    REQUIRE(c);
    auto part = parse_owed_text(c->data);
    REQUIRE(part.units.front().purse == 0);
    part.units.front().amount -= 1;
    t.seen.put(k, {0, owed_text(part)});
    CHECK(t.even_out() == 0);
  }
}

TEST_CASE("nothing is evened out without an account, by a voucher's code, or of a sale that was undone",
          "[sync][elsewhere]") {
  returns t(3, 4);
  while (!t.left.empty())
    t.give_back();
  auto due = [&](const entry& sale) {
    auto d = uneven_paid_of(t.seen, t.prices, t.back(), t.journals.front(), sold_at, sale);
    REQUIRE(d);
    return !d->put_back.empty();
  };
  REQUIRE(due(t.sale));
  auto other = t.sale;
  other.account = {};
  CHECK_FALSE(due(other));
  other = t.sale;
  other.bearer = 1;
  CHECK_FALSE(due(other));
  cell_key undone{.type = cell_type::reversed, .a = sold_at, .b = 0, .writer = t.journals.front(), .peer = {}};
  t.seen.put(undone, {9, {}});
  CHECK_FALSE(due(t.sale));
}
