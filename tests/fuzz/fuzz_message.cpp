#include "fuzz/fuzz.hpp"
#include "sync/message.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  auto m = decode_message(in);
  if (m) fuzz::expect(encode_message(*m) == in, "a message is written as it was read");
  return 0;
}
