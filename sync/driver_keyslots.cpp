#include "sync/driver_keyslots.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "storage/varint.hpp"
#include "sync/driver_keyfile.hpp"

namespace tally {
namespace {

constexpr std::size_t slot_octets = 64, check_octets = 8, body_octets = slot_octets - check_octets;
constexpr std::string_view heading = "tallystick member keys v1\n";
constexpr unix_seconds time_step = 3'600;

error slot_error(const char* what) {
  auto code = errno == ENOSPC || errno == EDQUOT  ? errc::full
              : errno == ELOOP || errno == EACCES ? errc::not_allowed
                                                  : errc::io;
  return {code, std::string("the keys of members: ") + what + ": " + std::strerror(errno)};
}

bytes checked(bytes body) {
  body.resize(body_octets, '\0');
  std::array<std::uint8_t, 16> sum{};
  crypto_generichash(sum.data(), sum.size(), reinterpret_cast<const unsigned char*>(body.data()), body.size(), nullptr,
                     0);
  return body + bytes(view_of(sum).substr(0, check_octets));
}

bool holds(byte_view octets) {
  auto again = checked(bytes(octets.substr(0, body_octets)));
  bool same = again == octets;
  wipe({reinterpret_cast<std::uint8_t*>(again.data()), again.size()});
  return same;
}

bytes header(unix_seconds latest) {
  byte_writer w;
  w.raw(heading);
  w.u64be(static_cast<std::uint64_t>(latest));
  return checked(w.take());
}

bytes slot_text(account_id member, unix_seconds until, const member_key& key) {
  byte_writer w;
  w.u64be(member.value);
  w.u64be(static_cast<std::uint64_t>(until));
  w.raw(key.view());
  return checked(w.take());
}

struct wiped {
  bytes octets;
  ~wiped() { wipe({reinterpret_cast<std::uint8_t*>(octets.data()), octets.size()}); }
};

bool read_slot(int fd, std::uint64_t at, bytes& out) {
  out.resize(slot_octets);
  std::size_t got = 0;
  while (got < slot_octets) {
    auto n = ::pread(fd, out.data() + got, slot_octets - got, static_cast<off_t>(at * slot_octets + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

result<std::unique_ptr<member_keystore>> member_keystore::open(const std::filesystem::path& file,
                                                               std::size_t keys_max) {
  TALLY_TRY(make_key_directory(file.parent_path()));
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
  if (fd < 0) return slot_error("cannot open");
  std::unique_ptr<member_keystore> out(new member_keystore(fd, keys_max));
  struct stat st {};
  if (::fstat(fd, &st) != 0) return slot_error("cannot inspect");
  if (!S_ISREG(st.st_mode) || st.st_uid != ::geteuid() || (st.st_mode & 077) != 0)
    return error{errc::not_allowed, file.string() + " must be a plain file of this user with mode 0600"};
  // What is behind the last whole slot was never answered.
  out->count_ = static_cast<std::uint64_t>(st.st_size) / slot_octets;
  if (out->count_ == 0) {
    out->count_ = 1;
    TALLY_TRY(out->write_at(0, header(0)));
    int dir = ::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = dir >= 0 && ::fsync(dir) == 0;
    if (dir >= 0) ::close(dir);
    if (!synced) return slot_error("cannot sync the directory");
  }
  TALLY_TRY(out->load());
  return out;
}

member_keystore::~member_keystore() { ::close(fd_); }

status member_keystore::load() {
  wiped octets;
  if (!read_slot(fd_, 0, octets.octets) || !holds(octets.octets) || !octets.octets.starts_with(heading))
    return error{errc::corrupt, "the file with the keys of members is damaged at its beginning"};
  byte_reader head(byte_view(octets.octets).substr(heading.size()));
  latest_ = latest_written_ = static_cast<unix_seconds>(head.u64be());
  static const bytes zeros(slot_octets, '\0');
  for (std::uint64_t i = 1; i < count_; ++i) {
    if (!read_slot(fd_, i, octets.octets)) return slot_error("cannot read");
    if (octets.octets == zeros) {
      free_.push_back(i);
      continue;
    }
    byte_reader r(octets.octets);
    account_id member{r.u64be()};
    auto until = static_cast<unix_seconds>(r.u64be());
    if (!holds(octets.octets) || member.value == 0 || !slots_.emplace(member, slot{i, until}).second) {
      ++damaged_;
      TALLY_TRY(write_at(i, zeros));
      free_.push_back(i);
    }
  }
  std::ranges::reverse(free_);  // the first of the file is used first
  return done();
}

status member_keystore::write_at(std::uint64_t at, byte_view octets) const {
  std::size_t put = 0;
  while (put < octets.size()) {
    auto n = ::pwrite(fd_, octets.data() + put, octets.size() - put, static_cast<off_t>(at * slot_octets + put));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return slot_error("cannot write");
    put += static_cast<std::size_t>(n);
  }
  if (::fdatasync(fd_) != 0) return slot_error("cannot sync");
  return done();
}

std::optional<member_key> member_keystore::find(account_id member) const {
  auto it = slots_.find(member);
  wiped octets;
  if (it == slots_.end() || !read_slot(fd_, it->second.at, octets.octets) || !holds(octets.octets)) return std::nullopt;
  member_key key;
  std::memcpy(key.span().data(), octets.octets.data() + 16, 32);
  return key;
}

std::optional<member_keystore::held> member_keystore::look(account_id member) const {
  auto it = slots_.find(member);
  return it == slots_.end() ? std::nullopt : std::optional(held{member, it->second.until});
}

status member_keystore::put(account_id member, const member_key& key, unix_seconds until) {
  auto it = slots_.find(member);
  if (it != slots_.end()) {
    auto known = find(member);
    if (!known || !equal_constant_time(known->view(), key.view()))
      return error{errc::key_reused, "member " + std::to_string(member.value) + " has another key here"};
    if (until == it->second.until) return done();
  } else if (slots_.size() >= keys_max_) {
    return error{errc::full, "no room for another member's key"};
  }
  auto at = it != slots_.end() ? it->second.at : free_.empty() ? count_ : free_.back();
  wiped text{slot_text(member, until, key)};
  TALLY_TRY(write_at(at, text.octets));
  if (it == slots_.end()) {
    if (free_.empty()) {
      ++count_;
    } else {
      free_.pop_back();
    }
  }
  slots_[member] = {at, until};
  return done();
}

status member_keystore::destroy(account_id member) {
  auto it = slots_.find(member);
  if (it == slots_.end()) return done();
  TALLY_TRY(write_at(it->second.at, bytes(slot_octets, '\0')));
  free_.push_back(it->second.at);
  slots_.erase(it);
  return done();
}

std::vector<member_keystore::held> member_keystore::list() const {
  std::vector<held> out;
  out.reserve(slots_.size());
  for (const auto& [member, s] : slots_)
    out.push_back({member, s.until});
  return out;
}

status member_keystore::note_time(unix_seconds now) {
  latest_ = std::max(latest_, now);
  if (latest_ < latest_written_ + time_step) return done();
  TALLY_TRY(write_at(0, header(latest_)));
  latest_written_ = latest_;
  return done();
}

status member_keystore::correct_time(unix_seconds now) {
  if (latest_ <= now + time_step) return note_time(now);
  TALLY_TRY(write_at(0, header(now)));
  latest_ = latest_written_ = now;
  return done();
}

}  // namespace tally
