#pragma once
#include "ledger/state.hpp"

namespace tally {

// Lives of a node, as head office decides about them. A later epoch starts with nothing; what lay at the one before is
// head office's to grant anew once it has closed it. All of this is state that follows from entries: `apply` and
// `apply_directory` put it, everybody reads it. Pure; one owner thread, as the state.

/// What a `close_epoch` said.
struct closing {
  std::uint64_t size{};    ///< entries that head office held when it closed the epoch
  hash256 root{};          ///< of its journal at that size
  std::uint64_t proven{};  ///< entries that somebody proved: beyond `size`, something is lost or still on its way
  epoch_id successor;      ///< the epoch that trades now; zero while there is none
  std::uint32_t day{};     ///< business date of the closing
  bool complete() const { return size >= proven; }
  friend bool operator==(const closing&, const closing&) = default;
};
std::optional<closing> closing_of(const state& s, const writer_id& w);
/// Puts it, and moves the directory's record of the node (if there is one) on to the successor.
void put_closing(state& s, const writer_id& w, const closing& c);

/// What a `revoke` said: entries of the epoch from `size` on count for nothing, certificates up to `serial` are void.
struct revoking {
  std::uint64_t size{}, serial{};
};
/// Size of a revocation that voids certificates only.
constexpr std::uint64_t every_entry = INT64_MAX;
std::optional<revoking> revoking_of(const state& s, const writer_id& w);
void put_revoking(state& s, const writer_id& w, const revoking& r);
/// Where the books of a life end whose node retired: revoked there, and closed with nothing beyond it.
std::optional<std::uint64_t> retired_at(const state& s, const writer_id& w);

/// What head office ruled about a contested entry; the first ruling stands.
std::optional<ruling_outcome> ruling_of(const state& s, const writer_id& w, sequence seq);
void put_ruling(state& s, const writer_id& w, sequence seq, ruling_outcome outcome);

/// What the first entry of an epoch says of the one before.
struct heritage {
  epoch_id before;
  std::uint64_t proven{};
  friend bool operator==(const heritage&, const heritage&) = default;
};
/// As `proven`: nobody can say how long the life before was.
inline constexpr std::uint64_t unknown_end = UINT32_MAX;
std::optional<heritage> heritage_of(const state& s, const writer_id& w);
void put_heritage(state& s, const writer_id& w, const heritage& h);

/// Puts what a certificate says of a node: its epoch is the last successor if that epoch was closed since, and parents
/// that an earlier certificate named stay known as former ones.
void certify_node(state& s, node_id node, node_record r);

/// True if value may go from one node to the other: parent and child, now or formerly, or head office to anybody.
/// False while the directory does not know enough.
bool are_neighbours(const state& directory, node_id from, node_id to);

/// A receiver takes no more of what was sent under this closed epoch, and head office returns it: the sender was no
/// store, or moved away from the receiver. What a closed store sent to its parent is honoured whenever it comes.
bool takes_no_more(const state& directory, const writer_id& sender, node_id receiver);

/// The receiver did not credit this send, and why.
cell_key withheld_key(const writer_id& from, const writer_id& to, std::uint64_t channel);

}  // namespace tally
