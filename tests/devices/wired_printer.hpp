#pragma once
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "devices/escpos_render.hpp"
#include "devices/printer.hpp"

namespace tally::test {

/// A printer machine wired to an emulated printer, on a clock that the test turns.
struct wired_printer {
  explicit wired_printer(printer_options o = {}, const printer_model& model = {}) : machine(quick(o)), printer(model) {}
  /// Its times do not depend on the size of a ticket, unless a test says so.
  static printer_options quick(printer_options o) {
    if (o.slowest_bytes_per_s == printer_options{}.slowest_bytes_per_s) o.slowest_bytes_per_s = 1'000'000'000;
    return o;
  }

  void apply(const printer_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<printer_send>(&e)) {
        sent += s->data;
        if (!deaf) answers += printer.feed(s->data);
      } else if (const auto* p = std::get_if<job_printed>(&e)) {
        log.push_back("printed " + std::to_string(p->job));
      } else if (const auto* u = std::get_if<job_uncertain>(&e)) {
        log.push_back("uncertain " + std::to_string(u->job));
      } else if (std::holds_alternative<printer_ids_missing>(e)) {
        log.emplace_back("no ids");
      } else if (const auto* c = std::get_if<printer_state_changed>(&e)) {
        log.emplace_back(printer_state_name(c->state));
      } else {
        log.emplace_back("drop");
      }
    }
  }
  /// Hands over answers until the two have nothing more to say.
  void talk() {
    while (!answers.empty() && !mute) {
      const bytes a = std::exchange(answers, {});
      apply(machine.on_bytes(a, now));
    }
    if (mute) answers.clear();
  }
  void connect() {
    apply(machine.on_connected(now));
    talk();
  }
  void change(const bytes& from_printer) {
    answers += from_printer;
    talk();
  }
  void run(tick_ms ms) {
    for (const tick_ms end = now + ms; now < end;) {
      now = std::min(end, std::max(now + 1, machine.deadline().value_or(end)));
      apply(machine.tick(now));
      talk();
    }
  }
  bool start(std::uint64_t job, const bytes& ticket = "ticket\n\x1DV\x01") {
    auto r = machine.start(job, ticket, now);
    if (!r.ok()) return false;
    apply(*r);
    talk();
    return true;
  }
  std::vector<std::string> told() { return std::exchange(log, {}); }

  printer_machine machine;
  printer_emulator printer;
  bytes answers;
  bytes sent;
  std::vector<std::string> log;
  tick_ms now = 1000;
  bool mute = false;  // the printer's answers are lost
  bool deaf = false;  // our bytes are lost
};

using texts = std::vector<std::string>;

}  // namespace tally::test
