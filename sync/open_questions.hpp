#pragma once
#include <cstddef>
#include <utility>

#include "ledger/types.hpp"

namespace tally {

/// How long a desk waits for head office's answer, and how many questions it has open: beyond that it asks nothing.
inline constexpr unix_seconds answer_wait = 3;
inline constexpr std::size_t questions_max = 256;

/// Ends the questions that head office has not answered in time, and tells each who waited. A clock that was set back
/// ends them too. `questions` is a map to what has `since` and `who`; `tell` may ask anew.
template <class Questions, class Tell>
void end_late_questions(Questions& questions, unix_seconds now, Tell tell) {
  for (auto it = questions.begin(); it != questions.end();) {
    if (now - it->second.since < answer_wait && now >= it->second.since) {
      ++it;
      continue;
    }
    auto late = std::move(it->second.who);
    it = questions.erase(it);
    for (const auto& done : late)
      tell(done);
  }
}

}  // namespace tally
