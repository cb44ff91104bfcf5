#pragma once
#include <functional>
#include <optional>

#include "sync/carrier.hpp"

namespace tally {

/// Where a live mirror's files lie: the shipment of one pair on a second disk (node/mirror_stick.hpp). Each call may
/// take long, and fail at any time.
class mirror_medium {
public:
  virtual ~mirror_medium() = default;
  /// Every file of the shipment that lies there, in order. `not_found`: there is none; io.
  virtual status each(const std::function<void(bytes)>& take) = 0;
  /// Begins a shipment beside it.
  virtual status begin() = 0;
  /// Adds a file, durable when it returns ok: to the shipment that was begun, else to the one that lies there.
  virtual status add(std::uint32_t number, byte_view data) = 0;
  /// The shipment that was begun takes the place of the other. Durable.
  virtual status finish() = 0;
  /// Whether the file that was added last lies where it was written, or is gone with its disk; ok when there is none.
  virtual status check() = 0;
  /// Takes away what was begun and not finished, as far as the disk lets.
  virtual void abandon() = 0;
};

struct mirror_limits {
  std::uint64_t bytes_max = 256u << 20;  ///< of all files; while one shipment takes another's place, of each
  std::uint32_t files_max = 2'000;       ///< so many more, and small files are put together
};

struct mirror_report {
  std::uint64_t bytes = 0, files = 0;
  std::uint64_t held = 0;                 ///< entries of the journal that it has, or that head office has
  std::uint64_t behind = 0;               ///< entries that were not on it when it was last looked at
  std::optional<tick_ms> behind_since{};  ///< of the oldest of them, as it was first seen
  errc code = errc::ok;                   ///< why nothing was written when it was last tried
  std::string detail;
};

/// What people are told at `tick` while a call to the disk is under way since `busy_since`: a call that does not return
/// is a failure like another once it takes longer than `mirror_slow_ms`.
constexpr tick_ms mirror_slow_ms = 10'000;
mirror_report as_seen(mirror_report last, std::optional<tick_ms> busy_since, tick_ms tick);

/// A second copy of what head office does not have yet, on another disk, soon after it is durable here: a shipment to
/// head office in the form of parcels (storage/FORMAT.md) that grows by a file whenever the journal did. So
/// `tallystick ship --from` at head office, or at a node on the way there, brings it.
///
/// It begins where head office's cosignatures are. At its bound it begins again there, so what head office holds goes
/// first; if that is not enough, it stays as it is and says so. What lies there already is not replaced when this
/// node's disk does not have all of it: it may be the only copy.
///
/// Pure but for the medium and reads of the store. One thread of its own, since the medium may be slow; nothing waits
/// for it. What it lacks it finds in the journal, so it needs no queue.
class mirror {
public:
  mirror(mirror_medium& medium, mirror_limits limits) : medium_(medium), limits_(limits) {}

  /// Brings it up to date. `now` are this moment's: the store as it is durable, certificates read from it. After an
  /// error the next call begins again. What the medium throws is `io`.
  status step(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall, tick_ms tick);
  const mirror_report& report() const { return report_; }

private:
  status try_step(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall);
  status guarded_step(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall);
  status begin_anew(const carrier_parts& now, std::array<std::uint8_t, 8> id, unix_seconds wall);
  status replaces_nothing_newer(const carrier_parts& now);
  status write(shipment& s);
  result<shipment> missing(const carrier_parts& now, unix_seconds wall) const;

  mirror_medium& medium_;
  mirror_limits limits_;
  bool placed_ = false;
  wanted_from at_;  ///< how far each stream is on it
  std::array<std::uint8_t, 8> id_{};
  std::uint32_t files_ = 0;
  std::uint64_t bytes_ = 0;
  wanted_from begins_;                   ///< where the shipment that lies there begins
  std::uint32_t first_files_ = 0;        ///< of it, when it was begun
  bool over_ = false;                    ///< the bound stopped what was written last
  std::optional<wanted_from> too_much_;  ///< from there on it was more than the bound
  mirror_report report_;
};

}  // namespace tally
