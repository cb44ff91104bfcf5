#pragma once
#include <optional>
#include <string>
#include <unordered_map>

#include "storage/kv.hpp"

namespace tally {

/// Two layers of changes over a store: the group that is being decided, and the group that the disk is writing.
///
/// Reads see all three, newest first: the speculative view on which the next decision is made. Answers to people read
/// the store below instead. One owner thread; `commit` of the sealed batch may run on another thread meanwhile.
/// What the family `state` answered is remembered, absence too, so nobody else may change that family below.
/// Limits: the caller seals before a layer grows beyond what it wants to hold in memory; of remembered answers the
/// older half is dropped at 16,384 (about 3 MB), and values over 256 octets are not remembered.
class kv_view {
public:
  explicit kv_view(const kv_store& below) : below_(below) {}

  lookup get(family f, byte_view key, bytes& out) const;
  void put(family f, byte_view key, bytes value);
  void erase(family f, byte_view key);

  static constexpr std::size_t known_max = 16'384, known_value_max = 256;

  std::size_t open_changes() const { return open_.size(); }
  bool in_flight() const { return in_flight_; }
  /// The open layer as a batch; it becomes the layer in flight. REQUIRES: !in_flight().
  kv_batch seal();
  /// The batch in flight is durable in the store below.
  void settled();
  /// Whether any read from below failed. Sticky: what was decided since then is void.
  bool read_failed() const { return read_failed_; }

private:
  struct text_hash {
    using is_transparent = void;
    // Not noexcept: libstdc++ then keeps the hash beside the key instead of computing it again for each key it passes.
    std::size_t operator()(byte_view v) const { return std::hash<byte_view>{}(v); }
  };
  using layer = std::unordered_map<bytes, std::optional<bytes>, text_hash, std::equal_to<>>;

  const std::optional<bytes>* known() const;
  void remember(std::optional<bytes> value) const;
  void make_room() const;

  const kv_store& below_;
  layer open_, sealed_;
  // What the store below is known to answer. Two halves: when the newer is full it replaces the older, so what is in
  // use stays without a list of uses.
  mutable layer newer_, older_;
  bool in_flight_ = false;
  mutable bool read_failed_ = false;
  mutable bytes key_;  // scratch: family and key in one string, reused so that a read does not allocate
};

}  // namespace tally
