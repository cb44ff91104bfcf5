#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "ledger/types.hpp"

namespace tally {

/// Bytes that `byte_writer::uv` takes for `v`: 1 to 10.
constexpr std::size_t uv_size(std::uint64_t v) {
  return v == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(v)) + 6) / 7;
}

/// Zigzag: 0, -1, 1, -2 … become 0, 1, 2, 3 …, so that small negative numbers stay short.
constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ (v < 0 ? ~std::uint64_t{0} : 0);
}
constexpr std::int64_t unzigzag(std::uint64_t v) { return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1)); }

/// Writes the canonical encoding: every value has exactly one sequence of bytes (storage/FORMAT.md).
///
/// Owns what it wrote until `take()`. Grows as needed, so the caller bounds its input. Not thread-safe.
class byte_writer {
public:
  byte_writer() = default;
  /// Continues behind `start`, whose capacity is kept: hand a used buffer back to spare an allocation.
  explicit byte_writer(bytes start) : out_(std::move(start)) {}

  // -- numbers ---------------------------------------------------------------

  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  /// Little-endian base 128, the shortest form: 1 to 10 bytes.
  void uv(std::uint64_t v) {
    char buffer[10];
    std::size_t n = 0;
    for (; v >= 0x80; v >>= 7)
      buffer[n++] = static_cast<char>(static_cast<std::uint8_t>(v) | 0x80u);
    buffer[n++] = static_cast<char>(v);
    out_.append(buffer, n);
  }
  /// Zigzag, then as `uv`.
  void sv(std::int64_t v) { uv(zigzag(v)); }
  void u32le(std::uint32_t v) {
    for (int i = 0; i < 4; ++i)
      u8(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  /// Big-endian, so that keys sort as their numbers do.
  void u32be(std::uint32_t v) {
    for (int i = 3; i >= 0; --i)
      u8(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  void u64be(std::uint64_t v) {
    for (int i = 7; i >= 0; --i)
      u8(static_cast<std::uint8_t>(v >> (8 * i)));
  }

  // -- octets ----------------------------------------------------------------

  /// The bytes alone; the reader must know their number.
  void raw(byte_view v) { out_.append(v); }
  void fixed(std::span<const std::uint8_t> v) { out_.append(view_of(v)); }
  /// Length as `uv`, then the bytes.
  void str(byte_view v) {
    uv(v.size());
    out_.append(v);
  }

  // -- result ----------------------------------------------------------------

  void reserve(std::size_t octets) { out_.reserve(octets); }
  std::size_t size() const { return out_.size(); }
  byte_view view() const { return out_; }
  /// Forgets what was written and keeps the memory.
  void clear() { out_.clear(); }
  /// The bytes; the writer is empty afterwards.
  bytes take() { return std::exchange(out_, {}); }

private:
  bytes out_;
};

/// Reads what `byte_writer` writes and nothing else: a varint that is not in its shortest form, is longer than 10
/// bytes or exceeds 64 bits fails, as does a length beyond the bytes that are left or the caller's maximum.
///
/// Failure sticks: from the first one on every read answers zero or empty and consumes nothing, so a decoder reads all
/// fields and looks at `ok()` once. Never throws, never allocates. The views it returns point into the input, which
/// the caller keeps alive. Not thread-safe.
class byte_reader {
public:
  explicit byte_reader(byte_view in) : in_(in) {}

  // -- numbers ---------------------------------------------------------------

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  std::uint64_t uv() {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < 10 && i < in_.size(); ++i) {
      auto b = static_cast<std::uint8_t>(in_[i]);
      if (i == 9 && b > 1) break;  // bit 63 is the last one; this also refuses an 11th byte
      v |= static_cast<std::uint64_t>(b & 0x7f) << (7 * i);
      if (b & 0x80) continue;
      if (b == 0 && i > 0) break;  // a trailing zero group: not the shortest form
      in_.remove_prefix(i + 1);
      return v;
    }
    fail();
    return 0;
  }
  /// As `uv`, and fails above `max`.
  std::uint64_t uv(std::uint64_t max) {
    auto v = uv();
    if (v <= max) return v;
    fail();
    return 0;
  }
  std::int64_t sv() { return unzigzag(uv()); }
  std::uint32_t u32le() {
    auto v = u32be();
    return (v >> 24) | ((v >> 8) & 0xff00u) | ((v << 8) & 0xff0000u) | (v << 24);
  }
  std::uint32_t u32be() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64be() { return big_endian(8); }

  // -- octets ----------------------------------------------------------------

  /// Exactly `n` bytes; empty after a failure.
  byte_view raw(std::size_t n) {
    if (!ok_ || n > in_.size()) {
      fail();
      return {};
    }
    auto v = in_.substr(0, n);
    in_.remove_prefix(n);
    return v;
  }
  /// Fills `out`, or zeroes it after a failure.
  void fixed(std::span<std::uint8_t> out) {
    auto v = raw(out.size());
    if (out.empty()) return;
    if (ok_)
      std::memcpy(out.data(), v.data(), out.size());
    else
      std::memset(out.data(), 0, out.size());
  }
  /// A length of at most `max`, then that many bytes.
  byte_view str(std::size_t max) {
    auto n = uv(max);
    return n <= in_.size() ? raw(static_cast<std::size_t>(n)) : (fail(), byte_view{});
  }

  // -- state -----------------------------------------------------------------

  bool ok() const { return ok_; }
  /// Everything was read and nothing failed: what a decoder of a whole record must end with.
  bool at_end() const { return ok_ && in_.empty(); }
  /// Bytes not read yet; 0 after a failure.
  std::size_t remaining() const { return in_.size(); }
  /// Makes the reader fail, for a decoder that meets a value it does not accept.
  void fail() {
    ok_ = false;
    in_ = {};
  }

private:
  std::uint64_t big_endian(std::size_t n) {
    auto v = raw(n);
    std::uint64_t out = 0;
    for (char c : v)
      out = (out << 8) | static_cast<std::uint8_t>(c);
    return out;
  }

  byte_view in_;
  bool ok_ = true;
};

}  // namespace tally
