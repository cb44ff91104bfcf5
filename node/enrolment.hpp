#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "actors/facade.hpp"
#include "node/identity.hpp"
#include "sync/certificate.hpp"
#include "sync/token.hpp"

namespace tally {

// How a new node gets its certificate. Its keys never leave it: it shows the public ones at head office's door, with
// the one-time token that an operator carried over, and proves that it has the signing key. Head office answers with
// certificates, signed over the question, so that nobody on the way can give the node another root to believe.

// -- head office's beginning ------------------------------------------------------

/// The first facts of a chain: head office's own certificate for its directory. Not dated.
std::vector<entry> hq_first_facts(const signed_certificate& own);
/// The newest certificate of a node in a store (family `meta`), signature unchecked; nothing if there is none.
std::optional<signed_certificate> stored_certificate(const kv_store& store, node_id node);

// -- invitations -----------------------------------------------------------------

/// What head office decided about a node that does not exist yet, or about a machine that takes a node's place.
struct invitation {
  node_id node;
  std::string name;
  node_role role = node_role::store;
  std::vector<node_id> parents;
  node_limits limits;
  unix_seconds expiry = 0;
  std::uint32_t owner = 0;  ///< the legal entity that the node belongs to; 0: as before, or else the first
  friend bool operator==(const invitation&, const invitation&) = default;
};

/// An invitation as head office remembers it: never the secret, only its hash; once used, by whom and with which
/// result.
struct invitation_record {
  invitation what;
  secret_hash hash{};
  bool used = false;
  secret_hash used_by{};  ///< digest of the keys that it was used with
  bytes certificate;      ///< the signed certificate that was made then
  friend bool operator==(const invitation_record&, const invitation_record&) = default;
};
bytes encode(const invitation_record& r);
result<invitation_record> decode_invitation(byte_view data);
/// Where `node_facade::remember` keeps it.
std::string invitation_key(const token_id& id);

// -- the conversation ------------------------------------------------------------

struct enrolment_request {
  token_id id{};
  std::array<std::uint8_t, 16> secret{};
  public_key signing{}, curve{};
  epoch_id epoch;
  signature proof{};  ///< by the signing key over everything before
};
bytes make_enrolment_request(const enrolment_token& token, const signer& own, const public_key& curve,
                             const epoch_id& epoch);
/// `malformed`; `bad_signature` when the caller does not hold the signing key.
result<enrolment_request> read_enrolment_request(byte_view data, const verifier& with);

/// What the new node has when all is well. `certificates` begin with head office's, then its own, then its parents'.
struct enrolled {
  node_identity identity;
  std::vector<signed_certificate> certificates;
};
/// Checks an answer against the pin in the token: signed by head office's key over this very question, head office's
/// certificate under the root key that it names, the own one under head office's and for exactly these keys.
/// Errors: the refusal that head office sent; `bad_signature`, `malformed`, `not_certified` for an answer that lies.
result<enrolled> read_enrolment_answer(byte_view answer, byte_view request, const enrolment_token& token,
                                       const verifier& with);

/// Head office behind the door: give `answer` to `zmq_door`.
///
/// A token is used up by a durable record, with the certificate in it, before the certificate is published or handed
/// out. The same keys may ask again, when an answer was lost, and get the same certificate; other keys are refused.
/// Everything that the parts name outlives the desk. Blocks the door's thread until the node has written, at most
/// `wait_ms_max` for each step, then answers `busy`; the question can be repeated. Thread-safe.
class enrolment_desk {
public:
  struct parts {
    node_facade& node;
    const signer& keys;  ///< head office's
    const verifier& with;
    trust believes;
    std::function<unix_seconds()> now;
    std::int64_t wait_ms_max = 10'000;
    unix_seconds validity_s = unix_seconds{365} * 86'400;  ///< of the certificates
    /// Refused tokens, for the security log: the invited node's number and a digest of the caller's keys. May be empty.
    std::function<void(errc, const std::string&)> security{};
  };
  explicit enrolment_desk(parts p) : parts_(std::move(p)) {}

  bytes answer(byte_view request);

private:
  result<std::vector<signed_certificate>> decide(byte_view request);
  status use_up(const enrolment_request& r, invitation_record& record);
  status publish(const token_id& id, invitation_record& record);
  void renumber(const token_id& id, invitation_record& record, certificate c);
  error suspect(const enrolment_request& q, std::optional<node_id> invited, error why) const;
  std::vector<entry> farewell(const certificate& successor) const;

  parts parts_;
  std::mutex mutex_;  // one question at a time
};

}  // namespace tally
