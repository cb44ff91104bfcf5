#include "sync/driver_keyfile.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "storage/varint.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 4096;
constexpr std::string_view signing_kind = "tallystick signing key v1";
constexpr std::string_view curve_kind = "tallystick curve key v1";
constexpr std::string_view secret_kind = "tallystick node secret v1";

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return fd_; }

private:
  int fd_;
};

error io_error(const fs::path& file, const char* what) {
  auto code = errno == ENOENT ? errc::not_found : errno == ELOOP || errno == EACCES ? errc::not_allowed : errc::io;
  return {code, file.filename().string() + ": " + what + ": " + std::strerror(errno)};
}

/// Text that is wiped when it leaves; files with keys pass through it.
struct wiped_text {
  std::string text;
  ~wiped_text() { wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }
};

bool write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    auto n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

status sync_directory(const fs::path& dir) {
  descriptor fd(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return io_error(dir, "cannot sync the directory");
  return done();
}

/// Writes beside `file` and gives the finished file its name, which fails if the name is taken: nobody ever sees half
/// a key, and no key is overwritten.
status create_file(const fs::path& file, std::string_view content) {
  auto dir = file.has_parent_path() ? file.parent_path() : fs::path(".");
  auto draft = file;
  draft += ".new";
  if (::unlink(draft.c_str()) != 0 && errno != ENOENT) return io_error(draft, "cannot remove an old draft");
  {
    descriptor fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd.get() < 0) return io_error(draft, "cannot create");
    if (!write_all(fd.get(), content) || ::fsync(fd.get()) != 0) {
      auto failed = io_error(draft, "cannot write");
      ::unlink(draft.c_str());
      return failed;
    }
  }
  // Not link(): a sealed key may go to a stick with FAT, which knows no second names.
  if (::renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) != 0) {
    auto failed = errno == EEXIST ? error{errc::not_allowed, file.filename().string() + " exists already"}
                                  : io_error(file, "cannot create");
    ::unlink(draft.c_str());
    return failed;
  }
  return sync_directory(dir);
}

/// REQUIRES: `out.text` is empty. With `ours`, the file must belong to this user and be closed to others.
status read_file(const fs::path& file, bool ours, wiped_text& out) {
  // Non-blocking, because a pipe in this place would otherwise stop the node for ever.
  descriptor fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return io_error(file, "cannot open");
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return io_error(file, "cannot inspect");
  auto name = file.filename().string();
  if (!S_ISREG(st.st_mode)) return error{errc::not_allowed, name + " is not a plain file"};
  if (ours && st.st_uid != ::geteuid()) return error{errc::not_allowed, name + " belongs to another user"};
  if (ours && (st.st_mode & 077) != 0)
    return error{errc::not_allowed, name + " can be read by others: set its mode to 0600 and consider the key known"};
  if (st.st_size < 0 || static_cast<std::uint64_t>(st.st_size) > file_bytes_max)
    return error{errc::corrupt, name + " is too long for a key file"};
  out.text.resize(static_cast<std::size_t>(st.st_size));
  std::size_t got = 0;
  while (got < out.text.size()) {
    auto n = ::read(fd.get(), out.text.data() + got, out.text.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error(file, "cannot read");
    if (n == 0) return error{errc::corrupt, name + " is shorter than its size"};
    got += static_cast<std::size_t>(n);
  }
  return done();
}

status write_secret(const fs::path& file, std::string_view kind, byte_view secret) {
  wiped_text encoded{to_base64(secret)};
  wiped_text content;
  content.text.reserve(128);  // so that no growth leaves a copy behind
  content.text.append(kind).append("\n").append(encoded.text).append("\n");
  return create_file(file, content.text);
}

/// The octets behind the line that names the kind.
std::optional<bytes> body_of(std::string_view text, std::string_view kind, std::size_t max) {
  if (!text.starts_with(kind)) return std::nullopt;
  text.remove_prefix(kind.size());
  if (text.size() < 2 || text.front() != '\n' || text.back() != '\n') return std::nullopt;
  return from_base64(text.substr(1, text.size() - 2), max);
}

status read_secret(const fs::path& file, std::string_view kind, secret_octets<32>& out) {
  wiped_text content;
  TALLY_TRY(read_file(file, true, content));
  auto body = body_of(content.text, kind, 32);
  if (!body || body->size() != 32)
    return error{errc::corrupt, file.filename().string() + " is not a \"" + std::string(kind) + "\""};
  wiped_text wiped{std::move(*body)};
  std::memcpy(out.span().data(), wiped.text.data(), 32);
  return done();
}

// -- sealing -------------------------------------------------------------------

constexpr std::uint64_t passes_max = 16;
constexpr std::uint64_t memory_max = std::uint64_t{1} << 30;
constexpr std::size_t box_bytes = 32 + crypto_secretbox_MACBYTES;

std::string_view kind_line(sealed_kind kind) {
  return kind == sealed_kind::root_key ? "tallystick sealed root key v1" : "tallystick sealed pin key v1";
}

/// Whole KiB only: Argon2 rounds down to them, and each file shall have one reading.
bool is_bearable(seal_cost cost) {
  return cost.passes >= 1 && cost.passes <= passes_max && cost.memory_bytes >= crypto_pwhash_MEMLIMIT_MIN &&
         cost.memory_bytes <= memory_max && cost.memory_bytes % 1024 == 0;
}

bool stretch(std::string_view passphrase, const unsigned char* salt, seal_cost cost, secret_octets<32>& out) {
  return crypto_pwhash(out.span().data(), 32, passphrase.data(), passphrase.size(), salt, cost.passes,
                       static_cast<std::size_t>(cost.memory_bytes), crypto_pwhash_ALG_ARGON2ID13) == 0;
}

}  // namespace

