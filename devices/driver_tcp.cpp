#include "devices/driver_tcp.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
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
    : options_(std::move(options)), calls_(std::move(calls)) {}

tcp_printer_link::~tcp_printer_link() { stop(); }

status tcp_printer_link::start() {
  invariant(!thread_.joinable(), "a printer link is started once");
  if (address_list(options_).first == nullptr) return {errc::bad_config, "not a numeric address: " + options_.host};
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
  return done();
}

void tcp_printer_link::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake_.signal();
  thread_.join();
}

status tcp_printer_link::send(byte_view data) {
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) return {errc::offline, "the printer is not connected"};
    if (queue_.size() + data.size() > options_.queue_bytes_max)
      return {errc::busy, "the printer does not take its bytes"};
    queue_.append(data);
  }
  wake_.signal();
  return done();
}

void tcp_printer_link::drop() {
  {
    const std::lock_guard lock(mutex_);
    drop_ = connected_;
  }
  wake_.signal();
}

void tcp_printer_link::run() {
  tick_ms backoff = options_.backoff_min_ms;
  while (!stopping_) {
    if (const unique_fd fd = connect_once()) {
      backoff = options_.backoff_min_ms;
      serve(fd.get());
    }
    // A wake-up that is not for stopping must not shorten the wait, or `drop` would turn it into a busy loop.
    const tick_ms until = monotonic_ms() + backoff;
    for (tick_ms left = backoff; left > 0 && !stopping_; left = until - monotonic_ms())
      poll_one(-1, 0, wake_, static_cast<int>(left));
    backoff = std::min(backoff * 2, options_.backoff_max_ms);
  }
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
  const tick_ms until = monotonic_ms() + options_.connect_timeout_ms;
  for (tick_ms left = options_.connect_timeout_ms; left > 0 && !stopping_; left = until - monotonic_ms()) {
    if (poll_one(fd.get(), POLLOUT, wake_, static_cast<int>(left)) == 0) continue;
    return connected_well(fd.get()) ? std::move(fd) : unique_fd{};
  }
  return {};
}

void tcp_printer_link::serve(int fd) {
  {
    const std::lock_guard lock(mutex_);
    connected_ = true;
    drop_ = false;
    queue_.clear();
  }
  calls_.on_connected();
  tick_ms taken_at = monotonic_ms();  // when the printer last took bytes, or had none to take
  while (!stopping_) {
    std::size_t waiting = 0;
    {
      const std::lock_guard lock(mutex_);
      if (drop_) break;
      waiting = queue_.size();
    }
    const tick_ms now = monotonic_ms();
    if (waiting == 0) taken_at = now;
    const tick_ms left = taken_at + options_.stall_timeout_ms - now;
    if (left <= 0) break;
    const auto events = static_cast<short>(waiting > 0 ? POLLIN | POLLOUT : POLLIN);
    const short happened = poll_one(fd, events, wake_, waiting > 0 ? static_cast<int>(left) : -1);
    if ((happened & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(fd)) break;
    if ((happened & POLLOUT) != 0) {
      if (!flush(fd)) break;
      taken_at = monotonic_ms();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    connected_ = false;
    queue_.clear();
  }
  calls_.on_disconnected();
}

bool tcp_printer_link::flush(int fd) {
  const std::lock_guard lock(mutex_);
  const ssize_t n = ::send(fd, queue_.data(), queue_.size(), MSG_NOSIGNAL);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  queue_.erase(0, static_cast<std::size_t>(n));
  return true;
}

bool tcp_printer_link::receive(int fd) {
  std::array<char, 4096> chunk;
  const ssize_t n = ::recv(fd, chunk.data(), chunk.size(), 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  calls_.on_bytes(std::string(chunk.data(), static_cast<std::size_t>(n)));
  return true;
}

}  // namespace tally
