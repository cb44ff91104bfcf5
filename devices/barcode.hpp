#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devices/events.hpp"
#include "devices/luhn.hpp"
#include "ledger/types.hpp"

namespace tally {

/// What the scanner is set to send after each code.
enum class scan_suffix : std::uint8_t { any, cr, lf, crlf };

struct barcode_options {
  scan_suffix suffix = scan_suffix::any;     ///< `any`: CR, LF or CRLF
  std::vector<std::string> card_prefixes{};  ///< digits our card numbers start with; none: no barcode is a card
  std::size_t digits_min = card_digits_min;
  std::size_t digits_max = card_digits_max;
};

/// True for 8 or 13 digits whose last one is the GS1 check digit (GS1 General Specifications, 7.9).
bool ean_valid(std::string_view ean);

/// A barcode scanner on a serial line. Products: EAN-13, EAN-8, and UPC-A (12 digits), which becomes an EAN-13 with a
/// leading 0. Cards: digits of the configured length that start with a configured prefix and pass Luhn; this is asked
/// first, so choose prefixes that no product has. An AIM symbology mark ("]E0", ISO/IEC 15424) in front is skipped.
///
/// Pure: bytes and `now` in, events out. Chunks may be cut anywhere. One owner; not thread-safe; nothing durable.
/// Limits: a line holds `buffer_bytes_max`; at the limit the rest of the line is dropped and one
/// `misread{too_long}` is emitted. An unfinished line is abandoned `idle_ms_max` after its last byte.
class barcode_reader {
public:
  static constexpr std::size_t buffer_bytes_max = 128;
  static constexpr tick_ms idle_ms_max = 500;

  explicit barcode_reader(barcode_options options = {}) : options_(std::move(options)) {}

  /// Takes bytes as they came. REQUIRES: `now` does not go backward between calls.
  [[nodiscard]] reader_events feed(byte_view data, tick_ms now);
  /// Abandons what has waited long enough. Harmless at any time.
  [[nodiscard]] reader_events tick(tick_ms now);
  /// When `tick` has something to do; nothing when idle.
  [[nodiscard]] std::optional<tick_ms> deadline() const;
  /// Forgets what is half read: the device was unplugged.
  void reset();
  /// Bytes held of an unfinished line; never above `buffer_bytes_max`.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }

private:
  [[nodiscard]] bool ends_line(char c);
  [[nodiscard]] reader_event decide(std::string_view line) const;
  [[nodiscard]] bool is_card(std::string_view digits) const;

  barcode_options options_;
  std::string buffer_;
  bool skipping_ = false;
  tick_ms last_byte_ = 0;
};

}  // namespace tally
