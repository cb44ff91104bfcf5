#pragma once
#include <functional>

#include "storage/book.hpp"

namespace tally {

/// Head office sells a card of a run that lies with it. Of the entry account, load (purse 1) and kind of tender are
/// looked at; the rest is stated by the rules and the state of the card as they are now, under the next number of the
/// office's own terminal. Errors: unknown_card, not_applicable (it is not for sale), bad_rules, bad_amount, overflow.
status complete_card_sale(entry& e, book& b, unix_seconds now);

/// A payment that came to head office, as over a web shop or by a bank's transfer, onto a card. Of the entry account,
/// amount (purse 1), kind of tender, package and the payment's reference (blob) are looked at; the rest is decided as a
/// till's top-up is. Errors: key_reused (that reference was booked), bad_amount (also of the reference), and those of a
/// top-up at a till.
status complete_top_up(entry& e, book& b, unix_seconds now);

/// Units that head office gives to a card by hand (`earned`: one item), or takes from what lies with it (`values`). Of
/// the entry account, purse and sum, reference and reason (`hand_note_text`) are looked at; the rest is decided as at a
/// till, within the day's sum of the rules. Errors: key_reused (that reference was used), malformed (also of reference
/// and reason), insufficient (less lies here; the text says how much), and those of a till.
status complete_adjustment(entry& e, book& b, unix_seconds now);

/// Head office pays out what is left on a card that was given back or cancelled: what came to it later, or was not paid
/// out then. Of the entry account, sum and kind of tender and the payment's reference (blob) are looked at; paid money
/// goes first, then the deposit. `owes`: what the account owes anywhere, which is paid first. Errors: key_reused (a
/// payment with that reference was booked), bad_amount (also of the reference), unknown_card, not_applicable (the card
/// is in use), insufficient (less lies at head office; the text says how much).
status complete_pay_out(entry& e, book& b, unix_seconds now, tally::amount owes);

/// Whether anything of the account's purse lies at another node, or is owed.
using is_about = std::function<bool(account_id, std::uint32_t purse)>;

/// A card's state as somebody decided it who looked at `card` a moment ago, or at an earlier state of it: a store's
/// newer PIN stays. Errors: busy (another change came between, and this one would undo it).
status complete_card_fact(entry& e, const card_record& card);

/// Head office takes back its own sale of a card that nobody used since: `e.cites` is where the sale is in its present
/// journal, `e.account` the card; the rest is stated as the sale was, under the next number of the office's own
/// terminal. Errors: not_found (no such sale), already_reversed, not_applicable (used since, reported, or given a PIN).
status complete_card_undo(entry& e, book& b, unix_seconds now, const is_about& elsewhere);

/// What stands against that, as far as head office's own books (`st` of `self`) tell: not_applicable with a sentence as
/// above. Pure.
status may_undo_card_sale(const entry& sale, const writer_id& self, const state& st, const rules_record* rules,
                          const is_about& elsewhere);

}  // namespace tally
