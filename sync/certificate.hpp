#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/entry.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"
#include "sync/keys.hpp"

namespace tally {

inline constexpr node_id head_office{1};
inline constexpr node_id root_issuer{0};  ///< stands for the root key, which is no node's

/// What a certificate allows, as bits; the entitlement table says which kind of entry needs which. Bits that this
/// version does not know are kept and grant nothing.
namespace power {
inline constexpr std::uint32_t trade = 1u << 0;    ///< sale, authorise, capture, void
inline constexpr std::uint32_t load = 1u << 1;     ///< top-up, bonus, earn, deposit, voucher grant
inline constexpr std::uint32_t refund = 1u << 2;   ///< refund
inline constexpr std::uint32_t issue = 1u << 3;    ///< issue and activate media from a number range
inline constexpr std::uint32_t claim = 1u << 4;    ///< lost, freeze, PIN, profile, media
inline constexpr std::uint32_t operate = 1u << 5;  ///< shift, count, stock, attendance, log
inline constexpr std::uint32_t parent = 1u << 6;   ///< may have children, and forwards their streams
}  // namespace power

/// Who a node is, as its issuer certified it. A value; compare and copy freely.
struct certificate {
  std::string chain;  ///< 1 to 40 of [a-z0-9-]
  node_id node;
  std::string name;  ///< what people call it: UTF-8, 1 to 60 bytes
  node_role role = node_role::store;
  std::vector<node_id> parents;  ///< in order of preference, 1 to 8, the last is head office; none for head office
  std::uint32_t owner = 0;       ///< the legal entity, allotted by head office
  std::uint32_t powers = 0;
  public_key signing{};      ///< Ed25519
  public_key curve{};        ///< Curve25519
  epoch_id epoch;            ///< the first epoch that these keys may write
  std::uint64_t serial = 0;  ///< grows with each certificate of a node
  unix_seconds not_before = 0;
  unix_seconds not_after = 0;  ///< exclusive; governs connections, never the validity of entries
  std::uint32_t engine = 0;    ///< revision of the rules engine that the node runs

  friend bool operator==(const certificate&, const certificate&) = default;
};

/// `malformed` with the field's name unless every field is within its bounds and role, node and parents fit together.
status check(const certificate& c);
inline bool valid_at(const certificate& c, unix_seconds now) { return now >= c.not_before && now < c.not_after; }

/// A certificate is good from so long before it was made, because clocks differ.
inline constexpr unix_seconds certificate_clock_slack = 24 * 3600;

/// Canonical bytes (version 1). REQUIRES: check(c).
bytes encode(const certificate& c);
/// `malformed` for anything that `encode` would not write, `unsupported` for another version.
result<certificate> decode_certificate(byte_view body);

struct signed_certificate {
  bytes body;      ///< `encode(certificate)`
  node_id issuer;  ///< `root_issuer` for head office, else `head_office`
  signature sig{};

  friend bool operator==(const signed_certificate&, const signed_certificate&) = default;
};
inline constexpr std::size_t certificate_bytes_max = 512;

bytes encode(const signed_certificate& c);
/// Key of a signed certificate in the family `meta`: sorts by node, then serial.
bytes certificate_key(node_id node, std::uint64_t serial);
result<signed_certificate> decode_signed_certificate(byte_view data);

/// "tallystick certificate v1\n" before the body, so that no other signed text can be taken for a certificate.
bytes certificate_message(byte_view body);
/// REQUIRES: check(c).
signed_certificate sign_certificate(const certificate& c, node_id issuer, const signer& key);

/// Entries of (node, epoch) count up to `size`; later ones are evidence. The node's keys no longer open a connection.
struct revocation {
  node_id node;
  epoch_id epoch;
  std::uint64_t size = 0;
  std::uint64_t serial = 0;  ///< certificates of the node up to this one

  friend bool operator==(const revocation&, const revocation&) = default;
};

/// The certificates that this node believes, fed in the order of head office's directory.
///
/// Pure: no clock (validity is the caller's question, `valid_at`). Older certificates stay, because their keys verify
/// older entries. One owner thread; pointers stay good for the life of the book. Holds at most
/// `certificates_max`, then answers `full`.
class certificate_book {
public:
  static constexpr std::size_t certificates_max = 200'000;

  /// `with` outlives the book. Certificates of another chain are refused.
  certificate_book(std::string chain, public_key root, const verifier& with);

  /// Verifies and remembers; adding the same one again changes nothing. `bad_signature`, `malformed`; `not_certified`
  /// when the issuer is unknown or revoked, the chain is another or a key belongs to another node already;
  /// `bad_proof` when one serial has two contents. A serial older than the newest is kept, but not as the newest.
  result<const certificate*> add(const signed_certificate& c);
  /// The first revocation of a (node, epoch) stands; another size for it
  /// is `bad_proof`.
  status revoke(const revocation& r);

  /// The newest certificate of a node, revoked or not; `not_found`.
  result<const certificate*> find(node_id node) const;
  /// The newest certificate that carries this key; `not_found`. For checking entries, also after a revocation.
  result<const certificate*> find_by_signing_key(const public_key& key) const;
  /// Keys that may have signed a journal: those of the certificates that name its epoch; of any other epoch, all keys
  /// of the node, newest first, without revoked ones if the node was certified anew since.
  std::vector<public_key> keys_for(const writer_id& w) const;
  /// For admission: the newest certificate with this key. `not_certified` when it is revoked, or older than the last
  /// but one of its node: a node that was away still gets in with the keys from before its renewal, once.
  result<const certificate*> find_by_curve_key(const public_key& key) const;
  /// Every certificate of the node that the book holds was revoked.
  bool is_revoked(node_id node) const;
  /// The newest certificate with this signing key was revoked, whoever has the node's number since.
  bool is_revoked_key(const public_key& signing) const;
  /// Every certificate of a node, by serial.
  std::vector<const certificate*> all_of(node_id node) const;
  std::optional<revocation> revocation_of(writer_id writer) const;
  /// The signed form of the newest certificate, to be forwarded untouched; nothing for an unknown node.
  const signed_certificate* signed_form(node_id node) const;
  std::size_t size() const { return count_; }
  /// Every node that has a certificate, ascending.
  std::vector<node_id> nodes() const;
  const verifier& with() const { return *with_; }

private:
  struct held {
    certificate cert;
    signed_certificate source;
  };
  status verify_issuer(const certificate& c, const signed_certificate& s) const;

  std::string chain_;
  public_key root_;
  const verifier* with_;
  std::map<node_id, std::map<std::uint64_t, std::unique_ptr<held>>> nodes_;  // by serial
  std::map<public_key, const held*> by_signing_, by_curve_;
  std::map<node_id, std::uint64_t> revoked_through_;  // serials up to this one
  std::map<writer_id, revocation> revocations_;
  std::size_t count_ = 0;
};

}  // namespace tally
