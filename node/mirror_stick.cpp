#include "node/mirror_stick.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "node/public_files.hpp"
#include "node/stick.hpp"
#include "sync/station_facts.hpp"

namespace tally {
namespace fs = std::filesystem;
namespace {

constexpr tick_ms look_apart_ms = 1'000, wait_max_ms = 60'000;

error failed(const fs::path& p, const std::error_code& ec) {
  return {ec == std::errc::no_space_on_device ? errc::full : errc::io, p.string() + ": " + ec.message()};
}

std::optional<std::pair<dev_t, bool>> device_of(const fs::path& dir) {
  struct stat s {};
  if (::stat(dir.c_str(), &s) != 0) return std::nullopt;
  return std::pair(s.st_dev, S_ISDIR(s.st_mode));
}

}  // namespace

mirror_stick::mirror_stick(fs::path dir, fs::path data, const std::string& chain, node_id self)
    : dir_(std::move(dir)), data_(std::move(data)), place_(place_on(dir_, chain, self, head_office)), fresh_(place_) {
  fresh_ += ".new";
}

// A mount point whose stick was taken out is an empty directory of the machine's own disk.
status mirror_stick::look() {
  auto there = device_of(dir_), own = device_of(data_);
  if (!there || !there->second) return error{errc::io, dir_.string() + " is not there (mirror.path)"};
  if (fs::is_symlink(dir_) || !own) return error{errc::io, dir_.string() + " cannot be told from the data's own disk"};
  bool same = there->first == own->first;
  same_disk_ = same;
  if (same && was_elsewhere_) return error{errc::io, dir_.string() + ": the disk that was there was taken out"};
  was_elsewhere_ = was_elsewhere_ || !same;
  return done();
}

status mirror_stick::each(const std::function<void(bytes)>& take) {
  TALLY_TRY(look());
  auto files = parcels_in(place_);
  if (!files) return files.error();
  for (const auto& f : *files) {
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
  return done();
}

status mirror_stick::add(std::uint32_t number, byte_view data) {
  TALLY_TRY(look());
  const auto& at = begun_ ? fresh_ : place_;
  std::error_code ec;
  // Somebody emptied it, or wrote something else there: the files would not belong together.
  if (number > 1 && !fs::exists(at / parcel_name(number - 1), ec))
    return error{errc::io, (at / parcel_name(number - 1)).string() + " is gone"};
  if (fs::exists(at / parcel_name(number), ec))
    return error{errc::io, (at / parcel_name(number)).string() + " was written by somebody else"};
  TALLY_TRY(write_durable_file(at / parcel_name(number), data));
  return done();
}

status mirror_stick::finish() {
  begun_ = false;
  TALLY_TRY(look());
  // At no moment is there neither: whoever looks between the two finds the older one beside its place.
  std::error_code ec;
  fs::path older = place_;
  older += ".old";
  fs::remove_all(older, ec);
  if (!ec && fs::exists(place_, ec)) fs::rename(place_, older, ec);
  if (!ec) fs::rename(fresh_, place_, ec);
  if (ec) return failed(place_, ec);
  TALLY_TRY(sync_files(dir_));
  fs::remove_all(older, ec);
  return done();
}

live_mirror::live_mirror(parts with)
    : with_(std::move(with)),
      stick_(with_.dir, with_.data, with_.chain, with_.self().node),
      mirror_(stick_, with_.limits),
      state_(std::make_shared<const state>()) {
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

// The station's own book of certificates belongs to another thread; this one is read when it is needed.
status live_mirror::step() {
  certificate_book book(with_.chain, with_.root, with_.with);
  load_certificates(with_.store, book);
  std::array<std::uint8_t, 8> id{};
  with_.random.fill(id);
  return mirror_.step({with_.store, book, &with_.keys, with_.chain, with_.self(), with_.role, with_.older}, id,
                      with_.wall(), with_.tick());
}

void live_mirror::run() {
  auto wait = look_apart_ms;
  for (std::unique_lock lock(mutex_);;) {
    lock.unlock();
    auto before = mirror_.report().code;
    auto ok = step();
    if (!ok && (before == errc::ok || before != ok.code()))
      with_.log(ok.code(), "the mirror is not written: " + ok.error().detail);
    state_ = std::make_shared<const state>(state{mirror_.report(), stick_.on_same_disk()});
    wait = ok ? look_apart_ms : std::min(std::max(wait, look_apart_ms) * 2, wait_max_ms);
    lock.lock();
    // An orderly end writes what the last second brought.
    if (stopping_) return;
    wake_.wait_for(lock, std::chrono::milliseconds(wait), [this] { return stopping_; });
  }
}

}  // namespace tally
