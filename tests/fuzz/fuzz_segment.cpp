#include "fuzz/fuzz.hpp"
#include "storage/segment.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  auto s = decode_segment(in);
  if (!s) return 0;
  fuzz::expect(encode_segment(*s) == in, "a segment is written as it was read");
  fuzz::expect(s->size_after() > s->first, "a segment goes forward");
  auto entries = unpack_entries(*s);
  if (!entries) return 0;
  fuzz::expect(entries->size() == s->entries, "a segment holds what it says");
  std::size_t octets = 0;
  for (const auto& e : *entries)
    octets += e.size();
  fuzz::expect(octets <= segment_bytes_max, "a segment stays within its bound");
  segment again = *s;
  again.payload = pack_entries(*entries);
  auto back = unpack_entries(again);
  fuzz::expect(back.ok() && *back == *entries, "entries survive another packing");
  return 0;
}
