#pragma once
#include "ledger/rules.hpp"
#include "ledger/state.hpp"

namespace tally {

/// What the sale of a card of a run states besides its key: price, deposit and end as the rules say, and what is loaded
/// at once. Sets kind, account, values, tenders and what it cites of card and rules; an `activate` when nothing is
/// paid.
/// REQUIRES: the entry has its business date. Errors: bad_amount (a load outside the bounds of a top-up), overflow.
status state_card_sale(entry& e, account_id account, const card_record& card, const rules_record& rules, amount load,
                       tender_kind tender);

/// What `state_card_sale` makes. Head office alone reverses one, of its own.
constexpr bool sells_card(entry_kind k) { return k == entry_kind::issue || k == entry_kind::activate; }

/// Of a payment that came to head office: the top-up that was written for it, as its own fold has it.
std::optional<sequence> top_up_for(const state& s, byte_view reference);
cell_key payment_key(byte_view reference);
/// Whether two references are one: small and capital letters (A to Z) are the same in them.
bool same_reference(byte_view a, byte_view b);
/// Longest text of a payment's reference.
constexpr std::size_t reference_max = 100;

/// Of units that head office gave or took by hand: the entry that was written under that reference.
std::optional<sequence> adjustment_for(const state& s, byte_view reference);
cell_key adjustment_key(byte_view reference);
/// What head office states of it (`blob`): the reference, and behind the end of its line the reason.
struct hand_note {
  byte_view reference, reason;
};
hand_note parse_hand_note(byte_view blob);
bytes hand_note_text(byte_view reference, byte_view reason);

/// The number under which head office itself sells cards; no till has it.
constexpr std::uint32_t office_terminal = 127;

}  // namespace tally
