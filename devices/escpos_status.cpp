#include "devices/escpos_status.hpp"

namespace tally::escpos {

namespace {

constexpr std::uint8_t block_header = 0x37;
constexpr std::uint8_t info_header = 0x5F;  // GS I
constexpr std::uint8_t process_mark = 0x22, cleared_mark = 0x25;

paper_state paper_of(bool out, bool low) { return out ? paper_state::out : low ? paper_state::low : paper_state::ok; }

}  // namespace

std::vector<printer_answer> status_reader::feed(byte_view data) {
  std::vector<printer_answer> out;
  for (const char c : data)
    take(static_cast<std::uint8_t>(c), out);
  return out;
}

printer_status status_reader::status() const {
  // n=2 only says that there is an error; n=3 says which.
  const bool error = error_cause_ || (error_offline_ && !heat_);
  return {online_, cover_open_, paper_stop_ ? paper_state::out : sensor_, error, heat_};
}

void status_reader::take(std::uint8_t b, std::vector<printer_answer>& out) {
  if (inside_ == inside::block) {
    // The header-to-NUL string is not interrupted by other answers, except by XOFF and XON.
    if (b == 0x11 || b == 0x13) return;
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
  } else if ((b & 0x90) == 0) {
    sensor_ = paper_of((b & 0x0C) != 0, (b & 0x03) != 0);
    out.emplace_back(paper_answer{});
  }
}

void status_reader::end_block(std::vector<printer_answer>& out) {
  inside_ = inside::nothing;
  if (block_.size() == 3 && block_[0] == block_header && block_[1] == cleared_mark && block_[2] == 0) {
    out.emplace_back(buffers_cleared{});
    return;
  }
  if (block_.size() != 7 || block_[0] != block_header || block_[1] != process_mark || block_[6] != 0) return;
  process_done done_answer;
  for (std::size_t i = 0; i < 4; ++i)
    done_answer.id[i] = static_cast<char>(block_[i + 2]);
  out.emplace_back(done_answer);
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
