#include "devices/driver_tcp.hpp"

#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

namespace tally {

namespace {

struct address_list {
  explicit address_list(const tcp_printer_options& o) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    const std::string host = o.host == "localhost" ? "127.0.0.1" : o.host;
    if (::getaddrinfo(host.c_str(), std::to_string(o.port).c_str(), &hints, &first) != 0) first = nullptr;
  }
  ~address_list() {
    if (first != nullptr) ::freeaddrinfo(first);
  }
  address_list(const address_list&) = delete;
  address_list& operator=(const address_list&) = delete;
  addrinfo* first = nullptr;
};

void set_options(int fd) {
  // A printer whose plug was pulled sends no FIN: the kernel's probes find out within half a minute.
  const auto set = [&](int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool connected_well(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

}  // namespace

tcp_printer_link::tcp_printer_link(tcp_printer_options options, callbacks calls)
    : printer_link(options.waits, std::move(calls)), options_(std::move(options)) {}

status tcp_printer_link::check() const {
  if (address_list(options_).first == nullptr) return {errc::bad_config, "not a numeric address: " + options_.host};
  return done();
}

unique_fd tcp_printer_link::connect_once() {
  const address_list addresses(options_);
  if (addresses.first == nullptr) return {};
  const addrinfo& a = *addresses.first;
  unique_fd fd(::socket(a.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {};
  set_options(fd.get());
  if (::connect(fd.get(), a.ai_addr, a.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) return {};
  const tick_ms until = monotonic_ms() + waits_.connect_timeout_ms;
  for (tick_ms left = waits_.connect_timeout_ms; left > 0 && !stopping(); left = until - monotonic_ms()) {
    if (poll_one(fd.get(), POLLOUT, wake(), static_cast<int>(left)) == 0) continue;
    return connected_well(fd.get()) ? std::move(fd) : unique_fd{};
  }
  return {};
}

std::size_t tcp_printer_link::room(int fd) {
  constexpr std::size_t segment = 1460;  // on its way at once while the printer has a window for it
  int waiting = 0;
  if (::ioctl(fd, SIOCOUTQNSD, &waiting) != 0 || waiting <= 0) return segment;
  return segment - std::min(segment, static_cast<std::size_t>(waiting));
}

long tcp_printer_link::write_some(int fd, byte_view data) {
  return ::send(fd, data.data(), data.size(), MSG_NOSIGNAL);
}

}  // namespace tally
