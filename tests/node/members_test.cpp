// Members over real nodes: head office, a region, two stores, in one process; clocks of the leases are the test's own.
#include "node/member_chain.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// Neither these keys nor anything that was said of the members is in a file of any node.
void stop_and_search(member_chain& m, const std::vector<bytes>& keys) {
  for (auto node : {1U, 3U, 4U})
    m.stop(node);
  m.c.stop(2);
  for (const auto& octets : keys)
    CHECK(files_with(m.dir.path(), octets).empty());
  for (const char* text : {"小明", "13800138000", "xiaoming", "人民路", "5550100", "secret address", "JJJJJJJJ"})
    CHECK(files_with(m.dir.path(), text).empty());
}

}  // namespace

TEST_CASE("a store shows a member under a lease, and its edits bind it alone until they are published",
          "[node][member]") {
  member_chain m;
  auto made = m.add(1, wang(m));
  REQUIRE(made);
  auto who = made->member;
  CHECK(made->version == 1);
  CHECK(m.found(1, "小明") == 1);
  CHECK(m.found(3, "小明") == 0);  // no lease, no name

  REQUIRE(eventually([&] {
    auto r = m.of_card(3, 0);
    return r && *r && (*r)->profile == made->profile;
  }));
  CHECK(m.found(3, "小明") == 1);
  CHECK(m.found(3, "8000") == 1);
  CHECK(m.found(4, "8000") == 0);
  CHECK(m.of_card(3, 1)->value().member == who);
  CHECK_FALSE(m.of_card(3, 2)->has_value());
  CHECK(m.show(3, {77'777}).code() == errc::not_found);

  // Head office is away: two stores say two things.
  (void)m.must_show(4, who);
  m.stop(1);
  member_change a, b;
  a.address = "南京路 1 号";
  b.consents = 16;
  auto mine = m.edit(3, who, a);
  REQUIRE(mine);
  CHECK(mine->unpublished == 1);
  CHECK(mine->version == 1);
  a = {};
  a.phones = {"13900139000"};
  CHECK(m.edit(3, who, a)->unpublished == 2);
  CHECK(m.found(3, "9000") == 1);
  CHECK(m.edit(4, who, b)->profile.address == "人民路 8 号");
  // What it cannot know without a line it says so.
  m.stop(2);
  REQUIRE(eventually([&] { return !m.c.at(3).system->snapshot()->link_up; }));
  CHECK(m.of_card(3, 2).code() == errc::offline);
  CHECK(m.show(3, who)->profile.address == "南京路 1 号");
  m.stop(3);
  m.start_again(3);  // a claim outlives the process
  CHECK(m.show(3, who)->unpublished == 2);

  m.start_again(1);
  m.c.start(2);
  REQUIRE(eventually([&] { return m.show(1, who)->version == 4; }));
  auto all = m.show(1, who)->profile;
  CHECK(all.address == "南京路 1 号");
  CHECK(all.phones == std::vector<std::string>{"13900139000"});
  CHECK(all.consents == 16);
  CHECK(all.name == "王小明");
  CHECK(m.found(1, "9000") == 1);
  CHECK(m.found(1, "8000") == 0);
  // And comes back to both stores, where it is nobody's claim any more.
  m.now += 700;
  for (auto store : {3U, 4U}) {
    REQUIRE(m.linked(store));
    REQUIRE(eventually([&] {
      m.now += 700;
      auto v = m.show(store, who);
      return v && v->version == 4 && v->unpublished == 0 && v->profile == all;
    }));
  }
}

TEST_CASE("an edit of an old profile is refused while a line is up, whatever the store has", "[node][member]") {
  member_chain m;
  auto made = m.add(1, wang(m));
  REQUIRE(made);
  auto who = made->member;
  REQUIRE(m.linked(3));
  auto seen = m.must_show(3, who);
  CHECK(seen.version == 1);
  member_change c;
  c.address = "南京路 1 号";
  REQUIRE(m.edit(1, who, c)->version == 2);
  // The store shows what it has for minutes; an edit of that asks.
  c.address = "人民路 9 号";
  CHECK(m.edit(3, who, c, 1).code() == errc::gap);
  CHECK(m.show(3, who)->version == 2);
  auto now = m.edit(3, who, c, 2);
  REQUIRE(now);
  CHECK(now->profile.address == "人民路 9 号");
  // Without a line it goes by what it has.
  m.stop(1);
  m.stop(2);
  REQUIRE(eventually([&] { return !m.c.at(3).system->snapshot()->link_up; }));
  c.address = "中山路 2 号";
  auto version = m.show(3, who)->version;
  CHECK(m.edit(3, who, c, version));
}

TEST_CASE("what a form must not hold is refused at both ends, and nothing is written", "[node][member]") {
  member_chain m;
  auto who = m.add(1, wang(m))->member;
  (void)m.must_show(3, who);
  auto entries = m.c.at(3).system->snapshot()->entries;
  for (auto node : {1U, 3U}) {
    CHECK(m.edit(node, who, named("rtl\u202eevil")).code() == errc::malformed);
    CHECK(m.edit(node, who, named("")).code() == errc::malformed);
    member_change c;
    c.photo = bytes(30'000, 'x');
    CHECK(m.edit(node, who, c).code() == errc::malformed);
    c = {};
    c.born = birth_date{2050, 1, 1};
    CHECK(m.edit(node, who, c).code() == errc::malformed);
    CHECK(m.edit(node, who, named("other"), 7).code() == errc::gap);
  }
  member_change cards;
  cards.cards = {m.c.account(3)};
  CHECK(m.edit(3, who, cards).code() == errc::not_allowed);
  CHECK(m.edit(1, who, wang(m))->version == 1);  // the same again
  CHECK(m.c.at(3).system->snapshot()->entries == entries);
  // A card has one member, and must exist.
  CHECK(m.add(1, wang(m)).code() == errc::not_allowed);
  cards.name = "x";
  cards.cards = {account_id{999'999}};
  CHECK(m.add(1, cards).code() == errc::unknown_card);
  CHECK(m.add(1, {}).code() == errc::malformed);

  // Letters of nobody, and nonsense, are noted and change nothing.
  m.c.at(4).system->post(head_office, "garbage");
  lease_question q{.id = 1, .card = {}, .member = who};
  auto thief = make_curve_key(m.random);
  m.c.at(4).system->post(head_office, seal_letter(thief, m.c.at(1).curve.pub, encode_question(q), m.random));
  REQUIRE(eventually([&] {
    std::lock_guard lock(m.mutex);
    return std::count_if(m.complaints.begin(), m.complaints.end(),
                         [](const auto& t) { return t.starts_with("bad_proof: a letter of node 4"); }) == 2;
  }));
  // An answer that nobody asked for is not taken, whoever seals it.
  lease_answer a{.id = 1, .member = {4242}, .version = 9, .until = m.now + 1'000};
  m.c.at(1).system->post({4}, seal_letter(m.c.at(1).curve, m.c.at(4).curve.pub, encode_answer(a), m.random));
  (void)m.must_show(4, who);  // a later letter was read
  CHECK(key_in(m.keys(4), {4242}).empty());
}

TEST_CASE("a store makes a member for a card while its line is up", "[node][member]") {
  member_chain m;
  auto form = named("김철수");
  form.cards = {m.c.account(2)};
  form.phones = {"01012345678"};
  result<member_view> made = error{errc::timeout, ""};
  REQUIRE(eventually([&] {
    made = m.add(3, form);
    return made.ok();
  }));
  CHECK(made->profile.name == "김철수");
  CHECK(m.found(3, "ㄱㅊㅅ") == 1);
  REQUIRE(eventually([&] { return m.found(1, "ㅊㅅ 5678") == 1; }));
  CHECK(m.of_card(1, 2)->value().member == made->member);
  CHECK(m.add(3, form).code() == errc::not_allowed);
}

TEST_CASE("a lease lapses, and no clock that is set back revives it", "[node][member]") {
  member_chain m;
  auto who = m.add(1, wang(m))->member;
  (void)m.must_show(3, who);
  auto key = key_in(m.keys(3), who);
  REQUIRE(key == key_in(m.keys(1), who));
  m.stop(1);
  m.stop(2);
  REQUIRE(eventually([&] { return !m.c.at(3).system->snapshot()->link_up; }));
  m.now += lease_seconds - 600;
  std::this_thread::sleep_for(std::chrono::milliseconds(1'500));
  CHECK(m.show(3, who).ok());
  m.now += 1'200;
  REQUIRE(eventually([&] { return m.show(3, who).code() == errc::offline; }));
  CHECK(m.found(3, "小明") == 0);
  m.now -= 2 * lease_seconds;
  m.stop(3);
  CHECK(files_with(m.c.at(3).dir, key).empty());
  m.start_again(3);
  CHECK(m.show(3, who).code() == errc::offline);
  // With a line, head office says what time it is.
  m.start_again(1);
  m.c.start(2);
  REQUIRE(m.linked(3));
  CHECK(m.must_show(3, who).profile.name == "王小明");
}

TEST_CASE("two that are one person become one, and erasing it erases both for good", "[node][member]") {
  member_chain m;
  auto first = m.add(1, wang(m))->member;
  auto again = named("王 小明");
  again.phones = {"13800138000", "5550100"};
  again.cards = {m.c.account(4)};
  auto second = m.add(1, again)->member;
  (void)m.must_show(3, first);
  (void)m.must_show(4, second);
  auto groups = m.wait<std::vector<std::vector<member_view>>>([&](auto done) { m.at[1]->duplicates(done); });
  REQUIRE(groups->size() == 1);
  CHECK(groups->front().size() == 2);

  auto merge = [&](account_id into, account_id from) {
    return m.wait<member_view>([&](auto done) { m.at[1]->merge(into, from, done); });
  };
  auto one = merge(first, second);
  REQUIRE(one);
  CHECK(one->profile.cards.size() == 3);
  CHECK(one->profile.phones.size() == 3);
  CHECK(merge(first, second)->version == one->version);
  CHECK(merge(second, first).code() == errc::not_allowed);
  CHECK(merge(first, first).code() == errc::malformed);
  CHECK(m.of_card(1, 4)->value().member == first);
  CHECK(m.show(1, second)->profile.merged_into == first);  // its history stays
  CHECK(m.found(1, "5550100") == 1);
  CHECK(m.edit(1, second, named("x")).code() == errc::not_allowed);
  m.now += 700;
  REQUIRE(eventually([&] {  // store 4 learns that its member is another one
    m.now += 700;
    auto v = m.show(4, second);
    return v && v->member == first;
  }));
  // A claim about the one that is gone is published for the one that stays. Store 3 says one that nobody hears yet.
  m.stop(2);
  REQUIRE(eventually([&] { return !m.c.at(3).system->snapshot()->link_up; }));
  member_change late;
  late.address = "a secret address 77";
  REQUIRE(m.edit(3, first, late));

  std::vector<bytes> gone;
  for (auto who : {first, second})
    gone.push_back(key_in(m.keys(1), who));
  REQUIRE(gone[0].size() == 32);
  REQUIRE(!files_with(m.dir.path(), gone[0]).empty());  // so the search finds what is there
  auto erase = [&](account_id who) { return m.wait<erased_members>([&](auto done) { m.at[1]->erase(who, done); }); };
  CHECK(erase(second).code() == errc::not_allowed);
  auto erased = erase(first);
  REQUIRE(erased);
  CHECK(erased->members == std::vector<account_id>{first, second});
  CHECK(erased->leases_until > m.now);
  CHECK(erase(first).ok());
  CHECK(m.show(1, first).code() == errc::not_found);
  CHECK(m.edit(1, first, named("again")).code() == errc::not_found);
  CHECK(m.found(1, "小明") == 0);
  CHECK(m.show(3, first).ok());  // it has not heard

  m.c.start(2);
  for (auto store : {3U, 4U})
    REQUIRE(eventually([&] { return key_in(m.keys(store), first).empty() && m.found(store, "小明") == 0; }));
  // The late claim came, and is void.
  REQUIRE(eventually([&] {
    auto s = m.c.at(3).system->snapshot();
    return s->hq_cosigned == s->entries;
  }));
  CHECK(m.show(1, first).code() == errc::not_found);
  stop_and_search(m, gone);

  m.start_again(1);
  CHECK(m.show(1, first).code() == errc::not_found);
  durable_state st(m.c.at(1).system->store());
  CHECK(member_of(st, first)->erased);
  CHECK(member_of(st, second)->erased);
}

TEST_CASE("cards tell the month of birth while rules ask for it, and no longer than the member is there",
          "[node][member]") {
  member_chain m;
  auto made = m.add(1, wang(m));
  REQUIRE(made);
  auto month = [&](std::uint32_t node, std::size_t card) {
    durable_state st(m.c.at(node).system->store());
    auto c = card_of(st, m.c.account(card));
    return c ? c->birth_month : 99;
  };
  auto tell = [&](std::uint32_t node, std::size_t card, std::uint32_t wanted) {
    return eventually([&] { return month(node, card) == wanted; });
  };
  auto publish = [&](std::uint64_t version, bool birthday) {
    rules_record r;
    r.version = version;
    r.taxes = {{"A", 1300}};
    discount_rule d{1, {"Birthday"}, 1'000, 0, {}};
    d.when.birthday = birthday;
    r.programme.discounts = {d};
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::rules;
    e.rules_version = version;
    e.blob = encode_rules(r);
    auto a = m.wait<int>([&](auto done) {
      m.c.at(1).system->facts({e}, [done](const facts_answer& f) { done(f.code == errc::ok ? 1 : 0); });
    });
    REQUIRE(*a == 1);
  };
  CHECK(month(1, 0) == 0);
  publish(2, true);
  CHECK(tell(1, 0, 2));
  CHECK(tell(3, 0, 2));
  CHECK(tell(3, 1, 2));
  CHECK(month(3, 2) == 0);
  // Another birthday, and a card that is the member's no more.
  member_change c;
  c.born = birth_date{1990, 11, 28};
  c.cards = std::vector<account_id>{m.c.account(0)};
  REQUIRE(m.edit(1, made->member, c));
  CHECK(tell(3, 0, 11));
  CHECK(tell(3, 1, 0));
  publish(3, false);
  CHECK(tell(3, 0, 0));
  publish(4, true);
  CHECK(tell(3, 0, 11));
  auto gone = m.wait<erased_members>([&](auto done) { m.at[1]->erase(made->member, done); });
  REQUIRE(gone);
  CHECK(tell(3, 0, 0));
  CHECK(tell(1, 0, 0));
}
