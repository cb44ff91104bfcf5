#pragma once
#include "node/cmd.hpp"

namespace tally::cmd {

/// As `fail`, for a file or a value that the command line names: whatever is wrong with it, the status is `exit_usage`.
inline int fail_file(const error& e) { return fail(exit_usage, e.detail.empty() ? errc_text(e.code) : e.detail); }

}  // namespace tally::cmd
