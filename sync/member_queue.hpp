#pragma once
#include <functional>
#include <memory>

#include "ledger/result.hpp"

namespace tally {

/// Where members' work is done: what is given is done in order, by one at a time, and things are looked after once a
/// second. In a node a thread of its own (node/member_worker.hpp); in the simulator an event.
class member_queue {
public:
  virtual ~member_queue() = default;
  /// Begins; `every_second` between the pieces of work.
  virtual void start(std::function<void()> every_second) = 0;
  /// What waits is dropped. When it returns, nothing runs any more.
  virtual void stop() = 0;
  /// False: too many wait, or it was stopped.
  virtual bool post(std::function<void()> work) = 0;
  /// What the node answers must not be lost: it is bounded by what was asked.
  virtual void post_answer(std::function<void()> work) = 0;
  /// `work` with a question's answer to give; a question too many is answered `busy` at once.
  template <class Answer>
  void ask(Answer done, std::function<void(const Answer&)> work) {
    auto shared = std::make_shared<Answer>(std::move(done));
    if (!post([shared, work = std::move(work)] { work(*shared); }))
      (*shared)(error{errc::busy, "too many questions about members wait"});
  }
};

}  // namespace tally
