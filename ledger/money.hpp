#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What an amount counts. `base` names a currency, points kind or service; the class says whether the amount is the
/// thing
/// itself or a right to create it. Packed so that the common units take one octet on the wire.
struct unit_id {
  std::uint32_t value{};
  friend constexpr auto operator<=>(unit_id, unit_id) = default;
};
enum class unit_class : std::uint8_t { value = 0, quota = 1, risk = 2, refund = 3 };

constexpr unit_id unit_of(std::uint32_t base, unit_class c = unit_class::value) {
  return {base * 4 + static_cast<std::uint32_t>(c)};
}
constexpr unit_id quota_of(unit_id u) { return {(u.value & ~3U) | static_cast<std::uint32_t>(unit_class::quota)}; }
/// The right to give money back for goods.
constexpr unit_id refund_of(unit_id u) { return {(u.value & ~3U) | static_cast<std::uint32_t>(unit_class::refund)}; }
/// The right to take value that does not lie here, at the shop's risk.
constexpr unit_id risk_of(unit_id u) { return {(u.value & ~3U) | static_cast<std::uint32_t>(unit_class::risk)}; }
constexpr unit_id value_of(unit_id u) { return {u.value & ~3U}; }
constexpr unit_class class_of(unit_id u) { return static_cast<unit_class>(u.value & 3U); }
constexpr std::uint32_t base_of(unit_id u) { return u.value >> 2; }

/// The currency of the chain. Its code and exponent are in the published rules.
constexpr unit_id main_unit = unit_of(1);

/// No single amount in a request may be larger: leaves 900 times headroom before 64 bits are reached.
constexpr amount amount_max = 10'000'000'000'000'000;

/// Checked arithmetic: false on overflow, `out` then unchanged.
[[nodiscard]] inline bool checked_add(amount a, amount b, amount& out) {
  amount r{};
  if (__builtin_add_overflow(a, b, &r)) return false;
  out = r;
  return true;
}
[[nodiscard]] inline bool checked_mul(amount a, amount b, amount& out) {
  amount r{};
  if (__builtin_mul_overflow(a, b, &r)) return false;
  out = r;
  return true;
}

/// a × numerator / denominator, rounded half away from zero; nothing on overflow or a zero denominator. Exact in 128
/// bits.
std::optional<amount> mul_div_half_up(amount a, std::int64_t numerator, std::int64_t denominator);

/// How an amount that does not divide is rounded: away from zero at a half, to the even neighbour at a half, down.
enum class rounding : std::uint8_t { half_up = 0, half_even = 1, down = 2 };
std::optional<amount> mul_div(amount a, std::int64_t numerator, std::int64_t denominator, rounding how);

/// "12.50" for 1250 with exponent 2; "-0.05"; no grouping. Exponent 0 to 4.
std::string format_amount(amount minor, int exponent);

/// Strict inverse: optional minus, digits, and at most `exponent` decimals. No grouping, no exponent notation, no
/// spaces.
std::optional<amount> parse_amount(std::string_view text, int exponent);

}  // namespace tally
