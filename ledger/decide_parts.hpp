#pragma once
// What the files of the decider share; nobody else includes this.
#include "ledger/decide.hpp"

namespace tally::decide_detail {

refusal refuse(errc code, std::string detail, account_id account = {});
/// An entry of a till, dated now.
entry start(entry_kind kind, const till_key& k, const situation& s);
/// The entry if everybody may believe it, or the refusal with the figures that explain it.
decision judged(entry e, const situation& s, std::vector<posting>& postings, const entry* cited = nullptr);
/// Of what `e.earned` takes back of `cited`, what is not here any more; bonus is money and must be there.
std::vector<value_item> debts_of(const entry& e, const entry& cited, const situation& s);
decision decide_refund(const refund_command& c, const situation& s, std::vector<posting>& postings);
bool same_refund(const refund_command& c, const entry& e);

// decide_cards.cpp
/// Why this card cannot be used here on that date.
std::optional<refusal> check_standing(account_id account, const card_record& card, const situation& s,
                                      std::uint32_t date);
/// A one-time number pays one sale. The writer's journals before its present one count as well.
std::optional<refusal> check_once(account_id account, const bytes& once, const card_record& card, const situation& s);
/// Too much card value at once for a list of blocked cards as old as this node's.
std::optional<refusal> check_lists(amount from_card, const situation& s, const rules_record* rules, account_id account);
bool rules_are_stale(const situation& s, const programme& plan);
decision decide_claim(const claim_command& c, const situation& s, std::vector<posting>& postings);
decision decide_card_sale(const card_sale_command& c, const situation& s, std::vector<posting>& postings);
decision decide_hand_back(const hand_back_command& c, const situation& s, std::vector<posting>& postings);
bool same_card_request(const claim_command& c, const entry& e);
bool same_card_request(const card_sale_command& c, const entry& e);
bool same_card_request(const hand_back_command& c, const entry& e);

}  // namespace tally::decide_detail
