#pragma once
#include <vector>

#include "node/admin_client.hpp"
#include "node/log_data.hpp"
#include "node/stick.hpp"
#include "sync/station_io.hpp"

namespace tally {

/// Hands messages to the running node and waits until they are durable; again for a few seconds when it is busy. At
/// most `carried_max` messages. A refusal of the whole comes back as its error.
result<carried_answer> carry_to(const admin_client& node, const std::vector<message>& what);

struct take_outcome {
  bool any = false;      ///< a file of it was read
  bool refused = false;  ///< something was, and was told
  std::vector<cosign_message> cosigned;
};

/// Takes one shipment from a stick, file by file, and tells on standard output what was new and what was refused. A
/// file that is damaged, missing or somebody else's ends it there. Errors: the sender is a stranger; the node does
/// not answer; the node was found to be an old copy.
result<take_outcome> take_shipment(const admin_client& node, const stick_shipment& from, const certificate_book& book,
                                   const log_data& data);

}  // namespace tally
