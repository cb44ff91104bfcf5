#pragma once
#include <functional>
#include <span>
#include <string>

#include "storage/kv.hpp"

namespace tally {

/// Form of the data on disk, as this program writes it (`format` in family meta; storage/FORMAT.md).
constexpr std::uint64_t format_newest = 1;
/// While a store lacks entries of head office's directory (`link.skip`), or has not learnt all of them again: a program
/// that knows nothing of that would sell at prices that are over.
constexpr std::uint64_t format_left_out = 2, format_known = format_left_out;

/// The way from one form of the data to the next one, in pieces that are each one batch.
struct upgrade_step {
  std::uint64_t to = 0;  ///< the form when it is done; steps are in order, without gaps
  std::string what;      ///< for the log
  /// Puts the next piece into `batch` and moves `cursor` on (empty: the beginning). True when it was the last. What it
  /// answers is durable together with the cursor, so no piece is done twice. Errors: corrupt, io.
  std::function<result<bool>(const kv_store&, bytes& cursor, kv_batch& batch)> piece;
};

struct upgrade_done {
  std::uint64_t from = 0, to = 0;
  std::uint64_t pieces = 0;  ///< by this run
  bool resumed = false;      ///< an earlier run was cut off in the middle
};

/// What this program has steps for, oldest first.
const std::vector<upgrade_step>& upgrade_steps();

/// Form of a database; 0 for one from before the number was written, `newest` for one where nothing was written yet.
/// Errors: io, corrupt; `unsupported` with plain words for one that is newer than this program.
result<std::uint64_t> format_of(const kv_store& store, std::uint64_t newest = format_known);

/// Brings a database to the newest form, before anything else reads or writes it. Durable when it returns; cut off at
/// any instant, the next call goes on where it was. Errors: as `format_of`, and what a step says.
result<upgrade_done> upgrade(kv_store& store, std::span<const upgrade_step> steps = upgrade_steps());

}  // namespace tally
