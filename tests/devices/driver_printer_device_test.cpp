// A receipt printer on a serial line: a pseudo-terminal with an emulated printer at its far end.
#include "devices/driver_printer_device.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <deque>
#include <filesystem>
#include <fstream>

#include "devices/driver_pty.hpp"
#include "devices/escpos_render.hpp"
#include "devices/printer.hpp"
#include "devices/wait.hpp"

using namespace tally;
using namespace tally::test;

namespace {

std::string temporary_link() {
  auto name = (std::filesystem::temp_directory_path() / "tally-printer-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  return name + "/printer";
}

}  // namespace

TEST_CASE("a ticket goes over a serial line, and the printer answers on it", "[devices][printer_device]") {
  const auto path = temporary_link();
  pty_device line(path);
  REQUIRE(line.plug().ok());
  std::mutex mutex;
  printer_machine machine({.poll_interval_ms = 20});
  std::vector<std::string> log;
  std::unique_ptr<device_printer_link> link;
  const auto apply = [&](const printer_effects& effects) {
    for (const auto& e : effects) {
      // The line may be gone by now; its loss is told next.
      if (const auto* s = std::get_if<printer_send>(&e)) (void)link->send(s->data);
      if (const auto* p = std::get_if<job_printed>(&e)) log.push_back("printed " + std::to_string(p->job));
      if (const auto* u = std::get_if<job_uncertain>(&e)) log.push_back("uncertain " + std::to_string(u->job));
      if (const auto* c = std::get_if<printer_state_changed>(&e)) log.emplace_back(printer_state_name(c->state));
    }
  };
  const auto with = [&](auto f) {
    const std::lock_guard lock(mutex);
    apply(f());
  };
  link = std::make_unique<device_printer_link>(
      device_printer_options{.path = path, .baud = 115200, .waits = {.backoff_min_ms = 10, .backoff_max_ms = 50}},
      printer_link::callbacks{
          .on_connected = [&] { with([&] { return machine.on_connected(monotonic_ms()); }); },
          .on_disconnected = [&] { with([&] { return machine.on_disconnected(); }); },
          .on_bytes = [&](std::string d) { with([&] { return machine.on_bytes(d, monotonic_ms()); }); }});
  REQUIRE(link->start().ok());

  printer_emulator paper;
  const auto told = [&](const std::string& text) {
    return eventually([&] {
      if (line.plugged()) {
        if (auto data = line.read(); data) {
          const auto answer = paper.feed(*data);
          if (!answer.empty()) CHECK(line.write(answer).ok());
        }
      }
      with([&] { return machine.tick(monotonic_ms()); });
      const std::lock_guard lock(mutex);
      return std::find(log.begin(), log.end(), text) != log.end();
    });
  };
  CHECK(told("ready"));
  escpos::ticket t;
  t.lines = {"over a line"};
  {
    const std::lock_guard lock(mutex);
    auto started = machine.start(1, *escpos::encode(t), monotonic_ms());
    REQUIRE(started.ok());
    apply(*started);
  }
  CHECK(told("printed 1"));
  REQUIRE(paper.tickets().size() == 1);
  CHECK(paper.tickets().front().lines == std::vector<std::string>{"over a line"});

  // Unplugged and back.
  line.unplug();
  CHECK(told("offline"));
  {
    const std::lock_guard lock(mutex);
    log.clear();
  }
  paper.power_cycle();
  REQUIRE(line.plug().ok());
  CHECK(told("ready"));
  link->stop();  // not `reset`: its callbacks use it up to the end
  line.unplug();
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

TEST_CASE("a printer's device needs a path and a rate that exists", "[devices][printer_device]") {
  device_printer_link none({.path = ""}, {});
  CHECK(none.start().code() == errc::bad_config);
  device_printer_link odd({.path = "/dev/null", .baud = 12345}, {});
  CHECK(odd.start().code() == errc::bad_config);
}

TEST_CASE("a device file that has nothing to say is not unplugged", "[devices][printer_device]") {
  const std::string path = "/dev/null";  // reading it gives no octets, as an empty packet of a printer's file does
  std::atomic<int> lost{0}, read{0};
  std::atomic<bool> connected{false};
  device_printer_link link(
      device_printer_options{.path = path, .waits = {.backoff_min_ms = 10, .backoff_max_ms = 50}},
      printer_link::callbacks{.on_connected = [&] { connected = true; },
                              .on_disconnected = [&] { ++lost; },
                              .on_bytes = [&](const std::string& d) { read += static_cast<int>(d.size()); }});
  REQUIRE(link.start().ok());
  REQUIRE(eventually([&] { return connected.load(); }));
  for (const std::string text : {"one", "two", "three"}) {
    REQUIRE(link.send(text).ok());
    REQUIRE(eventually([&] { return link.unsent() == 0; }));
  }
  CHECK(lost == 0);
  link.stop();
  CHECK(lost == 1);
  CHECK(read == 0);
}

TEST_CASE("a regular file is no printer", "[devices][printer_device]") {
  const auto path = temporary_link();
  std::ofstream(path).flush();
  std::atomic<bool> connected{false};
  device_printer_link link(
      device_printer_options{.path = path, .waits = {.backoff_min_ms = 1, .backoff_max_ms = 1}},
      printer_link::callbacks{
          .on_connected = [&] { connected = true; }, .on_disconnected = [] {}, .on_bytes = [](const std::string&) {}});
  REQUIRE(link.start().ok());
  std::filesystem::remove(path);
  pty_device line(path);
  CHECK_FALSE(connected);
  REQUIRE(line.plug().ok());  // and it went on looking meanwhile
  CHECK(eventually([&] { return connected.load(); }));
  link.stop();
  line.unplug();
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

namespace {

/// A link to a line whose far end the test holds.
struct far_end {
  explicit far_end(line_flow flow) : line(path) {
    REQUIRE(line.plug().ok());
    link = std::make_unique<device_printer_link>(
        device_printer_options{
            .path = path, .baud = 115200, .flow = flow, .waits = {.backoff_min_ms = 10, .backoff_max_ms = 50}},
        printer_link::callbacks{.on_connected = [this] { connected = true; },
                                .on_disconnected = [] {},
                                .on_bytes =
                                    [this](const std::string& d) {
                                      const std::lock_guard lock(mutex);
                                      heard += d;
                                    },
                                .on_late = [this] { ++late; }});
    REQUIRE(link->start().ok());
    REQUIRE(eventually([&] { return connected.load(); }));
  }
  ~far_end() {
    link->stop();
    line.unplug();
    std::filesystem::remove_all(std::filesystem::path(path).parent_path());
  }
  /// Sends, and waits until the other side has heard what is no flow control.
  void say(const std::string& text, const std::string& heard_then) {
    REQUIRE(line.write(text).ok());
    REQUIRE(eventually([&] {
      const std::lock_guard lock(mutex);
      return heard == heard_then;
    }));
  }
  void take_until(std::size_t size) {
    REQUIRE(eventually([&] {
      if (auto data = line.read(); data) taken += *data;
      return taken.size() >= size;
    }));
  }

  std::string path = temporary_link();
  pty_device line;
  std::mutex mutex;
  std::string heard, taken;
  std::atomic<bool> connected{false};
  std::atomic<int> late{0};
  std::unique_ptr<device_printer_link> link;
};

}  // namespace

TEST_CASE("a printer that says XOFF gets nothing until it says XON, and then all of it", "[devices][printer_device]") {
  far_end far(line_flow::xonxoff);
  far.say("\x13x", "x");
  std::string ticket;
  for (int i = 0; i < 2000; ++i)
    ticket += "line " + std::to_string(i) + "\n";
  REQUIRE(far.link->send(ticket).ok());
  far.say("y", "xy");  // the thread has been through its loop
  far.say("z", "xyz");
  CHECK(far.line.read()->empty());
  CHECK(far.link->unsent() == ticket.size());
  far.say("\x11w", "xyzw");
  far.take_until(ticket.size());
  CHECK(far.taken == ticket);
}

TEST_CASE("without flow control 11h and 13h are data", "[devices][printer_device]") {
  far_end far(line_flow::none);
  far.say("\x13\x11x", "\x13\x11x");
  REQUIRE(far.link->send("text").ok());
  far.take_until(4);
  CHECK(far.taken == "text");
}

TEST_CASE("what is urgent goes in front of what waits, or not at all", "[devices][printer_device]") {
  const std::string urgent("\x10\x14\x01\x00\x02", 5);
  far_end far(line_flow::xonxoff);
  CHECK(far.link->send("first\n").ok());
  far.take_until(6);
  far.say("\x13x", "x");
  REQUIRE(far.link->send("second\nthird\n").ok());
  REQUIRE(far.link->send_ahead(urgent, 3'600'000).ok());
  CHECK(far.link->send_ahead(urgent, 3'600'000).code() == errc::busy);
  CHECK(far.link->unsent() == 18);
  far.say("\x11y", "xy");
  far.take_until(24);
  CHECK(far.taken == "first\n" + urgent + "second\nthird\n");
  CHECK(far.late == 0);
  // It takes nothing for too long: the command is dropped, and what waits is not.
  far.say("\x13x", "xyx");
  REQUIRE(far.link->send("fourth\n").ok());
  REQUIRE(far.link->send_ahead(urgent, 1).ok());
  REQUIRE(eventually([&] { return far.late == 1; }));
  far.say("\x11y", "xyxy");
  far.take_until(31);
  CHECK(far.taken.substr(24) == "fourth\n");
}
