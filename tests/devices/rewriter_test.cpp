#include "devices/rewriter.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace tally;
using namespace std::string_literals;

namespace {

/// The machine wired to the emulated device, on a clock that the test turns.
struct wired {
  void apply(const rewriter_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<rewriter_send>(&e)) {
        sent += s->data;
        if (!deaf) answers += device.feed(s->data);
      } else if (const auto* c = std::get_if<rewriter_state_changed>(&e)) {
        log.emplace_back(rewriter_state_name(c->state));
      } else if (const auto* d = std::get_if<rewriter_done>(&e)) {
        log.push_back((d->printed ? "printed " : "not printed ") + std::to_string(d->job));
      }
    }
    talk();
  }
  void talk() {
    while (!answers.empty()) {
      const bytes a = std::exchange(answers, {});
      apply(machine.on_bytes(a, now));
    }
  }
  void card() {
    answers += device.put_in_card();
    talk();
  }
  void run(tick_ms ms) {
    for (const tick_ms end = now + ms; now < end;) {
      now = std::min(end, std::max(now + 1, machine.deadline().value_or(end)));
      apply(machine.tick(now));
    }
  }
  std::vector<std::string> told() { return std::exchange(log, {}); }

  rewriter_machine machine;
  rewriter_emulator device;
  bytes sent, answers;
  bool deaf = false;
  tick_ms now = 1000;
  std::vector<std::string> log;
};
using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("commands are framed as the manual writes them", "[devices][rewriter]") {
  wired w;
  w.apply(w.machine.on_connected(w.now));
  w.sent.clear();
  w.apply(w.machine.start(1, {"AB", "C"}, w.now));
  // STX 40h ETX 43h, as printed in the manual; ACK; the text; ACK; erase, print and hand out.
  CHECK(
      w.sent.starts_with("\x02\x40\x03\x43\x06\x02\x41"
                         "0,0,23,AB\nC\x03"s));
  CHECK(w.sent.find("\x02\x46"
                    "1,1,1\x03"s) != w.sent.npos);
  w.run(2'500);
  w.card();
  w.run(2'500);
  CHECK(w.sent.find("\x02\x59\x03\x5A"s) != w.sent.npos);
}

TEST_CASE("a card that is put in gets the text of its last use", "[devices][rewriter]") {
  wired w;
  w.apply(w.machine.on_connected(w.now));
  CHECK(w.told() == lines{"ready"});
  w.apply(w.machine.start(1, {"门店 A", "余额 25.00"}, w.now));
  CHECK(w.told() == lines{"waiting_for_card"});
  w.run(20'000);
  w.card();
  CHECK(w.told() == lines{"printed 1", "card_waits"});
  CHECK(w.device.card() == lines{"门店 A", "余额 25.00"});
  w.device.take_card();
  w.run(3'000);
  CHECK(w.told() == lines{"ready"});
}

TEST_CASE("the next customer's text replaces one whose card never came", "[devices][rewriter]") {
  wired w;
  w.apply(w.machine.on_connected(w.now));
  w.apply(w.machine.start(1, {"first"}, w.now));
  w.apply(w.machine.start(2, {"second"}, w.now));
  (void)w.told();
  w.card();
  CHECK(w.device.card() == lines{"second"});
  CHECK(w.device.rewritten() == 1);
  // And when nobody comes at all, the device is free again.
  w.apply(w.machine.start(3, {"third"}, w.now));
  w.run(61'000);
  CHECK(w.machine.idle());
  w.card();
  CHECK(w.device.rewritten() == 1);
}

TEST_CASE("a text that comes while another is being set replaces it too", "[devices][rewriter]") {
  wired w;
  w.apply(w.machine.on_connected(w.now));
  (void)w.told();
  auto first = w.machine.start(1, {"first"}, w.now);  // its answers are still on the line
  w.apply(w.machine.start(2, {"second"}, w.now));
  w.apply(first);
  CHECK(w.told() == lines{"not printed 1", "waiting_for_card"});
  w.card();
  CHECK(w.told() == lines{"printed 2", "card_waits"});
  CHECK(w.device.card() == lines{"second"});
}

TEST_CASE("damaged answers are asked for again", "[devices][rewriter]") {
  wired w;
  w.device.damage_answers(5);
  w.apply(w.machine.on_connected(w.now));
  w.apply(w.machine.start(1, {"x"}, w.now));
  w.card();
  CHECK(w.device.card() == lines{"x"});
}

TEST_CASE("a fault, a lid, a cable and silence are told", "[devices][rewriter]") {
  wired w;
  w.apply(w.machine.on_connected(w.now));
  (void)w.told();
  w.device.set_fault(0x51);
  w.apply(w.machine.start(1, {"x"}, w.now));
  w.card();
  CHECK(w.told() == lines{"waiting_for_card", "not printed 1", "error"});
  w.device.set_fault(0);
  w.device.set_cover_open(true);
  w.run(3'000);
  CHECK(w.told() == lines{"cover_open"});
  w.device.set_cover_open(false);
  w.device.take_card();
  w.run(3'000);
  CHECK(w.told() == lines{"ready"});
  w.deaf = true;
  w.apply(w.machine.start(2, {"x"}, w.now));
  w.run(10'000);
  CHECK(w.told() == lines{"not printed 2", "offline"});
  w.deaf = false;
  w.run(10'000);
  CHECK(w.told() == lines{"ready"});
  w.apply(w.machine.start(3, {"x"}, w.now));
  w.apply(w.machine.on_disconnected());
  CHECK(w.told() == lines{"waiting_for_card", "not printed 3", "offline"});
  w.apply(w.machine.start(4, {"x"}, w.now));
  CHECK(w.told() == lines{"not printed 4"});
}

TEST_CASE("whatever comes over the line, each job ends once", "[devices][rewriter][fuzz]") {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    wired w;
    w.apply(w.machine.on_connected(w.now));
    std::uint64_t jobs = 0;
    for (int n = 0; n < 200; ++n) {
      switch (random() % 7) {
        case 0: w.apply(w.machine.start(++jobs, {"line " + std::to_string(n), "余额"}, w.now)); break;
        case 1: w.card(); break;
        case 2: w.run(static_cast<tick_ms>(random() % 20'000)); break;
        case 3: w.apply(w.machine.on_disconnected()); break;
        case 4: w.apply(w.machine.on_connected(w.now)); break;
        case 5: w.deaf = random() % 3 == 0; break;
        default: {
          bytes noise;
          for (auto k = random() % 40; k > 0; --k)
            noise.push_back(static_cast<char>(random() % 4 == 0 ? "\x02\x03\x06\x10\x15\x46"[random() % 6] : random()));
          w.apply(w.machine.on_bytes(noise, w.now));
        }
      }
    }
    w.apply(w.machine.on_disconnected());
    std::uint64_t ended = 0;
    for (const auto& l : w.log)
      if (l.find("printed") != l.npos) ++ended;
    INFO("seed " << seed);
    CHECK(ended == jobs);
    CHECK(w.machine.idle());
  }
}
