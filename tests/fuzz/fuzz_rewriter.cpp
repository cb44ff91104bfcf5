// What a printer of rewritable cards answers, cut anywhere, with jobs, time and cables in between.
#include "devices/rewriter.hpp"

#include <utility>

#include "fuzz/fuzz.hpp"

using namespace tally;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto in = fuzz::view(data, size);
  rewriter_machine machine;
  rewriter_emulator device;
  tick_ms now = 0;
  std::uint64_t started = 0, ended = 0;
  bytes answers;
  auto carry = [&](const rewriter_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<rewriter_send>(&e)) {
        fuzz::expect(s->data.size() <= 1'100, "a frame has a bound");
        answers += device.feed(s->data);
      }
      if (const auto* d = std::get_if<rewriter_done>(&e)) {
        ++ended;
        fuzz::expect(d->job <= started, "only a job that was started ends");
      }
    }
    if (answers.size() > 4'096) answers.clear();
  };
  carry(machine.on_connected(now));
  for (std::size_t i = 0; i < in.size(); ++i) {
    switch (static_cast<unsigned char>(in[i])) {
      case 0xF0: carry(machine.start(++started, {std::string(in.substr(i, 30)), "x"}, now)); break;
      case 0xF1: answers += device.put_in_card(); break;
      case 0xF2: now += 5'000; break;
      case 0xF3: carry(machine.on_disconnected()); break;
      case 0xF4: carry(machine.on_connected(now)); break;
      case 0xF5: carry(machine.on_bytes(std::exchange(answers, {}), now)); break;
      default: carry(machine.on_bytes(in.substr(i, 1), ++now));
    }
    carry(machine.tick(now));
  }
  carry(machine.on_disconnected());
  fuzz::expect(machine.idle() && started == ended, "each job ends once");
  return 0;
}
