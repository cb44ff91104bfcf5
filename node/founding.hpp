#pragma once
#include <filesystem>
#include <string>

#include "node/identity.hpp"
#include "sync/driver_keyfile.hpp"
#include "sync/entropy.hpp"
#include "sync/token.hpp"

namespace tally {

// How data directories begin: head office's, with the root key of its chain, and any other node's, with a token. Both
// make the node's keys in place and never overwrite one; identity.toml is written last, so a directory without it is
// unfinished and the call can be repeated (for head office with another root key file). A directory that is there may
// be empty or hold what an earlier try made, and nothing else; its own mode is left as it is, and everything in it is
// made for its owner alone.

/// A new node's clock may be behind head office's: certificates are valid from this long before they are made.

struct head_office_plan {
  std::filesystem::path data_dir;
  std::string chain;  ///< 1 to 40 of [a-z0-9-], the same at every node for ever
  std::string name = "Head office";
  std::filesystem::path root_key;  ///< new file for the sealed root key; keep it off this machine
  std::string passphrase;          ///< seals it
  seal_cost cost{};
};
/// Everything is durable on return. Errors: `not_allowed` (the directory has a node or somebody's files, the root key
/// file exists, a short passphrase), `bad_config` (chain, name, no folder for the root key), io.
result<node_identity> found_head_office(const head_office_plan& plan, unix_seconds now, entropy& random);

/// Makes keys (or takes those of an earlier try), knocks at the doors of the token one after the other, verifies the
/// answer and writes certificates and identity. Blocks up to `door_ms_max` for each door. Everything is durable on
/// return. Errors: `bad_token`, `offline` (no door answers), `not_allowed` (the directory has a node or somebody's
/// files already), head office's refusal, or what `read_enrolment_answer` finds.
result<node_identity> enrol_node(const std::filesystem::path& data_dir, const std::string& token_text, unix_seconds now,
                                 entropy& random, std::int64_t door_ms_max = 15'000);

/// Does identity.toml say what head office certified? `corrupt` with both sides when number, role or name differ.
status check_identity(const node_identity& id, const certificate& own);

}  // namespace tally
