#pragma once
#include <cstdint>

#include "ledger/entry.hpp"

namespace tally {

// Topics of head office's directory that a store may leave out of its copy. Everything else is needed by every node:
// certificates, revocations, closings, rules, limits, cards and their states, batches, rulings, erasures.

/// Bits: what a store says in its greeting that it does not need. Numbers are for ever.
using topic_set = std::uint32_t;
/// Products that are sold by the piece, and in no version by amount: for a store whose own tills know the goods.
inline constexpr topic_set topic_goods = 1, topics_known = topic_goods;

/// A `topic_run` is followed by so many entries of its topic in the directory. A shorter run is not worth the word.
inline constexpr std::uint64_t topic_run_min = 16, topic_run_max = 1'024;

/// `malformed` unless topic and size are those of a run. Whether what follows is of that topic, whoever holds it
/// checks.
status check_topic_run(const entry& e);

}  // namespace tally
