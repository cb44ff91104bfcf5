#pragma once
#include <string>

namespace tally::sim {

class world;

/// Invariants 1 to 8 at a moment when everything has healed and drained. Throws `broken`.
void check_quiet(const world& w);
/// Members are told of what head office wrote: once, and of nothing else.
void check_notices(const world& w);
/// Each contested entry was a case, as some others, and every node knows what head office ruled about it (lost.cpp).
void check_rulings(const world& w);
/// Whether everything that must reach head office and come back has done so; `why` says what is missing.
bool drained(const world& w, std::string* why = nullptr);
/// What was put aside came back when its time was over.
bool timed_out(const world& w, std::string* why = nullptr);
/// Debts are at head office, and no debtor has such units at any store.
bool debts_asked(const world& w, std::string* why = nullptr);

}  // namespace tally::sim
