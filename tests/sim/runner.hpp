#pragma once
#include "sim/world.hpp"

namespace tally::sim {

struct run_result {
  std::string why;          ///< empty: all held
  std::string last_events;  ///< only after a failure: the plan and the newest events
  tally_of_run counted;
};

/// Runs one seed. After a failure it is run once more with its events recorded. `verbose`: every event goes to stdout.
run_result run_seed(std::uint64_t seed, bool verbose = false);
/// The same with a plan of one's own.
run_result run_plan(const plan& p, bool verbose = false);

}  // namespace tally::sim
