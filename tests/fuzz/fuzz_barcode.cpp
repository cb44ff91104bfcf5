// A scanner that sends anything, cut anywhere: the first octet says how the rest is cut and how the scanner is set.
#include "devices/barcode.hpp"
#include "fuzz/fuzz.hpp"

using namespace tally;

namespace {

void check(const reader_events& events) {
  for (const auto& e : events) {
    if (const auto* p = std::get_if<product_scanned>(&e)) fuzz::expect(ean_valid(p->ean), "a product's number holds");
    if (const auto* c = std::get_if<card_read>(&e))
      fuzz::expect(c->number.starts_with("9704"), "a card has our prefix");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  barcode_options options;
  options.suffix = static_cast<scan_suffix>(data[0] & 3);
  options.card_prefixes = {"9704"};
  barcode_reader reader(options);
  auto step = 1 + static_cast<std::size_t>(data[0] >> 4);
  tick_ms now = 0;
  for (auto in = fuzz::view(data + 1, size - 1); !in.empty(); in.remove_prefix(std::min(step, in.size()))) {
    check(reader.feed(in.substr(0, step), now++));
    fuzz::expect(reader.buffered() <= barcode_reader::buffer_bytes_max, "a line is bounded");
  }
  check(reader.tick(now + 10'000));
  fuzz::expect(reader.buffered() == 0, "nothing is left after a pause");
  return 0;
}
