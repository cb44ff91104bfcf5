#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct office : shop {
  office() : shop(region, node_role::region) {
    rights(card_1, 10'000);
    quota(5'000);
    put_limits(st, node_id{3}, {3'000, 2'000, 1'000, 1'000});
  }
  result<entry> send(amount v, amount held_there = 0, writer_id to = store_a) {
    return decide_send(at(), to, card_1, {{purse_paid, main_unit, 0, v}}, send_cause::pull, 7, held_there);
  }
};

}  // namespace

TEST_CASE("rights are sent on the next number of their channel", "[send]") {
  office o;
  auto e = o.send(500);
  REQUIRE(e.ok());
  CHECK(e->kind == entry_kind::send);
  CHECK(e->peer == store_a);
  CHECK(e->channel == 1);
  CHECK(e->request == 7);
  CHECK(e->cause == send_cause::pull);
  CHECK(e->business_date == 2517);
  REQUIRE(o.write(*e).ok());
  CHECK(o.send(500)->channel == 2);
  CHECK(o.held(card_1) == 9'500);
}

TEST_CASE("a store gets no more than its ceiling and its daily inflow", "[send]") {
  office o;
  CHECK(o.send(2'000).ok());
  CHECK(o.send(2'001).code() == errc::over_ceiling);
  CHECK(o.send(1'000, 2'000).ok());
  CHECK(o.send(1'001, 2'000).code() == errc::over_ceiling);
  CHECK(o.send(1, 3'000).code() == errc::over_ceiling);
  CHECK(o.send(1, INT64_MAX).code() == errc::over_ceiling);
  auto e = o.send(1'500);
  REQUIRE(e.ok());
  REQUIRE(o.write(*e).ok());
  CHECK(o.send(501).code() == errc::over_ceiling);  // of the day
  CHECK(o.send(500).ok());
  o.now += 86'400;
  CHECK(o.send(2'000).ok());
  // Quotas are no card value: the ceiling does not stop them.
  CHECK(decide_send(o.at(), store_a, {}, {{0, quota_unit, 0, 5'000}}, send_cause::grant, 0, INT64_MAX).ok());
  // Head office never published limits for that store: nothing may be sent to it.
  CHECK(o.send(1, 0, store_b).code() == errc::over_ceiling);
  // Upward there is no ceiling.
  CHECK(o.send(8'500, INT64_MAX, hq).ok());
}

TEST_CASE("a send that cannot be is refused", "[send]") {
  office o;
  CHECK(o.send(0).code() == errc::bad_amount);
  CHECK(o.send(-1).code() == errc::bad_amount);
  CHECK(o.send(INT64_MIN).code() == errc::bad_amount);
  CHECK(o.send(amount_max + 1).code() == errc::bad_amount);
  CHECK(o.send(10'001, 0, hq).code() == errc::insufficient);
  CHECK(decide_send(o.at(), hq, {}, {{0, quota_unit, 0, 5'001}}, send_cause::recall, 0, 0).code() == errc::no_quota);
  CHECK(decide_send(o.at(), hq, card_1, {}, send_cause::recall, 0, 0).code() == errc::malformed);
  CHECK(decide_send(o.at(), hq, {}, {{1, main_unit, 0, 1}}, send_cause::recall, 0, 0).code() == errc::malformed);
  CHECK(decide_send(o.at(), hq, card_1, std::vector<value_item>(65, {1, main_unit, 0, 1}), send_cause::recall, 0, 0)
            .code() == errc::malformed);
  CHECK(o.send(1, 0, writer(9)).code() == errc::not_entitled);
  CHECK(o.send(1, 0, writer(3, 2)).code() == errc::wrong_epoch);
  CHECK(o.send(1, 0, region).code() == errc::malformed);
  o.stopped = errc::rolled_back;
  CHECK(o.send(1).code() == errc::rolled_back);
}
