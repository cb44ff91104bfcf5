#pragma once
#include <string_view>

#include "ledger/entry.hpp"

namespace tally {

/// Field numbers of an entry, as on the wire. Ascending, for ever; a new field takes the next number.
enum class field : std::uint8_t {
  terminal = 1,
  counter = 2,
  operator_id = 3,
  business_date = 4,
  stamp = 5,
  shift = 6,
  account = 7,
  account_version = 8,
  rules_version = 9,
  values = 10,
  tenders = 11,
  taxes = 12,
  lines = 13,
  cites = 14,
  cited_kind = 15,
  peer = 16,
  channel = 17,
  cause = 18,
  request = 19,
  head = 20,
  topic = 21,
  blob = 22,
  medium = 23,
  card_kind = 24,
  standing = 25,
  hq_time = 26,
  subject = 27,
  limits = 28,
  engine = 29,
  size = 30,
  reason = 31,
  serial = 32,
  outcome = 33,
  earned = 34,
  level = 35,
  gifts = 36,
  owed = 37,
  package = 38,
  debts = 39,
  deadline = 44,
  released = 45,
  to_account = 46,
  expires = 50,
  stale = 51,
  pin = 52,
  pin_checked = 53,
  birth_month = 54,
  birthday = 55,
  bearer = 56,
  risk = 57,
  code_checked = 58,
  debtor = 59,
};
constexpr std::uint8_t field_max = 59;

using field_set = std::uint64_t;
constexpr field_set bit(field f) { return field_set{1} << static_cast<unsigned>(f); }

/// One row of the entitlement table of docs/ledger.md: who may write the kind, and which fields it has.
struct kind_row {
  entry_kind kind;
  std::string_view name;   ///< stable, for interfaces: "top_up"
  bool store, region, hq;  ///< roles that may write it
  bool built;              ///< false: framed and stored, gives nobody anything, contested
  field_set required;      ///< must differ from their default
  field_set optional;
  bool broadcast;  ///< head office's directory carries it to every node
};

/// The row of a kind; nothing for a number that has no row.
const kind_row* row_of(entry_kind kind);
/// Whether a node of this role may write that kind.
bool may_write(node_role role, entry_kind kind);
std::string_view kind_name(entry_kind kind);

/// The fields that differ from their default.
field_set fields_of(const entry& e);

}  // namespace tally
