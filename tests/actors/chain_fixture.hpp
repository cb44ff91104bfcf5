#pragma once
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <thread>

#include "actors/system.hpp"
#include "storage/entry_codec.hpp"
#include "storage/rocks_kv.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/medium.hpp"

namespace tally::test {

inline unix_seconds wall_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}
inline tick_ms tick_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct chain_node {
  node_id id;
  node_role role{};
  std::filesystem::path dir;
  signing_key signing;
  curve_key curve;
  epoch_id epoch;
  std::string endpoint;
  std::unique_ptr<kv_store> store;
  std::unique_ptr<certificate_book> certificates;
  std::unique_ptr<ed25519_signer> signer;
  std::unique_ptr<node_system> system;
  std::string fatal;
};

/// Head office (1), one region (2), two stores (3, 4): real databases, real sockets on loopback, all in one process.
class chain {
public:
  /// Listens on the two ports behind `port_base`: test programs run beside each other.
  explicit chain(std::filesystem::path root, std::uint16_t port_base = 27'410);
  ~chain();
  chain_node& at(std::uint32_t id) { return *nodes_.at(id); }
  void start(std::uint32_t id);
  void stop(std::uint32_t id);
  /// Head office first, with its facts: nodes are known before they knock.
  void start_all(std::size_t cards) {
    start(1);
    found(cards);
    for (auto id : {2U, 3U, 4U})
      start(id);
  }
  /// Certificates, limits, one product of 12.50, `cards` cards with numbers from `card(0)` on.
  void found(std::size_t cards);
  std::string card(std::size_t n) const { return std::to_string(9'704'000'000'000'000ULL + n); }
  account_id account(std::size_t n) const { return account_id{n + 1}; }

  till_answer ask(std::uint32_t id, till_command c);
  till_answer top_up(std::uint32_t store, std::size_t card, amount value, std::uint64_t counter);
  till_answer sell(std::uint32_t store, std::size_t card, std::int64_t quantity, std::uint64_t counter);

private:
  signed_certificate certify(const chain_node& n) const;

  std::filesystem::path root_;
  system_entropy random_;
  ed25519_verifier real_;
  signing_key root_key_;
  std::map<std::uint32_t, std::unique_ptr<chain_node>> nodes_;
};

/// Waits until `holds`, at most 20 s; whether it came to hold.
bool eventually(const std::function<bool()>& holds);

}  // namespace tally::test
