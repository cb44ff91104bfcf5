#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devices/printer.hpp"

namespace tally {

/// What a queue of CUPS says of its printer ("printer-state" and "printer-state-reasons", RFC 8011, 5.4.11 and 5.4.12),
/// as a till shows it. Unknown reasons count as nothing; those that end in "-report" are remarks, not faults. Pure.
printer_state cups_printer_state(int state, const std::vector<std::string>& reasons);

/// What a queue says of itself beside that.
struct cups_queue {
  printer_state state = printer_state::offline;  ///< off-line too while the queue is paused or takes no jobs
  bool paused = false;                           ///< somebody stopped it, or CUPS did: `cupsenable`
  bool accepting = true;                         ///< "printer-is-accepting-jobs"; if not: `cupsaccept`
};
cups_queue judge_cups_queue(int state, const std::vector<std::string>& reasons, bool accepting);

/// How a job stands ("job-state", RFC 8011, 5.3.7).
enum class cups_job : std::uint8_t {
  waiting,  ///< pending, held, processing, stopped
  printed,  ///< completed: CUPS has handed it over, all of it
  failed,   ///< cancelled, aborted, or forgotten: some of it may be on paper
  stuck,    ///< CUPS died while it took or printed it, and will hold it for ever: to be cancelled
};

/// What CUPS says of the job of a number.
struct cups_job_facts {
  int state = 0;           ///< "job-state"
  std::string hold_until;  ///< "job-hold-until"; empty: not told
  std::string name;        ///< "job-name"; empty: not told
  bool listed = true;      ///< among the jobs that CUPS lists as not completed (Get-Jobs, RFC 8011, 4.2.6)
};
/// `title` is the name that our job of that number has. A CUPS that was killed gives numbers of jobs that it forgot to
/// others, so another name means that ours is gone. It comes back with a job held ("pending-held") that nobody holds
/// ("no-hold"), or with one that is "pending" and in no list of those to print: one whose end it had not written down
/// whole. Neither is ever printed before CUPS starts again. A person's hold says until when.
cups_job judge_cups_job(const cups_job_facts& facts, std::string_view title);

/// The name under which CUPS keeps a job: the same for the same try of the same ticket, so that after a crash it is
/// found again instead of sent twice. At most 127 octets of printable ASCII.
std::string cups_title(std::string_view receipt, std::uint64_t ticket, std::uint32_t attempt);

/// "queue", "queue@server" or "queue@server:port".
struct cups_name {
  std::string queue;
  std::string server = "localhost";
  int port = 631;
  friend bool operator==(const cups_name&, const cups_name&) = default;
};
/// Nothing for a text that names no queue: letters, digits, '_', '-' and '.', at most 127.
std::optional<cups_name> parse_cups_name(std::string_view text);

}  // namespace tally
