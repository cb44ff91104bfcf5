#pragma once
#include <string_view>

#include "ledger/types.hpp"

namespace tally {

/// What the ledger and the network know of a card number: 16 octets of BLAKE2b, so that journals and directories can
/// travel without numbers in them.
///
/// The chain's name keeps equal numbers of two chains apart. A number has few digits, so whoever holds a directory can
/// try them all: the digest hides numbers from view, and is no secret. Pure; the same for every node of a chain.
bytes medium_of(std::string_view chain, std::string_view number);

}  // namespace tally
