// One-time codes over real nodes: head office with members and its outbox, a region, two stores, in one process.
#include <catch2/catch.hpp>

#include "actors/chain_fixture.hpp"
#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "node/code_office.hpp"
#include "node/member_carrier.hpp"
#include "node/member_worker.hpp"
#include "node/notice_words.hpp"
#include "node/pin_desk.hpp"
#include "node/pin_office.hpp"
#include "storage/kv_state.hpp"
#include "storage/temp_dir.hpp"
#include "sync/driver_keyslots.hpp"
#include "sync/member_office.hpp"
#include "sync/member_seal.hpp"
#include "sync/notice.hpp"
#include "sync/voucher_code.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr auto code_patience = std::chrono::seconds(90);
using code_is = code_proof::verdict;

struct code_chain {
  temp_dir dir;
  chain c{dir.path(), 27'550};
  system_entropy random;
  argon2_pin_hasher hasher;
  node_secret secret = make_node_secret(random);
  std::atomic<unix_seconds> now = wall_now();
  std::atomic<std::uint64_t> numbers = 10'000;
  std::mutex mutex;
  std::vector<std::string> complaints;
  std::unique_ptr<member_carrier> carrier;
  std::unique_ptr<member_office> members;
  std::unique_ptr<pin_office> office;
  std::unique_ptr<code_office> codes;
  std::unique_ptr<pin_desk> desk;

  code_chain() {
    c.start_all(4);
    REQUIRE(eventually([&] {
      durable_state st(c.at(3).system->store());
      return card_of(st, c.account(0)).has_value() && c.at(3).system->snapshot()->link_up;
    }));
    start_office();
    desk = pin_desk::start(parts(3), secret, hasher);
  }
  ~code_chain() {
    desk.reset();
    stop_office();
  }
  std::function<void(errc, const std::string&)> log() {
    return [this](errc code, const std::string& text) {
      std::lock_guard lock(mutex);
      complaints.push_back(std::string(errc_name(code)) + ": " + text);
    };
  }
  pin_parts parts(std::uint32_t node) {
    return {.node = *c.at(node).system,
            .chain = "test",
            .curve = c.at(node).curve,
            .random = random,
            .now = [this] { return now.load(); },
            .curve_of = [this](node_id n) { return std::optional(c.at(n.value).curve.pub); },
            .log = log()};
  }
  void start_office() {
    auto keys = member_keystore::open(dir.path() / "keys.store", office_members_max);
    REQUIRE(keys);
    carrier = std::make_unique<member_carrier>(*c.at(1).system);
    auto m = member_office::start({.node = *carrier,
                                   .chain = "test",
                                   .keys = std::move(*keys),
                                   .worker = std::make_shared<member_worker>(),
                                   .curve = c.at(1).curve,
                                   .random = random,
                                   .now = [this] { return now.load(); },
                                   .curve_of = [this](node_id n) { return std::optional(c.at(n.value).curve.pub); },
                                   .log = log(),
                                   .allot = [this](auto told) { told(++numbers); }});
    REQUIRE(m);
    members = std::move(*m);
    auto p = pin_office::start(parts(1), dir.path() / "pin.key");
    REQUIRE(p);
    office = std::move(*p);
    codes = code_office::start(parts(1), {*members, hasher, language::ko, c.at(1).signer.get()});
    office->on_code_questions([this](node_id from, bytes text) { codes->take_question(from, std::move(text)); });
  }
  void stop_office() {
    office.reset();
    codes.reset();
    members.reset();
  }
  template <class T>
  T wait(const std::function<void(std::function<void(T)>)>& ask) {
    auto told = std::make_shared<std::promise<T>>();
    ask([told](T r) { told->set_value(std::move(r)); });
    auto future = told->get_future();
    REQUIRE(future.wait_for(code_patience) == std::future_status::ready);
    return future.get();
  }
  account_id add_member(const std::string& telephone, std::size_t card = 0, std::uint32_t consents = 0) {
    member_change m;
    m.name = "Kim Min-ji";
    m.phones = std::vector<std::string>{};
    if (!telephone.empty()) m.phones->push_back(telephone);
    m.cards = std::vector{c.account(card)};
    m.consents = consents;
    auto r = wait<result<member_view>>([&](auto done) { members->add(m, done); });
    REQUIRE(r);
    return r->member;
  }
  /// A line that has just come up may lose a letter: asks until something is said.
  result<pin_desk::sent> send(amount up_to) {
    for (int again = 0;; ++again) {
      auto r = wait<result<pin_desk::sent>>([&](auto done) { desk->send_code(c.account(0), up_to, done); });
      if (r || r.code() != errc::offline || again == 20) return r;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }
  std::vector<code_delivery> take() {
    auto r = wait<result<std::vector<code_delivery>>>([&](auto done) { codes->take(9, done); });
    REQUIRE(r);
    return *r;
  }
  std::vector<outbox_message> list() {
    auto r = wait<result<std::vector<outbox_message>>>([&](auto done) { codes->list(done); });
    REQUIRE(r);
    return *r;
  }
  errc delivered(std::uint64_t number) {
    return wait<result<std::uint64_t>>([&](auto done) { codes->delivered(number, done); }).code();
  }
  code_proof judge(const std::string& text, std::uint64_t counter = 1) {
    return wait<code_proof>([&](auto done) { desk->judge_code(c.account(0), text, {301, counter, 0}, done); });
  }
  std::string stored(std::string_view prefix = "noutbox/") {
    std::string out;
    for (auto it = c.at(1).system->store().scan(family::meta, prefix); it->valid() && it->key().starts_with(prefix);
         it->next())
      out += std::string(it->value()) + "\n";
    return out;
  }
  /// Gift certificates of 100.00, from an account on.
  void grant(std::uint64_t first, std::size_t count, const std::string& batch) {
    std::vector<entry> facts;
    for (std::size_t i = 0; i < count; ++i) {
      entry e;
      e.kind = entry_kind::voucher_grant;
      e.account.value = first + i;
      e.rules_version = 1;
      e.expires = day_of(wall_now()) + 30;
      e.blob = batch;
      e.values = {{purse_paid, main_unit, 0, 10'000}};
      e.tenders = {{tender_kind::transfer, main_unit, 10'000}};
      facts.push_back(std::move(e));
    }
    auto a = wait<facts_answer>([&](auto done) { c.at(1).system->facts(std::move(facts), done); });
    INFO(a.detail);
    REQUIRE(a.code == errc::ok);
  }
  std::vector<voucher_sent> send_vouchers(const std::string& batch, std::vector<account_id> cards) {
    auto r = wait<result<std::vector<voucher_sent>>>(
        [&](auto done) { codes->send_vouchers(batch, std::move(cards), done); });
    REQUIRE(r);
    return *r;
  }
  /// Rules with a purse of points under this number.
  void give_points(std::uint32_t purse) {
    auto rules = *c.at(1).system->snapshot()->rules->newest();
    purse_rule p;
    p.id = purse;
    p.kind = purse_kind::points;
    p.names[static_cast<std::size_t>(language::en)] = "Points";
    p.names[static_cast<std::size_t>(language::ko)] = "포인트";
    rules.programme.purses.push_back(std::move(p));
    entry e;
    e.kind = entry_kind::publish;
    e.topic = publish_topic::rules;
    e.rules_version = ++rules.version;
    e.blob = encode_rules(rules);
    auto a = wait<facts_answer>([&](auto done) { c.at(1).system->facts({e}, done); });
    INFO(a.detail);
    REQUIRE(a.code == errc::ok);
    REQUIRE(eventually([&] { return c.at(1).system->snapshot()->rules->newest()->version == rules.version; }));
  }
  void leave_notice(const bytes& key, const notice& n) {
    REQUIRE(wait<bool>([&](auto done) { c.at(1).system->remember(key.substr(1), encode_notice(n), done); }));
  }
};

constexpr std::uint32_t sms = 1, sms_and_offers = 1 | 1 << 4;

/// The digits in what the member reads.
std::string code_in(const std::string& text) {
  auto at = text.find_first_of("0123456789");
  return at == std::string::npos ? "" : text.substr(at, 6);
}

}  // namespace

TEST_CASE("a code goes to the member's telephone by the outbox, and is judged at the store that asked",
          "[node][code]") {
  code_chain k;
  CHECK(k.send(5'000).code() == errc::code_required);  // no member
  auto member = k.add_member("+821012345642");
  auto sent = k.send(5'000);
  REQUIRE(sent);
  CHECK(sent->ends_in == "42");
  CHECK(sent->seconds == 300);
  CHECK(sent->up_to == 5'000);
  auto waiting = k.list();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting[0].card == k.c.account(0));
  CHECK(waiting[0].store == node_id{3});
  // What lies in the database names no telephone and nobody.
  CHECK(k.stored().find("12345642") == std::string::npos);
  auto taken = k.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].telephone == "+821012345642");
  CHECK(taken[0].text.find("인증번호") == 0);
  CHECK(taken[0].text.find("50.00") != std::string::npos);
  auto code = code_in(taken[0].text);
  CHECK(is_code(code));
  CHECK(k.take().empty());
  auto right = k.judge(code);
  CHECK(right.is == code_is::right);
  CHECK(right.number == taken[0].number);
  CHECK(right.up_to == 5'000);
  CHECK(k.judge(code == "000000" ? "000001" : "000000").is == code_is::wrong);
  CHECK(k.delivered(taken[0].number) == errc::ok);
  CHECK(k.delivered(taken[0].number) == errc::not_found);
  CHECK(k.stored().find(code) == std::string::npos);
  // A store that starts again has lost it.
  k.desk.reset();
  k.desk = pin_desk::start(k.parts(3), k.secret, k.hasher);
  CHECK(k.judge(code).is == code_is::unknown);
  // Head office stops before the next is delivered: it is there again, with a number of its own.
  REQUIRE(k.send(6'000));
  k.stop_office();
  k.start_office();
  auto again = k.take();
  REQUIRE(again.size() == 1);
  CHECK(again[0].number > taken[0].number);
  CHECK(k.judge(code_in(again[0].text), 2).is == code_is::right);
  // Who is erased is sent nothing.
  REQUIRE(k.send(6'000));
  REQUIRE(k.wait<result<erased_members>>([&](auto done) { k.members->erase(member, done); }));
  CHECK(k.take().empty());
  CHECK(k.list().empty());
  CHECK(k.send(6'000).code() == errc::code_required);
}

TEST_CASE("codes are limited, expire, and go to the telephone that the till was told", "[node][code]") {
  code_chain k;
  auto member = k.add_member("+8613800138001");
  REQUIRE(k.send(5'000));
  k.now += 300;
  REQUIRE(eventually([&] { return k.list().empty(); }));
  CHECK(k.take().empty());
  REQUIRE(k.send(5'000));
  member_change m;
  m.phones = std::vector<std::string>{"+8613800138002"};
  REQUIRE(k.wait<result<member_view>>([&](auto done) { k.members->edit(member, std::nullopt, m, 0, done); }));
  CHECK(k.take().empty());
  CHECK(k.list().empty());
  auto sent = k.send(5'000);
  REQUIRE(sent);
  CHECK(sent->ends_in == "02");
  for (int n = 0; n < 5 && k.send(5'000); ++n)
    ;
  auto no = k.send(5'000);
  CHECK(no.code() == errc::busy);
  CHECK(no.error().detail.find("minutes") != std::string::npos);
  CHECK(k.list().size() == 1);  // of one card at one store the newest
  k.now += 3'600;
  CHECK(k.send(5'000));
}

TEST_CASE("vouchers go to members that agreed, each to one, and come back after a stop", "[node][code][notice]") {
  code_chain k;
  k.grant(5'000, 2, "may");
  const auto anna = k.add_member("+821011110001", 0, sms_and_offers);
  k.add_member("+821011110002", 1, sms);
  k.add_member("", 2, sms_and_offers);
  const std::vector cards{k.c.account(0), k.c.account(1), k.c.account(2), k.c.account(3), account_id{777}};
  auto rows = k.send_vouchers("may", cards);
  REQUIRE(rows.size() == 5);
  CHECK(rows[0].why == errc::ok);
  CHECK(rows[0].state == sent_state::waits);
  CHECK(rows[0].voucher == account_id{5'000});
  CHECK(rows[1].why == errc::not_allowed);
  CHECK(rows[2].why == errc::not_applicable);
  CHECK(rows[3].why == errc::not_found);
  CHECK(rows[4].why == errc::unknown_card);
  CHECK(k.wait<result<std::vector<voucher_sent>>>([&](auto d) { k.codes->send_vouchers("none", cards, d); }).code() ==
        errc::not_found);
  // Once more: the same, and no second message. So it is after a stop.
  for (int life = 0; life < 2; ++life) {
    CHECK(k.send_vouchers("may", cards)[0].voucher == account_id{5'000});
    CHECK(k.list().size() == 1);
    k.stop_office();
    k.start_office();
  }
  auto taken = k.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].telephone == "+821011110001");
  CHECK(taken[0].text.find("100.00") != std::string::npos);
  const auto at = taken[0].text.find("TALLYV");
  REQUIRE(at != std::string::npos);
  ed25519_verifier with;
  auto code = verify_voucher_code(taken[0].text.substr(at), "test", k.c.at(1).signer->key(), with);
  REQUIRE(code);
  CHECK(code->account == account_id{5'000});
  CHECK(code->face.units == 10'000);
  // Nothing that is kept has the code, the telephone or the name.
  for (auto prefix : {"noutbox/", "nvoucher-sent/"}) {
    CHECK_FALSE(k.stored(prefix).empty());
    for (const auto& secret : {taken[0].text.substr(at), std::string("1011110001"), std::string("Kim")})
      CHECK(k.stored(prefix).find(secret) == std::string::npos);
  }
  CHECK(k.delivered(taken[0].number) == errc::ok);
  CHECK(k.send_vouchers("may", {k.c.account(0)})[0].state == sent_state::delivered);
  k.stop_office();
  k.start_office();
  CHECK(k.list().empty());
  CHECK(k.send_vouchers("may", {k.c.account(0)})[0].state == sent_state::delivered);
  // The second is for who has agreed meanwhile, but is gone when the message is taken; nobody else is given it.
  member_change m;
  m.consents = sms_and_offers;
  const auto ben = k.wait<result<std::optional<member_view>>>([&](auto d) { k.members->of_card(cards[1], d); });
  REQUIRE(k.wait<result<member_view>>([&](auto d) { k.members->edit((*ben)->member, std::nullopt, m, 0, d); }));
  CHECK(k.send_vouchers("may", {cards[1]})[0].voucher == account_id{5'001});
  REQUIRE(k.wait<result<erased_members>>([&](auto d) { k.members->erase((*ben)->member, d); }));
  CHECK(k.take().empty());
  CHECK(k.list().empty());
  k.add_member("+821011110003", 3, sms_and_offers);
  auto late = k.send_vouchers("may", {cards[3]});
  CHECK(late[0].why == errc::insufficient);
  CHECK(anna != account_id{});
}

TEST_CASE("a voucher that nobody delivered in time is sent again, to the same member", "[node][code][notice]") {
  code_chain k;
  k.grant(5'000, 2, "may");
  k.add_member("+821011110001", 0, sms_and_offers);
  auto first = k.send_vouchers("may", {k.c.account(0)})[0];
  k.now += outbox_limits{}.notice_good_for;
  REQUIRE(eventually([&] { return k.list().empty(); }));
  CHECK(k.take().empty());
  auto again = k.send_vouchers("may", {k.c.account(0)})[0];
  CHECK(again.state == sent_state::waits);
  CHECK(again.voucher == first.voucher);
  CHECK(k.take().size() == 1);
}

TEST_CASE("what the station has to tell is moved into the outbox once, for members that agreed to SMS",
          "[node][code][notice]") {
  code_chain k;
  k.add_member("+821011110001", 0, sms);
  k.add_member("+821011110002", 1, 0);
  const epoch_id life = k.c.at(1).epoch;
  auto level = [&](std::size_t card, std::uint32_t from, std::uint32_t to) {
    return notice{.kind = notice_kind::level, .card = k.c.account(card), .at = k.now, .from = from, .to = to};
  };
  const auto key = level_notice_key(k.c.account(0), life, 70);
  k.leave_notice(key, level(0, 1, 0));
  k.leave_notice(level_notice_key(k.c.account(1), life, 71), level(1, 1, 0));
  auto old = level(0, 2, 1);
  old.at -= outbox_limits{}.notice_good_for;
  k.leave_notice(level_notice_key(k.c.account(0), life, 69), old);
  REQUIRE(eventually([&] { return k.list().size() == 2 && k.stored(notice_prefix).empty(); }));
  // A crash between the message and the end of what it came of.
  k.stop_office();
  k.leave_notice(key, level(0, 1, 0));
  k.start_office();
  REQUIRE(eventually([&] { return k.stored(notice_prefix).empty(); }));
  CHECK(k.list().size() == 2);
  auto taken = k.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].telephone == "+821011110001");
  CHECK(taken[0].text.find("등급") != std::string::npos);
  CHECK(k.list().size() == 1);  // who agreed to nothing is sent nothing
  CHECK(k.delivered(taken[0].number) == errc::ok);
  // A fee: until it is taken.
  notice fee{.kind = notice_kind::fee, .card = k.c.account(0), .at = k.now, .fee = 200, .day = day_of(k.now) + 2};
  k.leave_notice(fee_notice_key(fee.card, 202'711), fee);
  REQUIRE(eventually([&] { return k.list().size() == 1; }));
  CHECK(k.list()[0].expires == start_of_day(fee.day));
  taken = k.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].text.find("2.00") != std::string::npos);
  CHECK(taken[0].text.find(date_text(fee.day)) != std::string::npos);
}

TEST_CASE("units that expire are told with their name and last day, until that day", "[node][code][notice]") {
  code_chain k;
  k.add_member("+821011110001", 0, sms);
  constexpr std::uint32_t points = 3;
  k.give_points(points);
  notice n{.kind = notice_kind::expiry, .card = k.c.account(0), .at = k.now, .from = points, .fee = 120};
  n.day = day_of(k.now) + 2;
  k.leave_notice(expiry_notice_key(n.card, points, 202'711), n);
  auto unknown = n;
  unknown.from = 9;  // no rule knows it any more
  k.leave_notice(expiry_notice_key(n.card, unknown.from, 202'711), unknown);
  REQUIRE(eventually([&] { return k.list().size() == 2 && k.stored(notice_prefix).empty(); }));
  for (const auto& m : k.list())
    CHECK(m.expires == start_of_day(n.day + 1));
  auto taken = k.take();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].telephone == "+821011110001");
  CHECK(taken[0].text == expiry_text(language::ko, "포인트", "120", date_text(n.day)));
  CHECK(k.delivered(taken[0].number) == errc::ok);
  CHECK(k.list().empty());
}
