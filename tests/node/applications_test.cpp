// Cards of plastic that members ask for, over real nodes.
#include "node/member_chain.hpp"

using namespace tally;
using namespace tally::test;

namespace {

// A head office that is away behind a region is waited for by the store's clock, which is the test's.
result<applied_card> apply_at(member_chain& m, std::uint32_t node, std::size_t card) {
  auto told = std::make_shared<std::promise<result<applied_card>>>();
  m.at[node]->apply(m.c.account(card), "**** 9123", 0, [told](const auto& r) { told->set_value(r); });
  auto future = told->get_future();
  for (int n = 0; n < 90 && future.wait_for(std::chrono::seconds(1)) != std::future_status::ready; ++n)
    m.now += 5;
  REQUIRE(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  return future.get();
}

}  // namespace

TEST_CASE("a card of plastic is asked for at stores, without a line too, and answered once", "[node][member]") {
  member_chain m;
  auto who = m.add(1, wang(m))->member;
  auto apply = [&](std::uint32_t node, std::size_t card) { return apply_at(m, node, card); };
  auto open = [&] { return m.wait<application_list>([&](auto done) { m.at[1]->applications(done); })->rows; };
  auto answer = [&](application_answer a) {
    return m.wait<member_view>([&](auto done) { m.at[1]->answer_application(a, done); });
  };
  auto state_at = [&](std::uint32_t node, std::size_t card) {
    m.now += 700;  // a store looks again
    auto v = m.show(node, who);
    const auto* a = v ? application_for(v->profile.applications, m.c.account(card)) : nullptr;
    return a ? application_state_name(a->state) : "none";
  };
  for (auto store : {3U, 4U})
    (void)m.must_show(store, who);
  CHECK(apply(3, 2).code() == errc::not_found);  // no member
  CHECK(apply(1, 0).code() == errc::not_allowed);
  CHECK(answer({m.c.account(0), {}, "no"}).code() == errc::not_found);

  // Two stores take one before they hear of each other: one is open.
  m.stop(1);
  auto first = apply(3, 0);
  REQUIRE(first);
  CHECK_FALSE(first->before);
  CHECK(apply(3, 0)->before);  // an answer that was lost
  CHECK(apply(4, 0)->application.node == node_id{4});
  CHECK(state_at(3, 0) == "open");
  m.stop(3);
  m.start_again(3);
  CHECK(state_at(3, 0) == "open");
  m.start_again(1);
  REQUIRE(eventually([&] { return m.show(1, who)->version == 3; }));
  REQUIRE(open().size() == 1);
  auto row = open().front();
  CHECK(row.what.card == m.c.account(0));
  CHECK(row.what.shown == "**** 9123");
  CHECK(row.name == "王小明");
  CHECK(row.address == "人民路 8 号");

  // Refused with a reason, asked for again, made: the new number leads to the card beside the old one.
  CHECK(answer({m.c.account(0), {}, "rtl\u202eevil"}).code() == errc::malformed);
  REQUIRE(answer({m.c.account(0), {}, "no house number"}));
  CHECK(open().empty());
  CHECK(answer({m.c.account(0), {}, "no"}).code() == errc::not_found);
  for (auto store : {3U, 4U})
    REQUIRE(eventually([&] { return m.linked(store) && state_at(store, 0) == "refused"; }));
  CHECK(m.show(3, who)->profile.applications.front().reason == "no house number");
  CHECK(apply(4, 0)->application.number == 2);
  REQUIRE(eventually([&] { return open().size() == 1; }));
  m.stop(1);
  m.start_again(1);  // the list is made anew from the profiles
  REQUIRE(open().size() == 1);
  durable_state st(m.c.at(1).system->store());
  auto version = card_of(st, m.c.account(0))->version;
  bytes fresh(16, '\x5a');
  auto taken = m.wait<member_view>([&](auto done) { m.at[1]->answer_application({m.c.account(0), fresh, ""}, done); });
  REQUIRE(taken);
  CHECK(account_of(st, fresh) == m.c.account(0));
  CHECK(card_of(st, m.c.account(0))->version == version + 1);
  CHECK(card_of(st, m.c.account(0))->status == card_status::active);
  REQUIRE(eventually([&] { return m.linked(3) && state_at(3, 0) == "made"; }));
  REQUIRE(eventually([&] {
    durable_state there(m.c.at(3).system->store());
    return account_of(there, fresh) == m.c.account(0);
  }));

  // A number that is in use, a card that is no more; what is erased is gone from the list.
  CHECK(apply(3, 0)->application.number == 3);
  CHECK(apply(3, 1)->application.number == 1);
  REQUIRE(eventually([&] { return open().size() == 2; }));
  CHECK(answer({m.c.account(1), fresh, ""}).code() == errc::key_reused);
  CHECK(open().size() == 2);
  REQUIRE(m.wait<erased_members>([&](auto done) { m.at[1]->erase(who, done); }));
  CHECK(open().empty());
  CHECK(files_with(m.dir.path(), "no house number").empty());
}
