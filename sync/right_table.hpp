#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tally {

/// One number for each of millions of keys: open addressing, 24 octets a key, no pointers. Zero and absent are one.
///
/// Cut into parts by account, so that growing moves a 256th at a time and a checkpoint can write one part anew.
/// Remembers
/// which keys changed since the last `take_changed`. Keys whose number became zero leave when their part grows. Grows
/// with its keys and has no other bound. One owner thread.
class right_table {
public:
  struct key {
    std::uint32_t writer{};  ///< never 0
    std::uint32_t what{};    ///< below 2^31
    std::uint64_t account{};
    friend auto operator<=>(const key&, const key&) = default;
  };
  struct item {
    key at;
    std::int64_t value{};
  };

  static constexpr std::size_t parts = 256;
  /// Where an account's numbers lie, also on disk: accounts in sequence are spread evenly.
  static std::size_t part_of(std::uint64_t account) { return account * 0x9e3779b97f4a7c15U >> 56; }

  std::int64_t get(const key& k) const;
  void set(const key& k, std::int64_t value);
  /// As `set`, for what is on disk already: not a change.
  void load(const key& k, std::int64_t value);
  /// Makes room for `n` more keys of a part.
  void reserve(std::size_t part, std::size_t n);

  /// Keys of a part that changed, with their numbers, zeros too; they count as unchanged from now on.
  std::vector<item> take_changed(std::size_t n);
  /// All numbers of a part but zeros, in no order.
  std::vector<item> all(std::size_t n) const;
  /// The same of one writer, over all parts.
  template <class Visit>
  void each_of(std::uint32_t writer, Visit visit) const {
    for (const auto& p : parts_)
      for (const auto& s : p.slots)
        if (s.writer == writer && s.value != 0) visit(item{{s.writer, s.what, s.account}, s.value});
  }
  std::size_t memory_octets() const;

private:
  struct slot {
    std::uint64_t account;
    std::int64_t value;
    std::uint32_t writer;  ///< 0: empty
    std::uint32_t what : 31;
    std::uint32_t changed : 1;
  };
  static_assert(sizeof(slot) == 24);
  struct part {
    std::vector<slot> slots;
    std::size_t used = 0;
    std::vector<std::uint32_t> changed;  ///< slots
  };

  static std::uint64_t hash(const key& k);
  static std::size_t place(const part& p, const key& k);
  static void grow(part& p, std::size_t more);
  slot& reach(const key& k, part*& p);

  std::array<part, parts> parts_;
};

}  // namespace tally
