#include "devices/escpos_render.hpp"

#include <algorithm>
#include <string_view>

#include "devices/escpos_skip.hpp"
#include "devices/raster.hpp"

namespace tally {

namespace {

using namespace std::string_view_literals;

constexpr std::size_t command_bytes_max = 56 * 1024;  // a longer one is skipped as it comes

int at(byte_view d, std::size_t i) { return static_cast<unsigned char>(d[i]); }

charset page_of(int n) {
  switch (n) {
    case 16: return charset::cp1252;
    case 17: return charset::cp866;
    case 18: return charset::cp852;
    case 19: return charset::cp858;
    default: return charset::cp437;
  }
}

}  // namespace

printer_emulator::printer_emulator(const printer_model& model) : model_(model), wide_(model.wide) {}

bytes printer_emulator::feed(byte_view data) {
  bytes answer;
  for (const char c : data) {
    receive(c, answer);
    // Line by line keeps the buffer short when a whole ticket comes at once.
    if (c == '\n') run(answer);
  }
  run(answer);
  return answer;
}

void printer_emulator::receive(char c, bytes& answer) {
  // Real-time requests are picked out on arrival, wherever they stand, as the reference warns.
  held_.push_back(c);
  const byte_view pulse("\x10\x14\x01"sv);
  const byte_view clear("\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"sv);
  if (model_.clears && held_ == clear) {
    clear_buffers();
    answer += "\x37\x25\x00"sv;
    return;
  }
  if (model_.clears && clear.starts_with(held_)) return;
  if (held_ == "\x10"sv || held_ == "\x10\x04"sv || (held_.size() <= 4 && byte_view(held_).starts_with(pulse)) ||
      held_ == pulse.substr(0, 2))
    return;
  if (held_.size() == 3 && held_[1] == 0x04 && c >= 1 && c <= 4) {
    answer.push_back(real_time(c));
  } else if (held_.size() == 5 && byte_view(held_).starts_with(pulse)) {
    ++drawer_kicks_;
  } else {
    for (const char h : held_) {
      if (skip_ > 0)
        --skip_;
      else if (accepting())
        buffer_.push_back(h);
    }
  }
  held_.clear();
}

void printer_emulator::run(bytes& answer) {
  std::size_t done = 0;
  while (!blocked() && done < buffer_.size()) {
    const bytes before = asb();
    const std::size_t used = step(byte_view(buffer_).substr(done), answer);
    if (used == 0) break;
    done += used;
    if (asb_on_ && asb() != before) answer += asb();
  }
  buffer_.erase(0, done);
}

std::size_t printer_emulator::wide_length(byte_view front) const {
  if (!wide_on_ || front.front() >= 0) return 0;
  if (model_.wide == charset::gb18030 && front.size() > 1 && front[1] >= '0' && front[1] <= '9') return 4;
  return 2;
}

std::size_t printer_emulator::step(byte_view front, bytes& answer) {
  if (const auto wide = wide_length(front); wide != 0) {
    if (front.size() < wide) return 0;
    add_text(front.substr(0, wide), 2);
    return wide;
  }
  const auto length = escpos::command_length(front);
  if (!length) return front.size() >= command_bytes_max ? 1 : 0;
  if (front.size() < *length) {
    if (*length <= command_bytes_max) return 0;
    skip_ = *length - front.size();
    return front.size();
  }
  const byte_view command = front.substr(0, *length);
  switch (command.front()) {
    case 0x1B: esc(command); break;
    case 0x1D: gs(command, answer); break;
    case 0x1C: fs(command); break;
    case 0x10: break;
    default: control_or_text(command.front());
  }
  return *length;
}

void printer_emulator::control_or_text(char c) {
  if (c == '\n' || c == 0x0C) {
    feed_line();
  } else if (c == '\t') {
    // To the next stop or the end of the line, whichever comes first: wide characters have stops beyond it.
    do
      control_or_text(' ');
    while (line_columns_ % (8 * style_.width) != 0 && line_columns_ + style_.width <= model_.columns);
  } else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) {
    add_text({&c, 1}, 1);
  }
}

