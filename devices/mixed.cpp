#include "devices/mixed.hpp"

#include <algorithm>

namespace tally {

namespace {

void append(reader_events& to, reader_events more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

reader_events mixed_reader::feed(byte_view data, tick_ms now) {
  reader_events out = tick(now);
  for (const char c : data) {
    const bool sentinel = c == '%' || c == ';', track_3 = c == '+' || c == '#';
    if (line_ == line::start && static_cast<unsigned char>(c) < 0x20 && c != '\r' && c != '\n') continue;
    if (line_ == line::start && c != '\r' && c != '\n')
      line_ = sentinel || (track_3 && sentinel_breaks_code_) ? line::stripe : line::code;
    if (line_ == line::code && sentinel && sentinel_breaks_code_) {
      codes_.reset();
      line_ = line::stripe;
    }
    // A line end between a stripe's tracks is the stripe's too: it closes what is open.
    if (line_ == line::code)
      append(out, codes_.feed({&c, 1}, now));
    else if (line_ != line::lost)
      append(out, stripe_.feed({&c, 1}, now));
    if (c == '\r' || c == '\n') line_ = line::start;
  }
  if (!data.empty()) last_byte_ = now;
  return out;
}

reader_events mixed_reader::tick(tick_ms now) {
  reader_events out = stripe_.tick(now);
  append(out, codes_.tick(now));
  if (line_ != line::start && now - last_byte_ >= track_reader::idle_ms_max) line_ = line::start;
  return out;
}

std::optional<tick_ms> mixed_reader::deadline() const {
  const auto a = stripe_.deadline(), b = codes_.deadline();
  if (a && b) return std::min(*a, *b);
  return a ? a : b;
}

void mixed_reader::reset() {
  stripe_.reset();
  codes_.reset();
  line_ = line::start;
}

reader_events mixed_reader::lose(tick_ms now) {
  reset();
  line_ = line::lost;
  last_byte_ = now;
  return {misread{misread_reason::incomplete}};
}

}  // namespace tally
