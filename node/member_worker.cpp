#include "node/member_worker.hpp"

#include <chrono>

namespace tally {

void member_worker::start(std::function<void()> every_second) {
  every_second_ = std::move(every_second);
  thread_ = std::thread([this] { run(); });
}

void member_worker::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
  waiting_.clear();
}

bool member_worker::post(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= waiting_max) return false;
  waiting_.push_back(std::move(work));
  wake_.notify_one();
  return true;
}

void member_worker::post_answer(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  if (stopping_) return;
  waiting_.push_back(std::move(work));
  wake_.notify_one();
}

void member_worker::run() {
  using clock = std::chrono::steady_clock;
  auto due = clock::now();
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait_until(lock, due, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    std::function<void()> work;
    if (!waiting_.empty()) {
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    lock.unlock();
    if (work) work();
    if (clock::now() < due) continue;
    every_second_();
    due = clock::now() + std::chrono::seconds(1);
  }
}

}  // namespace tally
