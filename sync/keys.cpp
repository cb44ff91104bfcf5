#include "sync/keys.hpp"

#include <sodium.h>

#include <algorithm>

#include "ledger/result.hpp"

namespace tally {
namespace {

const unsigned char* octets(byte_view v) { return reinterpret_cast<const unsigned char*>(v.data()); }

}  // namespace

static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_SECRETKEYBYTES == 64 && crypto_sign_BYTES == 64);
static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32 && crypto_box_BEFORENMBYTES == 32);

template <std::size_t Size>
void secret_octets<Size>::wipe() {
  sodium_memzero(v_.data(), v_.size());
}
template class secret_octets<16>;
template class secret_octets<32>;
template class secret_octets<64>;

void wipe(std::span<std::uint8_t> out) {
  if (!out.empty()) sodium_memzero(out.data(), out.size());
}

bool equal_constant_time(byte_view a, byte_view b) {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

node_secret make_node_secret(entropy& source) {
  node_secret secret;
  source.fill(secret.span());
  return secret;
}

signing_key make_signing_key(entropy& source) {
  secret_octets<32> seed;
  source.fill(seed.span());
  return signing_key_from_seed(seed.span());
}

signing_key signing_key_from_seed(std::span<const std::uint8_t, 32> seed) {
  signing_key key;
  invariant(crypto_sign_seed_keypair(key.pub.data(), key.secret.span().data(), seed.data()) == 0,
            "a seed gives a signing key");
  return key;
}

secret_octets<32> seed_of(const signing_key& key) {
  secret_octets<32> seed;
  std::copy_n(key.secret.data(), 32, seed.span().begin());
  return seed;
}

curve_key make_curve_key(entropy& source) {
  secret_octets<32> secret;
  source.fill(secret.span());
  return curve_key_from_secret(secret.span());
}

curve_key curve_key_from_secret(std::span<const std::uint8_t, 32> secret) {
  curve_key key;
  std::copy(secret.begin(), secret.end(), key.secret.span().begin());
  invariant(crypto_scalarmult_base(key.pub.data(), key.secret.data()) == 0, "a secret gives a curve key");
  return key;
}

std::optional<secret_octets<32>> shared_keys::with(const secret_octets<32>& secret, const public_key& other) {
  std::lock_guard lock(mutex_);
  if (auto it = known_.find(other); it != known_.end()) return it->second.clone();
  secret_octets<32> both;
  if (crypto_box_beforenm(both.span().data(), other.data(), secret.data()) != 0) return std::nullopt;
  if (known_.size() >= kept_max) known_.clear();
  return known_.emplace(other, std::move(both)).first->second.clone();
}

signature sign(const signing_key& key, byte_view data) {
  signature out{};
  invariant(crypto_sign_detached(out.data(), nullptr, octets(data), data.size(), key.secret.data()) == 0,
            "Ed25519 signs any message");
  return out;
}

bool verify(const public_key& key, byte_view data, const signature& sig) {
  return crypto_sign_verify_detached(sig.data(), octets(data), data.size(), key.data()) == 0;
}

}  // namespace tally
