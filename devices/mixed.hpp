#pragma once
#include <optional>

#include "devices/barcode.hpp"
#include "devices/track.hpp"

namespace tally {

/// A device that sends stripes and scanned codes alike, as keyboard wedges and combined readers do: a line that begins
/// with '%' or ';' is a stripe's, any other a code's. Of a reader that is mostly for stripes (`sentinel_breaks_code`)
/// these two begin a stripe anywhere in a line, and what stood before is noise; a line of track 3 ('+' or '#') is
/// nothing. Control characters in front of a line (STX of some readers) are nothing.
///
/// Pure: bytes and `now` in, events out. One owner; not thread-safe; nothing durable. Limits as of `track_reader` and
/// `barcode_reader`; a stripe without a line end is over after `track_reader::idle_ms_max`.
class mixed_reader {
public:
  explicit mixed_reader(barcode_options codes = {}, track_options stripe = {}, bool sentinel_breaks_code = false)
      : stripe_(stripe), codes_(std::move(codes)), sentinel_breaks_code_(sentinel_breaks_code) {}

  /// Takes bytes as they came. REQUIRES: `now` does not go backward between calls.
  [[nodiscard]] reader_events feed(byte_view data, tick_ms now);
  [[nodiscard]] reader_events tick(tick_ms now);
  [[nodiscard]] std::optional<tick_ms> deadline() const;
  /// As barcode_reader.
  void set_card_prefixes(std::vector<std::string> prefixes) { codes_.set_card_prefixes(std::move(prefixes)); }
  /// Forgets what is half read: the device was unplugged.
  void reset();
  /// The device dropped some of its bytes: what is half read is a misread, and what comes up to the line end, or before
  /// the line is silent for a while, is a torso and could be taken for another code.
  [[nodiscard]] reader_events lose(tick_ms now);
  [[nodiscard]] std::size_t buffered() const { return stripe_.buffered() + codes_.buffered(); }

private:
  enum class line : std::uint8_t { start, stripe, code, lost };

  track_reader stripe_;
  barcode_reader codes_;
  bool sentinel_breaks_code_ = false;
  line line_ = line::start;
  tick_ms last_byte_ = 0;
};

}  // namespace tally
