#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "ledger/types.hpp"
#include "sync/entropy.hpp"

namespace tally {

/// Octets that are wiped when they die or are moved from, so that a key does not stay behind in freed memory.
/// Movable, not copyable: each copy of a secret is a decision, made by `clone()`.
template <std::size_t Size>
class secret_octets {
public:
  secret_octets() = default;
  secret_octets(secret_octets&& other) noexcept : v_(other.v_) { other.wipe(); }
  secret_octets& operator=(secret_octets&& other) noexcept {
    if (this != &other) {
      v_ = other.v_;
      other.wipe();
    }
    return *this;
  }
  secret_octets(const secret_octets&) = delete;
  secret_octets& operator=(const secret_octets&) = delete;
  ~secret_octets() { wipe(); }

  secret_octets clone() const {
    secret_octets copy;
    copy.v_ = v_;
    return copy;
  }
  std::span<std::uint8_t, Size> span() { return v_; }
  std::span<const std::uint8_t, Size> span() const { return v_; }
  const std::uint8_t* data() const { return v_.data(); }
  byte_view view() const { return view_of(v_); }

private:
  void wipe();
  std::array<std::uint8_t, Size> v_{};
};
extern template class secret_octets<16>;
extern template class secret_octets<32>;
extern template class secret_octets<64>;

/// Overwrites `out` in a way that the compiler does not remove.
void wipe(std::span<std::uint8_t> out);

/// True when both are equal; the time taken does not depend on where they differ. Different sizes are unequal.
bool equal_constant_time(byte_view a, byte_view b);

/// The 32 octets that a node keeps outside its database for message authentication (rollback tokens, pairing codes).
using node_secret = secret_octets<32>;
node_secret make_node_secret(entropy& source);

/// An Ed25519 key pair (RFC 8032). `secret` is libsodium's form: the 32-byte seed, then the public key.
struct signing_key {
  secret_octets<64> secret;
  public_key pub{};

  signing_key clone() const { return {secret.clone(), pub}; }
};
signing_key make_signing_key(entropy& source);
signing_key signing_key_from_seed(std::span<const std::uint8_t, 32> seed);
/// The 32 octets from which `signing_key_from_seed` makes the same key.
secret_octets<32> seed_of(const signing_key& key);

/// What one secret curve key shares with others' public keys (libsodium's `crypto_box_beforenm`): worked out once for
/// each of them, since that costs far more than the letter that is sealed with it. Forgets all of them when it has
/// `kept_max`; wiped with its owner. Thread-safe.
class shared_keys {
public:
  /// Nothing for a public key of small order, which shares no secret. REQUIRES: always the same `secret`.
  std::optional<secret_octets<32>> with(const secret_octets<32>& secret, const public_key& other);
  static constexpr std::size_t kept_max = 1'024;

private:
  std::mutex mutex_;
  std::map<public_key, secret_octets<32>> known_;
};

/// A Curve25519 key pair for ZeroMQ's CURVE, as raw octets.
struct curve_key {
  secret_octets<32> secret;
  public_key pub{};
  std::shared_ptr<shared_keys> shared = std::make_shared<shared_keys>();  ///< never null but in what was moved from

  curve_key clone() const { return {secret.clone(), pub, shared}; }
};
curve_key make_curve_key(entropy& source);
curve_key curve_key_from_secret(std::span<const std::uint8_t, 32> secret);

/// Ed25519, detached. Deterministic: the same key and message give the same signature.
signature sign(const signing_key& key, byte_view data);
/// False also for keys of small order and for signatures that are not in their canonical form.
bool verify(const public_key& key, byte_view data, const signature& sig);

/// Signs with one key that it holds. A port, so that the simulator can use cheap signatures.
class signer {
public:
  virtual ~signer() = default;
  virtual const public_key& key() const = 0;
  virtual signature sign(byte_view data) const = 0;
};

/// Checks signatures of any key. Const and thread-safe in every implementation.
class verifier {
public:
  virtual ~verifier() = default;
  [[nodiscard]] virtual bool verify(const public_key& key, byte_view data, const signature& sig) const = 0;
};

/// The real signer: Ed25519. Owns its key. Thread-safe.
class ed25519_signer final : public signer {
public:
  explicit ed25519_signer(signing_key key) : key_(std::move(key)) {}
  const public_key& key() const override { return key_.pub; }
  signature sign(byte_view data) const override { return tally::sign(key_, data); }

private:
  signing_key key_;
};

/// The real verifier: Ed25519. Stateless.
class ed25519_verifier final : public verifier {
public:
  bool verify(const public_key& key, byte_view data, const signature& sig) const override {
    return tally::verify(key, data, sig);
  }
};

}  // namespace tally
