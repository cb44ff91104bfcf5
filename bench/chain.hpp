#pragma once
#include <filesystem>
#include <memory>

#include "bench/reference.hpp"
#include "storage/merkle.hpp"
#include "storage/rocks_kv.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/station.hpp"

namespace tally::bench {

/// Head office's real station with its database in `dir`, and as many certified stores as wanted.
///
/// Throws std::runtime_error when something refuses.
class office {
public:
  office(const std::filesystem::path& dir, unsigned stores);

  static node_id store_id(unsigned n) { return {2 + n}; }
  static epoch_id store_epoch(unsigned n);
  static signing_key store_key(unsigned n);
  static std::string_view chain() { return "bench"; }
  writer_id self() { return station_->ledger().self(); }
  kv_store& store() { return *store_; }
  tally::station& at() { return *station_; }
  /// Rights to create value, for each store; they are on the channel's first number.
  void grant(amount quota);
  /// The reference workload's rules and products, in the directory.
  void publish();
  /// The directory as a store takes it in.
  stream_head directory();
  /// Opens the station anew from its database.
  void reopen();
  /// Runs what is queued and commits until nothing is left.
  void settle();

private:
  void certify(unsigned stores);

  std::unique_ptr<kv_store> store_;
  ed25519_verifier verifier_;
  ed25519_signer root_, hq_;
  system_entropy random_;
  std::unique_ptr<certificate_book> certificates_;
  std::unique_ptr<tally::station> station_;
  unsigned stores_;
};

/// A store that trades by itself: writes what a store's node would write, entry by entry and signed, without its
/// database. It has its own share of the accounts, so that what it spends lies there.
class model_store {
public:
  /// Accounts `first` to `first + accounts - 1` are this store's.
  model_store(unsigned n, const writer_id& hq, std::uint64_t first, std::uint64_t accounts);

  /// Begins the journal: epoch, rules, quota, and a top-up of each account.
  void open(const stream_head& directory, amount quota, amount each);
  /// One request of the reference workload by one of its tills.
  void trade();
  /// Entries since the last cut, at most `segment_entries_max` in each, signed at its end.
  void cut();
  bool full() const { return pending_.size() >= segment_entries_max; }
  std::uint64_t size() const { return frontier_.size(); }
  std::vector<segment> take() { return std::move(done_); }

private:
  struct till {
    std::uint32_t terminal{};
    std::uint64_t counter = 0;
    std::optional<sequence> last_sale;
  };
  void add(const entry& e);
  entry begin(entry_kind kind, till& t);
  std::uint64_t below(std::uint64_t n) { return dice_() % n; }

  writer_id self_, hq_;
  ed25519_signer key_;
  std::uint64_t first_, accounts_;
  const catalogue& rules_;  ///< one for all stores
  std::mt19937_64 dice_;
  std::vector<till> tills_;
  std::map<sequence, entry> sales_;  ///< the last of each till, so that it can be reversed
  merkle_frontier frontier_;
  entry_list pending_;
  std::uint64_t pending_first_ = 0;
  std::vector<segment> done_;
  std::int64_t second_ = 0;
};

}  // namespace tally::bench
