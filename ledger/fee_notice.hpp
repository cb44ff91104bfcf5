#pragma once
#include "ledger/decide.hpp"

namespace tally {

/// The first fee that a card owes if nobody uses it until then.
struct fee_ahead {
  std::uint32_t month{};  ///< yyyymm, the one that it is the fee of
  std::uint32_t day{};    ///< on which it is taken: the first one after that month
  amount fee{};           ///< for each month, at most
  std::vector<std::uint32_t> purses;
};
/// Most days that it can be told before: what is ahead is always the fee of the month that it is.
constexpr std::uint32_t fee_notice_days_max = 28;

/// Head office: the fee that comes within `days`, as its own time says and `seen` tells of uses at all nodes. Nothing
/// when the card is not in use, was used, or pays fees already; nor when its member was told of the fee of month `told`
/// (0: of none) and nobody has used the card since.
std::optional<fee_ahead> first_fee_ahead(const situation& now, const state& seen, account_id account,
                                         std::uint32_t days, std::uint32_t told);

}  // namespace tally
