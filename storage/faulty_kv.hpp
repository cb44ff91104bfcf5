#pragma once
#include <atomic>
#include <optional>
#include <vector>

#include "storage/memory_kv.hpp"

namespace tally {

/// A store whose disk fails as told, for tests and the simulator. Deterministic: it draws nothing itself.
///
/// Remembers how to take back the commits after the last sync, which a power loss may take. One object is one
/// disk: `crash` and `kill` play the process's end and its next start on it. Threads as in kv_store; the levers below
/// belong to the committing thread. Limits: the memory there is.
class faulty_kv final : public kv_store {
public:
  /// What became of a commit that answered an error. Both happen on real disks: see `kv_store` on *unknown*.
  enum class outcome : std::uint8_t {
    lost,  ///< gone for good
    kept,  ///< not seen by reads, but there after the restart
  };

  faulty_kv() = default;
  /// A disk that holds `image`, all of it synced.
  explicit faulty_kv(const kv_image& image) : seen_(image) {}

  // -- kv_store --------------------------------------------------------------

  lookup get(family f, byte_view key, bytes& out) const override;
  std::unique_ptr<kv_cursor> scan(family f, byte_view from) const override;
  std::unique_ptr<kv_cursor> seek_last_at_or_before(family f, byte_view key) const override;
  status commit(const kv_batch& batch, bool sync) override;
  std::uint64_t disk_free_bytes() const override { return seen_.disk_free_bytes(); }

  // -- faults ----------------------------------------------------------------

  /// The `nth` commit from now (1 is the next) answers `code`: `io`, `full` or `corrupt`.
  void fail_commit(std::uint64_t nth, outcome what, errc code = errc::io);
  /// While set, across restarts too, every commit answers `full` and is lost.
  void set_full(bool full) { full_ = full; }
  void set_disk_free_bytes(std::uint64_t octets) { seen_.set_disk_free_bytes(octets); }
  /// While set, every `get` answers `failed` and every new cursor ends at once with `io`.
  void fail_reads(bool fail) { reads_fail_ = fail; }

  // -- the end of the process, and its next start ------------------------------

  /// Power loss: of the commits since the last sync the first `keep` stay, whole; the others are gone. A failed commit
  /// that was `kept` counts as the last of them, and stays always: that is what `kept` means.
  void crash(std::size_t keep);
  /// kill -9: everything that was committed stays, since the operating system has it.
  void kill() { crash(unsynced()); }
  /// Commits since the last sync, for choosing `keep` from a seed.
  std::size_t unsynced() const { return undo_.size(); }

  // -- copies ----------------------------------------------------------------

  /// What a backup made now would hold: what reads see.
  kv_image copy() const { return seen_.image(); }
  /// Puts a copy back in place of everything, as a restore does. Faults and failure are forgotten.
  void restore(const kv_image& image);
  /// Commits that answered ok since the disk was made.
  std::uint64_t commits() const { return commits_; }
  bool failed() const { return failed_; }

private:
  void start_anew();
  kv_batch undo_of(const kv_batch& batch) const;

  memory_kv seen_;                  ///< what reads answer
  std::vector<kv_batch> undo_;      ///< takes back each commit that answered ok and is not synced
  std::optional<kv_batch> hidden_;  ///< answered an error, and will be there after the restart
  std::uint64_t fail_in_ = 0;       ///< commits until the planned failure; 0: none planned
  outcome fail_as_ = outcome::lost;
  errc fail_code_ = errc::io;
  std::uint64_t commits_ = 0;
  bool full_ = false;
  bool failed_ = false;
  std::atomic<bool> reads_fail_ = false;
};

}  // namespace tally
