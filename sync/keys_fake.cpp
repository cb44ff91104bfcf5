#include "sync/keys_fake.hpp"

#include <sodium.h>

namespace tally {
namespace {

secret_octets<32> derive(const node_secret& registry, const public_key& key) {
  secret_octets<32> out;
  crypto_generichash(out.span().data(), 32, key.data(), key.size(), registry.data(), 32);
  return out;
}

signature keyed_hash(const secret_octets<32>& key, byte_view data) {
  signature out{};
  crypto_generichash(out.data(), out.size(), reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                     key.data(), 32);
  return out;
}

class fake_signer final : public signer {
public:
  fake_signer(const node_secret& registry, const public_key& key) : pub_(key), secret_(derive(registry, key)) {}
  const public_key& key() const override { return pub_; }
  signature sign(byte_view data) const override { return keyed_hash(secret_, data); }

private:
  public_key pub_;
  secret_octets<32> secret_;
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
