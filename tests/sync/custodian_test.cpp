#include "sync/custodian.hpp"

#include <catch2/catch.hpp>

using namespace tally;

namespace {

constexpr account_id card{17};
constexpr node_id child_a{11}, child_b{12}, above{2};

/// A node that does what it is told, and writes it down.
class written_down final : public custody {
public:
  amount held = 0, known_elsewhere = 0;
  amount may_send = INT64_MAX;  ///< what limits allow
  std::vector<node_id> from;    ///< answers of `sources`
  struct given_t {
    node_id to;
    amount n;
    std::uint64_t request;
  };
  std::vector<given_t> given;
  std::vector<std::pair<node_id, ask_message>> asks;
  std::vector<std::pair<node_id, told_message>> tells;
  std::vector<std::pair<std::uint64_t, told_message>> ends;

  amount held_here(account_id, std::uint32_t) const override { return held; }
  std::vector<node_id> sources(account_id, std::uint32_t, node_id except) const override {
    auto out = from;
    std::erase(out, except);
    return out;
  }
  amount give(node_id to, account_id, std::uint32_t, amount n, std::uint64_t request) override {
    n = std::min(n, may_send);
    if (n <= 0) return 0;
    held -= n;
    given.push_back({to, n, request});
    return n;
  }
  amount elsewhere(account_id, std::uint32_t, node_id) const override { return known_elsewhere; }
  void ask(node_id neighbour, const ask_message& m) override { asks.emplace_back(neighbour, m); }
  void tell(node_id neighbour, const told_message& m) override { tells.emplace_back(neighbour, m); }
  void finished(std::uint64_t own, account_id, const told_message& m) override { ends.emplace_back(own, m); }
  bool is_parent(node_id neighbour) const override { return neighbour == above; }
};

struct fixture {
  written_down node;
  custodian c{100};
  tick_ms now = 0;
  void asked(node_id from, ask_message m) { c.asked(from, m, now, 5, node); }
  void told(node_id from, told_message m) { c.told(from, m, now, 5, node); }
  void need(std::uint64_t id, amount n, std::uint32_t wait = 1'500) {
    c.need(id, card, purse_paid, n, wait, now, 5, node);
  }
  void arrive(amount n) {
    node.held += n;
    c.arrived(card, purse_paid, now, 5, node);
  }
  void tick(tick_ms at) {
    now = at;
    c.tick(now, 5, node);
  }
  static ask_message pull(std::uint64_t id, amount n, std::uint32_t wait = 1'500) {
    return {id, card, purse_paid, n, wait};
  }
};

}  // namespace

TEST_CASE("an ask is served from what is held here", "[sync][custodian]") {
  fixture f;
  f.node.held = 500;
  f.asked(child_a, fixture::pull(1, 300));
  REQUIRE(f.node.given.size() == 1);
  CHECK(f.node.given[0].n == 300);
  CHECK(f.node.given[0].request == 1);
  REQUIRE(f.node.tells.size() == 1);
  CHECK(f.node.tells[0].second.granted == 300);
  CHECK(f.node.tells[0].second.code == errc::ok);
  CHECK(f.node.asks.empty());
}

