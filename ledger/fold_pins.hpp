#pragma once
// The part of judging and applying that is about PINs; only fold.cpp and fold_cards.cpp include this.
#include "ledger/fold.hpp"

namespace tally::fold_detail {

status check_pin_set(const entry& e, const entry_place& p, const state& s);
status check_pin_failed(const entry& e, const entry_place& p, const state& s);
/// What PINs that were set, right or wrong change in their writer's fold.
void apply_pin(const entry& e, const entry_place& p, state& s);
/// A one-time code opens one entry.
status check_code_once(const entry& e, const entry_place& p, const state& s);
void apply_code(const entry& e, const entry_place& p, state& s);
/// Of a card's state that is about to take the place of `before`.
void learn_pin(const entry& e, const pin_state& before, state& s);
void learn_pin_key(const entry& e, state& s);

}  // namespace tally::fold_detail
