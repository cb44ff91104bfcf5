#include "devices/printer.hpp"

#include <algorithm>

#include "devices/escpos_skip.hpp"

namespace tally {

namespace {

constexpr int requests = 4;  // DLE EOT 1 to 4 make a round
/// No job has it: theirs are digits and capital letters.
constexpr escpos::process_id probe_id{'a', 's', 'k', 's'};

}  // namespace

std::string_view printer_state_name(printer_state state) {
  switch (state) {
    case printer_state::ready: return "ready";
    case printer_state::paper_low: return "paper_low";
    case printer_state::paper_out: return "paper_out";
    case printer_state::cover_open: return "cover_open";
    case printer_state::offline: return "offline";
    case printer_state::error: return "error";
    case printer_state::overheated: return "overheated";
  }
  return "error";
}

printer_machine::printer_machine(printer_options options)
    : options_(options), next_process_(options.first_process), proof_(options.proof), doubtful_(options.doubtful) {}

printer_effects printer_machine::on_connected(tick_ms now) {
  printer_effects out;
  if (connected_) return out;
  connected_ = true;
  unsent_ = behind_ = 0;
  moved_at_ = now;
  dropping_ = known_ = asked_ = repeated_ = greeted_ = ids_seen_ = in_turn_ = false;
  answering_ = true;
  reader_.reset();
  clearing_.reset();
  stale_proofs_ = answers_ = 0;
  request_ = 1;
  heard_at_ = next_ask_ = now;
  if (doubtful_ && (proof_ == print_proof::process_id || std::exchange(options_.doubtful, false)))
    clear(now, out);
  else
    greet(now, out);
  return out;
}

printer_effects printer_machine::on_disconnected() {
  printer_effects out;
  if (clearing_ && proof_ == print_proof::taken) options_.doubtful = true;  // to be asked again
  connected_ = dropping_ = known_ = asked_ = false;
  if (job_ && job_->sent) finish(false, out);
  update_state(0, out);
  return out;
}

printer_effects printer_machine::on_bytes(byte_view data, tick_ms now) {
  printer_effects out;
  if (!connected_ || data.empty()) return out;
  const auto before = reader_;
  const auto answers = reader_.feed(data);
  if (reader_.strange() > std::max(printer_options::nonsense_max, (answers_ + answers.size()) / 4)) {
    // A server of another kind at that address, or a line at the wrong rate: among so much anything looks like an
    // answer.
    if (reader_.strange() - before.strange() > printer_options::nonsense_max) reader_ = before;
    return out;
  }
  heard_at_ = now;
  answers_ += answers.size();
  asked_now_ = false;
  for (const auto& answer : answers)
    take(answer, now, out);
  update_state(now, out);
  return out;
}

void printer_machine::sending(std::size_t unsent, tick_ms now) {
  if (unsent < unsent_ || unsent == 0) moved_at_ = now;
  unsent_ = unsent;
  if (!job_ || !job_->sent) return;
  if (unsent_ <= behind_) job_->left = true;
  // As long as the printer takes octets at all, the request's time begins when it has left.
  if (asked_ && unsent_ > 0 && now - moved_at_ < options_.proof_timeout_ms) asked_at_ = now;
}

void printer_machine::send(bytes data, printer_effects& out) {
  behind_ += data.size();
  out.emplace_back(printer_send{std::move(data)});
}

printer_effects printer_machine::tick(tick_ms now) {
  printer_effects out;
  if (!connected_ || dropping_) return out;
  const bool silent = now - heard_at_ >= silence_limit();
  watch_proof(now, silent, out);
  if (clearing_ && now >= *clearing_) end_clearing(now, out);
  if (silent) {
    dropping_ = true;
    answering_ = false;
    out.emplace_back(printer_drop{});
  } else if (clearing_) {
    // Nothing may be sent before it has answered.
  } else if (asked_ && now - asked_at_ >= answer_limit()) {
    repeat_request(now, out);
  } else if (!asked_ && now >= next_ask_) {
    ask(now, out);
  }
  update_state(now, out);
  return out;
}

void printer_machine::watch_proof(tick_ms now, bool silent, printer_effects& out) {
  if (!job_ || !job_->due) return;
  const bool alive = answering_ && !silent;
  if (now < *job_->due) {
    if (!alive || !probe_due() || now < *job_->due - options_.answer_timeout_ms) return;
    job_->probed = true;
    send(escpos::process_id_request(probe_id) + escpos::paper_request(), out);
    return;
  }
  // An answer that was taken for that to a job before, and none after it: it was this job's, and the other is lost.
  if (proof_ == print_proof::taken) stale_proofs_ = job_->stale_seen ? 0 : stale_proofs_ + 1;
  const bool enough = alive && !in_turn_ && ++unproved_ >= options_.unproved_max;
  if (proof_ == print_proof::process_id && alive) clear(now, out);
  finish(enough, out);
}

result<printer_effects> printer_machine::start(std::uint64_t job, bytes ticket, tick_ms now) {
  if (job_) return {errc::busy, "the printer has a ticket that is not finished"};
  if (ticket.empty() || ticket.size() > job_bytes_max)
    return {errc::malformed, "a ticket has 1 to " + std::to_string(job_bytes_max) + " bytes"};
  job_state next;  // not emplace(): clang does not see the nested type's default constructor there
  next.id = job;
  next.ticket = std::move(ticket);
  job_ = std::move(next);
  printer_effects out;
  if (able()) send_job(now, out);
  return out;
}

std::optional<tick_ms> printer_machine::deadline() const {
  if (!connected_ || dropping_) return std::nullopt;
  tick_ms due = heard_at_ + silence_limit();
  if (clearing_)
    due = std::min(due, *clearing_);
  else
    due = std::min(due, asked_ ? asked_at_ + answer_limit() : next_ask_);
  if (job_ && job_->due) {
    const bool probe = probe_due() && answering_;
    due = std::min(due, probe ? *job_->due - options_.answer_timeout_ms : *job_->due);
  }
  return due;
}

bool printer_machine::probe_due() const {
  return job_ && !job_->probed && proof_ == print_proof::process_id && !ids_seen_;
}

void printer_machine::greet(tick_ms now, printer_effects& out) {
  greeted_ = true;
  send(escpos::enable_asb(), out);
  ask(now, out);
}

void printer_machine::clear(tick_ms now, printer_effects& out) {
  const bool ids = proof_ == print_proof::process_id;
  clearing_ = now + (ids ? options_.answer_timeout_ms : options_.proof_timeout_ms);
  send(ids ? escpos::clear_buffers() : escpos::paper_request(), out);
}

void printer_machine::end_clearing(tick_ms now, printer_effects& out) {
  clearing_.reset();
  doubtful_ = false;
  if (!greeted_) greet(now, out);
}

void printer_machine::repeat_request(tick_ms now, printer_effects& out) {
  // One stray octet may have looked like the beginning of a longer answer, which then took this one in.
  if (!reader_.drop_unfinished()) answering_ = false;
  repeated_ = true;
  ask(now, out);
}

void printer_machine::ask(tick_ms now, printer_effects& out) {
  asked_ = asked_now_ = true;
  asked_at_ = now;
  if (job_ && job_->sent) job_->asked_behind = true;
  reader_.expect(request_);
  send(escpos::status_request(request_), out);
}

void printer_machine::take(const escpos::printer_answer& answer, tick_ms now, printer_effects& out) {
  if (const auto* s = std::get_if<escpos::status_answer>(&answer)) {
    take_status_answer(s->request, now, out);
  } else if (std::holds_alternative<escpos::asb_answer>(answer)) {
    // Its facts are taken. That it is a printer, only answers to requests tell.
  } else if (const auto* p = std::get_if<escpos::process_done>(&answer)) {
    take_process(p->id, out);
  } else if (std::holds_alternative<escpos::buffers_cleared>(answer)) {
    unproved_ = 0;
    if (clearing_) end_clearing(now, out);
  } else if (clearing_ && proof_ == print_proof::taken) {
    end_clearing(now, out);
  } else {
    take_paper(out);
  }
}

void printer_machine::take_process(const escpos::process_id& id, printer_effects& out) {
  ids_seen_ = ids_known_ = in_turn_ = true;
  unproved_ = 0;
  if (!job_ || !job_->sent || proof_ != print_proof::process_id) return;
  if (id == job_->process) return end_by_last(out);
  auto& marks = job_->marks;
  if (const auto at = std::ranges::find(marks, id); at != marks.end()) {
    job_->torn = job_->torn || at != marks.begin();
    marks.erase(marks.begin(), at + 1);
  }
  // It has process IDs, and the job's own, which would have come first, is lost: octets of the job may be as well.
  if (job_->probed && id == probe_id) finish(false, out);
}

void printer_machine::end_by_last(printer_effects& out) {
  const bool whole = job_->marks.empty() && !job_->torn;
  torn_ = whole ? 0 : torn_ + 1;
  if (torn_ >= options_.torn_max) {
    options_.mark_every = 0;
    out.emplace_back(printer_marks_missing{});
  }
  finish(whole, out);
}

void printer_machine::take_paper(printer_effects& out) {
  if (stale_proofs_ > 0) {
    --stale_proofs_;
    if (job_ && job_->sent && !ticket_waits()) job_->stale_seen = true;
    return;
  }
  if (ticket_waits()) return;  // its request has not left: this octet answers nothing of ours
  if (!job_ || !job_->sent || (proof_ != print_proof::taken && !job_->probed)) return;
  in_turn_ = true;
  unproved_ = 0;
  if (proof_ != print_proof::taken) {
    proof_ = print_proof::taken;
    out.emplace_back(printer_ids_missing{});
  }
  finish(true, out);
}

void printer_machine::take_status_answer(int request, tick_ms now, printer_effects& out) {
  if (!asked_ || asked_now_) return;  // a late answer to a request that was repeated: its facts are taken already
  asked_ = false;
  answering_ = true;
  if (job_ && job_->asked_behind) job_->heard_behind = true;
  const bool round_done = request == requests;
  known_ = known_ || round_done;
  request_ = round_done ? 1 : request + 1;
  if (repeated_ || round_done) {
    next_ask_ = now + options_.poll_interval_ms;
    repeated_ = false;
  } else {
    ask(now, out);
  }
}

tick_ms printer_machine::silence_limit() const {
  // A full receive buffer keeps requests waiting behind the ticket, so a printing printer may be silent for longer.
  if (clearing_) return std::max(options_.silence_timeout_ms, options_.proof_timeout_ms + options_.answer_timeout_ms);
  const bool printing = job_ && job_->sent;
  return printing ? std::max(options_.silence_timeout_ms, proof_limit()) : options_.silence_timeout_ms;
}

tick_ms printer_machine::answer_limit() const {
  if (!job_ || !job_->sent || job_->heard_behind) return options_.answer_timeout_ms;
  return options_.answer_timeout_ms + std::min(proof_limit() - options_.proof_timeout_ms, options_.proof_timeout_ms);
}

tick_ms printer_machine::proof_limit() const {
  return options_.proof_timeout_ms +
         static_cast<tick_ms>(job_->sent_bytes) * 1000 / std::max<tick_ms>(options_.slowest_bytes_per_s, 1);
}

printer_state printer_machine::judge() const {
  if (!connected_ || !known_ || !answering_) return printer_state::offline;
  const printer_status s = reader_.status();
  if (s.cover_open) return printer_state::cover_open;
  if (s.paper == paper_state::out) return printer_state::paper_out;
  if (s.error) return printer_state::error;
  if (s.overheated) return printer_state::overheated;
  if (!s.online) return printer_state::offline;
  return s.paper == paper_state::low ? printer_state::paper_low : printer_state::ready;
}

void printer_machine::update_state(tick_ms now, printer_effects& out) {
  const printer_state next = judge();
  const bool changed = next != state_;
  state_ = next;
  if (changed) out.emplace_back(printer_state_changed{next});
  if (!job_) return;
  if (!job_->sent) {
    if (able()) send_job(now, out);
  } else if (able() || !answering_) {
    // A printer that says nothing gets no more time than one that could print.
    if (!job_->due) job_->due = now + proof_limit();
  } else {
    job_->due.reset();
  }
}

void printer_machine::send_job(tick_ms now, printer_effects& out) {
  // A printer passes over NULs as fast as they come, which no ticket does.
  constexpr std::size_t filling_worth = 8;
  const std::size_t filling = std::min(job_->ticket.find_first_not_of('\0'), job_->ticket.size());
  const bool marked = options_.mark_every > 0 && ids_known_ && proof_ == print_proof::process_id;
  bytes data = marked ? with_marks(job_->ticket) : std::move(job_->ticket);
  job_->process = escpos::make_process_id(next_process_++);
  data += escpos::enable_asb();  // a ticket begins with a reset, which ends it at many printers
  data += proof_ == print_proof::process_id ? escpos::process_id_request(job_->process) : escpos::paper_request();
  job_->ticket.clear();
  job_->sent = true;
  job_->sent_bytes = data.size() - filling + filling / filling_worth;
  job_->due = now + proof_limit();
  behind_ = 0;
  out.emplace_back(printer_send{std::move(data), true});
}

bytes printer_machine::with_marks(byte_view ticket) {
  constexpr std::size_t long_command = 64;
  // What fills a command that was left open is nothing else's.
  const auto filling = std::min(ticket.find_first_not_of('\0'), ticket.size());
  bytes out(ticket.substr(0, filling));
  ticket.remove_prefix(filling);
  std::size_t since = 0;
  const auto mark = [&] {
    if (since == 0) return;
    job_->marks.push_back(escpos::make_process_id(next_process_++));
    out += escpos::process_id_request(job_->marks.back());
    since = 0;
  };
  bool line_begins = true;  // elsewhere a printer may not take it
  while (!ticket.empty()) {
    const auto length = std::min(escpos::command_length(ticket).value_or(ticket.size()), ticket.size());
    if (length > long_command && line_begins) mark();
    for (const auto& band : escpos::bands(ticket.substr(0, length), options_.mark_every)) {
      out += band;
      since += band.size();
      if (length > long_command && line_begins) mark();
    }
    if (length == 1) line_begins = ticket.front() == '\n';
    ticket.remove_prefix(length);
    if (line_begins && since >= options_.mark_every && !ticket.empty()) mark();
  }
  return out;
}

void printer_machine::finish(bool printed, printer_effects& out) {
  const std::uint64_t id = job_->id;
  doubtful_ = !printed;
  job_.reset();
  if (printed)
    out.emplace_back(job_printed{id});
  else
    out.emplace_back(job_uncertain{id});
}

}  // namespace tally