status make_key_directory(const fs::path& dir) {
  if (::mkdir(dir.c_str(), 0700) == 0) {
    auto parent = fs::absolute(dir).parent_path();
    return sync_directory(parent);
  }
  if (errno != EEXIST) return io_error(dir, "cannot create the key directory");
  struct stat st {};
  if (::lstat(dir.c_str(), &st) != 0) return io_error(dir, "cannot inspect");
  if (!S_ISDIR(st.st_mode)) return error{errc::not_allowed, dir.filename().string() + " is not a directory"};
  if ((st.st_mode & 022) != 0 || st.st_uid != ::geteuid())
    return error{errc::not_allowed, dir.filename().string() + " can be written by others: set its mode to 0700"};
  return done();
}

status write_key_file(const fs::path& file, const signing_key& key) {
  return write_secret(file, signing_kind, seed_of(key).view());
}
status write_key_file(const fs::path& file, const curve_key& key) {
  return write_secret(file, curve_kind, key.secret.view());
}
status write_key_file(const fs::path& file, const node_secret& secret) {
  return write_secret(file, secret_kind, secret.view());
}

result<signing_key> read_signing_key(const fs::path& file) {
  secret_octets<32> seed;
  TALLY_TRY(read_secret(file, signing_kind, seed));
  return signing_key_from_seed(seed.span());
}
result<curve_key> read_curve_key(const fs::path& file) {
  secret_octets<32> secret;
  TALLY_TRY(read_secret(file, curve_kind, secret));
  return curve_key_from_secret(secret.span());
}
result<node_secret> read_node_secret(const fs::path& file) {
  node_secret secret;
  TALLY_TRY(read_secret(file, secret_kind, secret));
  return secret;
}

status write_sealed_file(const fs::path& file, sealed_kind kind, const secret_octets<32>& secret,
                         std::string_view passphrase, entropy& source, seal_cost cost) {
  if (passphrase.size() < passphrase_bytes_min)
    return error{errc::not_allowed,
                 "the passphrase needs at least " + std::to_string(passphrase_bytes_min) + " characters"};
  invariant(is_bearable(cost), "a bearable seal cost");
  std::array<std::uint8_t, crypto_pwhash_SALTBYTES> salt{};
  std::array<std::uint8_t, crypto_secretbox_NONCEBYTES> nonce{};
  source.fill(salt);
  source.fill(nonce);
  secret_octets<32> key;
  if (!stretch(passphrase, salt.data(), cost, key))
    return error{errc::io, "not enough memory to stretch the passphrase"};
  std::array<std::uint8_t, box_bytes> box{};
  crypto_secretbox_easy(box.data(), secret.data(), 32, nonce.data(), key.data());
  byte_writer w;
  w.uv(cost.passes);
  w.uv(cost.memory_bytes);
  w.fixed(salt);
  w.fixed(nonce);
  w.fixed(box);
  auto text = std::string(kind_line(kind)) + '\n' + to_base64(w.view()) + '\n';
  return create_file(file, text);
}

result<secret_octets<32>> read_sealed_file(const fs::path& file, sealed_kind kind, std::string_view passphrase) {
  wiped_text content;
  TALLY_TRY(read_file(file, false, content));
  const error bad{errc::corrupt, file.filename().string() + " is not a \"" + std::string(kind_line(kind)) + "\""};
  auto body = body_of(content.text, kind_line(kind), 256);
  if (!body) return bad;
  byte_reader r(*body);
  std::array<std::uint8_t, crypto_pwhash_SALTBYTES> salt{};
  std::array<std::uint8_t, crypto_secretbox_NONCEBYTES> nonce{};
  std::array<std::uint8_t, box_bytes> box{};
  seal_cost cost;
  cost.passes = r.uv(passes_max);
  cost.memory_bytes = r.uv(memory_max);
  r.fixed(salt);
  r.fixed(nonce);
  r.fixed(box);
  if (!r.at_end() || !is_bearable(cost)) return bad;
  secret_octets<32> key, secret;
  if (!stretch(passphrase, salt.data(), cost, key))
    return error{errc::io, "not enough memory to stretch the passphrase"};
  if (crypto_secretbox_open_easy(secret.span().data(), box.data(), box.size(), nonce.data(), key.data()) != 0)
    return error{errc::not_allowed, "wrong passphrase, or the file was changed"};
  return secret;
}

}  // namespace tally
