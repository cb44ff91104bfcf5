#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

// `tallystick prove`, `verify` and `export --format tlog-tiles`: proofs as files. They print what they did on standard
// output, what went wrong on standard error, and answer the exit status.

struct prove_options {
  std::filesystem::path data, out, key_file;
  std::string stream;                      ///< empty: the journal of a receipt that is named, else the node's own
  std::vector<std::string> entries;        ///< numbers, or ids of receipts of that stream
  std::optional<std::uint64_t> size;       ///< of the head; empty: the newest
  bool cosigned = false;                   ///< the newest head that head office cosigned
  std::optional<std::uint64_t> from_size;  ///< consistency from there
  std::filesystem::path from;              ///< … or from the checkpoint in this file
};

/// Writes `checkpoint`, `log.vkey`, a `cosigner-<node>.vkey` for each cosignature, `entry-<n>` with
/// `entry-<n>.tlog-proof`, and `from-<m>.consistency` (with `checkpoint-<m>` when the head of that size can be
/// signed). Status: 0 written; 1 what was asked for is not there or cannot be signed; 2 the data or a file could not
/// be read or written.
int cmd_prove(const prove_options& o);

struct verify_options {
  std::string key, origin;             ///< a verifier key or a file that holds one
  std::vector<std::string> cosigners;  ///< the same
  std::filesystem::path checkpoint, proof, entry, consistency, old, note;
  std::string receipt;  ///< text of a receipt's code, or a file that holds it
};

/// Checks files alone. Status: 0 all holds; 1 something does not; 2 a file or key could not be read, or nothing was
/// asked.
int cmd_verify(const verify_options& o);

struct tiles_options {
  std::filesystem::path data, out, key_file;
  std::string stream;
  bool all = false;  ///< every stream, each in a directory of its own below `out`
};

/// Writes tlog-tiles, `checkpoint`, `log.vkey` and the keys of cosigners. An earlier export of the same log in `out` is
/// continued; anything else there is left alone and refused. Status as `cmd_prove`.
int cmd_export_tiles(const tiles_options& o);

}  // namespace tally
