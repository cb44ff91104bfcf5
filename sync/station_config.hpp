#pragma once
#include <optional>
#include <string>

#include "sync/keys.hpp"
#include "sync/observer.hpp"
#include "sync/renewal.hpp"
#include "sync/sweeper.hpp"

namespace tally {

/// Bounds and habits of one station.
struct station_config {
  std::string chain;
  node_id self;
  node_role role{};
  std::uint32_t customer_wait_ms = 1'500;   ///< longest that a till waits for rights from elsewhere
  std::size_t urgent_max = 4'096;           ///< till requests and asks that wait for a decision, then `busy`
  std::size_t bulk_max = 256;               ///< segments and head office's batches that wait, then `busy`
  tick_ms batch_ms = 0;                     ///< so long an own entry waits for others to travel with
  tick_ms cosign_wait_ms = 10'000;          ///< how soon a missing cosignature of head office is asked for
  std::uint64_t reserve_bytes = 64u << 20;  ///< below this much free disk: new business is refused with `full`
  std::uint64_t checkpoint_every =
      observer::checkpoint_entries_max;  ///< entries between checkpoints of what is observed
  // Head office: how long an epoch whose end is not all here waits before it is closed, and how many business days the
  // value that lay there then stays in doubt. What is all here is closed and granted anew at once.
  tick_ms close_wait_ms = 24 * 3'600'000;
  std::uint32_t doubt_days = 7;
  unix_seconds certificate_s = unix_seconds{365} * 86'400;  ///< head office: how long a renewed certificate is good
  std::optional<next_keys> next;                            ///< new keys of this node that wait for their certificate
  sweep_limits sweep;
  // Head office: what its outbox is to tell members of cards (sync/notice.hpp).
  bool notice_levels = false;
  std::uint32_t notice_fee_days = 0;  ///< so many days before the first fee, at most `fee_notice_days_max`; 0: never
  /// So many days before units of a month expire, at most `expiry_notice_days_max`; 0: never.
  std::uint32_t notice_expiry_days = 0;
  /// Head office: what is ruled about uses of a card that was lost; nothing: operators rule.
  std::optional<ruling_outcome> used_lost;
  /// How long such a case is open before that: what its store takes back meanwhile is none any more.
  tick_ms used_lost_wait_ms = 3'600'000;
  /// Contested entries of one node without a ruling from which on nothing is sent to it; 0: whatever happens.
  std::uint64_t quarantine_after = 0;
  /// Region after a start: so long after its parent's word it waits for children that are not there (`is_sure`).
  tick_ms sure_wait_ms = 120'000;
  topic_set skips = 0;                 ///< store: topics of head office's directory that it leaves out of its copy
  const curve_key* letters = nullptr;  ///< this node's own, outlives it: seals letters about goods; null: none are sent
  tick_ms detour_after_ms = 0;  ///< store: so long without its parent, and it goes to head office itself; 0: never
};

}  // namespace tally
