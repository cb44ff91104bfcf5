#include "fuzz/fuzz.hpp"
#include "sync/message.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  auto m = decode_message(in);
  if (!m) return 0;
  const auto* hello = std::get_if<hello_message>(&*m);
  auto written = encode_message(*m);
  bool later = hello && hello->version_max > protocol_version;
  fuzz::expect(later ? in.starts_with(written) : in == written, "a message is written as it was read");
  return 0;
}
