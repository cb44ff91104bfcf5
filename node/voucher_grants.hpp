#pragma once
#include <functional>
#include <optional>

#include "ledger/risk.hpp"
#include "storage/kv.hpp"

namespace tally {

/// A voucher with a code that head office granted, and what its grant says.
struct granted {
  account_id account;
  writer_id writer;
  amount units{};
  grant_words words;
};

/// All vouchers that this node ever granted, by account, until `visit` answers false. What stores took is not seen. Any
/// thread; what is durable. False: the disk failed.
bool each_granted(const kv_store& store, const std::function<bool(const granted&)>& visit);
std::optional<granted> granted_at(const kv_store& store, account_id account);
/// Units that lie at head office still: no store has taken them.
amount left_of(const state& st, const granted& g, const writer_id& self);
/// All of it can be had by whoever shows the code: it is not void, and nobody has taken any of it.
bool is_whole(const state& st, const granted& g, const writer_id& self, std::uint32_t today);

}  // namespace tally
