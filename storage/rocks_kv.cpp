#include "storage/rocks_kv.hpp"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <exception>
#include <system_error>

#include "storage/rocks_wal.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;
using rocksdb::Status;

rocksdb::Slice slice(byte_view v) { return {v.data(), v.size()}; }
byte_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The one place where RocksDB's answers become ours.
error translate(const Status& s, const fs::path& dir) {
  const auto text = s.ToString();
  const auto where = " (" + dir.string() + ": " + text + ")";
  if (s.IsCorruption()) return {errc::corrupt, "the database is damaged and was not opened or read further" + where};
  if (s.IsNoSpace() || s.subcode() == Status::kNoSpace) return {errc::full, "no space left on the disk" + where};
  // RocksDB has no code for a lock that is held; these are its words for another process, and for this one.
  if (contains(text, "While lock file") || contains(text, "lock hold by current process"))
    return {errc::locked, "another process has this data directory open: " + dir.string()};
  if (contains(text, "Column families not opened"))
    return {errc::unsupported, "the database was written by a newer version" + where};
  if (contains(text, "Permission denied")) return {errc::io, "no permission for the data directory" + where};
  if (contains(text, "Read-only file system")) return {errc::io, "the data directory is on a read-only medium" + where};
  return {errc::io, "the disk or the database failed" + where};
}

class rocks_cursor final : public kv_cursor {
public:
  rocks_cursor(std::unique_ptr<rocksdb::Iterator> at, const fs::path& dir) : at_(std::move(at)), dir_(dir) {}

  bool valid() const override { return at_->Valid(); }
  byte_view key() const override { return view(at_->key()); }
  byte_view value() const override { return view(at_->value()); }
  void next() override { at_->Next(); }
  status state() const override {
    if (auto s = at_->status(); !s.ok()) return translate(s, dir_);
    return done();
  }

private:
  std::unique_ptr<rocksdb::Iterator> at_;
  const fs::path& dir_;
};

class rocks_kv final : public kv_store {
public:
  rocks_kv(std::unique_ptr<rocksdb::DB> db, std::vector<rocksdb::ColumnFamilyHandle*> handles, fs::path dir,
           bool read_only)
      : db_(std::move(db)), handles_(std::move(handles)), dir_(std::move(dir)), read_only_(read_only) {}

  ~rocks_kv() override {
    for (auto* h : handles_)
      db_->DestroyColumnFamilyHandle(h);
    db_->Close();  // what was answered is in the synced log already; nobody is left to tell
  }

  lookup get(family f, byte_view key, bytes& out) const override {
    const auto s = db_->Get(rocksdb::ReadOptions{}, handle(f), slice(key), &out);
    if (s.ok()) return lookup::found;
    return s.IsNotFound() ? lookup::absent : lookup::failed;
  }

  std::unique_ptr<kv_cursor> scan(family f, byte_view from) const override {
    auto at = iterator(f);
    at->Seek(slice(from));
    return std::make_unique<rocks_cursor>(std::move(at), dir_);
  }

  std::unique_ptr<kv_cursor> seek_last_at_or_before(family f, byte_view key) const override {
    auto at = iterator(f);
    at->SeekForPrev(slice(key));
    return std::make_unique<rocks_cursor>(std::move(at), dir_);
  }

  status commit(const kv_batch& batch, bool sync) override {
    invariant(!read_only_, "no commit to a store that was opened for reading");
    invariant(batch.octets() <= kv_batch_octets_max, "a batch stays below its bound");
    if (failed_) return {errc::io, "an earlier commit failed: open the store anew"};
    Status s;
    try {
      s = write(batch, sync);
    } catch (const std::exception& e) {
      s = Status::IOError(e.what());
    }
    if (s.ok()) return done();
    failed_ = true;
    return translate(s, dir_);
  }

  std::uint64_t disk_free_bytes() const override {
    std::error_code ec;
    const auto room = fs::space(dir_, ec);
    return ec ? 0 : room.available;
  }

private:
  rocksdb::ColumnFamilyHandle* handle(family f) const { return handles_[static_cast<std::size_t>(f) + 1]; }

  std::unique_ptr<rocksdb::Iterator> iterator(family f) const {
    return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(rocksdb::ReadOptions{}, handle(f)));
  }

  Status write(const kv_batch& batch, bool sync) {
    if (batch.empty()) return sync ? db_->FlushWAL(true) : Status::OK();
    rocksdb::WriteBatch changes(batch.octets() + 32 * batch.size());
    for (const auto op : batch) {
      const auto s = op.is_put ? changes.Put(handle(op.where), slice(op.key), slice(op.value))
                               : changes.Delete(handle(op.where), slice(op.key));
      if (!s.ok()) return s;
    }
    rocksdb::WriteOptions how;
    how.sync = sync;
    return db_->Write(how, &changes);
  }

  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;  ///< "default", which stays empty, then the families
  fs::path dir_;
  bool read_only_;
  std::atomic<bool> failed_ = false;
};

// -- options ---------------------------------------------------------------------

