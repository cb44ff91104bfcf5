#include "node/public_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "node/identity.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

error failed(const fs::path& p, const char* what) {
  auto why = errno;
  return {why == ENOSPC || why == EDQUOT ? errc::full : errc::io,
          std::string(what) + " " + p.string() + ": " + std::strerror(why)};
}

}  // namespace

static status write_file(const fs::path& file, byte_view data, bool durable) {
  std::error_code ec;
  if (!file.parent_path().empty()) fs::create_directories(file.parent_path(), ec);
  if (ec) return error{errc::io, "cannot make " + file.parent_path().string() + ": " + ec.message()};
  fs::path fresh = file.string() + ".new";
  int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) return failed(fresh, "cannot create");
  while (!data.empty()) {
    auto n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      auto e = failed(fresh, "cannot write");
      ::close(fd);
      ::unlink(fresh.c_str());
      return e;
    }
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  if (durable && ::fsync(fd) != 0) {
    auto e = failed(fresh, "cannot sync");
    ::close(fd);
    ::unlink(fresh.c_str());
    return e;
  }
  if (::close(fd) != 0 || ::rename(fresh.c_str(), file.c_str()) != 0) return failed(file, "cannot write");
  return done();
}

status write_public_file(const fs::path& file, byte_view data) { return write_file(file, data, false); }

status write_durable_file(const fs::path& file, byte_view data) {
  TALLY_TRY(write_file(file, data, true));
  int dir = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return failed(file.parent_path(), "cannot open");
  bool synced = ::fsync(dir) == 0;
  auto e = failed(file.parent_path(), "cannot sync");
  ::close(dir);
  return synced ? done() : status(e);
}

status file_tiles::put(const std::string& path, byte_view data) {
  auto file = dir_ / path;
  std::error_code ec;
  if (fs::is_regular_file(file, ec) && fs::file_size(file, ec) == data.size())
    if (auto there = read_public_file(file, data.size()); there && *there == data) return done();
  ++written_;
  return write_public_file(file, data);
}

status sync_files(const fs::path& dir) {
  int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed(dir, "cannot open");
  bool synced = ::syncfs(fd) == 0;
  auto e = failed(dir, "cannot sync");
  ::close(fd);
  if (!synced) return e;
  return done();
}

result<bytes> read_public_file(const fs::path& file, std::size_t bytes_max) {
  std::error_code ec;
  // A pipe or a device would block or never end.
  if (auto kind = fs::status(file, ec); !ec && fs::exists(kind) && !fs::is_regular_file(kind))
    return error{errc::malformed, file.string() + " is no file"};
  return read_small_file(file, bytes_max);
}

}  // namespace tally
