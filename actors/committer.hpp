#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "storage/kv.hpp"

namespace tally {

/// The thread that waits for the disk. One batch at a time: the ledger decides the next group meanwhile.
///
/// `done` runs on this thread after the batch is durable, or failed; it must be quick (it sends a message). The
/// destructor finishes
/// the batch under way and joins. A failure is *unknown* to the ledger; nothing more is written afterwards.
class committer {
public:
  committer(kv_store& store, std::function<void(const status&)> done);
  ~committer();
  committer(const committer&) = delete;
  committer& operator=(const committer&) = delete;

  /// REQUIRES: the one before was reported as done.
  void submit(kv_batch batch);

private:
  void run();

  kv_store& store_;
  std::function<void(const status&)> done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<kv_batch> next_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tally
