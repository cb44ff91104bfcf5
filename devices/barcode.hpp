#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "devices/events.hpp"
#include "devices/scan.hpp"
#include "ledger/types.hpp"

namespace tally {

using barcode_options = scan_options;

/// A scanner for barcodes and QR codes on a serial line: cuts the stream into texts, each of which is what
/// `recognise_scan` says. Two scans are two scans, however fast they follow each other.
///
/// Pure: bytes and `now` in, events out. Chunks may be cut anywhere. One owner; not thread-safe; nothing durable.
/// Limits: a line holds `buffer_bytes_max`; at the limit the rest of the line is dropped and one
/// `misread{too_long}` is emitted. An unfinished line is abandoned `idle_ms_max` after its last byte.
class barcode_reader {
public:
  static constexpr std::size_t buffer_bytes_max = 512;
  static constexpr tick_ms idle_ms_max = 500;

  explicit barcode_reader(barcode_options options = {}) : options_(std::move(options)) {}

  /// Takes bytes as they came. REQUIRES: `now` does not go backward between calls.
  [[nodiscard]] reader_events feed(byte_view data, tick_ms now);
  /// Abandons what has waited long enough. Harmless at any time.
  [[nodiscard]] reader_events tick(tick_ms now);
  /// When `tick` has something to do; nothing when idle.
  [[nodiscard]] std::optional<tick_ms> deadline() const;
  /// Other prefixes of our cards, for texts that end from now on.
  void set_card_prefixes(std::vector<std::string> prefixes) { options_.card_prefixes = std::move(prefixes); }
  /// Forgets what is half read: the device was unplugged.
  void reset();
  /// Bytes held of an unfinished line; never above `buffer_bytes_max`.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }

private:
  [[nodiscard]] bool ends_line(char c);

  barcode_options options_;
  std::string buffer_;
  bool skipping_ = false;
  tick_ms last_byte_ = 0;
};

}  // namespace tally
