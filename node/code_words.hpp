#pragma once
#include <cstdint>
#include <string>

#include "ledger/programme.hpp"

namespace tally {

/// What a member reads: the code, what it is good for, where, and for how long.
std::string code_text(language words, const std::string& code, const std::string& sum, const std::string& store,
                      std::int64_t minutes);

}  // namespace tally
