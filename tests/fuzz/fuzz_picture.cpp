// A logo file that holds anything, and any text in any printer's code: the first octet says which code.
#include "devices/charset.hpp"
#include "devices/raster.hpp"
#include "fuzz/fuzz.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto in = fuzz::view(data + 1, size - 1);
  if (const auto r = parse_pbm(in)) {
    fuzz::expect(r->width <= raster::width_max && r->height <= raster::height_max, "a picture is bounded");
    fuzz::expect(r->rows.size() == r->row_octets() * r->height, "a picture has all its rows");
  }
  const text_codec codec(static_cast<charset>(data[0] % 8));
  const auto coded = codec.encode(in);
  for (const char c : coded)
    fuzz::expect(static_cast<unsigned char>(c) >= 0x20, "no text holds a printer command");
  fuzz::expect(codec.columns(in) <= coded.size(), "a column holds at least one octet");
  fuzz::expect(codec.encode(codec.shown(in)) == coded, "what is shown is what is printed");
  fuzz::expect(codec.columns(codec.fit(in, 42)) <= 42, "a line fits");
  (void)codec.decode(in);
  return 0;
}
