#pragma once
#include <string>

#include "ledger/types.hpp"

namespace tally {
class catalogue;
}

namespace tally::sim {

class world;
struct sim_node;

/// Invariants 1 to 8 at a moment when everything has healed and drained. Throws `broken`.
void check_quiet(const world& w);
/// Members are told of what head office wrote: once, and of nothing else.
void check_notices(const world& w);
/// Each contested entry was a case, as some others, and every node knows what head office ruled about it (lost.cpp).
void check_rulings(const world& w);
/// Goods that a node sells: all that head office has, or what is sold by amount (topics.cpp).
void check_goods(const catalogue& own, const catalogue& hq, const sim_node& n);
/// Whether a node holds more of head office's directory than its parent does.
bool knows_more(const sim_node& n, const sim_node& parent);
/// What lay at lives that ended is granted anew, and nothing that head office knows is spent twice (ended_lives.cpp).
void check_restored_value(const world& w);
/// Whether it is granted: of what misses entries head office waits for them first.
bool granted(const world& w, std::string* why = nullptr);
/// Money that an account owes at any node, as head office sees it, minor units.
amount owed_by(const world& w, account_id account);
/// Whether everything that must reach head office and come back has done so; `why` says what is missing.
bool drained(const world& w, std::string* why = nullptr);
/// What was put aside came back when its time was over.
bool timed_out(const world& w, std::string* why = nullptr);
/// Debts are at head office, and no debtor has such units at any store.
bool debts_asked(const world& w, std::string* why = nullptr);

}  // namespace tally::sim
