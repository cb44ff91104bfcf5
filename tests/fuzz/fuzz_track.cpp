// A magnetic stripe reader that sends anything, cut anywhere: the first octet says how the rest is cut and timed.
#include "devices/track.hpp"
#include "fuzz/fuzz.hpp"

using namespace tally;

namespace {

void check(const reader_events& events) {
  for (const auto& e : events)
    if (const auto* c = std::get_if<card_read>(&e)) {
      fuzz::expect(c->number.size() >= 8 && c->number.size() <= 19, "a card number has 8 to 19 digits");
      fuzz::expect(c->number.find_first_not_of("0123456789") == std::string::npos, "a card number is digits");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  track_reader reader({.lrc_sent = (data[0] & 1) != 0, .luhn_required = (data[0] & 2) != 0});
  auto step = 1 + static_cast<std::size_t>(data[0] >> 4);
  tick_ms pause = data[0] & 4 ? 60 : 0, now = 0;
  auto in = fuzz::view(data + 1, size - 1);
  for (; !in.empty(); now += pause) {
    check(reader.feed(in.substr(0, step), now));
    fuzz::expect(reader.buffered() <= track_reader::buffer_bytes_max, "an open track is bounded");
    in.remove_prefix(std::min(step, in.size()));
  }
  check(reader.tick(now + 10'000));
  fuzz::expect(reader.buffered() == 0 && !reader.deadline(), "nothing is left after a pause");
  return 0;
}
