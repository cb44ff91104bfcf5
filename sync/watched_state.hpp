#pragma once
#include <functional>
#include <unordered_map>

#include "ledger/keys.hpp"
#include "storage/kv_view.hpp"
#include "sync/right_table.hpp"

namespace tally {

/// The fold of many journals, as a region or head office watches them: in memory, small for each card and each entry,
/// and written out now and then.
///
/// Holdings and reversals lie in a `right_table`, what a store has few of in a record of that store, the rest in hash
/// maps. Of idempotency keys only *whether* they were used is kept, as bits: who watches never answers a till. A cell
/// that the fold asks for is found as in any other state; `answered` says 0 for each used key.
/// One owner thread.
class watched_state final : public state {
public:
  watched_state();

  // -- state -----------------------------------------------------------------

  tally::amount balance(const ledger_account& a) const override;
  void set_balance(const ledger_account& a, tally::amount v) override;
  std::optional<cell> find(const cell_key& k) const override;
  void put(const cell_key& k, cell v) override;
  void erase(const cell_key& k) override;
  std::uint64_t newest_counter(const writer_id& w, std::uint32_t terminal) const override;
  std::optional<sequence> answered(const key_use& k) const override;
  void set_answered(const key_use& k, sequence seq) override;
  std::vector<std::uint32_t> months_held(const writer_id& w, account_id account, std::uint32_t purse) const override;
  void note_month(const ledger_account& held, bool empty) override;
  tally::amount turnover(account_id account, std::uint32_t month) const override;
  void add_turnover(account_id account, std::uint32_t month, tally::amount v) override;

  /// Everything, in key order, so that two states can be compared and printed. Balances without zeros; the counters of
  /// a terminal as one `last_counter` cell. Without turnover and lapses, which only head office counts, and
  /// units that refunds took, counted from some time on.
  std::map<ledger_account, tally::amount> balances() const;
  std::map<cell_key, cell> cells() const;
  std::size_t memory_octets() const;
  /// Holdings of one writer that are not zero, and transfers of all writers, in no order.
  void each_holding(const writer_id& w, const std::function<void(const ledger_account&, tally::amount)>& visit) const;
  /// What a writer's authorisations have put aside.
  void each_held(const writer_id& w, const std::function<void(const ledger_account&, tally::amount)>& visit) const;
  /// Holdings of a closed epoch of which something was granted anew, by whichever writer.
  void each_doubt(const writer_id& closed, const std::function<void(const ledger_account& holding)>& visit) const;
  /// Sales of which other stores than their own took goods back: the seller, and the sale's sequence.
  void each_returned(const std::function<void(const writer_id&, sequence)>& visit) const;
  void each_contested(const std::function<void(const writer_id&, sequence, errc)>& visit) const;
  /// What entries could not give: cells `owing`, in no order.
  void each_owing(const std::function<void(const writer_id&, sequence, byte_view text)>& visit) const;
  /// Those that changed since the last call; the first call: all of them. Kept from then on until the next call.
  std::set<std::pair<writer_id, sequence>> take_owing();
  /// What was taken with codes of vouchers, and what was granted: cells `bearer`, in no order.
  void each_code(const std::function<void(const cell_key&, const cell&)>& visit) const;
  /// Accounts with a one-time number, once for each writer that saw it, in no order.
  void each_once(const std::function<void(account_id)>& visit) const;
  /// What expired and what was spent of an account's purse (lapses.hpp), in no order.
  void each_lapse(const std::function<void(account_id, std::uint32_t purse, byte_view)>& visit) const;
  void each_open_claim(const std::function<void(const writer_id&, sequence, account_id)>& visit) const;
  void each_transfer(const std::function<void(const cell_key&, const cell&)>& visit) const;

  // -- disk (storage/FORMAT.md, "What is observed") ----------------------------

  /// Reads all checkpoints. REQUIRES: empty. Errors: io, corrupt.
  status load(const kv_store& store);
  /// Writes what changed since the last checkpoint into the open group.
  void checkpoint(kv_view& view);

private:
  static constexpr std::size_t accounts_near_max = 16;
  static constexpr std::uint64_t counters_kept = 1024;
  static_assert(counters_kept >= key_window);

  struct account_near {
    ledger_account name;
    tally::amount value{};
    bool changed = false;
  };
  struct number_near {
    std::int64_t n{};
    bool present = false, changed = false;
  };
  struct counters {
    std::uint64_t newest{};
    std::array<std::uint64_t, counters_kept / 64> used{};  ///< bit counter mod 1,024
    bool changed = false;
  };
  /// What one writer has of its own.
  struct part {
    writer_id id;
    std::vector<account_near> near;  ///< the first few accounts that are no holdings; others lie in `balances_`
    number_near held_total, business_date, contested;
    std::unordered_map<std::uint32_t, counters> tills;
    bool changed = false;
  };
  struct hash {
    std::size_t operator()(const ledger_account& a) const noexcept { return memory_state::hash{}(a); }
    std::size_t operator()(const cell_key& k) const noexcept { return memory_state::hash{}(k); }
  };
  /// Purse, unit and bucket of a holding.
  struct holding_kind {
    std::uint64_t purse{}, bucket{};
    unit_id unit{};
    friend auto operator<=>(const holding_kind&, const holding_kind&) = default;
  };
  /// Records of one part of the table on disk.
  struct chain {
    std::uint64_t first = 0, next = 0;           ///< generations
    std::uint64_t whole_octets = 0, octets = 0;  ///< of the first record, of those behind it
  };

  const part* part_of(const writer_id& w) const;
  part& reach(const writer_id& w);
  std::uint32_t index_of(const writer_id& w) const;
  static const account_near* near_of(const part& p, const ledger_account& a);
  static const number_near* number_of(const part& p, const cell_key& k);
  std::optional<right_table::key> table_key(const ledger_account& a) const;
  right_table::key reach_key(const ledger_account& a);
  std::uint32_t reach_kind(const holding_kind& k);
  static cell counters_cell(const counters& c);
  static bool is_near(const ledger_account& a) {
    return a.type != account_type::hold && a.type != account_type::transit && a.type != account_type::held;
  }
  void touch(part& p);
  void put_counters(const cell_key& k, const cell& v);
  std::optional<ledger_account> holding_of(const right_table::key& k) const;
  cell_key reversed_of(const right_table::key& k) const;

  status load_part(byte_view key, byte_view value);
  bytes encode_items(std::vector<right_table::item> items, bool whole) const;
  bool decode_items(std::size_t n, byte_view value);
  void checkpoint_writer(kv_view& view, part& p);
  void checkpoint_table(kv_view& view, std::size_t n);

  std::vector<part> parts_;  ///< by writer's index; the first is nobody's
  std::map<writer_id, std::uint32_t> index_;
  mutable std::uint32_t last_ = 0;  ///< the writer that was asked for last: runs are of one writer
  std::vector<std::uint32_t> changed_parts_;

  std::vector<holding_kind> kinds_;  ///< by `what` of a table key; 0 stands for reversals
  std::map<holding_kind, std::uint32_t> kind_index_;
  right_table table_;
  std::array<chain, right_table::parts> chains_;

  std::unordered_map<ledger_account, tally::amount, hash> balances_;
  std::unordered_map<cell_key, cell, hash> cells_;
  std::vector<ledger_account> changed_balances_;
  std::vector<cell_key> changed_cells_;
  std::optional<std::set<std::pair<writer_id, sequence>>> owing_moved_;  ///< once somebody asks
};

}  // namespace tally
