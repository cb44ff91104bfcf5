#pragma once
#include "node/config.hpp"
#include "node/ticket.hpp"

namespace tally {

/// What the sections [printer] and [receipt] mean for receipts; reads the logo. Errors: `bad_config` naming the key,
/// for two printers at once, an unreadable logo, one that is wider than the paper or too large for a ticket.
result<receipt_layout> make_receipt_layout(const node_config& config);

}  // namespace tally
