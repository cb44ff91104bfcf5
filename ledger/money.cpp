#include "ledger/money.hpp"

namespace tally {

std::optional<amount> mul_div(amount a, std::int64_t numerator, std::int64_t denominator, rounding how) {
  if (denominator == 0) return std::nullopt;
  __int128 n = static_cast<__int128>(a) * numerator;
  __int128 d = denominator;
  if (d < 0) n = -n, d = -d;
  const bool negative = n < 0;
  if (negative) n = -n;
  __int128 q = n / d;
  const __int128 twice = n % d * 2;
  if (how != rounding::down && (twice > d || (twice == d && (how == rounding::half_up || q % 2 != 0)))) ++q;
  if (negative) q = -q;
  if (q > INT64_MAX || q < INT64_MIN) return std::nullopt;
  return static_cast<amount>(q);
}

std::optional<amount> mul_div_half_up(amount a, std::int64_t numerator, std::int64_t denominator) {
  return mul_div(a, numerator, denominator, rounding::half_up);
}

std::string format_amount(amount minor, int exponent) {
  // Negating the smallest value would wrap, so the digits are made from the unsigned magnitude.
  auto magnitude = minor < 0 ? 0 - static_cast<std::uint64_t>(minor) : static_cast<std::uint64_t>(minor);
  std::string digits = std::to_string(magnitude);
  if (exponent > 0) {
    auto e = static_cast<std::size_t>(exponent);
    if (digits.size() <= e) digits.insert(0, e + 1 - digits.size(), '0');
    digits.insert(digits.size() - e, 1, '.');
  }
  return minor < 0 ? "-" + digits : digits;
}

std::optional<amount> parse_amount(std::string_view text, int exponent) {
  bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.front() == '.') return std::nullopt;
  amount v = 0;
  int decimals = -1;
  for (char c : text) {
    if (c == '.') {
      if (decimals >= 0 || exponent == 0) return std::nullopt;
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    if (decimals >= 0 && ++decimals > exponent) return std::nullopt;
    if (!checked_mul(v, 10, v) || !checked_add(v, c - '0', v)) return std::nullopt;
  }
  if (decimals == 0) return std::nullopt;
  for (int i = decimals < 0 ? 0 : decimals; i < exponent; ++i)
    if (!checked_mul(v, 10, v)) return std::nullopt;
  return negative ? -v : v;
}

}  // namespace tally
