// Signs of life on a quiet link, head office's time, and what travels with other traffic.
#include <algorithm>

#include "sync/session.hpp"

namespace tally {
namespace {
// Head office's time with other traffic: its cosignatures carry it as well, and a business date needs no better.
constexpr tick_ms time_apart_ms = 3'600'000;
}  // namespace

bool session::may_wait(const message& m) const {
  if (config_.hold_ms == 0) return false;
  const auto* c = std::get_if<cosign_message>(&m);
  bool of_peer = c && peer_ && c->by == peer_->writer.node;  // shows it that it is an old copy
  return (c && c->by != config_.self.node && !of_peer) || std::holds_alternative<below_message>(m);
}

void session::put_later(message m, tick_ms now) {
  auto due = now + config_.hold_ms;
  later_due_ = later_.empty() ? due : std::min(later_due_, due);
  for (auto& waiting : later_) {
    const auto* old = std::get_if<cosign_message>(&waiting);
    const auto* c = std::get_if<cosign_message>(&m);
    bool same = old && c ? old->stream == c->stream && old->by == c->by : waiting.index() == m.index();
    if (!same) continue;
    // Sizes of one signer only grow; what comes late says nothing new.
    if (!old || !c || old->size <= c->size) waiting = std::move(m);
    return;
  }
  if (later_.size() < heads_max) later_.push_back(std::move(m));
}

// Repeated, for a line that loses single messages; the first answer ends it.
void session::ask_alive(session_effects& out, tick_ms now) {
  if (alive_asked_ && now < alive_due_) return;
  if (!alive_asked_) alive_asked_ = now;
  alive_due_ = now + 2 * config_.retry_ms;
  send(out, alive_message{true}, now);
}

tick_ms session::alive_next_due() const {
  auto due = parting_ ? parting_->due : tick_never;
  if (parting_ && parting_->time) due = std::min(due, parting_->time_due);
  if (alive_asked_) {
    due = std::min({due, alive_due_, *alive_asked_ + alive_wait_ms});
  } else if (config_.quiet_ms > 0) {
    due = std::min(due, std::min(heard_at_, said_at_) + config_.quiet_ms);
  }
  if (peer_ && peer_->quiet_s > 0) due = std::min(due, heard_at_ + tick_ms{peer_->quiet_s} * 1'000 + promise_grace_ms);
  return due;
}

// What is under way may hold an answer up; `silence_ms` counts then.
bool session::is_lost(tick_ms now) const {
  if (alive_asked_ && !is_owed()) return now >= *alive_asked_ + alive_wait_ms;
  return peer_ && peer_->quiet_s > 0 && now >= heard_at_ + tick_ms{peer_->quiet_s} * 1'000 + promise_grace_ms;
}

void session::on_alive(const alive_message& m, session_effects& out, tick_ms now) {
  if (!m.asks) return;
  bool time = time_ && (!time_said_ || now >= *time_said_ + time_apart_ms);
  if (time) {
    say_time(out, now);
  } else {
    send(out, alive_message{false}, now);
  }
}

void session::say_time(session_effects& out, tick_ms now) {
  if (!time_) return;
  time_said_ = now;
  auto m = *std::exchange(time_, std::nullopt);
  send(out, m, now);
}

// Other traffic goes out, or time is up.
void session::say_later(session_effects& out, tick_ms now) {
  if (time_ && (!time_said_ || now >= *time_said_ + time_apart_ms)) {
    time_said_ = now;
    out.push_back(send_effect{*std::exchange(time_, std::nullopt)});
  }
  for (auto& m : std::exchange(later_, {}))
    out.push_back(send_effect{brief(std::move(m))});
}

}  // namespace tally
