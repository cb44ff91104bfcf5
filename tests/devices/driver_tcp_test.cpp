#include "devices/driver_tcp.hpp"

#include "devices/driver_printer_server.hpp"
#include "devices/printer.hpp"
#include "devices/wait.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// The printer machine on a real link, with short waits: what the printer actor will do, on two threads.
struct station {
  explicit station(std::uint16_t port, printer_options o = quick())
      : machine(o),
        link({.host = "127.0.0.1", .port = port, .waits = {.backoff_min_ms = 10, .backoff_max_ms = 50}},
             {.on_connected = [this] { with([&] { return machine.on_connected(monotonic_ms()); }); },
              .on_disconnected = [this] { with([&] { return machine.on_disconnected(); }); },
              .on_bytes = [this](std::string d) { with([&] { return machine.on_bytes(d, monotonic_ms()); }); }}) {
    REQUIRE(link.start().ok());
  }
  static printer_options quick() { return {.poll_interval_ms = 20}; }

  template <class F>
  void with(F f) {
    const std::lock_guard lock(mutex);
    apply(f());
  }
  void apply(const printer_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* s = std::get_if<printer_send>(&e)) {
        if (!link.send(s->data).ok()) link.drop();
      } else if (const auto* p = std::get_if<job_printed>(&e)) {
        log.push_back("printed " + std::to_string(p->job));
      } else if (const auto* u = std::get_if<job_uncertain>(&e)) {
        log.push_back("uncertain " + std::to_string(u->job));
      } else if (const auto* c = std::get_if<printer_state_changed>(&e)) {
        log.emplace_back(printer_state_name(c->state));
      } else {
        link.drop();
      }
    }
  }
  void start(std::uint64_t job, const std::vector<escpos::line>& lines) {
    escpos::ticket t;
    t.lines = lines;
    const auto data = escpos::encode(t);
    REQUIRE(data.ok());
    const std::lock_guard lock(mutex);
    auto r = machine.start(job, *data, monotonic_ms());
    REQUIRE(r.ok());
    apply(*r);
  }
  /// Ticks until `text` was told.
  bool told(const std::string& text) {
    return eventually([&] {
      const std::lock_guard lock(mutex);
      apply(machine.tick(monotonic_ms()));
      return std::find(log.begin(), log.end(), text) != log.end();
    });
  }
  void forget() {
    const std::lock_guard lock(mutex);
    log.clear();
  }
  bool ever(const std::string& text) {
    const std::lock_guard lock(mutex);
    return std::find(log.begin(), log.end(), text) != log.end();
  }

  std::mutex mutex;
  printer_machine machine;
  std::vector<std::string> log;
  tcp_printer_link link;  // last: its thread uses the others
};

std::vector<escpos::line> long_ticket() {
  return std::vector<escpos::line>(200, escpos::line("a line of a long ticket"));
}

}  // namespace

TEST_CASE("a ticket crosses a real connection and is proved", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  station s(printer.port());
  REQUIRE(s.told("ready"));
  s.start(1, {"Bread", "Milk"});
  REQUIRE(s.told("printed 1"));
  REQUIRE(printer.tickets().size() == 1);
  CHECK(printer.tickets()[0].lines.size() == 2);
  CHECK(printer.tickets()[0].lines[0] == "Bread");
}

TEST_CASE("a slow printer takes its time and the job is proved", "[devices][tcp]") {
  printer_server printer;
  printer.set_bytes_per_10ms(64);
  REQUIRE(printer.start(0).ok());
  station s(printer.port());
  REQUIRE(s.told("ready"));
  s.start(1, long_ticket());
  REQUIRE(s.told("printed 1"));
  CHECK(printer.tickets().at(0).lines.size() == 200);
}

TEST_CASE("paper runs out in the ticket and is put in again", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  station s(printer.port());
  REQUIRE(s.told("ready"));
  printer.set_lines_left(10);
  s.start(1, long_ticket());
  REQUIRE(s.told("paper_out"));
  CHECK(printer.tickets().empty());
  CHECK_FALSE(s.ever("printed 1"));
  printer.set_paper(paper_state::ok);
  REQUIRE(s.told("printed 1"));
  CHECK(printer.tickets().size() == 1);
}

TEST_CASE("no paper, open cover, off-line: the job is held and then printed", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  station s(printer.port());
  REQUIRE(s.told("ready"));
  const auto hold = [&](const std::string& state, std::uint64_t job, auto&& set, auto&& mend) {
    s.forget();
    set();
    REQUIRE(s.told(state));
    s.start(job, {"held"});
    mend();
    REQUIRE(s.told("printed " + std::to_string(job)));
    CHECK(printer.tickets().size() == job);
  };
  hold(
      "paper_out", 1, [&] { printer.set_paper(paper_state::out); }, [&] { printer.set_paper(paper_state::low); });
  CHECK(s.ever("paper_low"));
  hold(
      "cover_open", 2, [&] { printer.set_cover_open(true); }, [&] { printer.set_cover_open(false); });
  hold(
      "offline", 3, [&] { printer.set_offline(true); }, [&] { printer.set_offline(false); });
}

