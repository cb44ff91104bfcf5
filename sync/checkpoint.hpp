#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "ledger/types.hpp"
#include "sync/keys.hpp"

namespace tally {

// The head of a stream as anybody's tool reads it: C2SP tlog-checkpoint (the text), signed-note (its signatures) and
// tlog-cosignature v1 (a parent's). All functions are pure and thread-safe.

/// What a head says: this log, at this size, has this RFC 6962 root.
struct checkpoint {
  std::string origin;  ///< names the log: not empty, one line, at most `origin_bytes_max`
  std::uint64_t size = 0;
  hash256 root{};
  std::vector<std::string> extensions;  ///< further lines, none empty; we write none

  friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

inline constexpr std::size_t origin_bytes_max = 255;
inline constexpr std::size_t note_bytes_max = 64 * 1024;
inline constexpr std::size_t note_signatures_max = 100;
inline constexpr std::size_t extensions_max = 16;

/// A name that may stand in a signature line: UTF-8 without spaces and plus, not empty, at most `origin_bytes_max`.
bool is_key_name(std::string_view name);

/// The text that is signed: origin, size and root, each with its newline. REQUIRES: origin and extensions as above.
std::string checkpoint_body(const checkpoint& head);
/// `malformed` unless `checkpoint_body` of the answer is `body` again.
result<checkpoint> parse_checkpoint_body(std::string_view body);

/// Signs the body. REQUIRES: the origin is a key name, and none that starts another kind of signed text.
signature sign_checkpoint(const signer& key, const checkpoint& head);
bool verify_checkpoint(const verifier& with, const public_key& key, const checkpoint& head, const signature& sig);

/// A cosignature's message: the time in Unix seconds (> 0) before the body.
std::string cosignature_message(std::string_view body, unix_seconds time);
/// REQUIRES: time > 0.
signature sign_cosignature(const signer& key, const checkpoint& head, unix_seconds time);
bool verify_cosignature(const verifier& with, const public_key& key, const checkpoint& head, unix_seconds time,
                        const signature& sig);

enum class note_algorithm : std::uint8_t { ed25519 = 1, cosignature_v1 = 4 };

/// A key under which lines of a note are checked.
struct note_key {
  std::string name;
  note_algorithm algorithm = note_algorithm::ed25519;
  public_key key{};

  friend bool operator==(const note_key&, const note_key&) = default;
};

/// SHA-256(name, newline, algorithm, key), first four bytes.
std::uint32_t key_id(const note_key& key);
/// "name+hexkeyid+base64(algorithm, key)", as other tools are configured with it.
std::string verifier_key(const note_key& key);
/// `malformed` on a wrong id, another algorithm, or text that `verifier_key` would not write.
result<note_key> parse_verifier_key(std::string_view text);

/// "— name base64(id, signature)\n". REQUIRES: `is_key_name(name)`.
std::string signature_line(std::string_view name, const public_key& key, const signature& sig);
/// "— name base64(id, time, signature)\n". REQUIRES: `is_key_name(name)`, time > 0.
std::string cosignature_line(std::string_view name, const public_key& key, unix_seconds time, const signature& sig);

/// A signature line as it was read; `blob` holds the bytes behind the key id.
struct note_signature {
  std::string name;
  std::uint32_t id = 0;
  bytes blob;

  friend bool operator==(const note_signature&, const note_signature&) = default;
};

struct note {
  std::string body;  ///< ends with a newline
  std::vector<note_signature> signatures;
};

/// Body, blank line, lines. REQUIRES: the body ends with a newline; at least one line.
std::string make_note(std::string_view body, std::span<const std::string> lines);
/// `malformed` beyond the bounds above, on text that is not UTF-8, on control characters, on any line that is no
/// signature line, and without a signature.
result<note> parse_note(std::string_view text);

/// A signature that held: which of the keys, and when (cosignatures only).
struct verified_signature {
  std::size_t key_index = 0;
  std::optional<unix_seconds> time;
};
/// Lines of unknown keys are ignored; of several lines of one key the first counts. `bad_signature` if a line of a
/// known key does not hold, or if no line does.
result<std::vector<verified_signature>> verify_note(const note& text, std::span<const note_key> keys,
                                                    const verifier& with);

}  // namespace tally
