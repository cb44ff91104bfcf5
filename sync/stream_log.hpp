#pragma once
#include <optional>
#include <string>
#include <vector>

#include "storage/streams.hpp"
#include "sync/certificate.hpp"
#include "sync/checkpoint.hpp"
#include "sync/message.hpp"

namespace tally {

/// A head with its writer's signature.
struct signed_head {
  checkpoint head;
  signature sign{};
};

/// A stream that a node holds, as a log of RFC 6962 for other people's tools: signed notes and proofs.
///
/// Const and thread-safe as far as the store is. Nothing is believed: a signature that is handed out was verified
/// against the root that this store's own hashes give. Streams of others have signed heads at the ends of their
/// segments only; of its own streams a node signs any durable size, so the store must not show what a power cut could
/// take back.
class stream_log {
public:
  struct parts {
    const kv_store& store;
    const certificate_book& certificates;
    const signer* own;  ///< this node's key; null: no head of an own stream can be signed
    std::string chain;
    node_id self;
  };
  /// All parts outlive the log. `not_found` when the store has no such stream; `not_certified` when no certificate of
  /// the writer is held.
  static result<stream_log> open(const parts& from, const stream_id& id);

  const stream_id& id() const { return id_; }
  std::string origin() const;
  std::uint64_t size() const { return size_; }
  /// Name (the origin), algorithm and key, as a verifier is configured.
  note_key key() const { return {origin(), note_algorithm::ed25519, key_}; }

  /// The head at a size, or the newest one. `not_found` beyond the end, or when the writer signed no head of that size;
  /// `not_allowed` without the key of an own stream; `corrupt` when signature and stored hashes do not agree.
  result<signed_head> head(std::optional<std::uint64_t> at = std::nullopt) const;
  /// Cosignatures over just this head that the store has and that verify, by node.
  std::vector<cosign_message> cosignatures(const checkpoint& head) const;
  /// The newest cosignature of this node that the store has, over a head of a size that is here; nothing without one.
  std::optional<cosign_message> newest_cosignature(node_id by) const;
  /// Its size.
  std::optional<std::uint64_t> cosigned_size(node_id by) const;
  /// Name and key of a cosigner; nothing for an unknown node.
  std::optional<note_key> cosigner_key(node_id by) const;
  /// The signed note: the writer's line first, then a line for each of `cosigned`.
  std::string note(const signed_head& head, const std::vector<cosign_message>& cosigned) const;

  result<bytes> entry(sequence seq) const;
  result<merkle_proof> inclusion(sequence seq, std::uint64_t size) const;
  result<merkle_proof> consistency(std::uint64_t old_size, std::uint64_t size) const;
  /// Subtrees as they are stored, for roots of any size.
  node_reader nodes() const;

private:
  stream_log(const parts& from, const stream_id& id) : from_(from), reader_(from.store), id_(id) {}
  bool own() const { return id_.writer.node == from_.self; }
  status find_key();
  result<signature> signature_at(const checkpoint& head) const;

  parts from_;
  stream_reader reader_;
  stream_id id_;
  std::uint64_t size_ = 0;
  public_key key_{};
};

/// The inverse of `stream_name` and of `stream_origin`: "3.5f0c1a2b3c4d5e6f/journal", "…/to/7", or the whole origin
/// with the chain's name. Nothing for other text.
std::optional<stream_id> parse_stream_name(std::string_view text, std::string_view chain);

}  // namespace tally
