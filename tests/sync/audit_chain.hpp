#pragma once
#include <deque>

#include "storage/memory_kv.hpp"
#include "sync/audit.hpp"
#include "sync/durable_source.hpp"
#include "sync/seeded.hpp"
#include "sync/station.hpp"

namespace tally::test {

/// One node of the small chain below.
struct chain_node {
  node_id id;
  node_role role{};
  std::unique_ptr<ed25519_signer> keys;
  certificate cert;
  signed_certificate signed_cert;
  memory_kv store;
  std::unique_ptr<seeded_entropy> random;
  std::unique_ptr<certificate_book> certificates;
  std::unique_ptr<station> st;
  std::unique_ptr<durable_source> source;
  std::uint64_t counter = 0;
  writer_id writer() const { return {id, cert.epoch}; }
  stream_id journal() const { return {writer(), sub_stream::journal, {}}; }
};

/// Head office 1, region 2, stores 3 and 4, with real keys, in memory, without sockets: segments and messages
/// are carried by hand. Made once with a history: cards, two versions of prices, quotas, top-ups, sales in both
/// stores, a pull, reversals.
class audit_chain {
public:
  static constexpr std::string_view name = "cafe-42";
  static constexpr account_id card{17}, other_card{18};

  audit_chain();
  /// Certificates, limits and cards: what trade begins with.
  void found();
  /// Trades as described above until all is quiet.
  void history();

  chain_node& node(std::uint32_t id) { return *nodes_.at(id - 1); }
  audit_trust trust() const { return {std::string(name), root_->key()}; }
  const verifier& with() const { return with_; }
  result<audit_report> check(const kv_store& store) const;
  result<audit_report> check(std::uint32_t id) { return check(node(id).store); }

  // -- trade -----------------------------------------------------------------
  void facts(std::vector<entry> list);
  void publish(std::uint64_t version, amount price);
  void top_up(std::uint32_t store, amount value, account_id account = card);
  void sell(std::uint32_t store, std::int64_t quantity, account_id account = card);
  void sell_for_cash(std::uint32_t store, std::int64_t quantity);
  void reverse(std::uint32_t store, sequence seq);
  /// Writes an entry that no honest till would make; it passes `judge` at its writer.
  void write(std::uint32_t id, const entry& e);
  /// Puts an old copy back in place of a node's data, and starts the node on it. Its till then shows it a newer mark.
  void restore(std::uint32_t id, const kv_image& copy, std::uint64_t known_size);
  /// Carries everything everywhere, until nothing moves any more.
  void sync();
  void next_day() { now_ += 86'400; }
  /// Writes what is observed into the database of head office and the region.
  void checkpoint();

private:
  void add(std::uint32_t id, node_role role, std::vector<node_id> parents);
  void open(chain_node& n);
  void exchange(tick_ms step);
  void settle(chain_node& n);
  bool carry(chain_node& from, chain_node& to);
  void ask(std::uint32_t id, till_command c);
  till_key key(chain_node& n) { return {.terminal = n.id.value * 1000 + 1, .counter = ++n.counter, .operator_id = 7}; }

  ed25519_verifier with_;
  seeded_entropy random_{4711};
  std::unique_ptr<ed25519_signer> root_;
  std::vector<std::unique_ptr<chain_node>> nodes_;
  std::deque<std::tuple<node_id, node_id, message>> post_;
  std::optional<till_answer> answer_;
  unix_seconds now_ = 1'795'341'600;  // 2026-11-22
  tick_ms tick_ = 1'000;
  std::uint64_t requests_ = 0;
};

}  // namespace tally::test