void printer_emulator::add_text(byte_view coded, std::size_t columns) {
  const auto width = columns * style_.width;
  if (line_columns_ + width > model_.columns) feed_line();
  line_ += (columns > 1 ? wide_ : narrow_).decode(coded);
  line_columns_ += width;
}

void printer_emulator::fs(byte_view command) {
  if (command.size() < 2) return;
  if (command[1] == '&') wide_on_ = true;
  if (command[1] == '.') wide_on_ = false;
}

void printer_emulator::esc(byte_view command) {
  if (command.size() < 2) return;
  const int n = command.size() > 2 ? at(command, 2) : 0;
  switch (command[1]) {
    case '@':
      style_ = {};
      line_.clear();
      line_columns_ = 0;
      wide_on_ = true;
      narrow_ = text_codec(charset::cp437);
      break;
    case 't': narrow_ = text_codec(page_of(n)); break;
    case 'a':
      if (n % 48 <= 2) style_.align = n % 48;
      break;
    case '!': style_.width = (n & 0x20) != 0 ? 2 : 1; break;
    case 'd': feed_lines(static_cast<std::size_t>(n)); break;
    case 'J':
      if (!line_.empty()) feed_line();
      break;
    case 'i':
    case 'm': cut(true); break;
    case 'p': ++drawer_kicks_; break;
    default: break;
  }
}

void printer_emulator::gs(byte_view command, bytes& answer) {
  if (command.size() < 2) return;
  const int n = command.size() > 2 ? at(command, 2) : 0;
  switch (command[1]) {
    case '!': style_.width = static_cast<std::size_t>(((n >> 4) & 7) + 1); break;
    case 'V': cut(true); break;
    case 'v': picture(command); break;
    case 'k': barcode(command); break;
    case 'a':
      asb_on_ = n != 0;
      if (asb_on_) answer += asb();
      break;
    case 'r':
      if (!model_.sensor) break;
      if (n == 1 || n == 49) answer.push_back(paper_ == paper_state::low ? 0x03 : 0x00);
      if (n == 2 || n == 50) answer.push_back(0x00);
      break;
    case 'I': identify(n, answer); break;
    case '(': block(command, answer); break;
    default: break;
  }
}

void printer_emulator::identify(int n, bytes& answer) const {
  if (n == 1 || n == 49) answer.push_back(0x20);
  if (n == 2 || n == 50) answer.push_back(0x02);
  if (n == 66) answer += "_TALLYSTICK\0"sv;
  if (n == 67) answer += "_DEMO\0"sv;
}

void printer_emulator::block(byte_view command, bytes& answer) {
  const byte_view data = command.substr(5);
  if (model_.process_ids && command[2] == 'H' && data.size() == 6 && data.starts_with("00")) {
    answer += "\x37\x22"sv;
    answer += data.substr(2);
    answer.push_back('\0');
  }
  if (command[2] != 'k' || data.size() < 3 || data[0] != 0x31) return;
  if (data[1] == 0x50 && data[2] == 0x30) {
    qr_store_ = text_codec(charset::cp437).decode(data.substr(3));
    for (char& c : qr_store_)
      if (static_cast<unsigned char>(c) < 0x20) c = '?';
  } else if (data[1] == 0x51 && data[2] == 0x30 && !qr_store_.empty()) {
    paper_now_.qr = qr_store_;
    add_line("[QR] " + qr_store_);
  }
}

void printer_emulator::add_line(std::string text) {
  if (!line_.empty()) feed_line();
  line_ = std::move(text);
  line_columns_ = std::min(model_.columns, line_.size());
  feed_line();
}

void printer_emulator::picture(byte_view command) {
  if (command.size() < 8 || command[2] != '0') return;
  raster r;
  r.width = static_cast<std::size_t>(at(command, 4) + at(command, 5) * 256) * 8;
  r.height = static_cast<std::size_t>(at(command, 6) + at(command, 7) * 256);
  r.rows = bytes(command.substr(8));
  add_line("[PICTURE " + std::to_string(r.width) + " x " + std::to_string(r.height) + "]");
  auto& kept = paper_now_.pictures;
  if (kept.size() >= pictures_max) kept.erase(kept.begin());
  kept.push_back(std::move(r));
}

