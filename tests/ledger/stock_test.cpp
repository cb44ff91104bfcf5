// Gifts on a store's shelf.
#include <catch2/catch.hpp>

#include "programme_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr product_id cake{2};  // 150 points each

struct shelf_shop : member_shop {
  shelf_shop() { give(card_1, points_purse, 1'000, 202712); }
  errc say(std::vector<line_item> lines, bool counted) {
    return refused(run(stock_command{next_key(), std::move(lines), counted}));
  }
  decision gift(std::int64_t n) {
    auto c = sale({}, 0);
    c.gifts = {{points_purse, cake, n}};
    return run(c);
  }
  std::optional<std::int64_t> left(product_id p = cake) const { return pieces_left(st, self, p); }
};

}  // namespace

TEST_CASE("gifts are counted down, and a reversal counts them up", "[stock]") {
  shelf_shop t;
  CHECK(refused(t.gift(1)) == errc::ok);
  CHECK_FALSE(t.left());  // never counted
  CHECK(t.say({{cake, -1}}, false) == errc::not_applicable);  // of what?
  REQUIRE(t.say({{product_id{1}, 2}}, false) == errc::ok);    // what comes first is a count as well
  REQUIRE(t.say({{product_id{1}, -1}}, false) == errc::ok);
  CHECK(t.left(product_id{1}) == 1);
  REQUIRE(t.say({{cake, 3}}, true) == errc::ok);
  CHECK(t.left() == 3);
  CHECK(refused(t.gift(2)) == errc::ok);
  CHECK(t.left() == 1);
  auto seq = t.journal.size() - 1;
  CHECK(refused(t.run(reverse_command{t.next_key(), seq})) == errc::ok);
  CHECK(t.left() == 3);
  REQUIRE(t.say({{cake, -1}}, false) == errc::ok);  // broken
  REQUIRE(t.say({{cake, 10}}, false) == errc::ok);
  CHECK(t.left() == 12);
  REQUIRE(t.say({{cake, 0}}, true) == errc::ok);
  CHECK(t.left() == 0);
  // The shelf is right: what is not there by the count is given all the same.
  CHECK(refused(t.gift(1)) == errc::ok);
  CHECK(t.left() == -1);
  // Goods that are paid with money are no gifts.
  CHECK(refused(t.run(t.sale({{cake, 1}}, 185))) == errc::ok);
  CHECK(t.left() == -1);
}

TEST_CASE("pieces of what is no gift, twice, too many or none", "[stock]") {
  shelf_shop t;
  CHECK(t.say({{product_id{3}, 1}}, true) == errc::not_applicable);
  CHECK(t.say({{product_id{99}, 1}}, true) == errc::not_applicable);
  CHECK(t.say({}, true) == errc::malformed);
  CHECK(t.say({{cake, 1}, {cake, 2}}, true) == errc::malformed);
  CHECK(t.say({{cake, -1}}, true) == errc::malformed);
  CHECK(t.say({{cake, 0}}, false) == errc::malformed);
  CHECK(t.say({{cake, pieces_max + 1}}, true) == errc::malformed);
  CHECK(t.say({{cake, -pieces_max - 1}}, false) == errc::malformed);
  CHECK_FALSE(t.left());
}

TEST_CASE("a count is asked for again with its number, and moves no value", "[stock]") {
  shelf_shop t;
  stock_command c{t.next_key(), {{cake, 7}, {product_id{1}, 4}}, true};
  auto d = t.run(c);
  CHECK(written(d).kind == entry_kind::count);
  auto postings = expand(written(d), t.self);
  REQUIRE(postings);
  CHECK(postings->empty());
  CHECK(refused(t.gift(1)) == errc::ok);
  CHECK(std::holds_alternative<replayed>(t.run(c)));
  CHECK(t.left() == 6);
  c.counted = false;
  CHECK(refused(t.run(c)) == errc::key_reused);
  CHECK(t.left(product_id{1}) == 4);
}
