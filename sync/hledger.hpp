#pragma once
#include <iosfwd>
#include <map>

#include "ledger/result.hpp"
#include "storage/kv.hpp"
#include "storage/streams.hpp"

namespace tally {

/// What an export wrote.
struct hledger_summary {
  std::uint64_t journals = 0, transactions = 0, postings = 0, accounts = 0;
  std::uint64_t without_postings = 0;  ///< transactions of entries that move nothing
  std::uint64_t not_understood = 0;    ///< of those, entries of kinds that this version does not build
};

/// Writes every journal that is held in `store` as one plain-text journal which `hledger check --strict` accepts.
///
/// One transaction per entry: business date, id "writer.sequence" as its code, kind and details as its
/// description; postings are those of `expand`. All accounts and commodities are declared; a last transaction
/// asserts each balance. Amounts carry the exponent of the currency in the newest rules held here; without
/// rules the currency is "U1" in minor units. Ordered by date (`ordereddates`), and within a day by journal. No
/// personal data: accounts are numbers.
///
/// Reads everything twice: damage is found before a byte is written. Memory: one balance per account, and 24 octets for
/// each day of each journal. Errors:
/// `not_found` (no node in this database), `corrupt` (stream and entry in the detail), `overflow`, `io` (also
/// when `out` fails).
/// With `only`, of these journals alone, each from that entry on.
result<hledger_summary> export_hledger(const kv_store& store, std::ostream& out,
                                       const std::map<stream_id, std::uint64_t>& only = {});

}  // namespace tally
