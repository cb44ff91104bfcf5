#pragma once
#include <functional>

#include "sim/runner.hpp"

namespace tally::sim {

/// A failing plan made smaller: fewer stores, cards and hours, fewer kinds of trouble, as long as the same guarantee
/// is broken. Each step is a whole run and another weather, since each choice shifts the dice: it is tried, not known.
struct reduced {
  plan how;
  run_result result;
  unsigned runs = 0;  ///< that were needed
};
/// `runs_max`: bound of the search. `each`: called before every run, for a line of progress.
reduced reduce(const plan& failing, const run_result& result, unsigned runs_max,
               const std::function<void(unsigned run, const plan& best)>& each = {});

/// What was broken, without the numbers that differ from run to run.
std::string kind_of_failure(std::string_view why);

}  // namespace tally::sim
