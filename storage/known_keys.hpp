#pragma once
#include <memory>
#include <optional>
#include <unordered_map>

#include "storage/kv.hpp"

namespace tally {

/// What a store is known to answer for keys of one family, absence too: a cache of fixed size.
///
/// Keys and values lie in slots of 64 octets, eight to a hash; of those the one that was not used for longest makes
/// room for a new key. The table begins small and doubles while it is full, up to `slots_max`. What does not fit a
/// slot is kept aside, at most `large_max` of them, then all of those are forgotten.
/// One owner thread.
class known_keys {
public:
  known_keys();

  enum class answer : std::uint8_t { unknown, absent, found };
  /// `out` is set if found.
  answer find(std::uint64_t hash, byte_view key, bytes& out);
  void put(std::uint64_t hash, byte_view key, std::optional<byte_view> value);
  void forget(std::uint64_t hash, byte_view key);

  static constexpr std::size_t slots_max = 65'536, large_max = 1'024;
  /// Longer values are not kept.
  static constexpr std::size_t value_max = 256;

private:
  static constexpr std::size_t ways = 8, inline_octets = 52, slots_first = 512;
  struct alignas(64) slot {
    std::uint32_t used;  ///< when it was last used; 0: empty
    std::uint32_t hash;
    std::uint8_t key_size;
    std::uint8_t value_size;
    bool present;
    std::uint8_t unused;
    char octets[inline_octets];  ///< key, then value
  };
  static_assert(sizeof(slot) == 64);
  struct free_slots {
    void operator()(slot* p) const;
  };

  using table = std::unique_ptr<slot[], free_slots>;

  static table make_table(std::size_t slots);
  static std::uint32_t shorten(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  slot* set_of(std::uint32_t hash) const { return slots_.get() + (hash % (size_ / ways)) * ways; }
  slot* room_for(std::uint32_t hash);
  void grow();
  slot* look_up(std::uint64_t hash, byte_view key) const;
  static bool fits(byte_view key, const std::optional<byte_view>& value);
  std::uint32_t now();

  std::size_t size_ = slots_first;
  table slots_;
  std::unordered_map<bytes, std::optional<bytes>> large_;
  std::uint32_t clock_ = 0;
};

}  // namespace tally
