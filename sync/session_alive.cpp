// Signs of life on a quiet link.
#include <algorithm>

#include "sync/session.hpp"

namespace tally {

// Repeated, for a line that loses single messages; the first answer ends it.
void session::ask_alive(session_effects& out, tick_ms now) {
  if (alive_asked_ && now < alive_due_) return;
  if (!alive_asked_) alive_asked_ = now;
  alive_due_ = now + 2 * config_.retry_ms;
  send(out, alive_message{true}, now);
}

tick_ms session::alive_next_due() const {
  auto due = parting_ ? parting_->due : tick_never;
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

}  // namespace tally
