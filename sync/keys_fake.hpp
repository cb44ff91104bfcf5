#pragma once
#include <memory>

#include "sync/keys.hpp"

namespace tally {

/// Cheap stand-ins for Ed25519, for the simulator only: no product target links this library.
///
/// A key's secret is derived from its public key under one secret of this registry, so whoever holds the registry can
/// sign for everybody. A changed message, another key or another registry still fails. Thread-safe once made.
class fake_keys final : public verifier {
public:
  explicit fake_keys(entropy& source);

  /// A signer with a new random public key. Independent of this object's lifetime.
  std::unique_ptr<signer> make_signer(entropy& source) const;
  bool verify(const public_key& key, byte_view message, const signature& sig) const override;

private:
  node_secret secret_;
};

}  // namespace tally
