#pragma once
#include <optional>
#include <string>

#include "devices/events.hpp"
#include "ledger/types.hpp"

namespace tally {

struct track_options {
  /// The reader sends the longitudinal check character after each '?': it is then awaited and verified (misread
  /// `bad_check`). When false, a byte between '?' and the next start sentinel is skipped: such a reader has checked
  /// the stripe itself.
  bool lrc_sent = false;
  /// Refuse card numbers that fail the Luhn check. Off by default, because ISO/IEC 7813 does not ask for it.
  bool luhn_required = false;
};

/// A magnetic stripe reader on a serial line: ISO/IEC 7813 tracks 1 and 2, coded per ISO/IEC 7811-2 and -6 and
/// sent as ASCII with sentinels: `%B<number>^<name>^…?` and `;<number>[=<expiry><service>…]?`. Shop-issued
/// cards may end after the number. Track 3 and whatever else lies between tracks is ignored.
///
/// Pure: bytes and `now` in, events out. Chunks may be cut anywhere. One owner; not thread-safe; nothing durable.
/// One swipe is at most one `card_read`: from track 2 if it is good, else from track 1. A swipe holds each
/// track once; track 2 belongs to the swipe of the track 1 that ended at most `track_gap_ms` before. A track 1
/// alone is therefore announced after that gap, or when the next one begins ('%' alone may be its check character).
/// Limits: an open track holds `buffer_bytes_max`; at the limit everything up to the next start sentinel is
/// dropped and one `misread{too_long}` is emitted. An open track is abandoned `idle_ms_max` after its last byte.
class track_reader {
public:
  static constexpr std::size_t buffer_bytes_max = 256;
  static constexpr tick_ms idle_ms_max = 500;
  static constexpr tick_ms track_gap_ms = 100;

  explicit track_reader(track_options options = {}) : options_(options) {}

  /// Takes bytes as they came. REQUIRES: `now` does not go backward between calls.
  [[nodiscard]] reader_events feed(byte_view data, tick_ms now);

  /// Ends what has waited long enough. Harmless at any time.
  [[nodiscard]] reader_events tick(tick_ms now);

  /// When `tick` has something to do; nothing when idle.
  [[nodiscard]] std::optional<tick_ms> deadline() const;

  /// Forgets what is half read: the device was unplugged.
  void reset();

  /// Bytes held of an open track; never above `buffer_bytes_max`.
  [[nodiscard]] std::size_t buffered() const { return buffer_.size(); }

private:
  enum class mode : std::uint8_t { outside, inside, check, skipping };
  struct parsed {
    std::string number;  ///< empty when the track is bad
    misread_reason reason = misread_reason::bad_format;
    [[nodiscard]] bool good() const { return !number.empty(); }
  };

  void take(char c, tick_ms now, reader_events& out);
  void open_track(char sentinel, reader_events& out);
  void close_track(parsed p, reader_events& out);
  void close_second(const parsed& p, reader_events& out);
  void abandon(misread_reason reason, reader_events& out);
  void flush_first(reader_events& out);
  void expire(tick_ms now, reader_events& out);
  [[nodiscard]] parsed parse() const;
  [[nodiscard]] parsed parse_fields(std::string_view body) const;

  track_options options_;
  mode mode_ = mode::outside;
  char sentinel_ = 0;            // '%' or ';' of the open track
  std::string buffer_;           // the open track from its sentinel on
  std::optional<parsed> first_;  // track 1 of this swipe, waiting for track 2
  std::string last_second_;      // number just read from a track 2 that had no track 1 before it
  tick_ms last_byte_ = 0;
};

}  // namespace tally