/// RocksDB's own diary, which nobody reads: what matters comes back as a Status. Its usual place is a file beside the
/// data, so it would fail with the same disk, and Debian's build, which keeps assertions, then stops the process in the
/// logger, before the failure was told.
class no_diary final : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::DBOptions db_options(const rocks_options& wanted) {
  rocksdb::DBOptions o;
  o.info_log = std::make_shared<no_diary>();
  o.create_if_missing = wanted.create;
  o.create_missing_column_families = !wanted.read_only;
  o.db_write_buffer_size = 8 << 20;
  o.max_total_wal_size = 16 << 20;
  // Who only looks opens all at once: the node that owns them may merge and delete them meanwhile.
  o.max_open_files = wanted.read_only ? -1 : 256;
  // In one shard. In the usual 64 each keeps only a few tables, and two that meet in one are opened for every look-up.
  o.table_cache_numshardbits = 0;
  // The default mode stops at a rotten byte, loses what was acknowledged behind it, and says OK.
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  o.recycle_log_file_num = 0;  // a recycled log ends in old records, which that mode cannot tell from damage
  o.avoid_unnecessary_blocking_io = true;
  o.max_bgerror_resume_count = 0;  // after a failure the owner opens anew; nothing goes on by itself
  o.max_manifest_file_size = 4 << 20;
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  o.writable_file_max_buffer_size = 128 << 10;  // a merge writes, and reads, several at once
  return o;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families() {
  // Few shards: what does not fit into one is read from the disk each time.
  const auto cache = rocksdb::NewLRUCache(8 << 20, 1);
  std::vector<rocksdb::ColumnFamilyDescriptor> out;
  const auto add = [&](const std::string& name, bool bloom) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = cache;
    // In parts, of which a look-up reads one each: the whole filter of a large table is megabytes, and would push all
    // else out of the cache each time.
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = bloom;
    table.metadata_block_size = 4096;
    table.pin_top_level_index_and_filter = true;
    if (bloom) table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
    rocksdb::ColumnFamilyOptions o;
    o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    // Each family takes whole arena blocks of the common 8 MB; the default of 1 MB would be half empty. Large enough to
    // be mapped, and given back when the table is written.
    o.arena_block_size = 256 << 10;
    out.emplace_back(name, o);
  };
  add(rocksdb::kDefaultColumnFamilyName, false);  // RocksDB insists on it
  for (std::size_t i = 0; i < family_count; ++i)
    add(std::string(family_names[i]), family(i) == family::state);
  return out;
}

// -- directory -------------------------------------------------------------------

error os_error(const std::string& what, const fs::path& dir, int code) {
  const auto kind = code == ENOSPC || code == EDQUOT ? errc::full : errc::io;
  return {kind, what + " " + dir.string() + ": " + std::generic_category().message(code)};
}

/// Makes the names in `dir` survive a power cut.
status sync_directory(const fs::path& dir) {
  const int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return os_error("cannot open", dir, errno);
  const int answer = ::fsync(fd);
  const int code = errno;
  ::close(fd);
  if (answer != 0) return os_error("cannot sync", dir, code);
  return done();
}

status make_directory(const fs::path& dir) {
  std::error_code ec;
  if (fs::is_directory(dir, ec)) return done();
  const auto parent = dir.parent_path();
  if (!parent.empty() && parent != dir) TALLY_TRY(make_directory(parent));
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return os_error("cannot make the data directory", dir, errno);
  return sync_directory(parent.empty() ? "." : parent);
}

/// Is there a store? `corrupt` if there is data and the file that names the store's state is gone: creating a new store
/// there would hide the loss.
result<bool> has_store(const fs::path& dir) {
  std::error_code ec;
  const bool there = fs::exists(dir / "CURRENT", ec);
  if (ec) return os_error("cannot look into", dir, ec.value());
  if (there || !fs::exists(dir, ec)) return there;
  for (fs::directory_iterator at(dir, ec), end; !ec && at != end; at.increment(ec)) {
    const auto kind = at->path().extension();
    if (kind == ".sst" || kind == ".log")
      return {errc::corrupt, "data without the file CURRENT in " + dir.string() + ": restore from a copy"};
  }
  if (ec) return os_error("cannot look into", dir, ec.value());
  return false;
}

}  // namespace

result<std::unique_ptr<kv_store>> open_rocks(const fs::path& given, const rocks_options& wanted) {
  try {
    const auto dir = fs::absolute(given).lexically_normal();
    const auto there = has_store(dir);
    if (!there) return there.error();
    if (!*there && (!wanted.create || wanted.read_only)) return {errc::not_found, "no database in " + dir.string()};
    if (!*there) TALLY_TRY(make_directory(dir));
    TALLY_TRY(check_write_ahead_logs(dir));

    rocksdb::DB* db = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    const auto options = db_options(wanted);
    const auto s = wanted.read_only ? rocksdb::DB::OpenForReadOnly(options, dir.string(), families(), &handles, &db)
                                    : rocksdb::DB::Open(options, dir.string(), families(), &handles, &db);
    if (!s.ok()) return translate(s, dir);
    return std::unique_ptr<kv_store>(
        std::make_unique<rocks_kv>(std::unique_ptr<rocksdb::DB>(db), std::move(handles), dir, wanted.read_only));
  } catch (const std::exception& e) {
    return {errc::io, "cannot open the database in " + given.string() + ": " + e.what()};
  }
}

}  // namespace tally
