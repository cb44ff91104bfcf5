// One-time codes over real nodes: head office with members and its outbox, a region, two stores, in one process.
#include <catch2/catch.hpp>

#include "actors/chain_fixture.hpp"
#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "node/code_office.hpp"
#include "node/member_office.hpp"
#include "node/pin_desk.hpp"
#include "node/pin_office.hpp"
#include "storage/kv_state.hpp"
#include "storage/temp_dir.hpp"
#include "sync/member_seal.hpp"

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
    auto m = member_office::start({.node = *c.at(1).system,
                                   .chain = "test",
                                   .keys = dir.path() / "keys.store",
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
    codes = code_office::start(parts(1), {*members, hasher, language::ko});
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
  account_id add_member(const std::string& telephone) {
    member_change m;
    m.name = "Kim Min-ji";
    m.phones = std::vector{telephone};
    m.cards = std::vector{c.account(0)};
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
  std::string stored() {
    std::string out;
    for (auto it = c.at(1).system->store().scan(family::meta, "noutbox/"); it->valid(); it->next())
      out += std::string(it->value()) + "\n";
    return out;
  }
};

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