TEST_CASE("a printer that dies in the ticket leaves it uncertain, and prints the next", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  station s(printer.port());
  REQUIRE(s.told("ready"));
  printer.die_after(2000);
  s.start(1, long_ticket());
  REQUIRE(s.told("uncertain 1"));
  REQUIRE(s.told("offline"));
  CHECK_FALSE(printer.powered());
  CHECK(printer.tickets().empty());
  s.forget();
  printer.set_power(true);
  REQUIRE(printer.powered());
  REQUIRE(s.told("ready"));
  s.start(2, {"again"});
  REQUIRE(s.told("printed 2"));
  CHECK_FALSE(s.ever("printed 1"));
}

TEST_CASE("a printer that never answers is offline and gets a fresh connection", "[devices][tcp]") {
  printer_server printer;
  printer.set_mute(true);
  REQUIRE(printer.start(0).ok());
  station s(printer.port(), {.poll_interval_ms = 20, .answer_timeout_ms = 30, .silence_timeout_ms = 100});
  s.start(1, {"held"});
  const auto at_first = printer.bytes_taken();
  REQUIRE(eventually([&] {
    s.with([&] { return s.machine.tick(monotonic_ms()); });
    return printer.bytes_taken() > at_first + 50;  // asked again and again
  }));
  CHECK(printer.tickets().empty());
  CHECK_FALSE(s.ever("ready"));
  printer.set_mute(false);
  REQUIRE(s.told("printed 1"));
}

TEST_CASE("a printer that is switched on later is found", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  printer.set_power(false);
  station s(printer.port());
  s.start(1, {"early"});
  CHECK(s.link.send("x").code() == errc::offline);
  printer.set_power(true);
  REQUIRE(s.told("printed 1"));
}

TEST_CASE("the queue to the printer is bounded", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  printer.set_offline(true);  // takes 64 KiB and no more
  std::atomic<bool> up{false};
  tcp_printer_link link({.host = "localhost", .port = printer.port()}, {.on_connected = [&] { up = true; },
                                                                        .on_disconnected = [&] { up = false; },
                                                                        .on_bytes = [](const std::string&) {}});
  REQUIRE(link.start().ok());
  REQUIRE(eventually([&] { return up.load(); }));
  CHECK(link.send(std::string(256 * 1024 + 1, 'x')).code() == errc::busy);
  const std::string chunk(64 * 1024, 'x');
  std::size_t taken = 0;
  REQUIRE(eventually([&] {
    const auto r = link.send(chunk);
    if (r.ok()) taken += chunk.size();
    return r.code() == errc::busy && taken >= 256 * 1024;
  }));
  link.stop();
  CHECK_FALSE(up);
  CHECK(link.send("x").code() == errc::offline);
}

TEST_CASE("a stalled printer is given up", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  printer.set_offline(true);
  std::atomic<int> downs{0};
  tcp_printer_link link(
      {.host = "127.0.0.1", .port = printer.port(), .waits = {.stall_timeout_ms = 50, .backoff_min_ms = 10}},
      {.on_connected = [] {}, .on_disconnected = [&] { ++downs; }, .on_bytes = [](const std::string&) {}});
  REQUIRE(link.start().ok());
  const std::string chunk(64 * 1024, 'x');
  CHECK(eventually([&] {
    static_cast<void>(link.send(chunk).ok());
    return downs > 0;
  }));
}

TEST_CASE("one client at a time, and the next one after it", "[devices][tcp]") {
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  {
    station first(printer.port());
    REQUIRE(first.told("ready"));
    station second(printer.port());
    second.start(2, {"second"});
    first.start(1, {"first"});
    REQUIRE(first.told("printed 1"));
    CHECK_FALSE(second.ever("printed 2"));
    first.link.stop();
    REQUIRE(second.told("printed 2"));
  }
  CHECK(printer.tickets().size() == 2);
}

TEST_CASE("only addresses are taken, and stopping does not wait", "[devices][tcp]") {
  tcp_printer_link named({.host = "printer.example"}, {});
  CHECK(named.start().code() == errc::bad_config);
  printer_server printer;
  REQUIRE(printer.start(0).ok());
  const auto port = printer.port();
  printer.stop();
  tcp_printer_link away({.host = "127.0.0.1", .port = port, .waits = {.backoff_min_ms = 3'600'000}}, {});
  REQUIRE(away.start().ok());
  away.stop();  // would hang for an hour
  CHECK(away.send("x").code() == errc::offline);
}

TEST_CASE("a port that is taken is refused", "[devices][tcp]") {
  printer_server one;
  REQUIRE(one.start(0).ok());
  printer_server two;
  CHECK(two.start(one.port()).code() == errc::io);
}
