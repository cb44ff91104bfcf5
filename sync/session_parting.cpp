// The end of keys: what their owner is still told.
#include "sync/session.hpp"

namespace tally {
namespace {
constexpr tick_ms time_again_ms = 60'000;
}  // namespace

session_effects session::farewell(const std::vector<stream_id>& directories, std::uint64_t up_to, errc why, tick_ms now,
                                  const std::optional<time_message>& time) {
  session_effects out;
  parting_ = parting{
      directories.back(), {directories.begin(), directories.end() - 1}, up_to, why, now + farewell_ms, time, now};
  say_why(out, now);
  later_.clear();
  for (auto it = out_.begin(); it != out_.end();) {
    if (!may_offer(it->first)) forget_flight(it->second);
    it = may_offer(it->first) ? std::next(it) : out_.erase(it);
  }
  for (auto& o : on_streams(directories, now))
    out.push_back(std::move(o));
  part(out, now);
  return out;
}

// It may be lost, or come before the greeting.
void session::say_why(session_effects& out, tick_ms now) {
  if (!peer_ || !parting_ || !parting_->time || now < parting_->time_due) return;
  parting_->time_due = now + time_again_ms;
  out.push_back(send_effect{*parting_->time});
}

void session::part(session_effects& out, tick_ms now) {
  if (closed_ || !parting_) return;
  auto it = out_.find(parting_->directory);
  bool knows = it != out_.end() && it->second.subscribed && it->second.acked >= parting_->up_to;
  if (!knows && now < parting_->due) return;
  closed_ = true;
  out.push_back(send_effect{refuse_message{parting_->why, "the keys of this node do not count any more"}});
  out.push_back(close_effect{parting_->why, knows ? "it knows why" : "it did not listen"});
}

}  // namespace tally
