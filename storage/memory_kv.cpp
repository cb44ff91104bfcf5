#include "storage/memory_kv.hpp"

namespace tally {
namespace {

/// Walks a table that nobody changes while the cursor shares it.
class memory_cursor final : public kv_cursor {
public:
  memory_cursor(std::mutex& mutex, std::shared_ptr<const memory_table> table, memory_table::place at)
      : mutex_(mutex), table_(std::move(table)), at_(at) {}
  // The store looks at the number of sharers under its mutex, so the last read of a cursor must come before it.
  ~memory_cursor() override {
    std::lock_guard lock(mutex_);
    table_.reset();
  }
  memory_cursor(const memory_cursor&) = delete;
  memory_cursor& operator=(const memory_cursor&) = delete;

  bool valid() const override { return at_ != table_->end(); }
  byte_view key() const override { return table_->key(at_); }
  byte_view value() const override { return table_->value(at_); }
  void next() override { at_ = table_->next(at_); }
  status state() const override { return done(); }

private:
  std::mutex& mutex_;
  std::shared_ptr<const memory_table> table_;
  memory_table::place at_;
};

}  // namespace

// -- image ---------------------------------------------------------------------

kv_image::kv_image() {
  for (auto& t : tables_)
    t = std::make_shared<memory_table>();
}

void kv_image::apply(const kv_batch& batch) {
  for (const auto op : batch) {
    auto& t = tables_[static_cast<std::size_t>(op.where)];
    if (t.use_count() > 1) t = std::make_shared<memory_table>(*t);
    if (op.is_put) {
      t->put(op.key, op.value);
    } else {
      t->erase(op.key);
    }
  }
}

// -- store ---------------------------------------------------------------------

lookup memory_kv::get(family f, byte_view key, bytes& out) const {
  std::lock_guard lock(mutex_);
  auto value = image_.of(f).find(key);
  if (!value) return lookup::absent;
  out.assign(*value);
  return lookup::found;
}

std::unique_ptr<kv_cursor> memory_kv::scan(family f, byte_view from) const {
  std::lock_guard lock(mutex_);
  auto t = image_.share(f);
  auto at = t->lower_bound(from);
  return std::make_unique<memory_cursor>(mutex_, std::move(t), at);
}

std::unique_ptr<kv_cursor> memory_kv::seek_last_at_or_before(family f, byte_view key) const {
  std::lock_guard lock(mutex_);
  auto t = image_.share(f);
  auto at = t->last_at_or_before(key);
  return std::make_unique<memory_cursor>(mutex_, std::move(t), at);
}

status memory_kv::commit(const kv_batch& batch, bool) {
  invariant(batch.octets() <= kv_batch_octets_max, "a batch stays below its bound");
  std::lock_guard lock(mutex_);
  image_.apply(batch);
  return done();
}

std::uint64_t memory_kv::disk_free_bytes() const {
  std::lock_guard lock(mutex_);
  return disk_free_bytes_;
}

kv_image memory_kv::image() const {
  std::lock_guard lock(mutex_);
  return image_;
}

void memory_kv::reset(kv_image image) {
  std::lock_guard lock(mutex_);
  std::swap(image_, image);
}

void memory_kv::set_disk_free_bytes(std::uint64_t octets) {
  std::lock_guard lock(mutex_);
  disk_free_bytes_ = octets;
}

}  // namespace tally
