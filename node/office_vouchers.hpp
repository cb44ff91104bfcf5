#pragma once
#include "ledger/decide.hpp"
#include "node/office.hpp"

namespace tally {

/// Vouchers as head office makes them: each alike, of one batch.
struct voucher_order {
  code_face face;
  std::string batch;
  std::string tender;  ///< how money behind them was paid; empty for units that are given
};
struct granted_voucher {
  std::uint64_t account = 0;
  code_face face;
  tally::amount left = 0;  ///< units that lie at head office still
  bool is_void = false;
  bool sent = false;  ///< to a member, by head office
};
struct voucher_batch {
  std::string name;
  std::uint32_t purse = 0, until = 0;
  std::uint64_t count = 0;
  tally::amount units = 0, left = 0;
  std::uint64_t voided = 0;  ///< of `count`
};

/// Reserves `count` accounts and puts units behind each. `made` is called with each part when it is durable; where it
/// breaks off, the vouchers of the batch are those that `vouchers_of` lists.
status grant_vouchers(const admin_client& hq, const voucher_order& order, std::uint64_t count,
                      const std::function<status(const std::vector<granted_voucher>& part)>& made,
                      const progress& tell = {});
result<std::vector<voucher_batch>> voucher_batches(const admin_client& hq);
/// All vouchers of a batch, by account.
result<std::vector<granted_voucher>> vouchers_of(const admin_client& hq, const std::string& batch);
/// None of them is taken any more, from when a store hears of it. How many were good before.
result<std::size_t> void_vouchers(const admin_client& hq, const std::vector<granted_voucher>& list,
                                  const progress& tell = {});

/// What became of one number: `state` is "waits", "delivered", "too_old", "dropped" or "refused", and then `why` the
/// name of an errc and `detail` a sentence.
struct voucher_outcome {
  std::uint64_t account = 0, voucher = 0;
  std::string state, why, detail;
};
/// Sends the members of these cards a voucher of the batch each, at most 100 at once; a row for each, in order.
/// Again: what became of the first. Errors: not_found (no such batch), busy, io.
result<std::vector<voucher_outcome>> send_vouchers(const admin_client& hq, const std::string& chain,
                                                   const std::string& batch, const std::vector<std::string>& numbers);

}  // namespace tally
