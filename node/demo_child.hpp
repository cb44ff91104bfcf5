#pragma once
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ledger/result.hpp"

namespace tally {

/// A process that the demo started. It dies with the demo, even when the demo is killed: so `start` must be called on a
/// thread that lives as long as the child shall (Linux ties that to the thread, not to the process). One owner thread.
class demo_child {
public:
  /// Runs `program` with `arguments`; output is appended to `out`, mode 0600. REQUIRES: !running(). `io`.
  status start(const std::filesystem::path& program, const std::vector<std::string>& arguments,
               const std::filesystem::path& out);

  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  /// Harmless when it does not run.
  void signal(int number) const;
  /// How it ended, once, if it did since the last call: "with status 2", "by signal 9".
  std::optional<std::string> reap();
  /// SIGTERM, and SIGKILL when it is still there after `patience`. Returns when it is gone.
  void stop(std::chrono::milliseconds patience);

private:
  pid_t pid_ = -1;
};

}  // namespace tally
