#pragma once
#include <string_view>

namespace tally {

/// A reason that somebody gives for what he does: one line of UTF-8 with something to read in it, not blanks alone.
bool is_reason(std::string_view text);

}  // namespace tally
