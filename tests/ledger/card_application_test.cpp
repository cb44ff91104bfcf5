#include <catch2/catch.hpp>

#include "ledger/card_application.hpp"
#include "ledger/member.hpp"

using namespace tally;

namespace {

constexpr std::uint32_t asked_on = 2'500;
constexpr node_id taker{5}, other_taker{6};
const std::vector<account_id> own_cards{{17}, {18}};

card_application asked(account_id card, const card_applications& known = {}, node_id where = taker) {
  auto a = apply_for_card(known, own_cards, card, where, asked_on, "**** 9123");
  REQUIRE(a);
  return *a;
}
card_application refused(card_application a, std::string reason) {
  a.state = application_state::refused;
  a.answered = asked_on;
  a.reason = std::move(reason);
  return a;
}

}  // namespace

TEST_CASE("an application is for a card of the member, and counts up", "[ledger][member]") {
  auto first = asked({17});
  CHECK(first.number == 1);
  CHECK(first.since == asked_on);
  CHECK(application_for({first}, {17})->shown == "**** 9123");
  CHECK(application_for({first}, {18}) == nullptr);
  CHECK(apply_for_card({}, own_cards, {19}, taker, asked_on, "").code() == errc::not_allowed);
  CHECK(apply_for_card({}, own_cards, {17}, taker, asked_on, "rtl\u202eevil").code() == errc::malformed);
  CHECK(apply_for_card({}, own_cards, {17}, taker, asked_on, std::string(17, '1')).code() == errc::malformed);

  auto no = answered_application({first}, {17}, "no address", asked_on + 2);
  REQUIRE(no);
  CHECK(no->state == application_state::refused);
  CHECK(no->answered == asked_on + 2);
  CHECK(answered_application({*no}, {17}, "", asked_on).code() == errc::not_found);
  CHECK(answered_application({}, {17}, "", asked_on).code() == errc::not_found);
  CHECK(answered_application({first}, {17}, std::string(121, 'x'), asked_on).code() == errc::malformed);
  CHECK(answered_application({first}, {17}, "a\nb", asked_on).code() == errc::malformed);
  CHECK(answered_application({first}, {17}, "", asked_on)->state == application_state::made);
  CHECK(asked({17}, {*no}).number == 2);
}

TEST_CASE("an answer is not undone by who has not heard of it", "[ledger][member]") {
  auto first = asked({17});
  auto made = *answered_application({first}, {17}, "", asked_on);
  member_profile p;
  p.name = "Ann";
  p.cards = own_cards;
  member_change c;
  c.applications = {made};
  apply_change(p, c);
  c.applications = {first, asked({18})};
  apply_change(p, c);
  REQUIRE(p.applications.size() == 2);
  CHECK(p.applications[0] == made);
  CHECK(p.applications[1].card == account_id{18});
  // What differs is said, and nothing else; the whole comes back from it.
  auto q = p;
  q.applications[0] = asked({17}, p.applications);
  CHECK(difference(p, q).applications == card_applications{q.applications[0]});
  CHECK(difference(p, p).empty());
  member_profile again;
  apply_change(again, change_of(q));
  CHECK(again == q);
  // Two people that are one: of each card the newer one.
  auto one = merged(p, q);
  CHECK(one.applications == q.applications);
  keep_applications_of(one.applications, {{18}});
  CHECK(one.applications.size() == 1);
}

TEST_CASE("what no application can be is refused by name", "[ledger][member]") {
  auto good = asked({17});
  auto check = [](card_applications list) { return check_applications(list).code(); };
  CHECK(check({good}) == errc::ok);
  CHECK(check({refused(good, "why")}) == errc::ok);
  CHECK(check({refused(good, "")}) == errc::malformed);
  CHECK(check({good, good}) == errc::malformed);
  CHECK(check({asked({18}), good}) == errc::malformed);
  auto bad = [&](auto change) {
    auto a = good;
    change(a);
    return check({a});
  };
  CHECK(bad([](auto& a) { a.number = 0; }) == errc::malformed);
  CHECK(bad([](auto& a) { a.node = {}; }) == errc::malformed);
  CHECK(bad([](auto& a) { a.answered = 7; }) == errc::malformed);
  CHECK(bad([](auto& a) { a.reason = "x"; }) == errc::malformed);
  CHECK(bad([](auto& a) { a.state = application_state::made; }) == errc::malformed);
  CHECK(bad([](auto& a) { a.state = static_cast<application_state>(4); }) == errc::malformed);
  card_applications many;
  for (std::uint64_t n = 1; n <= member_cards_max + 1; ++n) {
    many.push_back(good);
    many.back().card = {n};
  }
  CHECK(check(many) == errc::malformed);
  member_change c;
  c.applications = many;
  CHECK(check_member(c, asked_on).code() == errc::malformed);
}

