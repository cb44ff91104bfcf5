#include "devices/driver_printer_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tally {

namespace {

constexpr std::size_t answers_bytes_max = 64 * 1024;  // a client that reads no answers loses the newest
constexpr int slow_step_ms = 10;

}  // namespace

status printer_server::start(std::uint16_t port) {
  invariant(!thread_.joinable(), "a printer is started once");
  {
    const std::lock_guard lock(mutex_);
    TALLY_TRY(listen_on(port));
    powered_ = true;
  }
  stopping_ = false;
  thread_ = std::thread([this] { run(); });
  return done();
}

void printer_server::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  wake_.signal();
  thread_.join();
  const std::lock_guard lock(mutex_);
  client_.reset();
  listener_.reset();
}

status printer_server::listen_on(std::uint16_t port) {
  unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return {errc::io, os_error("socket", errno)};
  const int one = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof a;
  auto* address = reinterpret_cast<sockaddr*>(&a);
  if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), 4) != 0 ||
      ::getsockname(fd.get(), address, &size) != 0)
    return {errc::io, os_error("printer port " + std::to_string(port), errno)};
  port_ = ntohs(a.sin_port);
  listener_ = std::move(fd);
  return done();
}

void printer_server::run() {
  bool resting = false;  // a slow printer between two gulps
  while (!stopping_) {
    int fd = -1;
    short events = 0;
    {
      const std::lock_guard lock(mutex_);
      if (!client_ && powered_) {
        fd = listener_.get();
        events = POLLIN;
      } else if (client_ && !resting) {
        fd = client_.get();
        // A full buffer stops reading, so that the sender feels it; only the end of the connection is looked for.
        events = printer_.accepting() ? POLLIN : POLLRDHUP;
        if (!answers_.empty()) events |= POLLOUT;
      }
    }
    const short happened = poll_one(fd, events, wake_, resting ? slow_step_ms : -1);
    const std::lock_guard lock(mutex_);
    resting = client_ && per_10ms_ > 0 && !resting;
    if (!client_) {
      if (happened != 0) accept_client();
    } else if (fd == client_.get() && happened != 0 && !serve_client(happened)) {
      client_.reset();
      answers_.clear();
    }
    if (client_) flush();
  }
}

void printer_server::accept_client() {
  if (!powered_ || !listener_) return;
  client_.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  answers_.clear();
  if (!client_) return;
  const int one = 1;
  ::setsockopt(client_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

bool printer_server::serve_client(short happened) {
  if (!printer_.accepting()) return (happened & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  if ((happened & ~POLLOUT) == 0) return true;
  std::array<char, 4096> chunk;
  std::size_t most = chunk.size();
  if (per_10ms_ > 0) most = std::min(most, per_10ms_);
  if (dies_after_) most = std::min(most, *dies_after_);
  const ssize_t n = ::recv(client_.get(), chunk.data(), most, 0);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  if (n == 0) return false;
  const auto size = static_cast<std::size_t>(n);
  taken_ += size;
  const bytes answer = printer_.feed({chunk.data(), size});
  if (!mute_ && answers_.size() + answer.size() <= answers_bytes_max) answers_ += answer;
  if (dies_after_ && (*dies_after_ -= size) == 0) {
    dies_after_.reset();
    lose_power();
  }
  return true;
}

void printer_server::flush() {
  if (answers_.empty()) return;
  const ssize_t n = ::send(client_.get(), answers_.data(), answers_.size(), MSG_NOSIGNAL);
  if (n > 0) answers_.erase(0, static_cast<std::size_t>(n));
}

void printer_server::lose_power() {
  powered_ = false;
  answers_.clear();
  client_.reset();
  listener_.reset();
  printer_.power_cycle();
}

void printer_server::change(const std::function<bytes(printer_emulator&)>& what) {
  {
    const std::lock_guard lock(mutex_);
    const bytes answer = what(printer_);
    if (client_ && !mute_ && answers_.size() + answer.size() <= answers_bytes_max) answers_ += answer;
  }
  wake_.signal();
}

void printer_server::set_paper(paper_state paper) {
  change([&](printer_emulator& p) { return p.set_paper(paper); });
}

void printer_server::set_cover_open(bool open) {
  change([&](printer_emulator& p) { return p.set_cover_open(open); });
}

void printer_server::set_offline(bool offline) {
  change([&](printer_emulator& p) { return p.set_offline(offline); });
}

void printer_server::set_overheated(bool hot) {
  change([&](printer_emulator& p) { return p.set_overheated(hot); });
}

void printer_server::set_lines_left(std::size_t lines) {
  change([&](printer_emulator& p) {
    p.set_lines_left(lines);
    return bytes{};
  });
}

void printer_server::set_power(bool on) {
  {
    const std::lock_guard lock(mutex_);
    if (!on) lose_power();
    // The port was ours a moment ago; if another took it meanwhile the printer stays off.
    if (on && !powered_) powered_ = listen_on(port_).ok();
  }
  wake_.signal();
}

void printer_server::set_mute(bool mute) {
  const std::lock_guard lock(mutex_);
  mute_ = mute;
}

void printer_server::set_bytes_per_10ms(std::size_t limit) {
  const std::lock_guard lock(mutex_);
  per_10ms_ = limit;
}

void printer_server::die_after(std::size_t count) {
  const std::lock_guard lock(mutex_);
  dies_after_ = std::max<std::size_t>(count, 1);
}

paper_state printer_server::paper() const {
  const std::lock_guard lock(mutex_);
  return printer_.paper();
}

bool printer_server::cover_open() const {
  const std::lock_guard lock(mutex_);
  return printer_.cover_open();
}

bool printer_server::offline() const {
  const std::lock_guard lock(mutex_);
  return printer_.offline();
}

bool printer_server::powered() const {
  const std::lock_guard lock(mutex_);
  return powered_;
}

std::uint64_t printer_server::drawer_kicks() const {
  const std::lock_guard lock(mutex_);
  return printer_.drawer_kicks();
}

std::uint64_t printer_server::bytes_taken() const {
  const std::lock_guard lock(mutex_);
  return taken_;
}

std::vector<rendered_ticket> printer_server::tickets() const {
  const std::lock_guard lock(mutex_);
  return {printer_.tickets().begin(), printer_.tickets().end()};
}

}  // namespace tally
