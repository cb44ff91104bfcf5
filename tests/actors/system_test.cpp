#include <catch2/catch.hpp>

#include "actors/chain_fixture.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct temporary_folder {
  std::filesystem::path path;
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "tally-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~temporary_folder() { std::filesystem::remove_all(path); }
};

bool knows(chain& c, std::uint32_t store, std::size_t card) {
  auto s = c.at(store).system->snapshot();
  durable_state durable(c.at(store).system->store());
  return card_of(durable, c.account(card)).has_value() && s->quota_left > 0 && s->link_up;
}

}  // namespace

TEST_CASE("a card topped up in one store is spent in another, over region and head office", "[actors]") {
  temporary_folder folder;
  chain c(folder.path);
  c.start_all(20);
  REQUIRE(eventually([&] { return knows(c, 3, 0) && knows(c, 4, 0); }));

  auto loaded = c.top_up(3, 0, 10'000, 1);
  REQUIRE(std::holds_alternative<entry>(loaded.outcome));
  CHECK(loaded.here == 10'000);

  SECTION("the second store pulls what it needs while the customer waits") {
    REQUIRE(eventually([&] {
      return c.at(2).system->snapshot()->below.size() == 2 && c.at(3).system->snapshot()->parent_cosigned > 3;
    }));
    auto sold = c.sell(4, 0, 2, 1);
    REQUIRE(std::holds_alternative<entry>(sold.outcome));
    CHECK(sold.pulled == 2'500);
    CHECK(sold.here == 0);
    REQUIRE(eventually([&] {
      auto s = c.at(4).system->snapshot();
      return s->hq_cosigned == s->entries;
    }));
  }
  SECTION("head office hears from the region which store is there") {
    auto told = [&](std::uint32_t store, bool up) {
      for (const auto& r : c.at(1).system->snapshot()->below)
        if (r.node.value == store && r.told) return r.told->up == up && r.told->last_contact > 0;
      return false;
    };
    REQUIRE(eventually([&] { return told(3, true) && told(4, true); }));
    c.stop(4);
    REQUIRE(eventually([&] { return told(3, true) && told(4, false); }));
    c.start(4);
    REQUIRE(eventually([&] { return told(4, true); }));
    // Who starts anew hears it again.
    c.stop(1);
    c.start(1);
    REQUIRE(eventually([&] { return told(3, true) && told(4, true); }));
  }
  SECTION("cut off, each store sells what it holds and refuses the rest; after healing all agree") {
    c.stop(2);
    REQUIRE(eventually([&] { return !c.at(3).system->snapshot()->link_up; }));
    auto here = c.sell(3, 0, 2, 2);
    REQUIRE(std::holds_alternative<entry>(here.outcome));
    CHECK(here.here == 7'500);
    auto there = c.sell(4, 0, 2, 1);
    REQUIRE(std::holds_alternative<refusal>(there.outcome));
    CHECK(std::get<refusal>(there.outcome).why.code == errc::insufficient);
    c.start(2);
    for (auto id : {3U, 4U})
      CHECK(eventually([&] {
        auto s = c.at(id).system->snapshot();
        return s->link_up && s->hq_cosigned == s->entries;
      }));
    CHECK(eventually([&] {
      for (const auto& r : c.at(1).system->snapshot()->below)
        if (r.node == node_id{3}) return r.held == 7'500 && r.contested == 0;
      return false;
    }));
  }
  SECTION("the same key gives the same answer, also after a restart") {
    c.stop(3);
    c.start(3);
    auto again = c.top_up(3, 0, 10'000, 1);
    REQUIRE(std::holds_alternative<entry>(again.outcome));
    CHECK(again.repeated);
    CHECK(again.seq == loaded.seq);
    CHECK(again.here == 10'000);
    auto other = c.top_up(3, 0, 20'000, 1);
    REQUIRE(std::holds_alternative<refusal>(other.outcome));
    CHECK(std::get<refusal>(other.outcome).why.code == errc::key_reused);
  }
  for (auto id : {1U, 2U, 3U, 4U})
    CHECK(c.at(id).fatal.empty());
}

TEST_CASE("a store that is revoked knows at once, or when it comes back, and stops card value", "[actors]") {
  temporary_folder folder;
  chain c(folder.path);
  c.start_all(1);
  REQUIRE(eventually([&] { return knows(c, 3, 0) && knows(c, 4, 0); }));
  REQUIRE(std::holds_alternative<entry>(c.top_up(3, 0, 10'000, 1).outcome));
  bool linked = GENERATE(true, false);
  if (!linked) c.stop(3);
  entry revoke;
  revoke.kind = entry_kind::revoke;
  revoke.subject.node = node_id{3};
  std::promise<errc> written;
  c.at(1).system->facts({revoke}, [&](const facts_answer& a) { written.set_value(a.code); });
  REQUIRE(written.get_future().get() == errc::ok);
  if (!linked) {
    REQUIRE(eventually([&] {
      for (const auto& r : c.at(2).system->snapshot()->below)
        if (r.node == node_id{3}) return r.revoked;
      return false;
    }));
    c.start(3);
  }
  REQUIRE(eventually([&] { return c.at(3).system->snapshot()->stopped == errc::revoked; }));
  auto refused = c.top_up(3, 0, 10'000, 2);
  REQUIRE(std::holds_alternative<refusal>(refused.outcome));
  CHECK(std::get<refusal>(refused.outcome).why.code == errc::revoked);
  CHECK(eventually([&] { return !c.at(3).system->snapshot()->link_up; }));
  CHECK(c.at(3).system->snapshot()->held == 10'000);  // readable
  CHECK(c.at(4).system->snapshot()->link_up);
  CHECK(c.at(3).fatal.empty());
}

TEST_CASE("only head office acknowledges what it priced otherwise, and only what is on its list", "[actors]") {
  temporary_folder folder;
  chain c(folder.path);
  c.start_all(1);
  auto acknowledge = [&](std::uint32_t node, const std::string& reason) {
    auto told = std::make_shared<std::promise<status>>();
    c.at(node).system->acknowledge_difference(c.at(1).system->snapshot()->self, 0, reason, 1'795'355'000,
                                              [told](const status& r) { told->set_value(r); });
    auto answer = told->get_future();
    REQUIRE(answer.wait_for(std::chrono::seconds(60)) == std::future_status::ready);
    return answer.get().code();
  };
  CHECK(acknowledge(3, "why") == errc::not_allowed);
  CHECK(acknowledge(1, "why") == errc::not_found);
  CHECK(acknowledge(1, "") == errc::malformed);
}
