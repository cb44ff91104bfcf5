#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "ledger/result.hpp"

namespace tally {

/// One thread that does what it is given, in order, and looks after things once a second.
///
/// At most `waiting_max` pieces of work wait; `post` refuses more. The destructor drops what waits and joins.
class member_worker {
public:
  static constexpr std::size_t waiting_max = 1'000;

  member_worker() = default;
  ~member_worker() { stop(); }
  member_worker(const member_worker&) = delete;
  member_worker& operator=(const member_worker&) = delete;

  void start(std::function<void()> every_second);
  void stop();
  bool post(std::function<void()> work);
  /// `work` with a question's answer to give; a question too many is answered `busy` at once.
  template <class Answer>
  void ask(Answer done, std::function<void(const Answer&)> work) {
    auto shared = std::make_shared<Answer>(std::move(done));
    if (!post([shared, work = std::move(work)] { work(*shared); }))
      (*shared)(error{errc::busy, "too many questions about members wait"});
  }
  /// What an actor answers must not be lost: it is bounded by what was asked.
  void post_answer(std::function<void()> work);

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
