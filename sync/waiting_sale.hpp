#pragma once
#include <set>
#include <vector>

#include "sync/station_io.hpp"

namespace tally {

/// A till's request that waits in its station until rights come, or until nobody waits any more.
struct waiting_sale {
  till_request request;
  tally::amount before{};
  std::vector<std::uint64_t> joined;  ///< later requests with the same key and content: answered together
  std::set<std::uint64_t> needs;      ///< asks that are not at their end
  bool unanswered = false;            ///< one of them ended without the parent's word
  tally::amount part = 0;             ///< of its money, what was said to lie elsewhere, be it that not all were asked
  tick_ms returns_due = 0;            ///< instead: it waits so long for what others gave back of a sale; 0: it does not
};

/// One of the asks of such a sale.
struct sale_need {
  std::uint64_t waiting{};  ///< own request id
  std::uint32_t purse{};
};

}  // namespace tally
