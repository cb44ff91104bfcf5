#include "node/snapshot_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>

#include "node/identity.hpp"
#include "storage/rocks_kv.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;
constexpr int attempts_max = 100;  // with the pause below: at least two seconds

/// What changes when tables are made, merged or listed anew: names of tables and logs, and the list's own size.
std::map<std::string, std::uintmax_t> outline(const fs::path& db) {
  std::map<std::string, std::uintmax_t> out;
  std::error_code ec;
  for (fs::directory_iterator at(db, ec), end; !ec && at != end; at.increment(ec)) {
    auto name = at->path().filename().string();
    bool list = name.starts_with("MANIFEST-") || name == "CURRENT";
    if (!list && at->path().extension() != ".log") continue;
    std::error_code gone;
    auto size = list ? at->file_size(gone) : 0;  // a log grows all the time, at its end
    out[name] = gone ? 0 : size;
  }
  return out;
}

}  // namespace

bool node_runs(const fs::path& data_dir) {
  int fd = ::open((data_layout{data_dir}.db() / "LOCK").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct flock lock {};
  lock.l_type = F_RDLCK;
  lock.l_whence = SEEK_SET;
  bool runs = ::fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(fd);
  return runs;
}

status sync_snapshot(const fs::path& data_dir) {
  auto db = data_layout{data_dir}.db();
  std::error_code ec;
  // A log that is gone was turned into tables, which RocksDB syncs before it drops the log.
  for (fs::directory_iterator at(db, ec), end; !ec && at != end; at.increment(ec)) {
    if (at->path().extension() != ".log") continue;
    int fd = ::open(at->path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) continue;
    bool synced = fd >= 0 && (::fdatasync(fd) == 0 || errno == EROFS || errno == EINVAL);
    auto why = errno;
    if (fd >= 0) ::close(fd);
    if (!synced) return error{errc::io, "cannot sync " + at->path().string() + ": " + std::strerror(why)};
  }
  return done();
}

result<store_snapshot> open_snapshot(const fs::path& data_dir) {
  auto db = data_layout{data_dir}.db();
  error last{errc::busy, "the node is too busy to be looked at: try again, or stop it first"};
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    bool runs = node_runs(data_dir);
    auto before = outline(db);
    auto store = open_rocks(db, {.create = false, .read_only = true});
    bool still = outline(db) == before;
    if (store && still) return store_snapshot{std::move(*store), runs};
    // With nobody writing, an error is an error.
    if (!store && (still || !runs) && !node_runs(data_dir)) return store.error();
    if (!store) last = store.error();
    ::usleep(20'000);
  }
  return last;
}

}  // namespace tally
