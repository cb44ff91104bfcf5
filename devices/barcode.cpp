#include "devices/barcode.hpp"

namespace tally {

reader_events barcode_reader::feed(byte_view data, tick_ms now) {
  reader_events out = tick(now);
  for (const char c : data) {
    if (ends_line(c)) {
      if (!skipping_ && !buffer_.empty()) out.push_back(recognise_scan(buffer_, options_));
      buffer_.clear();
      skipping_ = false;
    } else if (!skipping_) {
      buffer_.push_back(c);
      if (buffer_.size() >= buffer_bytes_max) {
        buffer_.clear();
        skipping_ = true;
        out.emplace_back(misread{misread_reason::too_long});
      }
    }
  }
  if (!data.empty()) last_byte_ = now;
  return out;
}

reader_events barcode_reader::tick(tick_ms now) {
  reader_events out;
  const auto due = deadline();
  if (!due || now < *due) return out;
  if (!skipping_) out.emplace_back(misread{misread_reason::incomplete});
  reset();
  return out;
}

std::optional<tick_ms> barcode_reader::deadline() const {
  if (buffer_.empty() && !skipping_) return std::nullopt;
  return last_byte_ + idle_ms_max;
}

void barcode_reader::reset() {
  buffer_.clear();
  skipping_ = false;
}

bool barcode_reader::ends_line(char c) {
  switch (options_.suffix) {
    case scan_suffix::any: return c == '\r' || c == '\n';
    case scan_suffix::cr: return c == '\r';
    case scan_suffix::lf: return c == '\n';
    case scan_suffix::crlf: break;
  }
  if (skipping_) return c == '\n';
  if (c != '\n' || buffer_.empty() || buffer_.back() != '\r') return false;
  buffer_.pop_back();
  return true;
}

}  // namespace tally
