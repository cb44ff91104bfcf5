#include "devices/driver_serial.hpp"

#include <fcntl.h>
#include <linux/serial.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "devices/driver_find.hpp"

namespace tally {

namespace {

struct rate {
  unsigned baud;
  speed_t speed;
};
constexpr std::array rates{rate{1200, B1200},   rate{2400, B2400},   rate{4800, B4800},   rate{9600, B9600},
                           rate{19200, B19200}, rate{38400, B38400}, rate{57600, B57600}, rate{115200, B115200}};

const rate* find_rate(unsigned baud) {
  for (const rate& r : rates)
    if (r.baud == baud) return &r;
  return nullptr;
}

/// Adapters of FTDI pass on what a device says up to 16 ms late, unless told otherwise: at 115200 baud a printer that
/// says "wait" would be sent 180 octets more. Others know no such flag.
void hurry(int fd) {
  serial_struct s{};
  if (::ioctl(fd, TIOCGSERIAL, &s) != 0) return;
  s.flags |= ASYNC_LOW_LATENCY;
  (void)::ioctl(fd, TIOCSSERIAL, &s);
}

}  // namespace

bool is_baud_rate(unsigned baud) { return find_rate(baud) != nullptr; }

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

bool set_up_line(int fd, unsigned baud, line_flow flow) {
  termios t{};
  if (::tcgetattr(fd, &t) != 0) return false;
  ::cfmakeraw(&t);
  t.c_iflag &= ~static_cast<tcflag_t>(IXOFF | IXANY);
  t.c_iflag |= IGNBRK | IGNPAR;
  t.c_cflag &= ~static_cast<tcflag_t>(CSTOPB | PARENB | CRTSCTS);
  t.c_cflag |= CS8 | CREAD | CLOCAL;
  const speed_t speed = find_rate(baud)->speed;
  ::cfsetispeed(&t, speed);
  ::cfsetospeed(&t, speed);
  // Without flow control first: that starts a line that an XOFF of the past has stopped.
  if (::tcsetattr(fd, TCSANOW, &t) != 0) return false;
  if (flow == line_flow::hardware) t.c_cflag |= CRTSCTS;
  if (flow == line_flow::hardware && ::tcsetattr(fd, TCSANOW, &t) != 0) return false;
  hurry(fd);
  (void)::ioctl(fd, TIOCEXCL);  // does not bind root
  return true;
}

void give_up_line(int fd) { (void)::ioctl(fd, TIOCNXCL); }

std::optional<bool> clear_to_send(int fd) {
  int bits = 0;
  if (::ioctl(fd, TIOCMGET, &bits) != 0) return std::nullopt;
  return (bits & TIOCM_CTS) != 0;
}

serial_port::serial_port(serial_options options, callbacks calls)
    : options_(std::move(options)), calls_(std::move(calls)) {}

serial_port::~serial_port() { stop(); }

status serial_port::start() {
  invariant(!thread_.joinable(), "a serial port is started once");
  if (options_.path.empty()) return {errc::bad_config, "a serial port needs a path"};
  if (find_rate(options_.baud) == nullptr)
    return {errc::bad_config, "no such baud rate: " + std::to_string(options_.baud)};
  stopping_ = false;
  told_ = told::nothing;
  thread_ = std::thread([this] { run(); });
  return done();
}

void serial_port::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake_.signal();
  thread_.join();
}

void serial_port::run() {
  while (!stopping_) {
    if (const unique_fd fd = open_port()) {
      set_open(fd.get());
      report(true);
      read_until_gone(fd.get());
      set_open(-1);
      give_up_line(fd.get());
    }
    if (stopping_) break;
    report(false);
    poll_one(-1, 0, wake_, static_cast<int>(options_.retry_interval_ms));
  }
}

void serial_port::set_open(int fd) {
  const std::lock_guard lock(open_mutex_);
  open_ = fd;
}

status serial_port::write(byte_view data) {
  const std::lock_guard lock(open_mutex_);
  if (open_ < 0) return {errc::offline, options_.path + " is unplugged"};
  const ssize_t n = ::write(open_, data.data(), data.size());
  if (n != static_cast<ssize_t>(data.size())) return {errc::busy, options_.path + " does not take its bytes"};
  return done();
}

unique_fd serial_port::open_port() const {
  const auto path = resolve_device(options_.path, device_class::serial);
  unique_fd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return {};
  if (!set_up_line(fd.get(), options_.baud)) return {};
  return fd;
}

void serial_port::read_until_gone(int fd) {
  std::array<char, 4096> chunk;
  while (!stopping_) {
    const short happened = poll_one(fd, POLLIN, wake_, -1);
    if (happened == 0) continue;
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n > 0) {
      calls_.on_bytes(std::string(chunk.data(), static_cast<std::size_t>(n)));
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR) || (happened & (POLLHUP | POLLERR | POLLNVAL)) != 0) {
      return;  // a pulled plug is EIO on a pty, and end of file or ENXIO on USB
    }
  }
}

void serial_port::report(bool plugged) {
  const told now = plugged ? told::plugged : told::away;
  if (std::exchange(told_, now) != now) calls_.on_state(plugged);
}

}  // namespace tally
