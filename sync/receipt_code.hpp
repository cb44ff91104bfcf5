#pragma once
#include <string>
#include <string_view>

#include "sync/checkpoint.hpp"
#include "sync/keys.hpp"
#include "sync/stream_log.hpp"

namespace tally {

/// What the QR code of a receipt says: a head of its store's journal that ends with the receipt's entry, signed by the
/// store. The head is a C2SP checkpoint with one extension line, `receipt <base64 of the entry's leaf hash>`.
///
/// It binds the store for ever: a journal that has another entry there, or another root at that size, is another
/// history, and the code is the evidence. No secret; a copy of the code proves what the original proves.
struct receipt_code {
  writer_id writer;
  sequence seq{};  ///< of the entry, so the head has size `seq + 1`
  hash256 root{};  ///< of the journal at that size
  hash256 leaf{};  ///< of the entry
  bytes entry;     ///< its octets; empty when it has more than `receipt_entry_max`
  signature sign{};

  [[nodiscard]] stream_id stream() const { return {writer, sub_stream::journal, {}}; }
  friend bool operator==(const receipt_code&, const receipt_code&) = default;
};

inline constexpr std::string_view receipt_code_mark = "TALLYR2.";
/// Longer entries are printed as their hash: a code of at most 81 modules a side scans from a 58 mm ticket.
inline constexpr std::size_t receipt_entry_max = 200;
inline constexpr std::size_t receipt_code_text_max = 440;

/// Signs the head that ends with `entry`. Call it only when the entry is durable: a head that a power cut takes back
/// would be a fork. The same entry gives the same code, whenever it is asked for, as long as the key stays.
receipt_code sign_receipt(const signer& key, std::string_view chain, const writer_id& writer, sequence seq,
                          const hash256& root, byte_view entry);

/// "TALLYR2." and base64url of: node `uv`, epoch, sequence `uv`, root, entry `str` (empty: its leaf hash follows),
/// signature.
std::string to_text(const receipt_code& code);
/// `malformed` unless `to_text` of the answer is `text` again.
result<receipt_code> parse_receipt_code(std::string_view text);

/// The head that was signed.
checkpoint receipt_head(const receipt_code& code, std::string_view chain);
/// As a signed note, for anybody's verifier.
std::string receipt_note(const receipt_code& code, std::string_view chain, const public_key& key);
/// `bad_signature` when the key did not sign it.
status verify_receipt(const receipt_code& code, std::string_view chain, const public_key& key, const verifier& with);

/// How a receipt's code stands with the ledger that a node, or a copy of its data, holds.
enum class receipt_standing : std::uint8_t {
  cosigned,       ///< the entry is here, as the code says, and head office holds it
  held,           ///< the entry is here, as the code says; head office's cosignature is not known here
  signed_only,    ///< signed by its store; the journal here ends before it
  other_history,  ///< signed by its store, and the journal here says something else: evidence of a fork
  revoked,        ///< signed with the store's key, behind the size at which head office revoked it, or closed its books
};
std::string_view receipt_standing_name(receipt_standing s);

struct receipt_report {
  receipt_code code;
  receipt_standing standing{};
  std::string store;           ///< its name in the certificate
  std::uint64_t entries = 0;   ///< how far that journal is here
  bytes entry;                 ///< its octets, from the code or from here; empty: not known here
  unix_seconds cosigned_at{};  ///< of head office's newest cosignature over that journal; 0: none here
  public_key key{};            ///< that signed
};
/// Checks a code against a store's certificates and journals. Reads the tree at that size: at most 510 leaf and tile
/// hashes a level. Errors: `malformed`; `not_certified` when the writer is unknown here; `bad_signature` when no key
/// of the writer signed it; `io`, `corrupt`.
result<receipt_report> check_receipt(const stream_log::parts& from, std::string_view text);

/// Feeds a book with the certificates and revocations of head office and of one more node, of all that a database
/// holds: enough for `check_receipt`, at the cost of a few signatures. What does not verify is left out.
void load_certificates_of(node_id node, const kv_store& store, certificate_book& book);

}  // namespace tally
