#pragma once
// What the files of the decider share; nobody else includes this.
#include "ledger/decide.hpp"

namespace tally::decide_detail {

using maybe_refusal = std::optional<refusal>;

refusal refuse(errc code, std::string detail, account_id account = {});
/// An entry of a till, dated now.
entry start(entry_kind kind, const till_key& k, const situation& s);
/// The entry if everybody may believe it, or the refusal with the figures that explain it.
decision judged(entry e, const situation& s, std::vector<posting>& postings, const entry* cited = nullptr);
/// Of what `e.earned` takes back of `cited`, what is not here any more; bonus is money and must be there.
std::vector<value_item> debts_of(const entry& e, const entry& cited, const situation& s);

/// A genuine card that is not in this node's directory yet is at version 0 of its state: its account is known, and that
/// nothing was published against it that has come here. `once`: digest of the one-time number that names it, or empty.
maybe_refusal check_card(account_id account, bool genuine, const bytes& once, const situation& s, std::uint32_t date,
                         card_record& card);
/// What the card's kind lets it spend here in a day.
maybe_refusal check_day(const entry& e, const programme& plan, const situation& s);
/// Whether these rules ask, and the card's member was born in the month of that date.
bool has_birthday(const card_record& card, const programme& plan, std::uint32_t date);
/// What a request takes out of a card, as far as its PIN is about it.
struct pin_matter {
  const pin_proof& proof;
  account_id account;
  const card_record& card;
  amount money{};      ///< paid money and bonus
  bool units = false;  ///< anything at all
};
/// Why it cannot be done, or the wrong try in its place; else `e` says whether the PIN was right.
std::optional<decision> check_pin(const pin_matter& m, const programme& plan, entry& e, const situation& s,
                                  std::vector<posting>& postings);
/// What a request takes out of a card, as far as a one-time code is about it.
struct code_matter {
  const code_proof& proof;
  account_id account;
  const card_record& card;
  amount money{};      ///< paid money and bonus
  bool units = false;  ///< anything at all
};
/// Why it cannot be done; else `e` says which code was right.
maybe_refusal check_code(const code_matter& m, const rules_record& rules, entry& e, const situation& s);
/// By which a request that a wrong PIN used up is known when it comes again; never 0, and nothing of proofs.
std::uint64_t request_digest(const till_command& c);
/// Minor units as a person reads them.
std::string money_text(const rules_record* rules, amount v);
/// Units of a purse: bonus is money.
std::string units_text(const rules_record* rules, std::uint32_t purse, amount v);
decision decide_pin(const pin_command& c, const situation& s, std::vector<posting>& postings);
bool same_pin(const pin_command& c, const entry& e);
/// Why the code of a voucher opens nothing here any more, or not so much.
maybe_refusal check_voucher(const code_face& code, account_id account, amount wanted, const situation& s,
                            std::uint32_t date);
/// A refusal of a card, in words for a voucher if it is one.
refusal void_voucher(refusal r, const code_face& code);
/// Units of a purse that may be taken beyond what lies here, and what each takes of the store's risk budget.
struct risk_room {
  std::uint32_t purse = purse_paid;
  amount units{}, each = 1;
  std::uint32_t bucket{};  ///< month in which they expire
};
risk_room room_for_risk(const code_face& code, account_id account, std::uint32_t card_kind, const programme& plan,
                        const situation& s);
/// Takes `missing` units at risk, if there is room: with what lies here, in `e.values`.
bool take_at_risk(entry& e, std::uint32_t purse, amount missing, const risk_room& room);
void state_customer(entry& e, account_id account, const card_record& card, const programme& plan);
/// Units that the rules give: what the quotas of this node cover, the rest as owed; older debts are settled first.
void give_units(entry& e, std::vector<value_item> given, const situation& s);

decision decide_sale(const sale_command& c, const situation& s, std::vector<posting>& postings);
bool same_sale(const sale_command& c, const entry& e, const catalogue& rules);
decision decide_refund(const refund_command& c, const situation& s, std::vector<posting>& postings);
bool same_refund(const refund_command& c, const entry& e);
decision decide_refund_elsewhere(const refund_elsewhere_command& c, const situation& s, std::vector<posting>& postings);
bool same_refund_elsewhere(const refund_elsewhere_command& c, const entry& e);
/// The debts that the entry would make are units that may lie elsewhere: a refusal that makes the caller ask for them.
maybe_refusal ask_before_debt(const entry& e, const situation& s);

/// The authorise of that number in the current journal, if it is open.
std::variant<entry, refusal> find_hold(sequence seq, const situation& s);
maybe_refusal check_open_holds(const situation& s, account_id account);
decision decide_authorise(const authorise_command& c, const situation& s, std::vector<posting>& postings);
bool same_authorise(const authorise_command& c, const entry& e);
decision decide_capture(const capture_command& c, const situation& s, std::vector<posting>& postings);
bool same_capture(const capture_command& c, const entry& e, const catalogue& rules);
decision decide_void(const void_command& c, const situation& s, std::vector<posting>& postings);

decision decide_gift(const gift_command& c, const situation& s, std::vector<posting>& postings);
bool same_gift(const gift_command& c, const entry& e);

decision decide_adjust(const adjust_command& c, const situation& s, std::vector<posting>& postings);
bool same_adjust(const adjust_command& c, const entry& e);

decision decide_stock(const stock_command& c, const situation& s, std::vector<posting>& postings);
bool same_stock(const stock_command& c, const entry& e);

// decide_cards.cpp
/// Whether that kind of card is good here, or loaded here.
maybe_refusal check_place(const programme& plan, const card_record& card, account_id account, const situation& s);
maybe_refusal check_loading(const programme& plan, const card_record& card, account_id account, const situation& s);
/// Head office goes by what this store says of cards: their reports and PINs.
maybe_refusal check_heeded(account_id account, const situation& s);
/// Why this card cannot be used here on that date.
maybe_refusal check_standing(account_id account, const card_record& card, const situation& s, std::uint32_t date);
/// A one-time number pays one sale. The writer's journals before its present one count as well.
maybe_refusal check_once(account_id account, const bytes& once, const card_record& card, const situation& s);
/// Too much card value at once for a list of blocked cards as old as this node's.
maybe_refusal check_lists(amount from_card, const situation& s, const rules_record* rules, account_id account);
bool rules_are_stale(const situation& s, const programme& plan);
decision decide_claim(const claim_command& c, const situation& s, std::vector<posting>& postings);
decision decide_card_sale(const card_sale_command& c, const situation& s, std::vector<posting>& postings);
decision decide_hand_back(const hand_back_command& c, const situation& s, std::vector<posting>& postings);
bool same_card_request(const claim_command& c, const entry& e);
bool same_card_request(const card_sale_command& c, const entry& e);
bool same_card_request(const hand_back_command& c, const entry& e);

}  // namespace tally::decide_detail
