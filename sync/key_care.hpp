#pragma once
#include <optional>
#include <set>

#include "sync/message.hpp"

namespace tally {

/// What a station knows of its own keys and copies, and of its children's (station_keys.cpp, station_epochs.cpp). In
/// memory alone, but for what the database says of them.
struct key_care {
  std::set<node_id> expired;  ///< children whose certificate's time is over
  tick_ms due = 0, renew_due = 0, renew_wait = 0;
  tick_ms time_tick = 0;                ///< of head office's newest time
  std::int64_t alarm_day = 0;           ///< of the newest alarm about the own certificate
  std::optional<tick_ms> unread_since;  ///< since when what the parent signs does not fit the keys that are known of it
  /// A region signs with new keys before all below it have heard of them: whether to wait for that news still. It comes
  /// over the same link, so minutes are long.
  bool awaits_keys(tick_ms now) {
    if (!unread_since) unread_since = now;
    return now < *unread_since + tick_ms{10} * 60'000;
  }
  bool outlawed = false;               ///< the keys of this node were revoked, and it knows
  tick_ms fetch_due = 0;               ///< when what was left out of the directory is asked for again
  tick_ms fetch_wait = 0;              ///< for the answer; doubles while none comes
  tick_ms fetch_alarm_due = 0;         ///< when a wrong answer may be named again
  tick_ms letter_alarm_due = 0;        ///< when a letter that does not open may be named again
  std::optional<tick_ms> fetch_since;  ///< so long it was asked for, and nothing came
  std::optional<tick_ms> outdated_at;  ///< since when it is known that nodes below hold more of its streams
};

/// Waiting for head office's cosignature over the own journal (station_ingest.cpp).
struct cosign_chase {
  std::uint64_t size = 0;  ///< what is waited for
  tick_ms due = 0, wait = 0;
  tick_ms held_more = 0;  ///< entries travel so much later than configured
};

}  // namespace tally
