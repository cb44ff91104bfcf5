#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ledger/types.hpp"

namespace tally {

/// A sorted map from octets to octets, for stores in memory. Pages of up to `page_max` pairs in order; a page keeps the
/// eight octets of each key that follow what all its keys begin with in one piece, so that a look-up reads hardly any
/// key. A pair is one block of memory. Keys in the order of their unsigned octets. Limits: pairs below 4 GiB.
///
/// Not thread-safe. Places are good until the table changes.
class memory_table {
public:
  struct place {
    std::size_t page = 0, item = 0;
    friend bool operator==(const place&, const place&) = default;
  };

  memory_table() = default;
  memory_table(const memory_table& other);  ///< copies every pair
  memory_table& operator=(const memory_table&) = delete;

  /// The value of a key. Good until the table changes.
  std::optional<byte_view> find(byte_view key) const;
  void put(byte_view key, byte_view value);
  void erase(byte_view key);

  /// The first key not below that one; `end()` if there is none.
  place lower_bound(byte_view key) const;
  /// The last key not above that one; `end()` if there is none.
  place last_at_or_before(byte_view key) const;
  place end() const { return {pages_.size(), 0}; }
  /// REQUIRES, of all three: not the end.
  place next(place at) const;
  byte_view key(place at) const { return key_of(pages_[at.page]->pairs[at.item].get()); }
  byte_view value(place at) const { return value_of(pages_[at.page]->pairs[at.item].get()); }

private:
  static constexpr std::size_t page_max = 64;
  struct freed {
    void operator()(char* pair) const { ::operator delete(pair); }
  };
  using pair_block = std::unique_ptr<char, freed>;  ///< sizes of key and value, room for a value; key; value
  struct page {
    std::size_t prefix = 0;  ///< octets with which all keys begin
    std::vector<std::uint64_t> heads;
    std::vector<pair_block> pairs;

    /// Where the key is or would go; `found` says which.
    std::size_t place_of(byte_view key, bool& found) const;
    void insert(std::size_t at, byte_view key, byte_view value);
    void look_again();  ///< at what all keys begin with
  };

  static byte_view key_of(const char* pair);
  static byte_view value_of(const char* pair);
  static pair_block make(byte_view key, byte_view value);
  std::size_t page_of(byte_view key) const;
  void split(std::size_t n);
  void begin_at(std::size_t n, byte_view key);

  std::vector<std::unique_ptr<page>> pages_;
  std::vector<bytes> begins_;               ///< no key of the page is below; of the first page: nothing
  std::vector<std::uint64_t> begin_heads_;  ///< their first octets
};

}  // namespace tally
