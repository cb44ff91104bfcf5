#include "node/identity.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "node/toml.hpp"

namespace tally {
namespace fs = std::filesystem;

namespace {

error io_error(const fs::path& p, const char* what) {
  return {errc::io, std::string(what) + " " + p.string() + ": " + std::strerror(errno)};
}

std::optional<node_role> parse_role(std::string_view text) {
  for (auto r : {node_role::hq, node_role::region, node_role::store})
    if (role_name(r) == text) return r;
  return std::nullopt;
}

}  // namespace

status sync_folder(const fs::path& dir) {
  int fd = ::open(dir.empty() ? "." : dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = fd >= 0 && ::fsync(fd) == 0;
  auto failed = io_error(dir, "cannot write");
  if (fd >= 0) ::close(fd);
  return ok ? done() : status(failed);
}

status write_private_file(const fs::path& file, std::string_view text) {
  fs::path temporary = file.string() + ".new";
  ::unlink(temporary.c_str());
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return io_error(temporary, "cannot create");
  while (!text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      auto e = io_error(temporary, "cannot write");
      ::close(fd);
      return e;
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced || ::rename(temporary.c_str(), file.c_str()) != 0) return io_error(file, "cannot write");
  return sync_folder(file.parent_path());
}

result<std::string> read_small_file(const fs::path& file, std::size_t bytes_max) {
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return error{errc::not_found, file.string() + " does not exist"};
    return io_error(file, "cannot open");
  }
  std::string out;
  char buffer[4096];
  for (;;) {
    auto n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      auto e = io_error(file, "cannot read");
      ::close(fd);
      return e;
    }
    if (n == 0) break;
    out.append(buffer, static_cast<std::size_t>(n));
    if (out.size() > bytes_max) break;
  }
  ::close(fd);
  if (out.size() > bytes_max)
    return error{errc::malformed, file.string() + " is larger than " + std::to_string(bytes_max) + " bytes"};
  return out;
}

result<node_identity> read_identity(const fs::path& data_dir) {
  auto file = data_layout{data_dir}.identity();
  auto text = read_small_file(file);
  if (!text) {
    if (text.code() == errc::not_found)
      return error{
          errc::not_found,
          data_dir.string() +
              " is not a data directory (no identity.toml); make one with 'tallystick init-hq' or 'tallystick enrol'"};
    return text.error();
  }
  error bad{errc::corrupt, file.string() + " is damaged; restore it from the node's backup"};
  auto parsed = toml::parse(*text);
  if (!parsed) return bad;
  const toml::table& t = parsed.table();
  node_identity id;
  id.believes.chain = t["chain"].value_or(std::string{});
  id.node.value = t["node"].value_or(0U);
  id.name = t["name"].value_or(std::string{});
  auto role = parse_role(t["role"].value_or(std::string{}));
  if (!role || id.node.value == 0 || id.believes.chain.empty() ||
      !from_hex(t["root"].value_or(std::string{}), id.believes.root) ||
      !from_hex(t["first_epoch"].value_or(std::string{}), id.first_epoch.value))
    return bad;
  id.role = *role;
  return id;
}

result<trust> read_trust(const fs::path& data_dir) {
  auto id = read_identity(data_dir);
  if (!id) return id.error();
  return id->believes;
}

status write_identity(const fs::path& data_dir, const node_identity& id) {
  auto file = data_layout{data_dir}.identity();
  if (fs::exists(file))
    return error{errc::not_allowed, file.string() + " exists: this directory belongs to a node already"};
  toml::table t{{"chain", id.believes.chain},
                {"root", to_hex(view_of(id.believes.root))},
                {"node", static_cast<std::int64_t>(id.node.value)},
                {"role", std::string(role_name(id.role))},
                {"name", id.name},
                {"first_epoch", to_hex(view_of(id.first_epoch.value))}};
  std::ostringstream out;
  out << "# Who this node is. Written once; the keys are in keys/.\n" << t << "\n";
  return write_private_file(file, out.str());
}

error at_file(const std::filesystem::path& file, error e) {
  if (e.detail.find(file.string()) != std::string::npos) return e;
  auto name = file.filename().string();
  auto at = e.detail.find(name);
  if (at == std::string::npos) return {e.code, file.string() + ": " + e.detail};
  e.detail.replace(at, name.size(), file.string());
  return e;
}

}  // namespace tally
