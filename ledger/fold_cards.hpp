#pragma once
// The part of judging and applying that is about the life of cards; only fold.cpp includes this.
#include "ledger/fold.hpp"

namespace tally::fold_detail {

/// Frozen or lost, not more of them in a day than a node may make.
status check_claim(const entry& e, const entry_place& p, const state& s);
/// Of a payment that came to head office there is one top-up, in whichever of its lives.
status check_reference(const entry& e, const entry_place& p, const state& s);
/// A card of a run that lies at the writer, once.
status check_card_sale(const entry& e, const entry_place& p, const state& s);
status check_hand_back(const entry& e, const entry_place& p, const state& s);
/// Why an entry of that kind is not reversed, in words.
std::string what_stays(entry_kind k);
status check_bring_back(const entry& e, const entry_place& p, const state& s);
status check_allot(const entry& e);
status check_card_state(const entry& e);

/// What claims and sales of cards change in their writer's fold.
void apply_card_life(const entry& e, const entry_place& p, state& s);
/// What head office's facts about cards change in what a node knows.
void learn_card(const entry& e, state& s);
void learn_batch(const entry& e, state& s);
void learn_recall(const entry& e, state& s);

}  // namespace tally::fold_detail
