#pragma once
#include "ledger/rules.hpp"
#include "ledger/state.hpp"
#include "storage/kv_view.hpp"

namespace tally {

// Kinds of cards that the rules name. Whoever has a card of a kind that no rules know has one without price, limit or
// purse, so head office neither publishes rules that leave such a kind out, nor makes a card of it: both are decided
// where its facts are put in order, so that none slips in between the other's look and what it writes.

/// Whether `next` may follow `now`: it leaves out no kind of which some card is in use. `open`: what is decided and not
/// durable yet counts as well; null: what is durable alone, for an answer that nobody relies on.
/// Reads every card when a kind is left out. Errors: bad_rules (the text says how many cards), io.
status kinds_are_kept(const kv_store& store, const kv_view* open, const rules_record* now, const rules_record& next);

/// Whether a fact may say that a card is of its kind: one of the newest rules, that of the card before, any of a card
/// that is over. Without rules any. Pure. Errors: not_found.
status kind_is_known(const catalogue& rules, const state& st, const entry& e);

}  // namespace tally
