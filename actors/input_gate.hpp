#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>

#include "ledger/types.hpp"

namespace tally {

/// Bounds what a device's thread has handed to its actor and the actor has not worked through: a device that never
/// stops sending is read no faster than it is understood.
///
/// `admit` waits while `waiting_max` pieces (of at most 4 KiB each, as drivers read) are under way, `patience` at most;
/// then the piece is dropped, so that a driver's thread always ends in time. A piece counts until its last owner lets
/// go of it, also when the actor ends with it in its mailbox. Any thread.
class input_gate : public std::enable_shared_from_this<input_gate> {
public:
  static constexpr std::size_t waiting_max = 64;
  static constexpr std::chrono::milliseconds patience{1000};

  /// Null: it was dropped.
  std::shared_ptr<const bytes> admit(std::string data) {
    {
      std::unique_lock lock(mutex_);
      if (!left_.wait_for(lock, patience, [this] { return waiting_ < waiting_max; })) {
        dropped_ = true;
        return nullptr;
      }
      ++waiting_;
    }
    return {new bytes(std::move(data)), [gate = shared_from_this()](const bytes* piece) {
              delete piece;
              gate->leave();
            }};
  }

  /// Whether a piece was dropped since the last call.
  bool take_dropped() { return dropped_.exchange(false); }

private:
  void leave() {
    {
      const std::lock_guard lock(mutex_);
      --waiting_;
    }
    left_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable left_;
  std::size_t waiting_ = 0;
  std::atomic<bool> dropped_{false};
};

}  // namespace tally
