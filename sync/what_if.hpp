#pragma once
#include <map>

#include "ledger/rules.hpp"
#include "storage/kv.hpp"

namespace tally {

/// What the sales of some days cost, and what they would have cost under rules that are not published yet.
struct what_if_line {
  std::uint64_t sales = 0;       ///< looked at
  std::uint64_t changed = 0;     ///< another sum, tax or gift
  std::uint64_t impossible = 0;  ///< could not be made so: a product withdrawn, points or a voucher that do not apply
  amount due_then = 0, due_now = 0;                       ///< in money, of those that are possible
  std::map<std::uint32_t, amount> given_then, given_now;  ///< units by purse
};
struct what_if_report {
  std::uint32_t first_day = 0, last_day = 0;  ///< business dates; 0 when there is no sale
  std::map<node_id, what_if_line> nodes;
  what_if_line sum;
  std::string first_impossible;  ///< why, of the first one
};

/// Prices the sales of the newest `days` business dates of all journals in a store again, under `rules` and `products`
/// as if they were the next version and in force. A sale of a journal that cannot be read further is left out with the
/// rest of that journal; one whose card would not be good at its store is impossible. Pure but for reads.
/// Errors: io, corrupt, overflow.
result<what_if_report> what_if(const kv_store& store, node_id self, const rules_record& rules,
                               const std::vector<product>& products, std::uint32_t days);

}  // namespace tally
