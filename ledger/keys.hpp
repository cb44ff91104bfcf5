#pragma once
#include "ledger/state.hpp"

namespace tally {

// Which requests of a terminal were executed: for each writer and terminal the last `key_window` counters, so that what
// is kept does not grow with trade.
//
// In cells the counters lie in blocks of 16: the block of the newest in `last_counter`, which one entry in sixteen
// moves on, and those before it in `answered`, 64 cells of each terminal that are used in turn. Octets:
// storage/FORMAT.md.

/// Counters this much or more below the newest are refused, and contested when somebody wrote them anyway.
constexpr std::uint64_t key_window = 1000;
constexpr std::uint64_t key_block = 16, key_blocks = 64;
static_assert(key_block * (key_blocks - 1) >= key_window, "a window lies in as many blocks, wherever it begins");

/// Sequences of the entries that answered the counters of one block.
struct key_answers {
  std::uint16_t used = 0;  ///< bit i: counter block × 16 + i
  std::array<sequence, key_block> seq{};
};
bytes encode_answers(const key_answers& a);
/// Nothing if `encode_answers` does not make it.
std::optional<key_answers> decode_answers(byte_view data);

}  // namespace tally
