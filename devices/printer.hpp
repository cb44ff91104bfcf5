#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "devices/escpos_status.hpp"
#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What a till shows of its printer. The worst that holds, in this order: offline when the link is down or the
/// printer does not answer, cover_open, paper_out, error, overheated, offline when it says so itself, paper_low, ready.
enum class printer_state : std::uint8_t { ready, paper_low, paper_out, cover_open, offline, error, overheated };

/// Stable name, as in the HTTP interface: "paper_out".
std::string_view printer_state_name(printer_state state);

/// How a printed ticket is known to be printed.
enum class print_proof : std::uint8_t {
  process_id,  ///< `GS ( H`: the printer says so when the paper is out; Epson TM of the last fifteen years
  taken,       ///< `GS r 1`: the printer has taken all from its buffer; for printers without `GS ( H`
};

struct printer_options {
  /// More octets that mean nothing on a connection, and more than a quarter of its answers: another device's talk.
  static constexpr std::size_t nonsense_max = 8;

  print_proof proof = print_proof::process_id;
  tick_ms poll_interval_ms = 2000;     ///< between two rounds of status requests
  tick_ms answer_timeout_ms = 3000;    ///< a request without an answer for so long: offline
  tick_ms silence_timeout_ms = 10000;  ///< no byte for so long: the connection is dropped, for a fresh one
  /// A job sent to a printer that could print, no proof for so long and for as long as its bytes take: uncertain.
  tick_ms proof_timeout_ms = 30000;
  tick_ms slowest_bytes_per_s = 50;  ///< an impact printer on a slow line
  int unproved_max = 3;              ///< so many jobs without any proof, of a printer that never gave one: printed
  std::uint64_t first_process = 0;   ///< where process IDs start; another value after each restart is best
  /// A line loses no connection when its printer is switched off and on in mid-ticket. So a printer that is known to
  /// have process IDs gets one about each so many octets, and all must come back, in their order; a picture is sent in
  /// bands, and one stands in front of each longer command. 0: only at the end.
  std::size_t mark_every = 0;
  static constexpr std::size_t line_mark_every = 256;  ///< at 9600 baud and more it is off for longer than these take
  int torn_max = 3;  ///< so many jobs in a row with marks missing and the last ID there: it returns not all of them
  bool doubtful = false;  ///< a job before this start may have been cut off: the printer's buffers are cleared first
};

struct printer_send {
  bytes data;
  bool ticket = false;  ///< the whole job, and not a question
};
/// Close the connection and open it again; report `on_disconnected` as for any loss.
struct printer_drop {};
struct job_printed {
  std::uint64_t job = 0;
};
/// Bytes of the job were sent and no proof came: it may be on paper or not. Print it again as a possible duplicate.
struct job_uncertain {
  std::uint64_t job = 0;
};
/// The printer has no process IDs: from now on `print_proof::taken` counts. Told at most once.
struct printer_ids_missing {};
/// It does not return each process ID that stands inside of a ticket: from now on only the last one counts.
struct printer_marks_missing {};
struct printer_state_changed {
  printer_state state = printer_state::offline;
};
using printer_effect = std::variant<printer_send, printer_drop, job_printed, job_uncertain, printer_ids_missing,
                                    printer_marks_missing, printer_state_changed>;
using printer_effects = std::vector<printer_effect>;

/// Drives one ESC/POS printer: asks for its status, holds a ticket until it can be printed, and says whether it was.
///
/// Pure: inputs and `now` in, effects out, to be carried out in their order. One owner; not thread-safe.
/// Nothing here is durable: the spool lives elsewhere and gives one job at a time.
/// A job that `start` took ends in exactly one `job_printed` or `job_uncertain`; while not a byte of it is sent it is
/// held, over lost connections too, until the printer is ready or low on paper.
/// While the printer answers that it cannot print (paper, cover, error, off-line) a sent job waits for the person who
/// mends it, because the printer goes on by itself; its proof time-out starts again then. Losing the connection ends
/// it at once. A printer that stops answering becomes offline after `answer_timeout_ms`, its job uncertain after
/// `proof_timeout_ms`, and after `silence_timeout_ms` (while a job is out, not before `proof_timeout_ms`) the
/// connection is dropped: a dead printer is not waited for for ever.
/// A printer that answers and gives no proof hangs in a command that somebody else left unfinished, or goes on with
/// its ticket later: with process IDs its buffers are cleared before the next job, and on the next connection when the
/// last one broke in a job.
/// The time-outs of an answer begin when its request has left this machine (`sending`), and are as much longer as the
/// ticket in front of it may take, up to `proof_timeout_ms`: a slow printer is not taken for a dead one.
/// No proof counts by the paper sensor while octets of the ticket have not left this machine.
/// A printer that lost a mark of `mark_every` and gave the last proof printed a part only: the job is uncertain. One
/// that does so `torn_max` times in a row gets no marks any more.
/// After a start in the middle of a job the printer may be waiting, and full: without process IDs it is asked first for
/// its paper sensor, which it answers when it has printed what it has.
/// Many printers have no process IDs. One that never gave any on this connection is asked again a while before the
/// proof is due, together with its paper sensor, which all have. A sensor's answer alone says that it has taken the
/// whole job and lacks process IDs: the job is printed, and `taken` counts from then on, over new connections too.
/// One that answers neither, ever, is not given the same job for ever: see `unproved_max`.
class printer_machine {
public:
  /// A ticket behind as many octets that close what its torn first try may have left open (spool.hpp).
  static constexpr std::size_t job_bytes_max = 2 * escpos::ticket_bytes_max + 4096;

