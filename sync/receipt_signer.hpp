#pragma once
#include <mutex>
#include <vector>

#include "sync/receipt_code.hpp"

namespace tally {

/// Makes the codes of a node's own receipts at the pace of its sales: keeps the right edge of the journal's tree in
/// memory, so that a code costs one entry read, some hashes and one signature, and writes nothing.
///
/// Thread-safe. `store` shows durable entries only; it and `key` outlive this. What it keeps is a cache: at most
/// `kept_max` leaf hashes and one frontier, of one epoch.
class receipt_signer {
public:
  static constexpr std::size_t kept_max = 64;

  receipt_signer(const kv_store& store, const signer& key, std::string chain)
      : reader_(store), key_(key), chain_(std::move(chain)) {}

  /// The code of a durable entry of a journal that this node wrote under this key. `not_found` when it is not there or
  /// is no receipt (sale, top-up, reversal); io, corrupt.
  result<receipt_code> sign(const writer_id& writer, sequence seq);

private:
  /// Root of the first `seq + 1` entries.
  result<hash256> root_after(const writer_id& writer, sequence seq);

  stream_reader reader_;
  const signer& key_;
  std::string chain_;

  std::mutex mutex_;  // guards all below
  writer_id writer_;
  merkle_frontier base_;         // of the entries before `leaves_`
  std::vector<hash256> leaves_;  // that follow it
};

}  // namespace tally
