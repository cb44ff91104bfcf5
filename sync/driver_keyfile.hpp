#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "ledger/result.hpp"
#include "sync/keys.hpp"

namespace tally {

// Secrets on disk: a node's `keys/` directory, and sealed keys on media that are kept elsewhere.
//
// A file is one line that names its kind, and the octets in base 64. It is created with mode 0600 and never replaced:
// a new key gets a new file. When a write returns ok, file and name survive power loss; when it fails, the name does
// not exist (or existed before). Reading refuses symbolic links, files of other people and files that group or others
// may read (`not_allowed`), damaged or foreign content (`corrupt`), and answers `not_found` for a missing one.

/// Creates `dir` with mode 0700 if it is missing; `not_allowed` when group or others may write to it.
status make_key_directory(const std::filesystem::path& dir);

status write_key_file(const std::filesystem::path& file, const signing_key& key);
status write_key_file(const std::filesystem::path& file, const curve_key& key);
status write_key_file(const std::filesystem::path& file, const node_secret& secret);
result<signing_key> read_signing_key(const std::filesystem::path& file);
result<curve_key> read_curve_key(const std::filesystem::path& file);
result<node_secret> read_node_secret(const std::filesystem::path& file);

/// Work that guessing one passphrase costs (Argon2id): 1 to 16 passes; memory from 8 KiB to 1 GiB, in whole KiB.
struct seal_cost {
  std::uint64_t passes = 3;
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
};

/// What a sealed file holds; one kind cannot be opened as another.
enum class sealed_kind : std::uint8_t { root_key = 1, pin_key = 2 };

inline constexpr std::size_t passphrase_bytes_min = 12;

/// Writes 32 octets sealed with a passphrase: Argon2id, then XSalsa20-Poly1305. `not_allowed` for a passphrase under
/// `passphrase_bytes_min`; `io` when memory for the cost is missing.
status write_sealed_file(const std::filesystem::path& file, sealed_kind kind, const secret_octets<32>& secret,
                         std::string_view passphrase, entropy& source, seal_cost cost = {});
/// `not_allowed` for a wrong passphrase or a changed file. A cost above 1 GiB or 16 passes is `corrupt`, so that a
/// hostile file cannot take the machine. Sealed files may lie on media without owners: only links are refused.
result<secret_octets<32>> read_sealed_file(const std::filesystem::path& file, sealed_kind kind,
                                           std::string_view passphrase);

}  // namespace tally
