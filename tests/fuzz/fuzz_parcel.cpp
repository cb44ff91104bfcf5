// Files from a stick. A made-up checksum is nothing that stops anybody, so it is put right before a second try.
#include "fuzz/fuzz.hpp"
#include "storage/sha256.hpp"
#include "sync/parcel.hpp"

using namespace tally;

namespace {

void check(byte_view in) {
  auto p = decode_parcel(in);
  if (!p) return;
  fuzz::expect(encode_parcel(*p) == in, "a parcel is written as it was read");
  fuzz::expect(p->messages.size() <= parcel_messages_max, "a parcel stays within its bound");
  for (const auto& m : p->messages)
    fuzz::expect(is_carried(m), "a parcel carries nothing else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  check(in);
  bytes body(in.substr(0, in.size() < 32 ? 0 : in.size() - 32));
  auto sum = sha256(body);
  body += view_of(sum);
  check(body);
  return 0;
}
