#include "ledger/topics.hpp"

namespace tally {

status check_topic_run(const entry& e) {
  if (e.topic != publish_topic::product) return error{errc::malformed, "a run of that topic"};
  if (e.size == 0 || e.size > topic_run_max)
    return error{errc::malformed,
                 "a run of " + std::to_string(e.size) + " entries; 1 to " + std::to_string(topic_run_max)};
  return done();
}

}  // namespace tally
