#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "actors/facade.hpp"
#include "sync/reexecution.hpp"

namespace tally {

/// Head office's second look (sync/reexecution.hpp) on a thread of its own, which takes at most half of one processor:
/// a step of `at_once` entries, its notes durable, then a rest as long as the step took, or a second when all was
/// looked at. The destructor waits for the step under way.
class reexecutor {
public:
  static constexpr std::size_t at_once = 2'000;
  struct parts {
    const kv_store& store;
    /// Makes notes durable together, then calls `done`; on any thread.
    std::function<void(reexecution::notes, std::function<void()> done)> keep;
    std::function<void(errc, const std::string&)> log;
  };
  explicit reexecutor(parts with);
  ~reexecutor() { stop(); }
  reexecutor(const reexecutor&) = delete;
  reexecutor& operator=(const reexecutor&) = delete;

  void stop();
  /// Null until the first step. Any thread.
  std::shared_ptr<const reexecution_report> report() const { return report_.load(); }
  /// As `reexecution::acknowledge`, between two steps; `done` is called once, on the look's thread or the caller's, and
  /// what it says is durable. Errors besides: busy (`asked_max` wait, or this ends).
  void acknowledge(const writer_id& writer, sequence seq, std::string reason, unix_seconds now,
                   std::function<void(status)> done);
  static constexpr std::size_t asked_max = 100;

private:
  void run();
  /// False when it is to end.
  bool step(reexecution& look);
  bool keep(reexecution::notes notes);
  bool rest(std::chrono::milliseconds time);
  bool take_asked(reexecution& look);
  void publish(const reexecution& look);

  parts with_;
  std::atomic<std::shared_ptr<const reexecution_report>> report_;
  std::uint64_t logged_ = 0;  ///< the number of the next difference that is not in the log yet
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  struct asked {
    writer_id writer;
    sequence seq{};
    std::string reason;
    unix_seconds now{};
    std::function<void(status)> done;
  };
  std::vector<asked> asked_;
  std::thread thread_;
};

}  // namespace tally
