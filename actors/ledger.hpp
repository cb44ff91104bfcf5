#pragma once
#include <unordered_map>

#include "actors/committer.hpp"
#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "sync/below_report.hpp"

namespace tally {

/// What the ledger actor owns. All decisions are the station's; this carries inputs in and effects out.
struct ledger_state {
  static inline const char* name = "ledger";
  std::unique_ptr<tally::station> station;
  std::unique_ptr<committer> disk;
  node_context* context = nullptr;
  std::shared_ptr<std::atomic<std::shared_ptr<const node_snapshot>>> snapshot;
  std::shared_ptr<const catalogue> rules;  ///< copy for readers, made anew when the rules change
  std::unordered_map<std::uint64_t, std::shared_ptr<ledger_job>> waiting;  ///< at most the station's queue bounds
  std::uint64_t next_request = 1;
  std::uint64_t generation = 0;  ///< of streams and nodes, as last told to the links
  std::int64_t exposure_days = 7;
  tick_ms below_due = 0, time_due = 0;
  tally::amount own_exposure{};
  std::vector<node_snapshot::remote> below;
  std::shared_ptr<const node_snapshot::case_list> cases = std::make_shared<node_snapshot::case_list>();
  below_reporter reporter;
  errc stopped_told = errc::ok;
};

/// Serialises changes to this node's ledger, with group commit: decides into the open group while the committer's
/// thread waits for the
/// disk, and lets nothing out before it is durable. A single request, with nothing else to do, is committed here: the
/// hops to that thread and back would cost it a third of its time.
///
/// Takes: job_message, task_message, commit_message (from the committer), tick_message, stop_message. A failed commit
/// is fatal: the
/// process ends, and answers the same request number from its ledger after the restart.
caf::behavior ledger(caf::stateful_actor<ledger_state>* self, std::shared_ptr<std::unique_ptr<tally::station>> station,
                     node_context* context, std::shared_ptr<std::atomic<std::shared_ptr<const node_snapshot>>> snapshot,
                     std::int64_t exposure_days);

}  // namespace tally
