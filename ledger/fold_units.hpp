#pragma once
// The part of judging and applying that is about units and refunds; only fold.cpp includes this.
#include "ledger/fold.hpp"

namespace tally::fold_detail {

/// A debt is a part of what the entry gives or takes back, item by item.
status check_debts(const entry& e);
/// Each piece once, and in all not more money than was paid, by tenders not more than by tenders. What a piece cost is
/// for who has the rules to say.
status check_refund(const entry& e, const entry_place& p, const state& s);
/// What a capture, void or time-out ends was put aside, is there, and ends whole; in time.
status check_hold_end(const entry& e, const entry_place& p, const state& s);
status check_authorise(const entry& e, const entry_place& p);
status check_refund_elsewhere(const entry& e, const entry_place& p);
status check_gift(const entry& e);
/// Value that did not lie here, and what a voucher's code promises.
status check_risk(const entry& e);
/// That by the rules it is not worth more than the budget that was taken; done where they are not known.
status check_worth(const entry& e, const entry_place& p);
/// Debts of a reversal, against what it reverses.
status check_undone_debts(const entry& e, const entry& cited);
status check_voucher_grant(const entry& e, const entry_place& p, const state& s);
/// Whether so much expired that way is for who has all journals to say (lapses.hpp).
/// A count, or pieces that came or went.
status check_stock(const entry& e);
void apply_stock(const entry& e, const entry_place& p, state& s);
status check_give_back(const entry& e);
status check_expire(const entry& e);
/// Of `earn` and `take_back`.
status check_earn(const entry& e, const state& s);
/// Units of one purse, given or taken, with a reason.
status check_adjust(const entry& e, const entry_place& p, const state& s);
/// The fee of one month that is over by head office's time, later than the last one.
status check_fee(const entry& e, const entry_place& p, const state& s);
status check_regrant(const entry& e, const entry_place& p, const state& s);

void apply_hold(const entry& e, const entry_place& p, state& s);
void apply_spent(const entry& e, const entry_place& p, state& s);
void apply_refund(const entry& e, const entry_place& p, state& s);
void apply_turnover(const entry& e, const entry_place& p, state& s);
/// Which months cards were used in, fees, and what was given by hand.
void apply_uses(const entry& e, const entry_place& p, state& s, errc why);
/// What was taken with the codes of vouchers, and how often at risk.
void apply_codes(const entry& e, const entry_place& p, state& s);
void apply_owed(const entry& e, const entry_place& p, state& s);

}  // namespace tally::fold_detail
