#include "ledger/keys.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "fixture.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("the answers of a block have one spelling", "[keys]") {
  key_answers a;
  CHECK(encode_answers(a) == bytes(2, '\0'));
  a.used = 0x8005;
  a.seq = {};
  a.seq[0] = 1'000'000;
  a.seq[2] = 1'000'003;
  a.seq[15] = 7;  // answered late, so its entry is older
  auto text = encode_answers(a);
  auto back = decode_answers(text);
  REQUIRE(back.has_value());
  CHECK(back->used == a.used);
  CHECK(back->seq == a.seq);
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK_FALSE(decode_answers(byte_view(text).substr(0, n)).has_value());
  CHECK_FALSE(decode_answers(text + '\0').has_value());

  for (sequence s : {sequence{0}, sequence{1} << 63, ~sequence{0}}) {
    a.seq[0] = s;
    a.seq[2] = ~s;
    back = decode_answers(encode_answers(a));
    REQUIRE(back.has_value());
    CHECK(back->seq == a.seq);
  }
}

TEST_CASE("keys are known within the window, and what is kept does not grow", "[keys]") {
  std::mt19937_64 dice(GENERATE(1, 2, 3, 4));
  memory_state s;
  struct till {
    std::map<std::uint64_t, sequence> used;
    std::uint64_t newest = 0;
  };
  std::map<std::pair<writer_id, std::uint32_t>, till> model;
  sequence seq = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto w = dice() % 2 ? store_a : store_b;
    auto terminal = static_cast<std::uint32_t>(201 + dice() % 2);
    auto& m = model[{w, terminal}];
    // Mostly the next one, sometimes one that was left out, seldom a jump.
    auto kind = dice() % 100;
    auto counter = kind < 80   ? m.newest + 1
                   : kind < 99 ? m.newest + 40 - std::min<std::uint64_t>(dice() % 1100, m.newest + 39)
                               : m.newest + 1 + dice() % 3000;
    auto too_old = counter < m.newest && m.newest - counter >= key_window;
    auto it = m.used.find(counter);
    auto known = s.answered({w, terminal, counter});
    INFO("terminal " << terminal << " counter " << counter << " after " << m.newest);
    REQUIRE(s.newest_counter(w, terminal) == m.newest);
    if (too_old || it == m.used.end()) {
      REQUIRE_FALSE(known.has_value());
    } else {
      REQUIRE(known == it->second);
    }
    s.set_answered({w, terminal, counter}, ++seq);
    if (too_old) continue;
    m.used[counter] = seq;
    m.newest = std::max(m.newest, counter);
  }
  CHECK(s.cells().size() <= 4 * (1 + key_blocks));
  for (const auto& [who, m] : model)
    for (const auto& [counter, at] : m.used)
      CHECK(s.answered({who.first, who.second, counter}) ==
            (m.newest - counter < key_window ? std::optional(at) : std::nullopt));
}

TEST_CASE("counters at the end of their range do not wrap", "[keys]") {
  memory_state s;
  auto top = ~std::uint64_t{0};
  s.set_answered({store_a, 201, top}, 5);
  CHECK(s.newest_counter(store_a, 201) == top);
  CHECK(s.answered({store_a, 201, top}) == 5);
  s.set_answered({store_a, 201, top - 999}, 6);
  CHECK(s.answered({store_a, 201, top - 999}) == 6);
  s.set_answered({store_a, 201, 3}, 7);
  CHECK_FALSE(s.answered({store_a, 201, 3}).has_value());
  CHECK(s.newest_counter(store_a, 201) == top);
}
