#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "devices/cups.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

struct cups_options {
  cups_name name;
  tick_ms poll_interval_ms = 1000;
  int connect_timeout_ms = 3000;
  int answer_timeout_ms = 10000;  ///< for each step of a request; then the connection is made anew
};

/// Tickets through a raw queue of CUPS, as the bytes that a printer on a wire would get. CUPS keeps them and prints
/// them when it can; whether paper came out, nobody tells.
///
/// Owns one thread, from `start` to `stop` or the destructor. Callbacks run on it; they must not throw and must not
/// call `stop`. `on_state` tells the first state and every change, `offline` while CUPS does not answer. Each job that
/// `print` took ends in exactly one `on_job`, unless `stop` comes first. One that CUPS refused to take was never there:
/// it is offered again as it is until CUPS takes it.
class cups_printer {
public:
  struct job {
    std::uint64_t id = 0;
    std::string title;         ///< of cups_title; looked for among CUPS's jobs, done ones too, when `maybe_there`
    bool maybe_there = false;  ///< it may have been sent before, by a run of this program that ended
    bytes ticket;
    bytes again;  ///< sent instead when it may have been sent before and is not found any more
  };
  struct callbacks {
    std::function<void(printer_state)> on_state;
    /// `again`: it was `job::again` that was sent.
    std::function<void(std::uint64_t id, bool printed, bool again)> on_job;
  };

  cups_printer(cups_options options, callbacks calls);
  ~cups_printer();
  cups_printer(const cups_printer&) = delete;
  cups_printer& operator=(const cups_printer&) = delete;

  /// A server that is away is no error. REQUIRES: not started.
  status start();
  /// Ends the thread, within what one call to CUPS takes: its time-outs at the most.
  void stop();
  /// `busy` while another job is not finished.
  status print(job j);

private:
  struct inner;
  std::unique_ptr<inner> inner_;
};

/// Asks once. `offline` when CUPS does not answer, `not_found` when it has no such queue, `unsupported` when its
/// library is not on this machine.
result<cups_queue> ask_cups(const cups_options& options);

}  // namespace tally
