#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "storage/kv.hpp"
#include "sync/certificate.hpp"

namespace tally {

// What a node's database says of nodes, and how logs and keys are called. Pure; any thread.

/// Whether this node's own journal went on from an old copy, so that others know other entries under its name.
bool went_astray(const kv_store& store, const writer_id& own);
/// Whether others may know more of this node's earlier life than it has itself, and so perhaps other entries under the
/// same numbers. The parent alone can tell, so nobody is offered such a life past the parent.
bool was_cut_short(const kv_store& store, const writer_id& own);
bytes astray_key(const writer_id& w);            ///< family meta: `went_astray`
bytes short_key(const writer_id& w);             ///< family meta: `was_cut_short`
inline constexpr byte_view copy_key = "backup";  ///< family meta: `is_copy`
/// Marks the copy of a database as one: `station::begin_restored_epoch`. `without`: head office's children that it does
/// not wait for.
void mark_as_copy(kv_batch& batch, const std::vector<node_id>& without = {});
bool is_copy(const kv_store& store);
/// Why a head office that asks back what it had published decides nothing.
inline constexpr std::string_view rebuilding_text =
    "head office runs on a backup and asks the nodes below for what it had published since; it decides nothing before "
    "all have answered (tallystick status)";
/// Why a head office that asks back what it had published waits for this child in vain.
inline std::string lacking_text(node_id child) {
  return "node " + std::to_string(child.value) +
         " left goods out of its copy of the directory (link.skip) and cannot give them back: head office goes on when "
         "another node does, or 'tallystick restore --without' names it";
}
/// What a node says of itself when nodes below it show more of its streams than it has (`station::heed_proof`).
inline constexpr std::string_view outdated_text =
    "nodes below hold more of what this node sent them, signed by it, than its database does: the database is an old "
    "copy. Nothing is taken and nothing written; put the newest database back";
/// Feeds a book with the certificates that a database holds (family meta, 'k'). What does not verify is left out.
void load_certificates(const kv_store& store, certificate_book& book);
/// The revocations of nodes whose certificates the book has.
void load_revocations(const kv_store& store, certificate_book& book);

/// What a child says to a head office on a backup of a life that is closed; then it says what it has of later ones.
inline constexpr std::string_view older_backup_text =
    "this head office runs on a backup from before it was last restored; put back one that was made since";

/// What that head office says when a child says no more than that.
inline constexpr std::string_view older_backup_here_text =
    "this backup is from before head office was last restored, as a node below knows, and that node says nothing of "
    "what was published since: it runs an older program. Head office cannot go on without it, or that would be there "
    "twice. Update that node, or put back a backup that was made since, or the disk itself";

/// Origin line of a stream's checkpoints: "tallystick/<chain>/<node>/<epoch>/journal".
std::string stream_origin(std::string_view chain, const stream_id& id);
/// C2SP key name of a node.
std::string node_key_name(std::string_view chain, node_id node);

}  // namespace tally
