#include "ledger/money.hpp"

#include <catch2/catch.hpp>

#include "fixture.hpp"

using namespace tally;
using tally::test::dice;

namespace {

/// Numbers that are interesting: small ones, ends of the range, and everything between in all magnitudes.
std::int64_t any_number(dice& d) {
  switch (d.below(4)) {
    case 0: return d.between(-3, 3);
    case 1: return d.percent(50) ? INT64_MAX - d.between(0, 3) : INT64_MIN + d.between(0, 3);
    default: {
      auto v = static_cast<std::int64_t>(d.bits() >> d.below(63));
      return d.percent(50) ? v : static_cast<std::int64_t>(~static_cast<std::uint64_t>(v));
    }
  }
}

std::string digits_of(__int128 v) {
  if (v == 0) return "0";
  std::string out;
  for (__int128 m = v < 0 ? -v : v; m != 0; m /= 10)
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(m % 10)));
  return v < 0 ? "-" + out : out;
}

}  // namespace

TEST_CASE("checked sums and products agree with 128 bits or stop", "[money]") {
  dice d(1);
  for (int i = 0; i < 200'000; ++i) {
    auto a = any_number(d), b = any_number(d);
    amount out = 42;
    __int128 sum = static_cast<__int128>(a) + b, product = static_cast<__int128>(a) * b;
    auto fits = [](__int128 v) { return v >= INT64_MIN && v <= INT64_MAX; };
    bool added = checked_add(a, b, out);
    REQUIRE(added == fits(sum));
    REQUIRE(static_cast<__int128>(out) == (added ? sum : 42));
    out = 42;
    bool multiplied = checked_mul(a, b, out);
    REQUIRE(multiplied == fits(product));
    REQUIRE(static_cast<__int128>(out) == (multiplied ? product : 42));
  }
}

TEST_CASE("a share is rounded half away from zero, exactly", "[money]") {
  CHECK(mul_div_half_up(2500, 1300, 11300) == 288);  // 287.61
  CHECK(mul_div_half_up(1, 1, 2) == 1);
  CHECK(mul_div_half_up(-1, 1, 2) == -1);
  CHECK(mul_div_half_up(1, 1, 3) == 0);
  CHECK(mul_div_half_up(5, 1, -2) == -3);
  CHECK(mul_div_half_up(7, 3, 0) == std::nullopt);
  CHECK(mul_div_half_up(INT64_MAX, 2, 1) == std::nullopt);
  CHECK(mul_div_half_up(INT64_MIN, 1, 1) == INT64_MIN);
  CHECK(mul_div_half_up(INT64_MIN, -1, 1) == std::nullopt);

  dice d(2);
  for (int i = 0; i < 200'000; ++i) {
    auto a = any_number(d), n = any_number(d), m = any_number(d);
    if (m == 0) continue;
    // The definition: |2·exact − 2·result| ≤ 1, in units of the denominator, and away from zero at one half.
    auto got = mul_div_half_up(a, n, m);
    __int128 exact = static_cast<__int128>(a) * n;
    __int128 den = m;
    if (den < 0) exact = -exact, den = -den;
    __int128 magnitude = exact < 0 ? -exact : exact;
    __int128 want = magnitude / den + (magnitude % den >= den - magnitude % den ? 1 : 0);
    if (exact < 0) want = -want;
    if (want > INT64_MAX || want < INT64_MIN) {
      REQUIRE(got == std::nullopt);
    } else {
      INFO(a << " * " << n << " / " << m);
      REQUIRE(got.has_value());
      REQUIRE(static_cast<__int128>(*got) == want);
    }
  }
}

TEST_CASE("amounts are written and read in one way", "[money]") {
  CHECK(format_amount(1250, 2) == "12.50");
  CHECK(format_amount(-5, 2) == "-0.05");
  CHECK(format_amount(0, 2) == "0.00");
  CHECK(format_amount(7, 0) == "7");
  CHECK(format_amount(7, 4) == "0.0007");
  CHECK(format_amount(INT64_MIN, 2) == "-92233720368547758.08");

  CHECK(parse_amount("12.5", 2) == 1250);
  CHECK(parse_amount("12", 2) == 1200);
  CHECK(parse_amount("-0.05", 2) == -5);
  CHECK(parse_amount("92233720368547758.07", 2) == INT64_MAX);
  for (const char* bad : {"",
                          "-",
                          ".",
                          ".5",
                          "5.",
                          "1.234",
                          "1,5",
                          " 1",
                          "1 ",
                          "+1",
                          "1e3",
                          "--1",
                          "1.-5",
                          "1..5",
                          "0x1",
                          "92233720368547758.08",
                          "9223372036854775808",
                          "99999999999999999999999",
                          "\xd9\xa3",
                          "1\n"})
    CHECK(parse_amount(bad, 2) == std::nullopt);
  CHECK(parse_amount("1.0", 0) == std::nullopt);
  CHECK(parse_amount("922337203685477580", 2) == std::nullopt);  // the cents do not fit

  dice d(3);
  for (int i = 0; i < 100'000; ++i) {
    auto v = any_number(d);
    auto exponent = static_cast<int>(d.below(5));
    auto text = format_amount(v, exponent);
    auto plain = text;
    if (exponent > 0) {
      REQUIRE(text[text.size() - static_cast<std::size_t>(exponent) - 1] == '.');
      plain.erase(text.size() - static_cast<std::size_t>(exponent) - 1, 1);
    }
    // Leading zeros aside, the digits are those of the number.
    auto first = plain.find_first_of("123456789");
    auto bare = first == plain.npos ? "0" : (v < 0 ? "-" : "") + plain.substr(first);
    REQUIRE(bare == digits_of(v));
    // The smallest value cannot be read: its magnitude does not fit, and no amount is that small.
    if (v != INT64_MIN) REQUIRE(parse_amount(text, exponent) == v);
  }
}

TEST_CASE("units keep their class and base apart", "[money]") {
  CHECK(main_unit.value == 4);
  CHECK(quota_of(main_unit).value == 5);
  CHECK(value_of(quota_of(main_unit)) == main_unit);
  dice d(4);
  for (int i = 0; i < 10'000; ++i) {
    auto base = static_cast<std::uint32_t>(d.below(1u << 30));
    for (auto c : {unit_class::value, unit_class::quota, unit_class::risk}) {
      auto u = unit_of(base, c);
      REQUIRE(base_of(u) == base);
      REQUIRE(class_of(u) == c);
      REQUIRE(class_of(quota_of(u)) == unit_class::quota);
      REQUIRE(base_of(quota_of(u)) == base);
      REQUIRE(class_of(value_of(u)) == unit_class::value);
    }
  }
}
