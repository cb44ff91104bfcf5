#include "storage/varint.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <limits>
#include <random>

using namespace tally;

namespace {

bytes encoded(std::uint64_t v) {
  byte_writer w;
  w.uv(v);
  return w.take();
}

bytes hex(std::string_view text) {
  bytes out(text.size() / 2, '\0');
  REQUIRE(from_hex(text, {reinterpret_cast<std::uint8_t*>(out.data()), out.size()}));
  return out;
}

}  // namespace

TEST_CASE("varints are the shortest little-endian base 128", "[storage][varint]") {
  CHECK(to_hex(encoded(0)) == "00");
  CHECK(to_hex(encoded(127)) == "7f");
  CHECK(to_hex(encoded(128)) == "8001");
  CHECK(to_hex(encoded(300)) == "ac02");
  CHECK(to_hex(encoded(std::numeric_limits<std::uint64_t>::max())) == "ffffffffffffffffff01");
}

TEST_CASE("varints read back at every bit width", "[storage][varint]") {
  std::mt19937_64 random(7);
  for (unsigned width = 0; width <= 64; ++width) {
    for (int i = 0; i < 20; ++i) {
      std::uint64_t v = width == 0 ? 0 : (random() | (1ull << 63)) >> (64 - width);
      auto text = encoded(v);
      REQUIRE(text.size() == uv_size(v));
      byte_reader r(text);
      REQUIRE(r.uv() == v);
      REQUIRE(r.at_end());
      byte_writer w;
      w.sv(static_cast<std::int64_t>(v));
      byte_reader s(w.view());
      REQUIRE(s.sv() == static_cast<std::int64_t>(v));
      REQUIRE(s.at_end());
    }
  }
}

TEST_CASE("zigzag keeps small numbers short on both sides", "[storage][varint]") {
  constexpr auto low = std::numeric_limits<std::int64_t>::min();
  constexpr auto high = std::numeric_limits<std::int64_t>::max();
  CHECK(zigzag(0) == 0);
  CHECK(zigzag(-1) == 1);
  CHECK(zigzag(1) == 2);
  CHECK(zigzag(high) == std::numeric_limits<std::uint64_t>::max() - 1);
  CHECK(zigzag(low) == std::numeric_limits<std::uint64_t>::max());
  CHECK(unzigzag(zigzag(low)) == low);
  CHECK(unzigzag(zigzag(high)) == high);
}

TEST_CASE("a varint that could be written otherwise is refused", "[storage][varint]") {
  auto text = GENERATE(as<std::string_view>{}, "",  // nothing
                       "80",                        // cut off
                       "8000", "ff00", "808000",    // a trailing zero group
                       "ffffffffffffffffff02",      // bit 64
                       "ffffffffffffffffff7f", "80808080808080808000",
                       "ffffffffffffffffffff01",  // 11 bytes
                       "8080808080808080808001");
  INFO("input " << text);
  auto input = hex(text);
  byte_reader r(input);
  CHECK(r.uv() == 0);
  CHECK_FALSE(r.ok());
  CHECK_FALSE(r.at_end());
}

TEST_CASE("every two-byte input decodes one way only", "[storage][varint]") {
  for (unsigned i = 0; i < 0x10000; ++i) {
    bytes input{static_cast<char>(i >> 8), static_cast<char>(i & 0xff)};
    byte_reader r(input);
    auto v = r.uv();
    if (r.ok()) REQUIRE(encoded(v) == input.substr(0, input.size() - r.remaining()));
  }
}

TEST_CASE("strings, fixed fields and numbers round trip in order", "[storage][varint]") {
  std::array<std::uint8_t, 4> four{1, 2, 3, 4};
  byte_writer w;
  w.u8(9);
  w.str("card");
  w.str("");
  w.u32le(0x01020304);
  w.u32be(0x01020304);
  w.u64be(0x0102030405060708);
  w.fixed(four);
  w.raw("xy");
  CHECK(to_hex(w.view()) ==
        "090463617264000403020101020304010203040506070801020304"
        "7879");
  auto text = w.take();
  CHECK(w.size() == 0);

  byte_reader r(text);
  CHECK(r.u8() == 9);
  CHECK(r.str(4) == "card");
  CHECK(r.str(0) == "");
  CHECK(r.u32le() == 0x01020304);
  CHECK(r.u32be() == 0x01020304);
  CHECK(r.u64be() == 0x0102030405060708);
  std::array<std::uint8_t, 4> back{};
  r.fixed(back);
  CHECK(back == four);
  CHECK_FALSE(r.at_end());
  CHECK(r.remaining() == 2);
  CHECK(r.raw(2) == "xy");
  CHECK(r.at_end());
}

TEST_CASE("lengths beyond the rest or the maximum fail", "[storage][varint]") {
  SECTION("longer than allowed") {
    byte_reader r("\x05hello");
    CHECK(r.str(4).empty());
    CHECK_FALSE(r.ok());
  }
  SECTION("longer than what is left") {
    byte_reader r("\x05hell");
    CHECK(r.str(100).empty());
    CHECK_FALSE(r.ok());
  }
  SECTION("a length near 2^64") {
    auto input = hex("ffffffffffffffffff01") + "abc";
    byte_reader r(input);
    CHECK(r.str(std::numeric_limits<std::size_t>::max()).empty());
    CHECK_FALSE(r.ok());
  }
  SECTION("a number above its bound") {
    byte_reader r("\x05");
    CHECK(r.uv(4) == 0);
    CHECK_FALSE(r.ok());
  }
}

TEST_CASE("failure sticks and zeroes what is read afterwards", "[storage][varint]") {
  auto input = hex("8000") +
               "\x01"
               "abcdefghij";
  byte_reader r(input);
  CHECK(r.uv() == 0);
  CHECK_FALSE(r.ok());
  CHECK(r.remaining() == 0);
  CHECK(r.uv() == 0);
  CHECK(r.sv() == 0);
  CHECK(r.u8() == 0);
  CHECK(r.u32le() == 0);
  CHECK(r.u64be() == 0);
  CHECK(r.str(10).empty());
  std::array<std::uint8_t, 3> out{1, 2, 3};
  r.fixed(out);
  CHECK(out == std::array<std::uint8_t, 3>{});
  CHECK_FALSE(r.ok());
}

TEST_CASE("random bytes never read past their end", "[storage][varint]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 5000; ++round) {
    bytes input(random() % 24, '\0');
    for (auto& c : input)
      c = static_cast<char>(random());
    byte_reader r(input);
    std::size_t left = r.remaining();
    for (int i = 0; i < 8; ++i) {
      switch (random() % 4) {
        case 0: r.uv(); break;
        case 1: r.str(random() % 32); break;
        case 2: r.u64be(); break;
        default: r.raw(random() % 4); break;
      }
      REQUIRE(r.remaining() <= left);
      left = r.remaining();
    }
  }
}
