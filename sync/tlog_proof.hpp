#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/merkle.hpp"
#include "sync/checkpoint.hpp"

namespace tally {

// Proofs as files that other people's tools read, and that these functions read from other people's tools.
// All are pure and thread-safe; every text is bounded by `proof_bytes_max`.

inline constexpr std::size_t proof_hashes_max = 64;
inline constexpr std::size_t proof_extra_max = 64 * 1024;
inline constexpr std::size_t proof_bytes_max = 256 * 1024;

/// C2SP tlog-proof v1: that the entry at `index` is in the log whose checkpoint follows.
struct inclusion_file {
  std::optional<bytes> extra;  ///< nobody's word; we write none
  std::uint64_t index = 0;
  merkle_proof proof;  ///< RFC 6962 §2.1.1, from the leaf's sibling to the root's child
  std::string note;    ///< the signed checkpoint, as it came
};
std::string to_text(const inclusion_file& f);
/// `malformed` for anything that `to_text` does not make. The note is taken as it is.
result<inclusion_file> parse_inclusion(std::string_view text);

/// The request body of C2SP tlog-witness, add-checkpoint: that the log at `old_size` is the beginning of the log whose
/// checkpoint follows.
struct consistency_file {
  std::uint64_t old_size = 0;
  merkle_proof proof;  ///< RFC 6962 §2.1.2; empty for `old_size` 0 and for the same size
  std::string note;
};
std::string to_text(const consistency_file& f);
result<consistency_file> parse_consistency(std::string_view text);

/// Whom a reader of proofs believes.
struct log_trust {
  note_key log;                     ///< must have signed
  std::string origin;               ///< of the checkpoint; empty: the name of `log`, as C2SP tlog-policy has it
  std::vector<note_key> cosigners;  ///< each must have signed too
};
struct open_checkpoint {
  checkpoint head;
  std::vector<std::optional<unix_seconds>> cosigned;  ///< one for each of the trusted cosigners
};

/// A signed note as a checkpoint. Errors, each saying what does not hold: `malformed`; `bad_signature` when the log
/// or a cosigner did not sign, or a known key's line does not hold; `bad_proof` when it is another log's.
result<open_checkpoint> verify_note_of(const log_trust& trust, std::string_view note, const verifier& with);

/// `entry` (its octets, not its hash) is in the log that the file's checkpoint describes. Errors as above; `bad_proof`.
result<open_checkpoint> verify_inclusion_file(const log_trust& trust, const inclusion_file& f, byte_view entry,
                                              const verifier& with);

/// The log of `old_note` (a signed checkpoint as well) is the beginning of the log that the file's checkpoint
/// describes.
result<open_checkpoint> verify_consistency_file(const log_trust& trust, const consistency_file& f,
                                                std::string_view old_note, const verifier& with);

}  // namespace tally
