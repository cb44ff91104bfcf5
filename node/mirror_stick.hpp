#pragma once
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "sync/mirror.hpp"

namespace tally {

/// A mirror's files in the directory where `ship --from` looks for them (node/stick.hpp). A directory that is not there
/// is not made: it may be a stick that was taken out.
class mirror_stick final : public mirror_medium {
public:
  /// `data`: the node's own data, to notice that the mirror lies on the same disk. A mark in it remembers that the
  /// mirror was on another one: after a start without the stick, its mount point is the data's own disk.
  mirror_stick(std::filesystem::path dir, std::filesystem::path data, const std::string& chain, node_id self);
  status each(const std::function<void(bytes)>& take) override;
  status begin() override;
  status add(std::uint32_t number, byte_view data) override;
  status finish() override;
  status check() override;
  void abandon() override;
  /// `what` is done before each access to the disk that may take long: whoever waits sees that it goes on.
  void on_access(std::function<void()> what) { on_access_ = std::move(what); }
  bool on_same_disk() const { return same_disk_.load(); }  ///< as it was last seen; any thread

private:
  /// Of the file that was added last: its size, and its beginning, in which its shipment and number stand.
  struct known_file {
    std::uint32_t number = 0;
    std::uint64_t size = 0;
    bytes head;
  };
  status look();
  status on_its_disk();
  status check_last(const std::filesystem::path& in) const;
  void note_elsewhere();
  std::filesystem::path dir_, data_, place_, fresh_;
  std::string chain_;
  bool begun_ = false, was_elsewhere_ = false, marked_ = false;
  std::optional<known_file> last_;
  std::function<void()> on_access_ = [] {};
  std::atomic<bool> same_disk_ = false;
};

/// A mirror on a thread of its own: looks for new entries once a second, and after an error in 2 seconds, then 4, up to
/// a minute. The destructor waits for the call to the disk that is under way, so it is the last thing to be ended.
class live_mirror {
public:
  struct parts {
    const kv_store& store;
    const signer& keys;
    std::map<epoch_id, const signer*> older;  ///< keys that the node had before, which outlive this
    const verifier& with;
    std::string chain;
    public_key root{};
    node_role role{};
    std::function<writer_id()> self;  ///< any thread
    std::function<unix_seconds()> wall;
    std::function<tick_ms()> tick;
    entropy& random;
    std::function<void(errc, const std::string&)> log;  ///< any thread; once when it begins to fail
    std::filesystem::path dir, data;
    mirror_limits limits;
  };
  struct state {
    mirror_report report;
    bool same_disk = false;
    std::optional<tick_ms> busy_since{};  ///< a call to the disk is under way
  };
  explicit live_mirror(parts with);
  ~live_mirror();
  live_mirror(const live_mirror&) = delete;
  live_mirror& operator=(const live_mirror&) = delete;
  /// Never null; with what there is to say about a call to the disk that does not return. Any thread.
  std::shared_ptr<const state> now() const;
  tick_ms tick() const { return with_.tick(); }
  const std::filesystem::path& where() const { return with_.dir; }

private:
  void run();
  status step();
  void publish(std::optional<tick_ms> busy_since);

  parts with_;
  certificate_book book_;  ///< of the thread: the station's own belongs to another one
  mirror_stick stick_;
  mirror mirror_;
  mirror_report last_;  ///< of the thread
  std::atomic<std::shared_ptr<const state>> state_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tally
