#include "node/mirror_stick.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>

#include "node/identity.hpp"
#include "node/public_files.hpp"
#include "node/stick.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

constexpr tick_ms look_apart_ms = 1'000, wait_max_ms = 60'000;
constexpr std::size_t head_bytes = 4'096;

error failed(const fs::path& p, const std::error_code& ec) {
  return {ec == std::errc::no_space_on_device ? errc::full : errc::io, p.string() + ": " + ec.message()};
}

std::optional<std::pair<dev_t, bool>> device_of(const fs::path& dir) {
  struct stat s {};
  if (::stat(dir.c_str(), &s) != 0) return std::nullopt;
  return std::pair(s.st_dev, S_ISDIR(s.st_mode));
}

/// The path that a data directory's mark names: there the mirror was on another disk.
fs::path mark_in(const fs::path& data) { return data / "mirror.elsewhere"; }

/// The beginning of a file and its size, from the disk and not from memory: a stick that was pulled is still in the
/// page cache. Synced files only.
struct file_start {
  std::uint64_t size = 0;
  bytes head;
};

std::optional<file_start> start_of(const fs::path& file) {
  int fd = ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  struct stat s {};
  std::optional<file_start> out;
  if (::fstat(fd, &s) == 0 && S_ISREG(s.st_mode)) {
    (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    bytes head(head_bytes, '\0');
    auto n = ::pread(fd, head.data(), head.size(), 0);
    if (n >= 0) {
      head.resize(static_cast<std::size_t>(n));
      out = file_start{static_cast<std::uint64_t>(s.st_size), std::move(head)};
    }
  }
  ::close(fd);
  return out;
}

}  // namespace

