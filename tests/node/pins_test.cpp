// PINs over real nodes: head office, a region, two stores, in one process, with real keys and real hashes.
#include <catch2/catch.hpp>

#include "actors/chain_fixture.hpp"
#include "ledger/cards.hpp"
#include "ledger/pins.hpp"
#include "node/pin_desk.hpp"
#include "node/pin_office.hpp"
#include "storage/kv_state.hpp"
#include "storage/temp_dir.hpp"
#include "sync/member_seal.hpp"

using namespace tally;
using namespace tally::test;

namespace {

constexpr auto answer_wait = std::chrono::seconds(90);
using typed = pin_proof::verdict;

struct pin_chain {
  temp_dir dir;
  chain c{dir.path(), 27'450};
  system_entropy random;
  argon2_pin_hasher hasher;
  std::map<std::uint32_t, node_secret> secrets;
  std::unique_ptr<pin_office> office;
  std::map<std::uint32_t, std::unique_ptr<pin_desk>> at;
  std::mutex mutex;
  std::vector<std::string> complaints;
  std::uint64_t counter = 100;

  pin_chain() {
    c.start_all(4);
    for (auto store : {3U, 4U})
      REQUIRE(eventually([&] {
        durable_state st(c.at(store).system->store());
        return card_of(st, c.account(0)).has_value() && c.at(store).system->snapshot()->link_up;
      }));
    start_office();
    for (auto store : {3U, 4U}) {
      secrets[store] = make_node_secret(random);
      start(store);
      REQUIRE(eventually([&] { return pin_key_of(durable_state(c.at(store).system->store())).has_value(); }));
    }
  }
  ~pin_chain() {
    at.clear();
    office.reset();
  }
  pin_parts parts(std::uint32_t node) {
    return {.node = *c.at(node).system,
            .chain = "test",
            .curve = c.at(node).curve,
            .random = random,
            .now = wall_now,
            .curve_of = [this](node_id n) { return std::optional(c.at(n.value).curve.pub); },
            .log =
                [this](errc code, const std::string& text) {
                  std::lock_guard lock(mutex);
                  complaints.push_back(std::string(errc_name(code)) + ": " + text);
                }};
  }
  std::filesystem::path key_file() { return dir.path() / "pin.key"; }
  void start_office() {
    auto made = pin_office::start(parts(1), key_file());
    REQUIRE(made);
    office = std::move(*made);
  }
  void start(std::uint32_t store) { at[store] = pin_desk::start(parts(store), secrets.at(store), hasher); }

  pin_proof judge(std::uint32_t store, const std::string& pin) {
    auto told = std::make_shared<std::promise<pin_proof>>();
    at[store]->judge(c.account(0), pin, [told](pin_proof p) { told->set_value(p); });
    auto future = told->get_future();
    REQUIRE(future.wait_for(answer_wait) == std::future_status::ready);
    return future.get();
  }
  till_answer set(std::uint32_t store, const std::string& pin, pin_proof old = {}) {
    till_key key{store * 100, ++counter, 1};
    auto told = std::make_shared<std::promise<result<pin_desk::made>>>();
    at[store]->make(c.account(0), pin, key, [told](result<pin_desk::made> m) { told->set_value(std::move(m)); });
    auto future = told->get_future();
    REQUIRE(future.wait_for(answer_wait) == std::future_status::ready);
    auto made = future.get();
    REQUIRE(made);
    return c.ask(store, pin_command{key, c.account(0), old, made->version, made->sealed, made->digest});
  }
  bool knows(std::uint32_t node, const pin_state& pin) {
    return eventually([&] {
      durable_state st(c.at(node).system->store());
      auto card = card_of(st, c.account(0));
      return card && card->pin == pin;
    });
  }
  void says(const pin_state& pin) {
    durable_state st(c.at(1).system->store());
    auto e = card_fact(c.account(0), card_of(st, c.account(0)).value());
    e.pin = pin;
    auto told = std::make_shared<std::promise<errc>>();
    c.at(1).system->facts({e}, [told](const facts_answer& a) { told->set_value(a.code); });
    REQUIRE(told->get_future().get() == errc::ok);
  }
};

std::string text_of(const pin_proof& p) {
  static const char* const names[] = {"none", "unknown", "wrong", "right"};
  return names[static_cast<std::size_t>(p.is)] + (" " + std::to_string(p.version));
}

}  // namespace

TEST_CASE("a PIN set at one store is judged at another, whose verifier comes by letter", "[node][pin]") {
  pin_chain p;
  CHECK(p.judge(4, "4711").is == typed::unknown);
  auto set = p.set(3, "4711");
  REQUIRE(std::holds_alternative<entry>(set.outcome));
  // Here at once, from the store's own journal.
  CHECK(text_of(p.judge(3, "4711")) == "right 1");
  CHECK(text_of(p.judge(3, "4712")) == "wrong 1");
  for (auto node : {1U, 3U, 4U})
    REQUIRE(p.knows(node, {1, 0, true}));
  CHECK(text_of(p.judge(3, "4711")) == "right 1");
  pin_proof there;
  REQUIRE(eventually([&] {
    there = p.judge(4, "4711");
    return there.is != typed::unknown;
  }));
  CHECK(text_of(there) == "right 1");
  CHECK(text_of(p.judge(4, "0000")) == "wrong 1");
  // What came once is here without a line, also after a restart.
  REQUIRE(
      eventually([&] { return p.c.at(4).system->recall("pin/" + std::to_string(p.c.account(0).value)).has_value(); }));
  p.at.erase(4);
  p.c.stop(2);
  p.start(4);
  REQUIRE(eventually([&] { return !p.c.at(4).system->snapshot()->link_up; }));
  CHECK(text_of(p.judge(4, "4711")) == "right 1");
  // Changed there without a line: it binds that store.
  REQUIRE(std::holds_alternative<entry>(p.set(4, "2580", {typed::right, 1}).outcome));
  CHECK(text_of(p.judge(4, "2580")) == "right 2");
  CHECK(text_of(p.judge(3, "4711")) == "right 1");
  p.c.start(2);
  for (auto node : {1U, 3U, 4U})
    REQUIRE(p.knows(node, {2, 0, true}));
  REQUIRE(eventually([&] { return p.judge(3, "2580") == pin_proof{typed::right, 2}; }));
  CHECK(text_of(p.judge(3, "4711")) == "wrong 2");
  // Taken away, it counts nowhere.
  p.says({3, 0, false});
  for (auto node : {3U, 4U}) {
    REQUIRE(p.knows(node, {3, 0, false}));
    CHECK(p.judge(node, "2580").is == typed::unknown);
  }
}

TEST_CASE("the key for PINs is kept; another one is said loudly, and gives no old PINs", "[node][pin]") {
  pin_chain p;
  REQUIRE(std::holds_alternative<entry>(p.set(3, "4711").outcome));
  REQUIRE(p.knows(4, {1, 0, true}));
  auto key = *pin_key_of(durable_state(p.c.at(1).system->store()));
  p.office.reset();
  p.start_office();
  CHECK(*pin_key_of(durable_state(p.c.at(1).system->store())) == key);
  p.office.reset();
  std::filesystem::remove(p.key_file());
  p.start_office();
  REQUIRE(eventually([&] { return *pin_key_of(durable_state(p.c.at(4).system->store())) != key; }));
  {
    std::lock_guard lock(p.mutex);
    REQUIRE_FALSE(p.complaints.empty());
    CHECK(p.complaints.front().find("bad_config") == 0);
  }
  CHECK(p.judge(4, "4711").is == typed::unknown);
  CHECK(p.judge(3, "4711").is == typed::right);
}

TEST_CASE("questions about PINs that nobody may ask are not answered", "[node][pin]") {
  pin_chain p;
  REQUIRE(std::holds_alternative<entry>(p.set(3, "4711").outcome));
  REQUIRE(p.knows(1, {1, 0, true}));
  auto stranger = make_curve_key(p.random);
  auto sealed = [&](const curve_key& from, byte_view text) {
    return as_pin_letter(seal_letter(from, p.c.at(1).curve.pub, text, p.random));
  };
  for (const auto& body : {sealed(stranger, encode_pin_question({7, p.c.account(0), 1})),
                           sealed(p.c.at(4).curve, "no question"), as_pin_letter("rubbish")})
    p.c.at(4).system->post(head_office, body);
  REQUIRE(eventually([&] {
    std::lock_guard lock(p.mutex);
    return p.complaints.size() >= 3;
  }));
  // A version that there is not, or a card without a PIN: an answer, and no verifier.
  p.c.at(4).system->post(head_office, sealed(p.c.at(4).curve, encode_pin_question({8, p.c.account(0), 2})));
  p.c.at(4).system->post(head_office, sealed(p.c.at(4).curve, encode_pin_question({9, p.c.account(1), 1})));
  REQUIRE(eventually([&] {
    std::lock_guard lock(p.mutex);
    return p.complaints.size() >= 5;
  }));
  std::lock_guard lock(p.mutex);
  for (const auto& line : p.complaints)
    CHECK(line.find("4711") == std::string::npos);
}
