#pragma once
#include <optional>

#include "ledger/decide.hpp"
#include "sync/message.hpp"

namespace tally {

/// When a region tells its parent how the nodes below it stand: at once when a link goes up or down, at most once a
/// second; the growth of journals at most every 5 s; and every minute that somebody was heard of.
///
/// Pure. One owner thread. Holds what was told last, at most `heads_max` items; more are not told.
class below_reporter {
public:
  static constexpr tick_ms links_ms = 1'000, entries_ms = 5'000, contact_ms = 60'000;

  /// The message to send now, if any. While the parent is away nothing is told, and everything when it is back.
  std::optional<below_message> due(below_message known, bool parent_up, tick_ms now);

private:
  std::optional<below_message> told_;
  tick_ms told_at_ = 0;
};

}  // namespace tally