TEST_CASE("a repeated ask gives nothing twice and gets the same end", "[sync][custodian]") {
  fixture f;
  f.node.held = 500;
  f.asked(child_a, fixture::pull(1, 300));
  f.asked(child_a, fixture::pull(1, 300));
  f.asked(child_a, fixture::pull(1, 9'999));
  CHECK(f.node.given.size() == 1);
  CHECK(f.node.held == 200);
  REQUIRE(f.node.tells.size() == 3);
  CHECK(f.node.tells[2].second == f.node.tells[0].second);

  // The same number from somebody else is another ask.
  f.asked(child_b, fixture::pull(1, 100));
  CHECK(f.node.given.size() == 2);
}

TEST_CASE("rights are recalled from other children and passed on as they come", "[sync][custodian]") {
  fixture f;
  f.node.from = {child_b, above};
  f.asked(child_a, fixture::pull(1, 300, 1'000));
  REQUIRE(f.node.asks.size() == 2);
  CHECK(f.node.asks[0].first == child_b);
  CHECK(f.node.asks[0].second.amount == 300);
  CHECK(f.node.asks[0].second.wait_ms == 900);  // so that its end reaches us before ours is due
  CHECK(f.node.tells.empty());

  f.told(child_b, {f.node.asks[0].second.id, 120, 0, 5, errc::ok});
  f.arrive(120);
  REQUIRE(f.node.given.size() == 1);
  CHECK(f.node.given[0].n == 120);
  CHECK(f.node.tells.empty());

  f.told(above, {f.node.asks[1].second.id, 180, 40, 5, errc::ok});
  f.arrive(180);
  REQUIRE(f.node.given.size() == 2);
  CHECK(f.node.given[1].n == 180);
  REQUIRE(f.node.tells.size() == 1);
  CHECK(f.node.tells[0].second.granted == 300);
}

TEST_CASE("an answer of nothing from everybody ends the ask at once", "[sync][custodian]") {
  fixture f;
  f.node.from = {child_b, above};
  f.need(9, 300);
  REQUIRE(f.node.asks.size() == 2);
  f.told(child_b, {f.node.asks[0].second.id, 0, 0, 5, errc::ok});
  CHECK(f.node.ends.empty());
  f.told(above, {f.node.asks[1].second.id, 0, 700, 5, errc::ok});
  REQUIRE(f.node.ends.size() == 1);
  CHECK(f.node.ends[0].first == 9);
  CHECK(f.node.ends[0].second.elsewhere == 700);
  // Words of others about asks that are not theirs count for nothing.
  f.told(child_b, {f.node.asks[1].second.id, 10'000, 0, 5, errc::ok});
  CHECK(f.node.ends.size() == 1);
}

TEST_CASE("an ask ends at its deadline, and a late grant is kept", "[sync][custodian]") {
  fixture f;
  f.node.from = {above};
  f.need(9, 300, 1'500);
  f.told(above, {f.node.asks[0].second.id, 300, 0, 5, errc::ok});  // the rights themselves come later
  f.tick(1'499);
  CHECK(f.node.ends.empty());
  f.tick(1'500);
  REQUIRE(f.node.ends.size() == 1);
  CHECK(f.node.ends[0].second.code == errc::timeout);
  CHECK(f.c.open() == 0);
  f.arrive(300);
  CHECK(f.node.ends.size() == 1);
  CHECK(f.node.held == 300);
}

TEST_CASE("waits are cut, however long somebody says he waits", "[sync][custodian]") {
  fixture f;
  f.node.from = {above};
  f.asked(child_a, fixture::pull(1, 300, 600'000));
  f.tick(custodian::wait_max_ms);
  REQUIRE(f.node.tells.size() == 1);
  CHECK(f.node.tells[0].second.code == errc::timeout);
}

TEST_CASE("a link that goes down takes its questions with it", "[sync][custodian]") {
  fixture f;
  f.node.from = {child_b, above};
  f.need(9, 300);
  f.c.lost(child_b, 5, f.node);
  CHECK(f.node.ends.empty());
  f.c.lost(above, 5, f.node);
  REQUIRE(f.node.ends.size() == 1);
  CHECK(f.node.ends[0].second.granted == 0);
}

TEST_CASE("limits forbid a grant without failing the ask", "[sync][custodian]") {
  fixture f;
  f.node.held = 500;
  f.node.may_send = 0;
  f.asked(child_a, fixture::pull(1, 300));
  REQUIRE(f.node.tells.size() == 1);
  CHECK(f.node.tells[0].second.granted == 0);
  CHECK(f.node.held == 500);
}

TEST_CASE("amounts that make no sense are refused", "[sync][custodian]") {
  fixture f;
  f.node.held = 500;
  f.asked(child_a, fixture::pull(1, -1));
  f.asked(child_a, fixture::pull(2, INT64_MIN));
  REQUIRE(f.node.tells.size() == 2);
  CHECK(f.node.tells[0].second.code == errc::bad_amount);
  CHECK(f.node.given.empty());
  f.asked(child_a, fixture::pull(3, INT64_MAX));
  CHECK(f.node.held == 0);  // all that there is, and no more

  fixture g;
  g.node.from = {above};
  g.need(1, 100);
  g.told(above, {g.node.asks[0].second.id, -5'000, INT64_MIN, 5, errc::ok});
  REQUIRE(g.node.ends.size() == 1);
  CHECK(g.node.ends[0].second.elsewhere >= 0);
}

TEST_CASE("a question without amount goes up only, also of what lies here in part", "[sync][custodian]") {
  fixture f;
  f.node.from = {child_b, above};
  f.node.held = GENERATE(0, 500);
  f.need(9, 0);
  REQUIRE(f.node.asks.size() == 1);
  CHECK(f.node.asks[0].first == above);
  CHECK(f.node.asks[0].second.amount == 0);
  f.told(above, {f.node.asks[0].second.id, 0, 250, 5, errc::ok});
  REQUIRE(f.node.ends.size() == 1);
  CHECK(f.node.ends[0].second.elsewhere == 250);
}

TEST_CASE("more asks than the bound are told to come again", "[sync][custodian]") {
  fixture f;
  f.node.from = {above};
  for (std::uint64_t id = 1; id <= custodian::asks_max; ++id)
    f.asked(child_a, fixture::pull(id, 10));
  CHECK(f.node.tells.empty());
  f.asked(child_a, fixture::pull(99'999, 10));
  REQUIRE(f.node.tells.size() == 1);
  CHECK(f.node.tells[0].second.code == errc::busy);
  f.need(5, 10);
  REQUIRE(f.node.ends.size() == 1);
  CHECK(f.node.ends[0].second.code == errc::busy);
  f.tick(2'000);
  CHECK(f.c.open() == 0);
}

TEST_CASE("a parent that goes away before its word leaves what lies elsewhere unknown", "[sync][custodian]") {
  fixture f;
  f.node.from = {above};
  f.need(9, 0);
  f.need(10, 300);
  REQUIRE(f.node.asks.size() == 2);
  f.c.lost(above, 5, f.node);
  REQUIRE(f.node.ends.size() == 2);
  CHECK(f.node.ends[0].second.code == errc::offline);
  CHECK(f.node.ends[1].second.code == errc::offline);

  // One that is too busy to look knows nothing either; one that ran out of time says what it knows.
  f.need(11, 300);
  f.told(above, {f.node.asks[2].second.id, 0, 0, 5, errc::busy});
  REQUIRE(f.node.ends.size() == 3);
  CHECK(f.node.ends[2].second.code == errc::offline);
  f.need(12, 300);
  f.told(above, {f.node.asks[3].second.id, 0, 70, 5, errc::timeout});
  REQUIRE(f.node.ends.size() == 4);
  CHECK(f.node.ends[3].second.code == errc::ok);
  CHECK(f.node.ends[3].second.elsewhere == 70);
}
