#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tally {

using bytes = std::string;  ///< owned octets; std::string because RocksDB, ZeroMQ and hashes all take it
using byte_view = std::string_view;

/// A strong integer: two of different tags cannot be swapped.
template <class Tag, class Rep>
struct strong {
  Rep value{};
  friend constexpr auto operator<=>(strong, strong) = default;
};

using node_id = strong<struct node_tag, std::uint32_t>;        ///< 1 is head office; 0 means nobody
using account_id = strong<struct account_tag, std::uint64_t>;  ///< allotted by head office; 0 means none
using product_id = strong<struct product_tag, std::uint32_t>;
using sequence = std::uint64_t;  ///< index of an entry in its stream, from 0
using amount = std::int64_t;     ///< minor units of a unit; arithmetic is checked (money.hpp)

/// 8 random bytes: one life of a node's database. Zero means none.
struct epoch_id {
  std::array<std::uint8_t, 8> value{};
  friend constexpr auto operator<=>(const epoch_id&, const epoch_id&) = default;
};

/// A node in one epoch: the writer of a stream and of the accounts that end with it.
struct writer_id {
  node_id node;
  epoch_id epoch;
  friend constexpr auto operator<=>(const writer_id&, const writer_id&) = default;
};

using hash256 = std::array<std::uint8_t, 32>;
using public_key = std::array<std::uint8_t, 32>;  ///< Ed25519 or Curve25519
using signature = std::array<std::uint8_t, 64>;   ///< Ed25519

/// Seconds since 1970-01-01T00:00:00Z. Passed in, never read from a clock here.
using unix_seconds = std::int64_t;
/// Milliseconds on a clock that only moves forward; for time-outs. Passed in as well.
using tick_ms = std::int64_t;

inline byte_view view_of(std::span<const std::uint8_t> s) {
  return {reinterpret_cast<const char*>(s.data()), s.size()};
}

/// Lower-case hexadecimal, and back; `from_hex` answers false on odd length, upper case or other characters.
std::string to_hex(byte_view data);
bool from_hex(std::string_view hex, std::span<std::uint8_t> out);

struct pin_state {
  std::uint32_t version{};  ///< of a card's PIN: counts each time that it was set or taken away; 0: never
  std::uint32_t refills{};  ///< counts how often head office allowed fresh tries
  bool set = false;         ///< there is one
  friend bool operator==(const pin_state&, const pin_state&) = default;
};

}  // namespace tally

template <class Tag, class Rep>
struct std::hash<tally::strong<Tag, Rep>> {
  std::size_t operator()(tally::strong<Tag, Rep> s) const noexcept { return std::hash<Rep>{}(s.value); }
};
