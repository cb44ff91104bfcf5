#include "actors/committer.hpp"

namespace tally {

committer::committer(kv_store& store, std::function<void(const status&)> done)
    : store_(store), done_(std::move(done)), thread_([this] { run(); }) {}

committer::~committer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void committer::submit(kv_batch batch) {
  {
    std::lock_guard lock(mutex_);
    invariant(!next_, "one batch at the committer");
    next_ = std::move(batch);
  }
  wake_.notify_one();
}

void committer::run() {
  for (;;) {
    kv_batch batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return next_ || stopping_; });
      if (!next_) return;
      batch = std::move(*next_);
      next_.reset();
    }
    done_(store_.commit(batch, true));
  }
}

}  // namespace tally
