#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ledger/accounts.hpp"
#include "storage/kv.hpp"
#include "sync/keys.hpp"

namespace tally {

/// Whom the audit believes; everything else is recomputed from the bytes that lie there.
struct audit_trust {
  std::string chain;  ///< the chain's name, part of every signed head
  public_key root{};  ///< signs head office's certificates
};

struct audit_options {
  /// Day from which the age of value in transit is counted; 0: the newest business date that the data mentions.
  std::uint32_t today = 0;
  /// Problems that a check keeps in full; all are counted.
  std::size_t problems_kept = 20;
  /// Called now and then with the entries that were looked at, and how many there are to look at (several
  /// passes count each). The last call has both equal.
  std::function<void(std::uint64_t seen, std::uint64_t total)> progress;
};

/// Something that does not hold: where, and the two sides of it.
struct audit_problem {
  std::string where;            ///< a stream as "3.<epoch>/journal", or a key of the projection, or a unit
  std::optional<sequence> seq;  ///< of the entry in that stream
  std::string expected, found;
};

/// One kind of check. Names are stable and in the table of docs/audit.md.
struct audit_line {
  std::string check;
  std::uint64_t count = 0;   ///< things that were checked
  std::uint64_t failed = 0;  ///< problems found, also those that were not kept
  std::vector<audit_problem> problems;
};

/// Sums of one unit of value over all journals that are held here, in minor units: loaded + received = spent +
/// held + moving, and quota granted = used + left + moving. `received` came from nodes whose journals are not
/// held here, less what was sent to them; 0 at head office. `moving` was sent between nodes whose journals are
/// held, and has not arrived. A quota received from elsewhere counts as granted.
struct audit_totals {
  unit_id unit;
  tally::amount loaded = 0, received = 0, spent = 0, held = 0, moving = 0;
  tally::amount quota_granted = 0, quota_used = 0, quota_left = 0, quota_moving = 0;
};

/// A send whose receive is not here, although the receiver's journal comes here.
struct audit_transfer {
  writer_id from, to;
  std::uint64_t number = 0;
  account_id account;  ///< none for quotas
  std::vector<std::pair<unit_id, tally::amount>> amounts;
  std::uint32_t days = 0;  ///< since its business date
};

struct audit_report {
  writer_id self;
  node_role role{};
  std::uint32_t today = 0;  ///< day that ages were counted to
  std::string currency;     ///< from the newest rules held here; empty when there are none
  int exponent = 0;
  std::uint64_t streams = 0, entries = 0;
  std::uint64_t ruled = 0;            ///< contested entries that head office has ruled about: no problem any more
  std::uint64_t unknown_kinds = 0;    ///< entries of kinds that this version does not build: contested, no problem
  std::uint64_t heads_elsewhere = 0;  ///< cited heads of streams, or of sizes, that are not held here
  std::uint64_t left_out = 0;         ///< entries of head office's directory that this store left out: not checked
  std::uint64_t back_due = 0;         ///< purses of cards that head office is to give units back that expired
  std::uint64_t unsigned_tail = 0;    ///< newest entries of the own journal that no parent cosigned yet
  std::vector<audit_line> lines;
  std::vector<audit_totals> totals;
  std::vector<audit_transfer> in_transit;  ///< oldest first, at most 1,000
  std::uint64_t in_transit_count = 0;

  /// Every check holds.
  bool ok() const;
  const audit_line* line(std::string_view check) const;
};

/// Recomputes the whole ledger of a node from its database: certificates, roots, signatures, entitlement, prices,
/// holdings,
/// projections and totals. docs/audit.md says what each line proves and what none can.
///
/// Pure but for reads: believes nothing but `trust`, calls no code that writes. Memory: the fold of all journals held
/// here,
/// one hash for each cited head, and the published rules; otherwise one segment at a time. Damaged data becomes
/// problems,
/// never a crash. Errors only when there is nothing to audit: `not_found` (no identity), `corrupt` (it does not
/// decode), `io`.
/// `store` must not change meanwhile (a read-only snapshot). One thread.
result<audit_report> audit(const kv_store& store, const audit_trust& trust, const verifier& with,
                           const audit_options& options);

}  // namespace tally
