// What scanners and keyboard wedges may send, cut anywhere: the first octet says how it is cut and timed.
#include "devices/keyboard.hpp"
#include "devices/mixed.hpp"
#include "fuzz/fuzz.hpp"

using namespace tally;

namespace {

void check(const reader_events& events) {
  for (const auto& e : events) {
    if (const auto* c = std::get_if<card_read>(&e))
      fuzz::expect(all_digits(c->number) && c->number.size() >= 8 && c->number.size() <= 19, "a card number is digits");
    if (const auto* p = std::get_if<product_scanned>(&e))
      fuzz::expect(ean_valid(p->ean), "a product's check digit holds");
    if (const auto* v = std::get_if<voucher_scanned>(&e))
      fuzz::expect(v->code.size() >= 6 && v->code.size() <= 40, "a voucher's code is bounded");
    if (const auto* r = std::get_if<receipt_scanned>(&e))
      fuzz::expect(r->text.size() <= 440, "a receipt's code is bounded");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto in = fuzz::view(data + 1, size - 1);
  const auto step = 1 + static_cast<std::size_t>(data[0] >> 4);
  const tick_ms pause = (data[0] & 1) != 0 ? 60 : 0;
  mixed_reader reader({.card_prefixes = {"9704"}});
  tick_ms now = 0;
  for (auto rest = in; !rest.empty(); now += pause) {
    check(reader.feed(rest.substr(0, step), now));
    fuzz::expect(reader.buffered() <= track_reader::buffer_bytes_max + barcode_reader::buffer_bytes_max, "bounded");
    rest.remove_prefix(std::min(step, rest.size()));
  }
  check(reader.tick(now + 10'000));
  check(reader.tick(now + 20'000));
  fuzz::expect(reader.buffered() == 0 && !reader.deadline(), "nothing is left after a pause");

  // The same octets as keys: type, code and value of one octet each.
  keyboard_decoder keys;
  for (std::size_t i = 0; i + 3 <= in.size(); i += 3) {
    const auto at = [&](std::size_t k) { return static_cast<std::uint8_t>(in[i + k]); };
    const auto typed = keys.feed({static_cast<std::uint16_t>(at(0) % 5), at(1), static_cast<std::int8_t>(at(2))});
    fuzz::expect(typed.text.size() <= 1, "a key is at most one character");
    if (typed.lost) check(reader.lose(now + 30'000));
    check(reader.feed(typed.text, now + 30'000));
  }
  return 0;
}
