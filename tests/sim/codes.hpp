#pragma once
#include <map>

#include "sync/code_box.hpp"
#include "sync/outbox.hpp"

namespace tally::sim {

constexpr amount pin_above = 400;   ///< where cards have PINs
constexpr amount code_above = 500;  ///< and one-time codes

/// One-time codes of a chain: head office's outbox, and the disk that it is on; what waits at each store, until it
/// crashes; what people read on their telephones.
struct sim_codes {
  outbox office;
  std::map<node_id, code_box> at;
  std::map<std::pair<node_id, account_id>, std::string> texts;  ///< the newest, of a store and card
};

}  // namespace tally::sim