void printer_emulator::barcode(byte_view command) {
  if (command.size() < 6 || command[2] != 73 || command[4] != '{') return;
  std::string text;
  for (std::size_t i = 6; i < command.size(); ++i) {
    if (command[i] == '{') ++i;
    if (i < command.size()) text.push_back(command[i] >= 0x20 && command[i] < 0x7F ? command[i] : '?');
  }
  add_line("[BARCODE] " + text);
}

void printer_emulator::feed_line() {
  std::size_t left = model_.columns - std::min(model_.columns, line_columns_);
  if (style_.align == 0 || line_.empty()) left = 0;
  if (style_.align == 1) left /= 2;
  paper_now_.lines.push_back(std::string(left, ' ') + line_);
  line_.clear();
  line_columns_ = 0;
  if (paper_now_.lines.size() >= ticket_lines_max) end_ticket(false);
  if (lines_left_ && (*lines_left_ == 0 || --*lines_left_ == 0)) {
    lines_left_.reset();
    paper_ = paper_state::out;
  }
}

void printer_emulator::feed_lines(std::size_t count) {
  if (count == 0 && !line_.empty()) count = 1;
  for (; count > 0; --count)
    feed_line();
}

void printer_emulator::cut(bool cutter) {
  if (!line_.empty()) feed_line();
  end_ticket(cutter);
}

void printer_emulator::end_ticket(bool cutter) {
  auto& lines = paper_now_.lines;
  while (!lines.empty() && lines.back().empty())
    lines.pop_back();
  if (!lines.empty()) {
    paper_now_.cut = cutter;
    tickets_.push_back(std::move(paper_now_));
    if (tickets_.size() > tickets_max) tickets_.pop_front();
  }
  paper_now_ = {};
}

char printer_emulator::real_time(int n) const {
  int b = 0x12;
  const bool out = paper_ == paper_state::out;
  if (n == 1 && blocked()) b |= 0x08;
  if (n == 2) b |= (cover_open_ ? 0x04 : 0) | (out ? 0x20 : 0) | (error_ || hot_ ? 0x40 : 0);
  if (n == 3) b |= (error_ ? 0x08 : 0) | (hot_ ? 0x40 : 0);
  if (n == 4) b |= (paper_ != paper_state::ok ? 0x0C : 0) | (out ? 0x60 : 0);
  return static_cast<char>(b);
}

bytes printer_emulator::asb() const {
  const bool out = paper_ == paper_state::out;
  bytes b(4, '\0');
  b[0] = static_cast<char>(0x10 | (blocked() ? 0x08 : 0) | (cover_open_ ? 0x20 : 0));
  b[1] = static_cast<char>((error_ ? 0x08 : 0x00) | (hot_ ? 0x40 : 0x00));
  b[2] = static_cast<char>((paper_ != paper_state::ok ? 0x03 : 0) | (out ? 0x0C : 0));
  return b;
}

bytes printer_emulator::changed(const bytes& before) {
  bytes answer;
  if (asb_on_ && asb() != before) answer += asb();
  run(answer);
  return answer;
}

bytes printer_emulator::set_paper(paper_state paper) {
  const bytes before = asb();
  paper_ = paper;
  lines_left_.reset();
  return changed(before);
}

bytes printer_emulator::set_cover_open(bool open) {
  const bytes before = asb();
  cover_open_ = open;
  return changed(before);
}

bytes printer_emulator::set_offline(bool offline) {
  const bytes before = asb();
  offline_ = offline;
  return changed(before);
}

bytes printer_emulator::set_error(bool error) {
  const bytes before = asb();
  error_ = error;
  return changed(before);
}

bytes printer_emulator::set_overheated(bool hot) {
  const bytes before = asb();
  hot_ = hot;
  return changed(before);
}

void printer_emulator::clear_buffers() {
  held_.clear();
  buffer_.clear();
  skip_ = 0;
  line_.clear();
  line_columns_ = 0;
}

void printer_emulator::power_cycle() {
  clear_buffers();
  wide_on_ = true;
  narrow_ = text_codec(charset::cp437);
  style_ = {};
  qr_store_.clear();
  asb_on_ = false;
}

}  // namespace tally