mirror_stick::mirror_stick(fs::path dir, fs::path data, const std::string& chain, node_id self)
    : dir_(std::move(dir)),
      data_(std::move(data)),
      place_(place_on(dir_, chain, self, head_office)),
      fresh_(place_),
      chain_(chain) {
  fresh_ += ".new";
  // Where the mirror moved since, by mirror.path, the mark is about another place.
  auto mark = read_small_file(mark_in(data_), 4'096);
  was_elsewhere_ = marked_ = mark && *mark == dir_.string() + "\n";
}

status mirror_stick::look() {
  on_access_();
  TALLY_TRY(on_its_disk());
  TALLY_TRY(check_stick(dir_, chain_));
  for (const auto& at : {place_, fresh_}) {
    std::error_code ec;
    auto kind = fs::symlink_status(at, ec);
    if (!fs::status_known(kind)) return failed(at, ec);
    if (fs::exists(kind) && !fs::is_directory(kind))
      return error{errc::not_allowed, at.string() + " is no directory of its own; take it off the stick"};
  }
  return done();
}

// A mount point whose stick was taken out is an empty directory of the machine's own disk.
status mirror_stick::on_its_disk() {
  std::error_code ec;
  auto there = device_of(dir_), own = device_of(data_);
  if (!there || !there->second) return error{errc::io, dir_.string() + " is not there (mirror.path)"};
  bool link = fs::is_symlink(fs::symlink_status(dir_, ec));
  if (ec || link || !own) return error{errc::io, dir_.string() + " cannot be told from the data's own disk"};
  bool same = there->first == own->first;
  same_disk_ = same;
  if (same && was_elsewhere_)
    return error{errc::io, dir_.string() +
                               ": the disk that was there was taken out; if the mirror shall lie on the "
                               "data's own disk, stop the node and remove " +
                               mark_in(data_).string()};
  if (!same) note_elsewhere();
  return done();
}

// The mirror goes on where the mark cannot be written: it may be the data's disk that fails. It is tried again.
void mirror_stick::note_elsewhere() {
  was_elsewhere_ = true;
  if (!marked_) marked_ = write_private_file(mark_in(data_), dir_.string() + "\n").ok();
}

status mirror_stick::each(const std::function<void(bytes)>& take) {
  TALLY_TRY(look());
  std::error_code ec;
  auto from = place_;
  if (fs::symlink_status(place_, ec).type() == fs::file_type::not_found) from = older_beside(place_);
  if (fs::is_symlink(fs::symlink_status(from, ec))) return error{errc::not_allowed, from.string() + " is a link"};
  auto files = parcels_in(from);
  if (!files) return files.error();
  for (const auto& f : *files) {
    on_access_();
    auto data = read_public_file(f, parcel_bytes_max);
    if (!data && data.code() == errc::malformed) continue;  // too large for one
    if (!data) return data.error();
    take(std::move(*data));
  }
  return done();
}

status mirror_stick::begin() {
  TALLY_TRY(look());
  std::error_code ec;
  fs::remove_all(fresh_, ec);
  if (ec) return failed(fresh_, ec);
  begun_ = true;
  last_.reset();
  return done();
}

status mirror_stick::add(std::uint32_t number, byte_view data) {
  TALLY_TRY(look());
  const auto& at = begun_ ? fresh_ : place_;
  // Somebody emptied it, wrote something else there or put in another stick: the files would not belong together.
  TALLY_TRY(check_last(at));
  if (number != (last_ ? last_->number : 0) + 1)
    return error{errc::io, (at / parcel_name(number)).string() + " does not follow what was written last"};
  std::error_code ec;
  if (fs::symlink_status(at / parcel_name(number), ec).type() != fs::file_type::not_found)
    return error{errc::io, (at / parcel_name(number)).string() + " was written by somebody else"};
  TALLY_TRY(write_durable_file(at / parcel_name(number), data));
  last_ = known_file{number, data.size(), bytes(data.substr(0, head_bytes))};
  return done();
}

status mirror_stick::check_last(const fs::path& in) const {
  if (!last_) return done();
  auto file = in / parcel_name(last_->number);
  auto there = start_of(file);
  if (!there) return error{errc::io, file.string() + " is gone, or cannot be read"};
  if (there->size != last_->size || there->head != last_->head)
    return error{errc::io, file.string() + " is not what was written there; it may be another stick"};
  return done();
}

status mirror_stick::check() {
  TALLY_TRY(look());
  return check_last(begun_ ? fresh_ : place_);
}

status mirror_stick::finish() {
  TALLY_TRY(look());
  TALLY_TRY(check_last(fresh_));
  TALLY_TRY(put_in_place(fresh_, place_));
  begun_ = false;
  return done();
}

// A disk that is full, above all, must not be left with half a shipment on it.
void mirror_stick::abandon() {
  begun_ = false;
  last_.reset();
  std::error_code ignored;
  if (look()) fs::remove_all(fresh_, ignored);
}

live_mirror::live_mirror(parts with)
    : with_(std::move(with)),
      book_(with_.chain, with_.root, with_.with),
      stick_(with_.dir, with_.data, with_.chain, with_.self().node),
      mirror_(stick_, with_.limits),
      state_(std::make_shared<const state>()) {
  stick_.on_access([this] { publish(with_.tick()); });
  thread_ = std::thread([this] { run(); });
}

live_mirror::~live_mirror() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

status live_mirror::step() {
  load_certificates(with_.store, book_);  // what it has already is not verified again
  std::array<std::uint8_t, 8> id{};
  with_.random.fill(id);
  return mirror_.step({with_.store, book_, &with_.keys, with_.chain, with_.self(), with_.role, with_.older}, id,
                      with_.wall(), with_.tick());
}

std::shared_ptr<const live_mirror::state> live_mirror::now() const {
  auto s = *state_.load();
  s.report = as_seen(std::move(s.report), s.busy_since, with_.tick());
  return std::make_shared<const state>(std::move(s));
}

void live_mirror::publish(std::optional<tick_ms> busy_since) {
  state_ = std::make_shared<const state>(state{last_, stick_.on_same_disk(), busy_since});
}

void live_mirror::run() {
  auto wait = look_apart_ms;
  for (std::unique_lock lock(mutex_);;) {
    lock.unlock();
    auto before = last_.code;
    publish(with_.tick());
    status ok = done();
    try {
      ok = step();
      last_ = mirror_.report();
    } catch (const std::exception& e) {
      // Nobody else is on this thread to hear of it.
      ok = error{errc::io, e.what()};
      last_.code = errc::io;
      last_.detail = e.what();
    }
    if (!ok && (before == errc::ok || before != ok.code()))
      with_.log(ok.code(), "the mirror is not written: " + ok.error().detail);
    publish(std::nullopt);
    wait = ok ? look_apart_ms : std::min(std::max(wait, look_apart_ms) * 2, wait_max_ms);
    lock.lock();
    // An orderly end writes what the last second brought.
    if (stopping_) return;
    wake_.wait_for(lock, std::chrono::milliseconds(wait), [this] { return stopping_; });
  }
}

}  // namespace tally
