#pragma once
#include "ledger/decide.hpp"

namespace tally {

// Rulings of head office about cases, and what they make others do. A ruling posts only to head office's accounts: what
// the owner of the case's node owes to the chain. It may carry an instruction to one holder of an account's value,
// which that holder executes once, or never when its epoch ends before: what lay there is head office's then. Pure.

/// Card value that an entry names, whichever way it moves, minor units; of a voucher what it was worth; of a sale of
/// which too much came back all that was paid. `rules`: those that the entry names say which of its units are bonus,
/// which is worth as much money; without them it counts as nothing.
tally::amount case_sum(const entry& e, errc why, const rules_record* rules);
/// The most that a ruling about this entry may say, whatever the case was.
tally::amount case_sum_max(const entry& e, const rules_record* rules);
/// Whether the sum is owed when a ruling `owed` does not say how much: the entry stands in the books, and by itself it
/// costs its node's owner nothing. What is contested gives its writer nothing already.
bool owes_by_default(errc why);
/// The node whose owner owes what a ruling says.
inline node_id debtor_of(const entry& ruling) { return ruling.debtor.value != 0 ? ruling.debtor : ruling.subject.node; }

/// What a holder is to write off.
struct instruction {
  writer_id holder;
  account_id account;
  std::vector<value_item> items;  ///< purse, unit and amount, each purse once; the holder chooses the months
  friend bool operator==(const instruction&, const instruction&) = default;
};
std::optional<instruction> instruction_of(const state& s, const writer_id& subject, sequence seq);
std::optional<instruction> parse_instruction(const cell& c);
void put_instruction(state& s, const writer_id& subject, sequence seq, const instruction& i);
cell_key executed_key(const writer_id& subject, sequence seq, const writer_id& holder);

/// Purses of one instruction; more are malformed.
constexpr std::size_t instructed_max = 16;

status check_ruling(const entry& e, const entry_place& p, const state& s);
status check_execute(const entry& e, const entry_place& p, const state& s);

/// Writes off what lies here of it, which may be less, or nothing at all. No entry when it is not for this life of this
/// node, or was done.
std::optional<entry> decide_execute(const situation& now, const writer_id& subject, sequence seq);

}  // namespace tally
