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

private:
  void run();
  /// False when it is to end.
  bool step(reexecution& look);
  bool keep(reexecution::notes notes);
  bool rest(std::chrono::milliseconds time);
  void publish(const reexecution& look);

  parts with_;
  std::atomic<std::shared_ptr<const reexecution_report>> report_;
  std::size_t logged_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tally
