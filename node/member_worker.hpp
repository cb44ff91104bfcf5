#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "sync/member_queue.hpp"

namespace tally {

/// One thread that does what it is given, in order, and looks after things once a second.
///
/// At most `waiting_max` pieces of work wait; `post` refuses more. The destructor drops what waits and joins.
class member_worker final : public member_queue {
public:
  static constexpr std::size_t waiting_max = 1'000;

  member_worker() = default;
  ~member_worker() override { member_worker::stop(); }
  member_worker(const member_worker&) = delete;
  member_worker& operator=(const member_worker&) = delete;

  void start(std::function<void()> every_second) override;
  void stop() override;
  bool post(std::function<void()> work) override;
  void post_answer(std::function<void()> work) override;

private:
  void run();

  std::function<void()> every_second_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tally