  explicit printer_machine(printer_options options = {});

  [[nodiscard]] printer_effects on_connected(tick_ms now);
  [[nodiscard]] printer_effects on_disconnected();
  [[nodiscard]] printer_effects on_bytes(byte_view data, tick_ms now);
  /// How many octets of what was to be sent have not left yet; to be told before each `on_bytes` and `tick`, where it
  /// is known at all. What others put in front counts as unsent only.
  void sending(std::size_t unsent, tick_ms now);
  [[nodiscard]] printer_effects tick(tick_ms now);

  /// Takes a job: `ticket` as made by `escpos::encode`, and what stands before it when it comes again. `busy` while
  /// another is not finished; `malformed` when it is empty or longer than `job_bytes_max`.
  [[nodiscard]] result<printer_effects> start(std::uint64_t job, bytes ticket, tick_ms now);

  [[nodiscard]] printer_state state() const { return state_; }
  /// A job that is started now is sent at once.
  [[nodiscard]] bool able() const {
    return (state_ == printer_state::ready || state_ == printer_state::paper_low) && !clearing_;
  }
  [[nodiscard]] bool idle() const { return !job_; }
  /// When `tick` has something to do; nothing without a connection.
  [[nodiscard]] std::optional<tick_ms> deadline() const;

private:
  struct job_state {
    std::uint64_t id = 0;
    bytes ticket;  // emptied once sent
    bool sent = false;
    std::size_t sent_bytes = 0;  // a filling of NULs, which a printer passes over, counts as a few
    escpos::process_id process{};
    std::deque<escpos::process_id> marks;  // inside the ticket, still to be heard
    bool torn = false;                     // one of them was not: the printer lost octets
    std::optional<tick_ms> due;            // no proof by then: uncertain; unset while the printer cannot print
    bool probed = false;                   // asked for IDs and sensor once more
    bool stale_seen = false;               // an answer was taken for that to a job before
    bool left = false;                     // all of it has left this machine, as was told once
    bool asked_behind = false;             // a status was asked for behind it
    bool heard_behind = false;             // and answered
  };

  void send(bytes data, printer_effects& out);
  void greet(tick_ms now, printer_effects& out);
  void ask(tick_ms now, printer_effects& out);
  void repeat_request(tick_ms now, printer_effects& out);
  void clear(tick_ms now, printer_effects& out);
  void end_clearing(tick_ms now, printer_effects& out);
  void watch_proof(tick_ms now, bool silent, printer_effects& out);
  void take(const escpos::printer_answer& answer, tick_ms now, printer_effects& out);
  void end_by_last(printer_effects& out);
  void take_process(const escpos::process_id& id, printer_effects& out);
  void take_paper(printer_effects& out);
  void take_status_answer(int request, tick_ms now, printer_effects& out);
  void update_state(tick_ms now, printer_effects& out);
  void send_job(tick_ms now, printer_effects& out);
  [[nodiscard]] bytes with_marks(byte_view ticket);
  void finish(bool printed, printer_effects& out);
  [[nodiscard]] printer_state judge() const;
  [[nodiscard]] tick_ms silence_limit() const;
  [[nodiscard]] tick_ms proof_limit() const;
  [[nodiscard]] tick_ms answer_limit() const;
  [[nodiscard]] bool ticket_waits() const { return job_ && job_->sent && !job_->left && unsent_ > behind_; }
  [[nodiscard]] bool probe_due() const;

  printer_options options_;
  escpos::status_reader reader_;
  printer_state state_ = printer_state::offline;
  std::optional<job_state> job_;
  std::uint64_t next_process_ = 0;

  std::optional<tick_ms> clearing_;  // its buffers are being cleared; without an answer until then it goes on
  std::uint64_t stale_proofs_ = 0;   // proof `taken`: answers still to come for jobs that were given up
  print_proof proof_ = print_proof::process_id;
  bool ids_seen_ = false;    // on this connection
  bool ids_known_ = false;   // on any
  std::size_t answers_ = 0;  // on this connection
  int torn_ = 0;             // jobs in a row with marks missing
  bool asked_now_ = false;   // in answer to the octets that are read: what else they hold cannot answer it
  bool in_turn_ = false;     // on this connection: any answer that proves something
  int unproved_ = 0;         // jobs since one was proved
  bool doubtful_ = false;    // the last job was sent and not proved: some of it may wait in the printer

  std::size_t unsent_ = 0;  // as was told last
  std::size_t behind_ = 0;  // octets that were to be sent behind the ticket
  tick_ms moved_at_ = 0;    // when it was last told of fewer

  bool connected_ = false;
  bool greeted_ = false;    // its status was asked for on this connection
  bool dropping_ = false;   // asked for a fresh connection; wait for on_disconnected
  bool known_ = false;      // a whole round, or ASB, was answered since the connection came
  bool answering_ = false;  // the last request was answered in time
  bool asked_ = false;      // a request is under way
  bool repeated_ = false;   // it was asked more than once: let late answers come in before the next
  int request_ = 1;         // the n of DLE EOT asked last, or to be asked next
  tick_ms asked_at_ = 0;
  tick_ms next_ask_ = 0;
  tick_ms heard_at_ = 0;
};

}  // namespace tally
