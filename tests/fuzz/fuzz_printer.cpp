// What a printer may send to us, what anybody may send to our printer of the demo, and any text as a ticket.
#include "devices/escpos_render.hpp"
#include "devices/escpos_status.hpp"
#include "fuzz/fuzz.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto in = fuzz::view(data, size);
  escpos::status_reader status;
  for (std::size_t i = 0; i < in.size(); i += 5) {
    status.expect(static_cast<int>(i % 5));
    (void)status.feed(in.substr(i, 5));
    (void)status.status();
  }
  printer_emulator printer;
  for (std::size_t i = 0; i < in.size(); i += 7) {
    if (i == 49) (void)printer.set_paper(paper_state::out);
    if (i == 98) (void)printer.set_paper(paper_state::ok);
    (void)printer.feed(in.substr(i, 7));
    fuzz::expect(printer.buffered() <= printer_emulator::buffer_bytes_max, "the printer's buffer is bounded");
  }
  fuzz::expect(printer.tickets().size() <= printer_emulator::tickets_max, "kept tickets are bounded");
  for (const auto& t : printer.tickets())
    fuzz::expect(t.lines.size() <= printer_emulator::ticket_lines_max, "a ticket is bounded");

  escpos::ticket t;
  t.lines = {escpos::line(std::string(in.substr(0, escpos::line_bytes_max)))};
  auto encoded = escpos::encode(t);
  if (!encoded) return 0;
  printer_emulator paper;
  (void)paper.feed(*encoded);
  fuzz::expect(paper.tickets().size() <= 1, "no text cuts the paper or adds a ticket");
  return 0;
}
