#pragma once
#include <filesystem>
#include <optional>

#include "ledger/types.hpp"

namespace tally {

// `tallystick ship` and `rescue`: the journals and streams of nodes on a stick, with the proofs of a link.
//
// On the stick: tallystick/<chain>/<from>-to-<to>/00001.parcel … (storage/FORMAT.md, "Parcels"). One shipment of a pair
// replaces the one before, as a whole. All functions print what they did and answer the exit status.

struct ship_options {
  std::filesystem::path data, stick, key_file;
  std::uint32_t node = 0;   ///< the other side; 0: the parent, or (when taking) whoever wrote to this node
  bool everything = false;  ///< from the beginning, whatever is known of the receiver
  bool answer = true;       ///< after taking: write back what the sender lacks
};

/// Writes what `node` lacks. Reads the data directory only, so the node may run or be stopped; a running node is
/// asked for its cosignatures as well, a stopped one gives none. Status: 0 written; 1 refused; 2 data or stick could
/// not be read or written.
int cmd_ship_to(const ship_options& o);

/// Takes what the stick has for this node, through the node that runs: as from a link, it verifies first, answers
/// when it is durable, and goes on selling meanwhile. Then writes the answer: cosignatures, and what the sender
/// lacks. Status: 0 all taken or held already; 1 something was refused, or the answer could not be written; 2 the
/// stick could not be read; 3 the node does not run.
int cmd_ship_from(const ship_options& o);

/// As `cmd_ship_to` from the disk of a PC that is dead, read only: `data` is its data directory. Own entries that were
/// never signed are signed now with the key that lies there (or `key_file`). Status as there, and 1 when such entries
/// are left behind because no key can be read.
int cmd_rescue(const ship_options& o);

}  // namespace tally
