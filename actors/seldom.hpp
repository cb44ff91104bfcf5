#pragma once
#include <map>
#include <string>

#include "ledger/types.hpp"

namespace tally {

/// Lets the same line through not more often than once a minute, so that what goes wrong three times a second does not
/// fill a log. One thread.
class seldom {
public:
  static constexpr tick_ms apart_ms = 60'000;
  static constexpr std::size_t lines_max = 64;  ///< that it remembers
  bool due(const std::string& line, tick_ms now) {
    if (auto it = said_.find(line); it != said_.end() && now < it->second + apart_ms) return false;
    if (said_.size() >= lines_max) std::erase_if(said_, [&](const auto& s) { return now >= s.second + apart_ms; });
    if (said_.size() >= lines_max && said_.count(line) == 0) return false;
    said_[line] = now;
    return true;
  }

private:
  std::map<std::string, tick_ms> said_;
};

}  // namespace tally
