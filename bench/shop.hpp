#pragma once
#include <filesystem>
#include <memory>

#include "bench/reference.hpp"
#include "storage/rocks_kv.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/station.hpp"

namespace tally::bench {

/// Head office 1 and store 2 of a chain made for one run, with real keys and certificates, and the store's database in
/// `dir`/db. The store has adopted the reference catalogue and cards, and holds rights enough for any run.
///
/// Throws std::runtime_error when something refuses: a benchmark has nothing to go on with.
class shop {
public:
  /// Opens the database, or makes and fills it. The keys are the same for the same directory.
  explicit shop(const std::filesystem::path& dir);

  kv_store& store() { return *store_; }
  certificate_book& certificates() { return certificates_; }
  const signer& keys() const { return keys_; }
  const curve_key& curve() const { return curve_; }
  entropy& random() { return random_; }
  station_config config() const;
  static epoch_id epoch();
  static std::string_view chain();
  const public_key& root() const { return root_.key(); }
  /// The same keys as in `keys` and `curve`, to be written to files.
  static signing_key signing_secret();
  static curve_key curve_secret();

  /// The store's station on the database as it is.
  std::unique_ptr<station> open();
  /// Sells by the reference workload until the journal has `entries`, in large groups.
  void grow_to(std::uint64_t entries);

private:
  void certify();

  std::unique_ptr<kv_store> store_;
  ed25519_verifier verifier_;
  ed25519_signer root_, hq_, keys_;
  curve_key curve_;
  certificate_book certificates_;
  system_entropy random_;
};

/// The number on a card of the reference workload: 16 digits with a valid check digit.
std::string card_number(account_id account);

/// Gives a store what head office would have sent: catalogue, cards and their rights, quota. `hq` is the epoch that
/// head office writes; channel numbers go on where they are. Commits in groups.
void stock(book& b, kv_store& store, const writer_id& hq, std::uint64_t cards, std::string_view chain);
/// Commits the open group.
void commit(book& b, kv_store& store);
/// Appends entries of the reference workload until the journal has `entries`.
void grow(book& b, kv_store& store, std::uint64_t entries);

}  // namespace tally::bench
