#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ledger/types.hpp"

namespace tally {

/// One ticket that waits for paper.
struct spool_job {
  std::uint64_t id{};
  std::string receipt;
  bytes ticket;
  bool begun = false;  ///< bytes may have reached the printer: printed again only with a mark
  friend bool operator==(const spool_job&, const spool_job&) = default;
};
/// That the tickets of a receipt were spooled; `last` is the newest of them.
struct spool_mark {
  std::string receipt;
  std::uint64_t last{};
  friend bool operator==(const spool_mark&, const spool_mark&) = default;
};

inline constexpr std::size_t spool_max = 1000;
/// Of so many receipts a mark is kept: after a crash it tells which of the newest receipts have no ticket.
inline constexpr std::size_t spooled_kept = 256;

struct spool_options {
  bool queue = false;    ///< a print server drives the printer and finds a job again by its title
  bytes duplicate_head;  ///< printed in front of a ticket that may be on paper already
};

/// Records to write in one batch. When `begun` is not 0, `spool_machine::durable(begun)` follows once it is synced.
struct spool_write {
  std::vector<spool_job> keep;
  std::vector<std::uint64_t> forget;
  std::vector<spool_mark> mark;
  std::vector<std::string> unmark;
  std::uint64_t begun = 0;
};
/// Give this to the printer.
struct spool_print {
  std::uint64_t job = 0;
  bytes data;
};
/// Give this to the print server: `data`, or, when it may have it from before and has it no more, `again`.
struct spool_submit {
  std::uint64_t job = 0;
  std::string receipt;
  std::uint32_t attempt = 0;  ///< with the job's number the name of the try
  bool maybe_there = false;
  bytes data, again;
};
/// What becomes of a receipt's ticket: "waiting", "printed", "possible_duplicate", "refused".
struct spool_told {
  std::string receipt;
  std::string_view state;
};
using spool_effect = std::variant<spool_write, spool_print, spool_submit, spool_told>;
using spool_effects = std::vector<spool_effect>;

/// Tickets in their order to one printer: each is printed once, or again with a mark.
///
/// Pure: inputs in, effects out, to be carried out in their order. One owner; not thread-safe. What it knows is what
/// was written: a new machine that is given those records goes on after a crash. A job is handed over only after the
/// record that it begins is durable, and forgotten only when it is known to be printed. While the printer cannot
/// print nothing begins, so a ticket that waits for paper is no doubtful one when the node dies meanwhile.
/// A try that broke may have left the printer in the middle of a command with a count, which takes what comes next for
/// its data, the mark too. So in front of the mark stand as many NULs as the ticket has octets: they fill what is open,
/// and are nothing as text. Behind a print server as well: it may have been cut off in the job, or its cancelled one.
/// Limits: `spool_max` jobs, then a receipt is refused whole; `spooled_kept` marks.
class spool_machine {
public:
  explicit spool_machine(spool_options options = {}) : options_(std::move(options)) {}

  /// What was written before, in any order. REQUIRES: nothing was taken yet.
  void load(std::vector<spool_job> jobs, std::vector<spool_mark> marks);

  [[nodiscard]] spool_effects add(const std::string& receipt, const std::vector<bytes>& tickets);
  /// Whether the printer would print at once. A print server always takes jobs.
  [[nodiscard]] spool_effects able(bool yes);
  /// The record of `spool_write::begun` is on the disk.
  [[nodiscard]] spool_effects durable(std::uint64_t job);
  /// `again`: what the print server printed was `spool_submit::again`.
  [[nodiscard]] spool_effects printed(std::uint64_t job, bool again = false);
  /// It may be on paper or not. `sent` false: not a byte of it can have reached the printer.
  [[nodiscard]] spool_effects uncertain(std::uint64_t job, bool sent);
  /// The printer cannot take such a ticket at all: it is given up, and said.
  [[nodiscard]] spool_effects refused(std::uint64_t job);

  [[nodiscard]] std::size_t waiting() const { return jobs_.size(); }
  [[nodiscard]] bool busy() const { return out_ != 0; }
  /// Octets of the oldest job may have reached the printer.
  [[nodiscard]] bool front_begun() const { return !jobs_.empty() && jobs_.front().begun; }

private:
  void next(spool_effects& out);
  [[nodiscard]] bool is_out(std::uint64_t job) const { return handed_ && out_ != 0 && out_ == job; }
  /// The ticket that is printed says that it may be the second.
  [[nodiscard]] bool marked() const { return jobs_.front().begun && (!options_.queue || attempt_ > 0); }
  [[nodiscard]] bytes once_more(const bytes& ticket) const;
  void forget_front(std::string_view state, spool_effects& out);

  spool_options options_;
  std::deque<spool_job> jobs_;        // oldest first
  std::deque<std::string> receipts_;  // marked ones, oldest first
  std::uint64_t next_id_ = 1;
  std::uint64_t out_ = 0;  // the oldest job is on its way to the disk or to the printer
  bool handed_ = false;    // to the printer
  bool able_ = false;
  std::uint32_t attempt_ = 0;  // of the oldest job, in this run
};

}  // namespace tally
