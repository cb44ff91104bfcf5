#pragma once
#include "ledger/state.hpp"
#include "storage/kv_view.hpp"
#include "storage/varint.hpp"

namespace tally {

/// The fold of a node's own journal, kept in the family `state` of its database, seen and changed through a view.
/// Keys and values: storage/FORMAT.md, "State".
class kv_state final : public state {
public:
  /// `view` outlives this.
  explicit kv_state(kv_view& view) : view_(view) {}
  tally::amount balance(const ledger_account& a) const override;
  void set_balance(const ledger_account& a, tally::amount v) override;
  std::optional<cell> find(const cell_key& k) const override;
  void put(const cell_key& k, cell v) override;
  void erase(const cell_key& k) override;

private:
  byte_view name(const ledger_account& a) const;
  byte_view name(const cell_key& k) const;

  kv_view& view_;
  mutable byte_writer key_;  // scratch, so that a look-up takes no memory
  mutable bytes value_;
};

/// Reads the same keys from a store directly: the durable view. Any thread.
class durable_state final : public state {
public:
  explicit durable_state(const kv_store& store) : store_(store) {}
  tally::amount balance(const ledger_account& a) const override;
  std::optional<cell> find(const cell_key& k) const override;
  /// Read only: these are programmer's errors.
  void set_balance(const ledger_account&, tally::amount) override;
  void put(const cell_key&, cell) override;
  void erase(const cell_key&) override;
  bool read_failed() const { return failed_; }

private:
  const kv_store& store_;
  mutable bool failed_ = false;
};

bytes balance_key(const ledger_account& a);
std::optional<ledger_account> parse_balance_key(byte_view key);
bytes cell_key_bytes(const cell_key& k);
std::optional<cell_key> parse_cell_key(byte_view key);
bytes encode_balance(tally::amount v);
std::optional<tally::amount> decode_balance(byte_view v);
bytes encode_cell(const cell& c);
std::optional<cell> decode_cell(byte_view v);

/// First octet of a key in the family `state`.
constexpr char balance_prefix = 'b', cell_prefix = 'c';

}  // namespace tally