TEST_CASE("a store applies for itself, and answers nothing", "[ledger][member]") {
  auto first = asked({17});
  CHECK(*claimed_applications({}, own_cards, {first}, taker, asked_on) == card_applications{first});
  CHECK(claimed_applications({}, own_cards, {first}, other_taker, asked_on).code() == errc::not_entitled);
  CHECK(claimed_applications({}, own_cards, {refused(first, "no")}, taker, asked_on).code() == errc::not_entitled);
  auto made = *answered_application({first}, {17}, "", asked_on);
  CHECK(claimed_applications({}, own_cards, {made}, taker, asked_on).code() == errc::not_entitled);
  // A second store's, of the time before the answer, is the same application; so is one while it is open.
  CHECK(claimed_applications({made}, own_cards, {asked({17}, {}, other_taker)}, other_taker, asked_on)->empty());
  CHECK(claimed_applications({first}, own_cards, {asked({17}, {made}, other_taker)}, other_taker, asked_on)->empty());
  CHECK(claimed_applications({made}, own_cards, {asked({17}, {made}, other_taker)}, other_taker, asked_on)
            ->front()
            .number == 2);
  // A card that is another member's by now, a number far ahead, a day to come.
  CHECK(claimed_applications({}, {{18}}, {first}, taker, asked_on)->empty());
  auto ahead = first;
  ahead.number = UINT32_MAX;
  ahead.since = asked_on + 900;
  auto taken = claimed_applications({made}, own_cards, {ahead}, taker, asked_on);
  REQUIRE(taken->size() == 1);
  CHECK(taken->front().number == 2);
  CHECK(taken->front().since == asked_on);
}

TEST_CASE("of one store so many applications are open, and the others are refused", "[ledger][member]") {
  application_book book;
  for (std::uint64_t n = 1; n <= applications_of_store_max; ++n) {
    auto a = asked({17});
    a.card = {100 + n};
    a.since = asked_on - static_cast<std::uint32_t>(n % 7);
    card_applications fresh{a};
    book.bound(fresh, asked_on);
    REQUIRE(fresh.front().state == application_state::open);
    book.note({n}, {}, fresh);
  }
  CHECK(book.size() == applications_of_store_max);
  card_applications over{asked({17}), asked({18}, {}, other_taker)};
  book.bound(over, asked_on);
  CHECK(over[0].state == application_state::refused);
  CHECK(over[0].reason == application_store_full);
  CHECK(check_applications(over).ok());
  CHECK(over[1].state == application_state::open);
  auto list = book.list();
  for (std::size_t i = 1; i < list.size(); ++i)
    CHECK(list[i - 1].since <= list[i].since);
  CHECK(book.member_of({101}) == account_id{1});

  // Answered, or erased, it leaves the list and makes room.
  auto a = asked({17});
  a.card = {101};
  auto made = a;
  made.state = application_state::made;
  made.answered = asked_on;
  book.note({1}, {a}, {made});
  CHECK_FALSE(book.member_of({101}));
  over = {asked({17})};
  book.bound(over, asked_on);
  CHECK(over[0].state == application_state::open);

  // One that is on its way to the disk takes that room, and gives it back when it fails.
  const auto coming = over;
  book.expect(coming);
  book.bound(over, asked_on);
  CHECK(over[0].state == application_state::refused);
  book.arrived(coming);
  book.arrived({made});  // was none of them
  over = coming;
  book.bound(over, asked_on);
  CHECK(over[0].state == application_state::open);
}

TEST_CASE("a chain has so many open applications, with those on their way", "[ledger][member]") {
  application_book book;
  for (std::uint64_t n = 1; n <= applications_open_max; ++n) {
    auto a = asked({17}, {}, node_id{static_cast<std::uint32_t>(100 + n / 100)});
    a.card = {100 + n};
    if (n % 2 == 0) {
      book.note({n}, {}, {a});
    } else {
      book.expect({a});
    }
  }
  card_applications over{asked({17})};
  book.bound(over, asked_on);
  REQUIRE(over[0].state == application_state::refused);
  CHECK(over[0].reason == application_chain_full);
}
