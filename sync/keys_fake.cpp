#include "sync/keys_fake.hpp"

#include <sodium.h>

namespace tally {
namespace {

// SipHash with 128 bits: no two of the few signatures of a simulated chain are alike by chance, and it takes a tenth of
// the time of a hash that an attacker may look for collisions of.
static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16 && crypto_shorthash_siphashx24_BYTES == 16);

secret_octets<16> derive(const node_secret& registry, const public_key& key) {
  secret_octets<16> out;
  crypto_shorthash_siphashx24(out.span().data(), key.data(), key.size(), registry.data());
  return out;
}

/// The hash, four times: a signature has 64 octets, and each of them must be right.
signature keyed_hash(const secret_octets<16>& key, byte_view data) {
  signature out{};
  crypto_shorthash_siphashx24(out.data(), reinterpret_cast<const unsigned char*>(data.data()), data.size(), key.data());
  for (std::size_t i = 16; i < out.size(); ++i)
    out[i] = out[i - 16];
  return out;
}

class fake_signer final : public signer {
public:
  fake_signer(const node_secret& registry, const public_key& key) : pub_(key), secret_(derive(registry, key)) {}
  const public_key& key() const override { return pub_; }
  signature sign(byte_view data) const override { return keyed_hash(secret_, data); }

private:
  public_key pub_;
  secret_octets<16> secret_;
};

}  // namespace

fake_keys::fake_keys(entropy& source) : secret_(make_node_secret(source)) {}

std::unique_ptr<signer> fake_keys::make_signer(entropy& source) const {
  public_key key{};
  source.fill(key);
  return std::make_unique<fake_signer>(secret_, key);
}

bool fake_keys::verify(const public_key& key, byte_view data, const signature& sig) const {
  return keyed_hash(derive(secret_, key), data) == sig;
}

}  // namespace tally
