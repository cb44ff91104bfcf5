#pragma once
#include <string>

#include "sync/settlement.hpp"

namespace tally {

/// A settlement for people: a table of 80 columns, a block for each owner, and what the scheme holds against cards.
std::string settlement_text(const settlement_report& r);
/// A line for each node, RFC 4180, amounts as decimal numbers; the first line is the heading.
std::string settlement_csv(const settlement_report& r);
/// Everything, amounts in minor units (docs/settlement.md).
std::string settlement_json(const settlement_report& r);

/// Whether the two ways to count what lies on cards agree.
inline bool agrees(const settlement_report& r) {
  amount counted = 0;
  return checked_add(r.money, r.aside, counted) && counted == r.on_cards;
}

}  // namespace tally
