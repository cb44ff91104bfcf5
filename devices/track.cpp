#include "devices/track.hpp"

#include <algorithm>

#include "devices/luhn.hpp"

namespace tally {

namespace {

// ISO/IEC 7813: 79 and 40 characters, of which sentinels and LRC are three.
constexpr std::size_t track1_body_max = 76;
constexpr std::size_t track2_body_max = 37;
constexpr std::size_t name_max = 26;

/// The check character of a whole track, sentinels included, as a reader sends it (ISO/IEC 7811-2, 9.3).
char lrc_of(std::string_view track, char sentinel) {
  const char base = sentinel == '%' ? 0x20 : 0x30;
  int sum = 0;
  for (const char c : track)
    sum ^= c - base;
  return static_cast<char>(base + (sum & (sentinel == '%' ? 0x3F : 0x0F)));
}

bool can_stand_in(char c, char sentinel) { return sentinel == '%' ? c >= 0x20 && c <= 0x5F : c >= 0x30 && c <= 0x3F; }

}  // namespace

reader_events track_reader::feed(byte_view data, tick_ms now) {
  reader_events out;
  expire(now, out);
  for (const char c : data)
    take(c, now, out);
  if (!data.empty()) last_byte_ = now;
  return out;
}

reader_events track_reader::tick(tick_ms now) {
  reader_events out;
  expire(now, out);
  return out;
}

std::optional<tick_ms> track_reader::deadline() const {
  if (mode_ == mode::inside || mode_ == mode::check) return last_byte_ + idle_ms_max;
  if (first_ || !last_second_.empty()) return last_byte_ + track_gap_ms;
  return std::nullopt;
}

void track_reader::reset() {
  mode_ = mode::outside;
  buffer_.clear();
  first_.reset();
  last_second_.clear();
}

void track_reader::expire(tick_ms now, reader_events& out) {
  const auto due = deadline();
  if (!due || now < *due) return;
  if (mode_ == mode::inside || mode_ == mode::check) abandon(misread_reason::incomplete, out);
  flush_first(out);
  last_second_.clear();
}

void track_reader::take(char c, tick_ms now, reader_events& out) {
  last_byte_ = now;
  if (mode_ == mode::check) {
    mode_ = mode::outside;
    parsed p = parse();
    if (c != lrc_of(buffer_, sentinel_)) p = {{}, misread_reason::bad_check};
    buffer_.clear();
    close_track(std::move(p), out);
    return;
  }
  if (c == '%' || c == ';') {
    open_track(c, out);
    return;
  }
  if (mode_ != mode::inside) return;  // noise, LRC, line ends, track 3
  if (c == '\r' || c == '\n') {
    abandon(misread_reason::incomplete, out);
    return;
  }
  // Only now is it known that this '%' began another swipe, and was not the LRC of the track 1 that is held.
  if (sentinel_ == '%' && buffer_.size() == 1) flush_first(out);
  buffer_.push_back(c);
  if (!can_stand_in(c, sentinel_)) {
    abandon(misread_reason::bad_character, out);
  } else if (c == '?') {
    if (options_.lrc_sent) {
      mode_ = mode::check;
      return;
    }
    parsed p = parse();
    mode_ = mode::outside;
    buffer_.clear();
    close_track(std::move(p), out);
  } else if (buffer_.size() >= buffer_bytes_max) {
    // Announced at once and not held back for track 2: what floods the line is no swipe.
    mode_ = mode::skipping;
    buffer_.clear();
    out.emplace_back(misread{misread_reason::too_long});
  }
}

void track_reader::open_track(char sentinel, reader_events& out) {
  // A sentinel right after a sentinel is an LRC that looks like one; anything longer was cut off.
  if (mode_ == mode::inside && buffer_.size() > 1) abandon(misread_reason::incomplete, out);
  mode_ = mode::inside;
  sentinel_ = sentinel;
  buffer_.assign(1, sentinel);
}

void track_reader::close_track(parsed p, reader_events& out) {
  if (sentinel_ == ';') {
    close_second(p, out);
    return;
  }
  // Some readers send track 2 first: then this is the other half of a swipe that was announced already.
  const bool repeats = p.good() && p.number == last_second_;
  last_second_.clear();
  if (!repeats) first_ = std::move(p);
}

void track_reader::close_second(const parsed& p, reader_events& out) {
  last_second_.clear();
  if (!p.good()) {
    if (!first_ || !first_->good()) {
      first_.reset();
      out.emplace_back(misread{p.reason});
    } else {
      flush_first(out);
    }
    return;
  }
  if (first_ && first_->good() && first_->number != p.number) {
    first_.reset();
    out.emplace_back(misread{misread_reason::tracks_differ});
    return;
  }
  if (!first_) last_second_ = p.number;
  first_.reset();
  out.emplace_back(card_read{p.number, 2});
}

void track_reader::abandon(misread_reason reason, reader_events& out) {
  const bool empty = buffer_.size() <= 1 && mode_ == mode::inside;
  mode_ = reason == misread_reason::bad_character ? mode::skipping : mode::outside;
  buffer_.clear();
  if (!empty) close_track({{}, reason}, out);
}

void track_reader::flush_first(reader_events& out) {
  if (!first_) return;
  if (first_->good())
    out.emplace_back(card_read{std::move(first_->number), 1});
  else
    out.emplace_back(misread{first_->reason});
  first_.reset();
}

track_reader::parsed track_reader::parse() const {
  const std::string_view body = std::string_view(buffer_).substr(1, buffer_.size() - 2);
  if (body.size() > (sentinel_ == '%' ? track1_body_max : track2_body_max)) return {{}, misread_reason::too_long};
  parsed p = parse_fields(body);
  if (!p.good()) return p;
  const bool fits = p.number.size() >= card_digits_min && p.number.size() <= card_digits_max && all_digits(p.number) &&
                    (!options_.luhn_required || luhn_valid(p.number));
  return fits ? p : parsed{{}, misread_reason::bad_number};
}

track_reader::parsed track_reader::parse_fields(std::string_view body) const {
  const parsed bad{{}, misread_reason::bad_format};
  if (sentinel_ == '%') {
    if (body.empty() || body.front() != 'B') return bad;
    const auto number_end = body.find('^');
    if (number_end == body.npos) return bad;
    const auto name_end = body.find('^', number_end + 1);
    if (name_end == body.npos || name_end - number_end - 1 > name_max) return bad;
    if (number_end == 1) return {{}, misread_reason::bad_number};
    return {std::string(body.substr(1, number_end - 1)), {}};
  }
  const auto number = body.substr(0, body.find('='));
  const auto rest = body.substr(number.size());
  const bool digits = std::all_of(rest.begin(), rest.end(), [](char c) { return (c >= '0' && c <= '9') || c == '='; });
  if (!digits) return bad;
  if (number.empty()) return {{}, misread_reason::bad_number};
  return {std::string(number), {}};
}

}  // namespace tally
