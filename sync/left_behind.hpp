#pragma once
#include <optional>
#include <vector>

#include "ledger/result.hpp"
#include "storage/kv.hpp"
#include "storage/streams.hpp"
#include "sync/message.hpp"

namespace tally {

/// Entries of a node that others may not have. Of an earlier life: it went on from an old copy, or a second machine
/// with its key wrote other entries under the same numbers, and nobody had acknowledged these. Of one that retired:
/// what it wrote behind the end of its books, before it heard of that.
struct left_behind {
  stream_id journal;
  std::uint64_t from = 0, size = 0;  ///< entries [from, size), of which only those before a copy may lie elsewhere
  std::uint64_t of_tills = 0;        ///< of them, what tills did: sales, top-ups, cards and what took them back
  bool retired = false;              ///< behind the end of its books: head office takes them as cases, by whatever road
};

/// How much of an own journal whoever cosigned it holds, byte for byte as it is here; 0 when that is another one.
std::uint64_t held_by(const stream_reader& reader, const stream_id& own, const std::optional<cosign_message>& by);

/// All of them, from the database alone. What went astray is known from the node's own marks (station_facts.hpp); where
/// it began nobody says, so all behind the newest cosignature over these entries is named. Where books end is known
/// from the directory. Pure but for reads. Errors: io, corrupt.
result<std::vector<left_behind>> left_behind_of(const kv_store& store, node_id self);

}  // namespace tally
