#pragma once
#include <mutex>

#include "storage/kv.hpp"
#include "storage/memory_table.hpp"

namespace tally {

/// The content of a store: one sorted map per family. Copies share their maps until one of them is changed, so a
/// snapshot is cheap. Not thread-safe.
class kv_image {
public:
  kv_image();
  const memory_table& of(family f) const { return *tables_[static_cast<std::size_t>(f)]; }
  std::shared_ptr<const memory_table> share(family f) const { return tables_[static_cast<std::size_t>(f)]; }
  void apply(const kv_batch& batch);

private:
  std::array<std::shared_ptr<memory_table>, family_count> tables_;
};

/// A store in memory, for tests and for nodes that live in a simulator: never fails, and nothing survives the process.
/// Limits: the memory there is.
class memory_kv final : public kv_store {
public:
  memory_kv() = default;
  explicit memory_kv(kv_image image) : image_(std::move(image)) {}

  lookup get(family f, byte_view key, bytes& out) const override;
  std::unique_ptr<kv_cursor> scan(family f, byte_view from) const override;
  std::unique_ptr<kv_cursor> seek_last_at_or_before(family f, byte_view key) const override;
  status commit(const kv_batch& batch, bool sync) override;
  std::uint64_t disk_free_bytes() const override;

  /// What is there now.
  kv_image image() const;
  /// Replaces everything, as a restore from a copy does.
  void reset(kv_image image);
  /// What `disk_free_bytes` answers; 1 TB at first.
  void set_disk_free_bytes(std::uint64_t octets);

private:
  mutable std::mutex mutex_;
  kv_image image_;
  std::uint64_t disk_free_bytes_ = std::uint64_t{1} << 40;
};

}  // namespace tally
