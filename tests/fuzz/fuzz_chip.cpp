// A chip that answers anything, a reader that fails anyhow: the first octet of each piece says what happens.
#include "devices/chip.hpp"
#include "fuzz/fuzz.hpp"

using namespace tally;

namespace {

void check(const chip_effects& effects) {
  fuzz::expect(effects.size() <= 1, "one thing at a time");
  for (const auto& e : effects) {
    const auto* event = std::get_if<reader_event>(&e);
    const auto* read = event ? std::get_if<chip_read>(event) : nullptr;
    if (!read) continue;
    const bool digits = read->medium.find_first_not_of("0123456789") == std::string::npos;
    const bool number = digits && read->medium.size() >= 8 && read->medium.size() <= 19;
    fuzz::expect(number || is_uid_medium(read->medium), "a chip is known by a number or a UID");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chip_reader reader;
  auto in = fuzz::view(data, size);
  while (in.size() >= 2) {
    const auto what = static_cast<std::uint8_t>(in[0]);
    const auto piece = in.substr(2, static_cast<std::uint8_t>(in[1]));
    in.remove_prefix(2 + piece.size());
    switch (what % 8) {
      case 0: check(reader.on_inserted(piece)); break;
      case 1: check(reader.on_removed()); break;
      case 2: check(reader.on_failed(static_cast<chip_failure>(what / 8 % 5))); break;
      default: check(reader.on_answer(piece)); break;
    }
  }
  check(reader.on_removed());
  fuzz::expect(!reader.reading(), "nothing is awaited once the card is gone");
  return 0;
}
