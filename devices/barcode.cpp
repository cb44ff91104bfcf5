#include "devices/barcode.hpp"

#include <algorithm>

namespace tally {

bool ean_valid(std::string_view ean) {
  if ((ean.size() != 8 && ean.size() != 13) || !all_digits(ean)) return false;
  int sum = 0;
  int weight = 1;
  for (auto it = ean.rbegin(); it != ean.rend(); ++it) {
    sum += (*it - '0') * weight;
    weight = 4 - weight;
  }
  return sum % 10 == 0;
}

reader_events barcode_reader::feed(byte_view data, tick_ms now) {
  reader_events out = tick(now);
  for (const char c : data) {
    if (ends_line(c)) {
      if (!skipping_ && !buffer_.empty()) out.push_back(decide(buffer_));
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

bool barcode_reader::is_card(std::string_view digits) const {
  if (digits.size() < options_.digits_min || digits.size() > options_.digits_max) return false;
  return std::any_of(options_.card_prefixes.begin(), options_.card_prefixes.end(),
                     [&](const std::string& p) { return !p.empty() && digits.starts_with(p); });
}

reader_event barcode_reader::decide(std::string_view line) const {
  if (line.size() > 3 && line.front() == ']') line.remove_prefix(3);
  const bool printable = std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (!printable) return misread{misread_reason::bad_character};
  if (!all_digits(line)) return misread{misread_reason::unknown_code};
  const bool card = is_card(line);
  if (card && luhn_valid(line)) return card_read{std::string(line), 0};
  const std::string ean = line.size() == 12 ? "0" + std::string(line) : std::string(line);
  if (ean_valid(ean)) return product_scanned{ean};
  if (ean.size() == 8 || ean.size() == 13) return misread{misread_reason::bad_check};
  return misread{card ? misread_reason::bad_number : misread_reason::unknown_code};
}

}  // namespace tally
