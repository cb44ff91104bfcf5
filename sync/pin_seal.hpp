#pragma once
#include <mutex>
#include <optional>

#include "ledger/result.hpp"
#include "sync/keys.hpp"

namespace tally {

/// What a PIN is compared with: Argon2id of it. The PIN itself is kept nowhere and sent nowhere.
struct pin_verifier {
  std::array<std::uint8_t, 16> salt{};
  std::array<std::uint8_t, 32> hash{};
  friend bool operator==(const pin_verifier&, const pin_verifier&) = default;
};
/// Whose PIN, and which.
struct pin_place {
  std::string chain;
  account_id account;
  std::uint32_t version{};
};

/// Hashes a PIN. A port: the simulator and most tests use something cheap. Const and thread-safe.
class pin_hasher {
public:
  virtual ~pin_hasher() = default;
  virtual std::optional<std::array<std::uint8_t, 32>> hash(std::string_view pin,
                                                           const std::array<std::uint8_t, 16>& salt) const = 0;
};
/// Argon2id, 3 passes over 4 MiB, one at a time: a node has so much memory to spare, and not more. Nothing: no memory.
class argon2_pin_hasher final : public pin_hasher {
public:
  std::optional<std::array<std::uint8_t, 32>> hash(std::string_view pin,
                                                   const std::array<std::uint8_t, 16>& salt) const override;

private:
  mutable std::mutex one_;
};
/// Constant time. Nothing: the PIN could not be hashed.
std::optional<bool> fits(const pin_verifier& v, std::string_view pin, const pin_hasher& with);

/// What keeps verifiers in a node's database, and in its journal, from whoever has only these: derived from the node's
/// secret, which lies in a file of its own.
using pin_pepper = secret_octets<32>;
pin_pepper pepper_of(const node_secret& secret);
/// Salt of the PIN that this request sets: the same for the same request, and known to nobody without the pepper.
std::array<std::uint8_t, 16> salt_of(const pin_pepper& pepper, account_id account, std::uint32_t terminal,
                                     std::uint64_t counter);
/// 16 octets by which the node knows a repeated request to set a PIN; without the pepper they tell nothing.
bytes digest_of(const pin_pepper& pepper, const pin_verifier& v);

/// XChaCha20-Poly1305 under the pepper, for this place alone.
bytes seal_own_pin(const pin_pepper& pepper, const pin_place& at, const pin_verifier& v, entropy& source);
/// Errors: bad_proof (another node's, place, or changed).
result<pin_verifier> open_own_pin(const pin_pepper& pepper, const pin_place& at, byte_view box);

/// The blob of an entry `pin_set`: for head office (libsodium's sealed box to its PIN key), and for the writer itself,
/// which goes by it until head office has published it, and longer.
bytes seal_pin(const public_key& office, const pin_pepper& pepper, const pin_place& at, const pin_verifier& v,
               entropy& source);
/// Errors: malformed, bad_proof.
result<pin_verifier> open_pin_as_office(const curve_key& office, const pin_place& at, byte_view blob);
result<pin_verifier> open_pin_as_writer(const pin_pepper& pepper, const pin_place& at, byte_view blob);

// -- letters (sync/message.hpp) between a store and head office -------------------

/// A store that was shown a card asks for its verifier.
struct pin_question {
  std::uint64_t id{};  ///< random; an answer without a question is not taken
  account_id account;
  std::uint32_t version{};  ///< that its directory tells of
  friend bool operator==(const pin_question&, const pin_question&) = default;
};
struct pin_answer {
  std::uint64_t id{};
  errc code = errc::ok;  ///< not_found: no such PIN any more; busy: this store has asked too often today
  pin_verifier verifier = {};
  friend bool operator==(const pin_answer&, const pin_answer&) = default;
};
bytes encode_pin_question(const pin_question& q);
result<pin_question> decode_pin_question(byte_view data);
bytes encode_pin_answer(const pin_answer& a);
result<pin_answer> decode_pin_answer(byte_view data);
/// Sealed letters about PINs are told from others by their first octets.
bytes as_pin_letter(byte_view sealed);
/// What was sealed; nothing: the letter is about something else.
std::optional<byte_view> pin_letter(byte_view body);

}  // namespace tally
