#pragma once
#include <optional>
#include <string>
#include <vector>

#include "ledger/programme.hpp"
#include "ledger/state.hpp"

namespace tally {

// What the fold remembers of codes of vouchers, and of cards at risk (docs/ledger.md, "At risk").

/// Units that were taken at that node with the code of this voucher.
tally::amount taken_by_code(const state& s, const writer_id& w, account_id account);
/// `granted`: where what head office put behind the code is counted.
/// The entries that took some at risk, of the cell's text, oldest first; at most the newest `takings_max` are kept.
std::vector<sequence> takings_in(byte_view text);
bytes with_taking(byte_view text, sequence seq);
bytes without_taking(byte_view text, sequence seq);
constexpr std::size_t takings_max = 32;
/// Units that did not lie there when a sale or gift took them.
tally::amount units_at_risk(const entry& e);
/// What the rules say that the units which did not lie here are worth, in minor units; nothing when some of them are
/// worth nothing, or the sum does not fit.
std::optional<amount> worth_at_risk(const entry& e, const programme& plan);
/// What a voucher's grant says, as the text of its cell; and back.
struct grant_words {
  std::uint32_t purse{}, until{};  ///< until: last day of the code; 0: no end
  std::string batch;
};
bytes grant_text(const entry& grant);
std::optional<grant_words> parse_grant_text(byte_view text);
cell_key code_key(const writer_id& w, account_id account, bool granted);
/// Sales of a card at risk at that node since its debts went up.
std::int64_t risk_count(const state& s, const writer_id& w, account_id account);
cell_key risk_count_key(const writer_id& w, account_id account);

}  // namespace tally
