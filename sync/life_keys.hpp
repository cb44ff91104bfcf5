#pragma once
#include <vector>

#include "ledger/entry.hpp"
#include "sync/certificate.hpp"

namespace tally {

class state;

/// The keys that may have signed a stream which comes from elsewhere. As `certificate_book::keys_for`, but where no
/// certificate names the writer's epoch, a key that was retired before that epoch can have begun is none: whoever
/// copied the disk of a node that has new keys since begins no life with the old one. Of a life that began under
/// keys that were revoked since these count all the same: its end comes late, off a disk or by a region that was dark,
/// when another machine has the node's place. `journals`: what is known of
/// journals here, `directory`: of the directory. `first`: the first entry of the journal when it is among what came,
/// else null. Pure; any thread that may read both.
std::vector<public_key> keys_of_life(const certificate_book& book, const state& journals, const state& directory,
                                     const stream_id& id, const entry* first);

/// Of a stream that is held here, whose newest head says which one it was: the keys of the certificate that names the
/// writer's epoch, else every key that the node ever had, the newest first.
std::vector<public_key> keys_of_held(const certificate_book& book, const writer_id& writer);

}  // namespace tally
