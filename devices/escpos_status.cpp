#include "devices/escpos_status.hpp"

#include <algorithm>
#include <utility>

namespace tally::escpos {

namespace {

constexpr std::uint8_t block_header = 0x37;
constexpr std::uint8_t info_header = 0x5F;  // GS I
constexpr std::uint8_t process_mark = 0x22, cleared_mark = 0x25;

constexpr std::uint8_t xon = 0x11, xoff = 0x13;

/// GS r: bits 0 and 1 are the paper's near end, 2 and 3 its end, always alike; the others are 0.
bool is_sensor(std::uint8_t b) { return b == 0x00 || b == 0x03 || b == 0x0C || b == 0x0F; }

paper_state paper_of(bool out, bool low) { return out ? paper_state::out : low ? paper_state::low : paper_state::ok; }

}  // namespace

std::vector<printer_answer> status_reader::feed(byte_view data) {
  std::vector<printer_answer> out;
  for (const char c : data)
    take(static_cast<std::uint8_t>(c), out);
  return out;
}

bool status_reader::drop_unfinished() {
  block_.clear();
  return std::exchange(inside_, inside::nothing) != inside::nothing;
}

printer_status status_reader::status() const {
  // n=2 only says that there is an error; n=3 says which.
  const bool error = error_cause_ || (error_offline_ && !heat_);
  return {online_, cover_open_, paper_stop_ ? paper_state::out : sensor_, error, heat_};
}

void status_reader::take(std::uint8_t b, std::vector<printer_answer>& out) {
  if (inside_ == inside::block) {
    // The header-to-NUL string is not interrupted by other answers, except by XOFF and XON.
    if (b == xon || b == xoff) return;
    block_.push_back(b);
    if (b == 0 || block_.size() >= block_bytes_max) end_block(out);
    return;
  }
  if (inside_ == inside::asb && (b & 0x90) == 0) {
    block_.push_back(b);
    if (block_.size() == 4) {
      take_asb();
      inside_ = inside::nothing;
      out.emplace_back(asb_answer{});
    }
    return;
  }
  if (b == block_header || b == info_header) {
    inside_ = inside::block;
    block_.assign(1, b);
  } else if ((b & 0x93) == 0x12) {
    // Real-time, so it may stand between the bytes of a status that is being sent.
    if (expected_ == 0) return;
    take_status(b);
    out.emplace_back(status_answer{expected_});
  } else if ((b & 0x93) == 0x10) {
    inside_ = inside::asb;
    block_.assign(1, b);
  } else if (is_sensor(b)) {
    sensor_ = paper_of((b & 0x0C) != 0, (b & 0x03) != 0);
    out.emplace_back(paper_answer{});
  } else if (b != xon && b != xoff) {
    ++strange_;
  }
}

void status_reader::end_block(std::vector<printer_answer>& out) {
  inside_ = inside::nothing;
  // A stray octet may have opened the block before the answer did, so its end counts.
  const auto ends_with = [&](std::size_t length, std::uint8_t mark) {
    const auto at = block_.size() - std::min(block_.size(), length);
    return block_.size() >= length && block_[at] == block_header && block_[at + 1] == mark && block_.back() == 0;
  };
  if (ends_with(7, process_mark)) {
    process_done done_answer;
    std::copy_n(block_.end() - 5, done_answer.id.size(), done_answer.id.begin());
    out.emplace_back(done_answer);
  } else if (ends_with(3, cleared_mark)) {
    out.emplace_back(buffers_cleared{});
  }
}

void status_reader::take_status(std::uint8_t b) {
  switch (expected_) {
    case 1: online_ = (b & 0x08) == 0; break;
    case 2:
      cover_open_ = (b & 0x04) != 0;
      paper_stop_ = (b & 0x20) != 0;
      error_offline_ = (b & 0x40) != 0;
      break;
    case 3:
      error_cause_ = (b & 0x2C) != 0;
      heat_ = (b & 0x40) != 0;
      break;
    default: sensor_ = paper_of((b & 0x60) != 0, (b & 0x0C) != 0); break;
  }
}

void status_reader::take_asb() {
  online_ = (block_[0] & 0x08) == 0;
  cover_open_ = (block_[0] & 0x20) != 0;
  error_offline_ = false;
  error_cause_ = (block_[1] & 0x2C) != 0;
  heat_ = (block_[1] & 0x40) != 0;
  paper_stop_ = false;
  sensor_ = paper_of((block_[2] & 0x0C) != 0, (block_[2] & 0x03) != 0);
}

}  // namespace tally::escpos
