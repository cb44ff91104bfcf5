#pragma once
#include <map>

#include "node/identity.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/renewal.hpp"

namespace tally {

// New keys of a node. They are made in `keys/next` and lie there until head office has certified them; then they take
// the place of the old ones, which stay as `signing.key.SERIAL`: what the old epoch wrote and nobody has yet is signed
// with them. Each step is one renamed file and may be repeated, so a power cut between any two of them costs nothing.

/// Makes new keys, or gives those that wait already. Durable on return. With `same_door` (a region) the CURVE key
/// stays: the nodes below find it by that.
result<next_keys> make_next_keys(const data_layout& at, bool same_door, entropy& random);
/// Those that wait; `not_found` when there are none.
result<next_keys> read_next_keys(const data_layout& at);
/// Puts the waiting keys in the place of the old ones if the newest certificate in the book is theirs; does nothing
/// otherwise. The old ones are put aside under the serial of the newest certificate that names them.
status adopt_next_keys(const data_layout& at, const certificate_book& book, node_id self);
/// Keeps the newest certificate of this node beside its keys, and gives it to a book that has an older one: a database
/// that is restored from before a change of keys does not know them. What does not verify is left out.
status keep_certificate(const data_layout& at, const certificate_book& book, node_id self);
status read_kept_certificate(const data_layout& at, certificate_book& book);
/// The keys that the node had before, by the epoch that their certificate names.
std::map<epoch_id, std::unique_ptr<const signer>> older_keys(const data_layout& at, const certificate_book& book,
                                                             node_id self);

}  // namespace tally
