#pragma once
#include "ledger/entry.hpp"
#include "ledger/result.hpp"

namespace tally {

// What head office's calendar has to tell the member of a card. The station writes it into family meta, in the group of
// the entry that it is about; whoever keeps the outbox moves it there (node/code_office.hpp).

enum class notice_kind : std::uint8_t { level = 1, fee = 2, expiry = 3 };
struct notice {
  notice_kind kind{};
  account_id card;
  unix_seconds at{};
  std::uint32_t from{}, to{};  ///< levels of the rules; 0: none; of expiry: `from` is the purse
  amount fee{};                ///< a month, at most; of expiry: units that the card has of that month, at all nodes
  std::uint32_t day{};  ///< on which the first fee is taken, if nobody uses the card until then; of expiry: the last
                        ///< day on which they are good
  friend bool operator==(const notice&, const notice&) = default;
};
bytes encode_notice(const notice& n);
/// Errors: corrupt.
result<notice> decode_notice(byte_view data);

/// Where they wait, in the family meta. The rest of a key is different for each entry, and for each month of a fee.
inline constexpr std::string_view notice_prefix = "nnotice/";
bytes level_notice_key(account_id card, const epoch_id& epoch, sequence seq);
bytes fee_notice_key(account_id card, std::uint32_t month);
bytes expiry_notice_key(account_id card, std::uint32_t purse, std::uint32_t month);
/// Where the newest month (yyyymm, `uv`) is of whose units a card's member was told that they expire.
bytes expiry_told_key(account_id card);
/// Most days that it can be told before: what is ahead is always the end of the month that it is.
inline constexpr std::uint32_t expiry_notice_days_max = 28;
/// Where the newest month (yyyymm, `uv`) is of whose fee a card's member was told.
bytes fee_told_key(account_id card);

}  // namespace tally
