#pragma once
#include "ledger/types.hpp"

namespace tally {

/// SHA-256 (FIPS 180-4) by OpenSSL, which uses the processor's SHA instructions where there are any.
///
/// Any thread may call these; each keeps one hash context of its own, because making one per hash costs more than
/// the hash. They cannot fail for want of input; a broken crypto library stops the process.
hash256 sha256(byte_view data);

/// RFC 9162 §2.1.1: hash of a leaf, SHA-256(0x00 ‖ entry). The prefix keeps leaves and nodes apart.
hash256 merkle_leaf(byte_view entry);

/// RFC 9162 §2.1.1: hash of an interior node, SHA-256(0x01 ‖ left ‖ right).
hash256 merkle_node(const hash256& left, const hash256& right);

}  // namespace tally
