#include <catch2/catch.hpp>

#include <future>

#include "http_support.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct pairing_desk : bench_node {
  tills book{node, node_id{3}, secret, random};
  tills::moment now{noon, 1'000};

  result<tills::new_code> code(std::optional<std::uint32_t> terminal = {}) {
    std::promise<result<tills::new_code>> p;
    book.make_code(terminal, now, [&](const auto& r) { p.set_value(r); });
    return p.get_future().get();
  }
  result<tills::pairing> pair(const std::string& text, const std::string& from = "192.0.2.1") {
    std::promise<result<tills::pairing>> p;
    book.pair(text, from, now, [&](const auto& r) { p.set_value(r); });
    return p.get_future().get();
  }
};

std::string other_than(const std::string& code) { return code == "111-111" ? "222-222" : "111-111"; }

}  // namespace

TEST_CASE("a code pairs one till, once, and survives a restart", "[node][tills]") {
  pairing_desk d;
  REQUIRE(d.book.load().ok());
  auto code = d.code();
  REQUIRE(code);
  CHECK(code->expiry == noon + 600);
  auto first = d.pair(code->code);
  REQUIRE(first);
  CHECK(first->terminal == 3 * 64 + 1);
  CHECK(d.book.terminal_of(first->token) == first->terminal);
  CHECK(d.pair(code->code).code() == errc::bad_token);
  auto second = d.pair(d.code()->code);
  REQUIRE(second);
  CHECK(second->terminal == 3 * 64 + 2);
  tills again(d.node, node_id{3}, d.secret, d.random);
  REQUIRE(again.load().ok());
  CHECK(again.terminal_of(first->token) == first->terminal);
  CHECK(again.terminal_of(second->token) == second->terminal);
  CHECK(again.list().size() == 2);
  CHECK_FALSE(again.terminal_of(""));
  CHECK_FALSE(again.terminal_of(std::string(10'000, 'x')));
}

TEST_CASE("codes die after ten minutes, also when the clock is set back", "[node][tills]") {
  pairing_desk d;
  auto code = d.code();
  REQUIRE(code);
  d.now.wall = noon + 600;
  CHECK(d.pair(code->code).code() == errc::bad_token);
  d.now.wall = noon - 1;
  CHECK(d.pair(code->code).code() == errc::bad_token);
  d.now.wall = noon + 599;
  CHECK(d.pair(code->code).ok());
}

TEST_CASE("five wrong codes in a minute close the door, for right ones too", "[node][tills]") {
  pairing_desk d;
  std::vector<std::string> told;
  d.book.on_lock_out([&](const std::string& text) { told.push_back(text); });
  auto code = d.code();
  REQUIRE(code);
  for (int i = 0; i < 5; ++i)
    CHECK(d.pair(other_than(code->code)).code() == errc::bad_token);
  CHECK(d.pair(code->code).code() == errc::busy);
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("192.0.2.1") != std::string::npos);
  CHECK(told[0].find(other_than(code->code)) == std::string::npos);
  d.now.tick += 59'999;
  CHECK(d.pair(code->code).code() == errc::busy);
  d.now.tick += 1;
  CHECK(d.pair(code->code).ok());
}

TEST_CASE("wrong codes of one address do not close the door for another", "[node][tills]") {
  pairing_desk d;
  auto code = d.code();
  REQUIRE(code);
  for (int i = 0; i < 20; ++i)
    (void)d.pair(other_than(code->code), "192.0.2.66");
  CHECK(d.pair(code->code, "192.0.2.66").code() == errc::busy);
  CHECK(d.pair(code->code, "192.0.2.1").ok());
  // Refused calls do not count, so it took nine more addresses to close it for all.
  std::vector<std::string> told;
  d.book.on_lock_out([&](const std::string& text) { told.push_back(text); });
  code = d.code();
  for (int i = 0; i < 45; ++i)
    CHECK(d.pair(other_than(code->code), "198.51.100." + std::to_string(i)).code() == errc::bad_token);
  CHECK(d.pair(code->code, "192.0.2.1").code() == errc::busy);
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("everyone") != std::string::npos);
  d.now.tick += tills::wrong_window_ms;
  CHECK(d.pair(code->code, "192.0.2.1").ok());
}

TEST_CASE("text that is no code counts as a wrong one", "[node][tills]") {
  pairing_desk d;
  for (const char* text : {"", "48291", "abc-def", "482-9134", "482-91"})
    CHECK(d.pair(text).code() == errc::bad_token);
  CHECK(d.pair("").code() == errc::busy);
}

TEST_CASE("ten codes may be open", "[node][tills]") {
  pairing_desk d;
  for (int i = 0; i < 10; ++i)
    REQUIRE(d.code().ok());
  CHECK(d.code().code() == errc::full);
  d.now.wall += 600;
  CHECK(d.code().ok());
}

TEST_CASE("a till is paired again under its number; 63 is the most", "[node][tills]") {
  pairing_desk d;
  auto first = d.pair(d.code()->code);
  REQUIRE(first);
  auto again = d.pair(d.code(first->terminal)->code);
  REQUIRE(again);
  CHECK(again->terminal == first->terminal);
  CHECK_FALSE(d.book.terminal_of(first->token));
  CHECK(d.book.terminal_of(again->token) == first->terminal);
  CHECK(d.code(first->terminal + 1).code() == errc::not_found);
  CHECK(d.code(5).code() == errc::not_found);
  for (int i = 0; i < 62; ++i)
    REQUIRE(d.pair(d.code()->code).ok());
  CHECK(d.book.list().back().terminal == 3 * 64 + 63);
  CHECK(d.code().code() == errc::over_ceiling);
  CHECK(d.code(first->terminal).ok());
}

TEST_CASE("neither codes nor tokens are in the database", "[node][tills]") {
  pairing_desk d;
  auto open = d.code();
  auto used = d.code();
  auto till = d.pair(used->code);
  REQUIRE(till);
  auto record = d.node.recall("till/book");
  REQUIRE(record);
  CHECK(record->find(till->token) == std::string::npos);
  CHECK(record->find(open->code) == std::string::npos);
  CHECK(record->find(open->code.substr(0, 3) + open->code.substr(4)) == std::string::npos);
}

TEST_CASE("a damaged record of tills stops the start", "[node][tills]") {
  pairing_desk d;
  std::promise<bool> p;
  d.node.remember("till/book", bytes("\x01\xff"), [&](bool ok) { p.set_value(ok); });
  REQUIRE(p.get_future().get());
  CHECK(d.book.load().code() == errc::corrupt);
}
