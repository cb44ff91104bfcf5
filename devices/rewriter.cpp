#include "devices/rewriter.hpp"

#include <algorithm>
#include <utility>

namespace tally {
namespace {

constexpr char stx = 0x02, etx = 0x03, ack = 0x06, dle = 0x10, nak = 0x15;
constexpr char clear_text = 0x40, set_text = 0x41, rewrite = 0x46, cancel = 0x54, ask_sensors = 0x59;
constexpr int fault_from = 0x40;
constexpr std::string_view header = "0,0,23,";  // along the card, from the left; the baseline of the first 24-dot line
constexpr std::string_view erase_print_hand_out = "1,1,1";

char check_of(byte_view command_to_etx) {
  char sum = 0;
  for (const char c : command_to_etx)
    sum = static_cast<char>(sum ^ c);
  return sum;
}

bytes frame_of(char command, byte_view data) {
  bytes body(1, command);
  body.append(data).push_back(etx);
  return bytes(1, stx) + body + check_of(body);
}

bool is_fault(char code) { return static_cast<unsigned char>(code) >= fault_from; }

}  // namespace

std::string_view rewriter_state_name(rewriter_state s) {
  switch (s) {
    case rewriter_state::ready: return "ready";
    case rewriter_state::waiting_for_card: return "waiting_for_card";
    case rewriter_state::card_waits: return "card_waits";
    case rewriter_state::cover_open: return "cover_open";
    case rewriter_state::error: return "error";
    case rewriter_state::offline: return "offline";
  }
  return "offline";
}

rewriter_effects rewriter_machine::on_connected(tick_ms now) {
  rewriter_effects out;
  if (connected_) return out;
  connected_ = true;
  inside_ = inside::nothing;
  asked_ = 0;
  // What an earlier run left it waiting for is not ours any more.
  send(cancel, {}, now, out);
  return out;
}

rewriter_effects rewriter_machine::on_disconnected() {
  rewriter_effects out;
  connected_ = false;
  asked_ = 0;
  give_up(rewriter_state::offline, out);
  return out;
}

rewriter_effects rewriter_machine::start(std::uint64_t job, const std::vector<std::string>& lines, tick_ms now) {
  rewriter_effects out;
  bytes text(header);
  for (std::size_t n = 0; n < std::min(lines.size(), lines_max); ++n) {
    if (n > 0) text.push_back('\n');
    text += codec_.encode(codec_.fit(lines[n], options_.columns));
  }
  if (next_) out.emplace_back(rewriter_done{next_->id, false});
  next_ = pending_job{job, std::move(text)};
  if (!connected_) {
    out.emplace_back(rewriter_done{job, false});
    next_.reset();
  } else if (asked_ == rewrite) {
    send(cancel, {}, now, out);  // nobody puts a card in for the text before
  } else if (asked_ == 0) {
    go_on(now, out);
  }
  return out;
}

rewriter_effects rewriter_machine::tick(tick_ms now) {
  rewriter_effects out;
  if (!connected_) return out;
  if (asked_ == 0) {
    if (now >= next_poll_) send(ask_sensors, {}, now, out);
  } else if (now >= due_) {
    if (asked_ == rewrite)
      send(cancel, {}, now, out);
    else
      repeat(now, out);
  }
  return out;
}

std::optional<tick_ms> rewriter_machine::deadline() const {
  if (!connected_) return std::nullopt;
  return asked_ == 0 ? next_poll_ : due_;
}

rewriter_effects rewriter_machine::on_bytes(byte_view data, tick_ms now) {
  rewriter_effects out;
  for (const char c : data) {
    if (!connected_) break;
    if (inside_ == inside::check) {
      inside_ = inside::nothing;
      if (c == check_of(in_)) {
        out.emplace_back(rewriter_send{bytes(1, ack)});
        answer(now, out);
      } else {
        out.emplace_back(rewriter_send{bytes(1, nak)});
      }
    } else if (inside_ == inside::frame) {
      in_.push_back(c);
      if (c == etx && in_.size() >= 3) inside_ = inside::check;  // command and status come first, whatever they are
      if (in_.size() >= answer_bytes_max) inside_ = inside::nothing;
    } else if (c == stx) {
      inside_ = inside::frame;
      in_.clear();
    } else if (c == nak) {
      repeat(now, out);
    } else if (c == dle && asked_ != 0) {
      asked_ = 0;
      give_up(rewriter_state::error, out);
      next_poll_ = now + options_.poll_interval_ms;
    }
  }
  return out;
}

void rewriter_machine::send(char command, byte_view data, tick_ms now, rewriter_effects& out) {
  asked_ = command;
  frame_ = frame_of(command, data);
  tries_ = 1;
  due_ = now + (command == rewrite ? options_.rewrite_timeout_ms : options_.answer_timeout_ms);
  out.emplace_back(rewriter_send{frame_});
}

void rewriter_machine::repeat(tick_ms now, rewriter_effects& out) {
  if (asked_ == 0) return;
  if (tries_ >= tries_max) {
    asked_ = 0;
    give_up(rewriter_state::offline, out);
    next_poll_ = now + options_.poll_interval_ms;
    return;
  }
  ++tries_;
  due_ = now + (asked_ == rewrite ? options_.rewrite_timeout_ms : options_.answer_timeout_ms);
  out.emplace_back(rewriter_send{frame_});
}

/// The next thing to do when nothing waits for an answer.
void rewriter_machine::go_on(tick_ms now, rewriter_effects& out) {
  if (!job_ && next_) job_ = std::exchange(next_, std::nullopt);
  if (job_)
    send(clear_text, {}, now, out);
  else
    next_poll_ = now + options_.poll_interval_ms;
}

void rewriter_machine::answer(tick_ms now, rewriter_effects& out) {
  const char command = in_[0], code = in_[1];
  if (command != asked_) return;  // late, to a command that was cancelled or repeated
  asked_ = 0;
  if (command == ask_sensors) {
    sensors(byte_view(in_).substr(2, in_.size() - 3), out);
  } else if (command == cancel) {
    if (job_) finish(false, out);
    set_state(rewriter_state::ready, out);
  } else if (is_fault(code)) {
    give_up(rewriter_state::error, out);
  } else if (next_ && job_ && command != rewrite) {
    finish(false, out);  // a newer text came while this one was being set
  } else if (command == clear_text && job_) {
    return send(set_text, job_->text, now, out);
  } else if (command == set_text && job_) {
    set_state(rewriter_state::waiting_for_card, out);
    return send(rewrite, erase_print_hand_out, now, out);
  } else if (command == rewrite) {
    if (job_) finish(true, out);
    set_state(rewriter_state::card_waits, out);
  }
  go_on(now, out);
}

void rewriter_machine::sensors(byte_view data, rewriter_effects& out) {
  if (data.size() >= 5 && data[4] == '1') return set_state(rewriter_state::cover_open, out);
  if (!data.empty() && data[0] == '2') return set_state(rewriter_state::card_waits, out);
  set_state(rewriter_state::ready, out);
}

void rewriter_machine::give_up(rewriter_state why, rewriter_effects& out) {
  if (job_) finish(false, out);
  if (next_) {
    out.emplace_back(rewriter_done{next_->id, false});
    next_.reset();
  }
  set_state(why, out);
}

void rewriter_machine::finish(bool printed, rewriter_effects& out) {
  out.emplace_back(rewriter_done{job_->id, printed});
  job_.reset();
}

void rewriter_machine::set_state(rewriter_state s, rewriter_effects& out) {
  if (state_ == s) return;
  state_ = s;
  out.emplace_back(rewriter_state_changed{s});
}

// -- the far side ------------------------------------------------------------------

bytes rewriter_emulator::feed(byte_view data) {
  bytes out;
  for (const char c : data) {
    if (inside_ == inside::check) {
      inside_ = inside::nothing;
      char sum = 0;
      for (const char b : in_)
        sum = static_cast<char>(sum ^ b);
      if (sum == c)
        out += carry_out();
      else
        out.push_back(nak);
    } else if (inside_ == inside::frame) {
      in_.push_back(c);
      if (c == etx) inside_ = inside::check;
      if (in_.size() > 1026) {  // "within 1024 bytes"
        inside_ = inside::nothing;
        out.push_back(dle);
      }
    } else if (c == stx) {
      inside_ = inside::frame;
      in_.clear();
    } else if (c == nak) {
      out += last_;
    } else if (c == ack) {
      last_.clear();
    }
  }
  return out;
}

bytes rewriter_emulator::carry_out() {
  const char command = in_[0];
  const byte_view data = byte_view(in_).substr(1, in_.size() - 2);
  switch (command) {
    case clear_text: set_.clear(); return reply(command, ' ');
    case set_text:
      // Direction, X and Y stand in front of the text.
      set_ = bytes(data);
      return std::count(data.begin(), data.end(), ',') < 3 ? bytes(1, dle) : reply(command, ' ');
    case rewrite: wants_card_ = true; return {};
    case cancel: wants_card_ = false; return reply(command, ' ');
    case ask_sensors:
      return reply(command, ' ', bytes{waits_ ? '2' : '0', '0', '0', '0', cover_open_ ? '1' : '0', '0'});
    default: return bytes(1, dle);
  }
}

bytes rewriter_emulator::reply(char command, char code, byte_view data) {
  bytes body{command, code};
  body.append(data).push_back(etx);
  char sum = 0;
  for (const char b : body)
    sum = static_cast<char>(sum ^ b);
  last_ = bytes(1, stx) + body + sum;
  bytes now = last_;
  if (damage_ > 0) {
    --damage_;
    now.back() = static_cast<char>(now.back() ^ 1);
  }
  return now;
}

bytes rewriter_emulator::put_in_card() {
  if (!wants_card_) return {};
  wants_card_ = false;
  waits_ = true;
  return print();
}

bytes rewriter_emulator::print() {
  if (fault_ != 0) return reply(rewrite, fault_);
  auto text = byte_view(set_);
  for (int n = 0; n < 3; ++n)
    text.remove_prefix(text.find(',') + 1);
  card_.clear();
  while (true) {
    const auto end = text.find('\n');
    card_.push_back(codec_.decode(text.substr(0, end)));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  ++rewritten_;
  return reply(rewrite, ' ');
}

}  // namespace tally
