#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What a key belongs to. Values and names are on disk: append, never reorder, never rename.
enum class family : std::uint8_t {
  meta = 0,      ///< format version, identity, heads and frontiers
  entries = 1,   ///< own entries, indexes and tile hashes
  segments = 2,  ///< foreign segments as signed
  state = 3,     ///< projections
  spool = 4,     ///< work that waits for a device
};
inline constexpr std::array<std::string_view, 5> family_names{"meta", "entries", "segments", "state", "spool"};
inline constexpr std::size_t family_count = family_names.size();

/// Answer of a point read. `failed` is not `absent`: the disk did not answer, so nothing may be decided upon it.
enum class lookup : std::uint8_t { found, absent, failed };

/// Changes that become durable together or not at all.
///
/// A plain value that owns its bytes, all of them in one piece of memory: copying one is cheap. Later operations win
/// over earlier ones on the same key. Not thread-safe.
class kv_batch {
public:
  /// Views live until the batch changes.
  struct operation {
    family where;
    bool is_put;  ///< false: erase, `value` is empty
    byte_view key;
    byte_view value;
  };

  void put(family f, byte_view key, byte_view value) { add(f, true, key, value); }
  /// Erasing what is not there is no error.
  void erase(family f, byte_view key) { add(f, false, key, {}); }
  /// Makes operation `i` another change of the same key. REQUIRES: i < size().
  void replace(std::size_t i, bool is_put, byte_view value);
  void clear();

  bool empty() const { return places_.empty(); }
  /// Number of operations.
  std::size_t size() const { return places_.size(); }
  /// Sum of keys and values.
  std::size_t octets() const { return octets_; }
  /// REQUIRES: i < size().
  operation at(std::size_t i) const {
    const auto& p = places_[i];
    return {p.where, p.is_put, byte_view(memory_).substr(p.key, p.key_size),
            byte_view(memory_).substr(p.value, p.value_size)};
  }

  class iterator {
  public:
    iterator(const kv_batch& b, std::size_t i) : batch_(&b), i_(i) {}
    operation operator*() const { return batch_->at(i_); }
    iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const iterator& o) const { return i_ != o.i_; }

  private:
    const kv_batch* batch_;
    std::size_t i_;
  };
  iterator begin() const { return {*this, 0}; }
  iterator end() const { return {*this, places_.size()}; }

private:
  struct place {
    std::uint32_t key, key_size, value, value_size;
    family where;
    bool is_put;
  };
  void add(family f, bool is_put, byte_view key, byte_view value);
  std::uint32_t keep(byte_view octets);

  bytes memory_;
  std::vector<place> places_;
  std::size_t octets_ = 0;
};

/// Most that one batch may hold. Callers bound their groups and segments far below; a larger batch is their error and
/// stops the process before anything is written.
inline constexpr std::size_t kv_batch_octets_max = std::size_t{64} << 20;

/// A walk forward over one family, keys in the order of their unsigned bytes. Sees the store as it was when the cursor
/// was made, whatever is committed meanwhile. One thread at a time; must not outlive its store.
class kv_cursor {
public:
  virtual ~kv_cursor() = default;
  /// False at the end and after a failed read: ask `state()` which.
  virtual bool valid() const = 0;
  /// Views live until `next()`. REQUIRES: valid().
  virtual byte_view key() const = 0;
  virtual byte_view value() const = 0;
  virtual void next() = 0;
  /// `corrupt` or `io` if the walk ended for another reason than the end.
  virtual status state() const = 0;
};

/// The port to a durable ordered store: memory_kv, faulty_kv and the RocksDB adapter pass one contract suite.
///
/// Threads: any thread reads at any time; one thread at a time commits.
/// Failure: a commit that fails is *unknown*, never refused. Reads do not show it, yet it may be there after a restart.
///   From then on every commit answers `io`; the owner stops using the store and opens it anew.
class kv_store {
public:
  virtual ~kv_store() = default;

  // -- reading ---------------------------------------------------------------

  /// Newest committed value. `out` is overwritten when found and unspecified otherwise; its capacity is reused.
  virtual lookup get(family f, byte_view key, bytes& out) const = 0;
  /// A cursor at the first key not below `from`. Never null.
  virtual std::unique_ptr<kv_cursor> scan(family f, byte_view from) const = 0;
  /// A cursor at the last key not above `key`; not valid if there is none. `next()` goes forward from there.
  virtual std::unique_ptr<kv_cursor> seek_last_at_or_before(family f, byte_view key) const = 0;

  // -- writing ---------------------------------------------------------------

  /// Applies the batch atomically. With `sync`, it and every earlier commit survive power loss when this returns ok;
  /// without, it may vanish in a power loss, though never before a commit that came later. An empty batch with `sync`
  /// makes earlier commits durable. Errors: `full`, `io`, `corrupt`, all of them unknown (see above).
  virtual status commit(const kv_batch& batch, bool sync) = 0;

  // -- room ------------------------------------------------------------------

  /// Bytes that this process may still write on the store's disk; 0 if the disk does not say.
  virtual std::uint64_t disk_free_bytes() const = 0;
};

}  // namespace tally
