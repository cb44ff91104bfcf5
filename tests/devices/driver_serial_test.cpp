#include "devices/driver_serial.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "devices/barcode.hpp"
#include "devices/driver_pty.hpp"
#include "devices/trace.hpp"
#include "devices/track.hpp"
#include "devices/wait.hpp"

using namespace tally;
using namespace tally::test;

namespace {

/// A serial port whose bytes and states are kept.
struct listener {
  explicit listener(const std::filesystem::path& path, tick_ms retry = 20)
      : port({.path = path.string(), .retry_interval_ms = retry}, {.on_bytes =
                                                                       [this](std::string data) {
                                                                         const std::lock_guard lock(mutex);
                                                                         bytes_seen += data;
                                                                       },
                                                                   .on_state =
                                                                       [this](bool plugged) {
                                                                         const std::lock_guard lock(mutex);
                                                                         states.push_back(plugged);
                                                                       }}) {}

  std::string seen() {
    const std::lock_guard lock(mutex);
    return bytes_seen;
  }
  std::vector<bool> told() {
    const std::lock_guard lock(mutex);
    return states;
  }

  std::mutex mutex;
  std::string bytes_seen;
  std::vector<bool> states;
  serial_port port;
};

}  // namespace

TEST_CASE("a swipe on a real terminal becomes a card", "[devices][serial]") {
  const temp_dir dir;
  pty_device device(dir.path() / "reader");
  REQUIRE(device.plug().ok());
  listener l(dir.path() / "reader");
  REQUIRE(l.port.start().ok());
  const std::string swipe = ";4111111111111111=29121010000012300000?\r\n";
  REQUIRE(device.write(swipe).ok());
  REQUIRE(eventually([&] { return l.seen() == swipe; }));
  track_reader reader;
  CHECK(to_texts(reader.feed(l.seen(), 0)) == std::vector<std::string>{"card 2 4111111111111111"});
  l.port.stop();
  CHECK(l.told() == std::vector<bool>{true});
}

TEST_CASE("every byte value passes unchanged", "[devices][serial]") {
  const temp_dir dir;
  pty_device device(dir.path() / "raw");
  REQUIRE(device.plug().ok());
  listener l(dir.path() / "raw");
  REQUIRE(l.port.start().ok());
  std::string all;
  for (int b = 0; b < 256; ++b)
    all.push_back(static_cast<char>(b));
  REQUIRE(device.write(all).ok());
  REQUIRE(eventually([&] { return l.seen().size() >= 256; }));
  CHECK(l.seen() == all);
}

TEST_CASE("a scanner is unplugged and plugged in again while running", "[devices][serial]") {
  const temp_dir dir;
  pty_device device(dir.path() / "scanner");
  listener l(dir.path() / "scanner");
  REQUIRE(l.port.start().ok());
  REQUIRE(eventually([&] { return l.told() == std::vector<bool>{false}; }));
  std::vector<bool> expected{false};
  std::string codes;
  for (int round = 0; round < 5; ++round) {
    REQUIRE(device.plug().ok());
    expected.push_back(true);
    REQUIRE(eventually([&] { return l.told() == expected; }));
    REQUIRE(device.write("4006381333931\r").ok());
    codes += "4006381333931\r";
    REQUIRE(eventually([&] { return l.seen() == codes; }));
    device.unplug();
    CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(dir.path() / "scanner")));
    CHECK(device.write("x").code() == errc::offline);
    expected.push_back(false);
    REQUIRE(eventually([&] { return l.told() == expected; }));
  }
  l.port.stop();
  CHECK(l.told() == expected);
}

TEST_CASE("stopping does not wait for a retry", "[devices][serial]") {
  const temp_dir dir;
  listener l(dir.path() / "none", 3'600'000);
  REQUIRE(l.port.start().ok());
  REQUIRE(eventually([&] { return !l.told().empty(); }));
  l.port.stop();  // would hang for an hour
  l.port.stop();
  CHECK(l.told() == std::vector<bool>{false});
}

TEST_CASE("a port can be started again after a stop", "[devices][serial]") {
  const temp_dir dir;
  pty_device device(dir.path() / "reader");
  REQUIRE(device.plug().ok());
  listener l(dir.path() / "reader");
  for (std::size_t round = 1; round <= 3; ++round) {
    REQUIRE(l.port.start().ok());
    REQUIRE(eventually([&] { return l.told().size() == round; }));
    REQUIRE(device.write("x").ok());
    REQUIRE(eventually([&] { return l.seen().size() == round; }));
    l.port.stop();
  }
}

TEST_CASE("what is not a terminal counts as unplugged", "[devices][serial]") {
  const temp_dir dir;
  std::ofstream(dir.path() / "file") << "text";
  listener l(dir.path() / "file");
  REQUIRE(l.port.start().ok());
  REQUIRE(eventually([&] { return !l.told().empty(); }));
  CHECK(l.told() == std::vector<bool>{false});
  CHECK(l.seen().empty());
}

TEST_CASE("wrong settings are refused at the start", "[devices][serial]") {
  serial_port no_path({}, {});
  CHECK(no_path.start().code() == errc::bad_config);
  serial_port odd_rate({.path = "/dev/null", .baud = 9601}, {});
  CHECK(odd_rate.start().code() == errc::bad_config);
}

TEST_CASE("a pty device replaces its own link only, and says when nobody reads", "[devices][pty]") {
  const temp_dir dir;
  std::ofstream(dir.path() / "taken") << "text";
  pty_device refused(dir.path() / "taken");
  CHECK(refused.plug().code() == errc::io);
  CHECK_FALSE(refused.plugged());
  CHECK(std::filesystem::is_regular_file(dir.path() / "taken"));
  std::filesystem::create_symlink("gone", dir.path() / "link");
  pty_device device(dir.path() / "link");
  REQUIRE(device.plug().ok());
  CHECK(device.plug().ok());
  CHECK(std::filesystem::is_character_file(dir.path() / "link"));
  CHECK(device.write(std::string(1'000'000, 'x')).code() == errc::busy);
}

TEST_CASE("flow control is set as asked, and noise is no data", "[devices][serial]") {
  const temp_dir dir;
  pty_device device(dir.path() / "line");
  REQUIRE(device.plug().ok());
  const unique_fd fd(::open((dir.path() / "line").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(fd);
  const auto flags = [&](line_flow flow) {
    REQUIRE(set_up_line(fd.get(), 9600, flow));
    termios t{};
    REQUIRE(::tcgetattr(fd.get(), &t) == 0);
    CHECK((t.c_iflag & (IGNBRK | IGNPAR)) == (IGNBRK | IGNPAR));
    CHECK((t.c_iflag & (IXOFF | IXANY)) == 0);
    return std::pair((t.c_iflag & IXON) != 0, (t.c_cflag & CRTSCTS) != 0);
  };
  CHECK(flags(line_flow::none) == std::pair(false, false));
  CHECK(flags(line_flow::xonxoff) == std::pair(false, false));  // obeyed here, not by the kernel
  CHECK(flags(line_flow::hardware) == std::pair(false, true));
  int exclusive = 0;
  REQUIRE(::ioctl(fd.get(), TIOCGEXCL, &exclusive) == 0);
  CHECK(exclusive != 0);
  give_up_line(fd.get());
  REQUIRE(::ioctl(fd.get(), TIOCGEXCL, &exclusive) == 0);
  CHECK(exclusive == 0);
  CHECK_FALSE(clear_to_send(fd.get()));  // a pseudo-terminal has no wires
}
