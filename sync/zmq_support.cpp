#include "sync/zmq_support.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

namespace tally::zmq_support {

waker::waker() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
waker::~waker() {
  if (fd_ >= 0) ::close(fd_);
}
void waker::wake() {
  std::uint64_t one = 1;
  // A full counter means that a wake is pending already.
  [[maybe_unused]] auto n = ::write(fd_, &one, sizeof one);
}
void waker::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] auto n = ::read(fd_, &count, sizeof count);
}

void block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

bool is_tcp_endpoint(const std::string& endpoint) {
  constexpr std::string_view scheme = "tcp://";
  if (!endpoint.starts_with(scheme) || endpoint.size() > 255) return false;
  auto colon = endpoint.rfind(':');
  if (colon <= scheme.size() || colon + 1 == endpoint.size()) return false;
  auto port = endpoint.substr(colon + 1);
  if (port == "*") return true;
  return port.size() <= 5 && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoul(port) <= 65535;
}

void set_common(zmq::socket_t& socket, const link_options& options, std::size_t message_bytes_max) {
  constexpr int messages_waiting_max = 64;
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, messages_waiting_max);
  socket.set(zmq::sockopt::rcvhwm, messages_waiting_max);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(message_bytes_max + curve_overhead_max));
  socket.set(zmq::sockopt::handshake_ivl, static_cast<int>(options.handshake_time_max.count()));
  socket.set(zmq::sockopt::tcp_keepalive, 0);
  socket.set(zmq::sockopt::heartbeat_ivl, static_cast<int>(options.heartbeat.count()));
  if (options.heartbeat.count() > 0)
    socket.set(zmq::sockopt::heartbeat_timeout, static_cast<int>(3 * options.heartbeat.count()));
}

void set_curve_server(zmq::socket_t& socket, const curve_key& own, const char* domain) {
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(own.secret.data(), 32));
  socket.set(zmq::sockopt::zap_domain, domain);
  // ZeroMQ asks the handler for every CURVE connection. Should it find none (at shutdown), it lets the peer in without
  // a user id, and messages without one are dropped.
}

void set_curve_client(zmq::socket_t& socket, const curve_key& own, const public_key& server) {
  socket.set(zmq::sockopt::curve_serverkey, zmq::buffer(server));
  socket.set(zmq::sockopt::curve_publickey, zmq::buffer(own.pub));
  socket.set(zmq::sockopt::curve_secretkey, zmq::buffer(own.secret.data(), 32));
}

std::optional<monitor_event> next_event(zmq::socket_t& monitor) {
  zmq::message_t head, address;
  if (!monitor.recv(head, zmq::recv_flags::dontwait)) return std::nullopt;
  if (head.more()) (void)monitor.recv(address, zmq::recv_flags::dontwait);
  monitor_event out;
  if (head.size() != 6) return out;
  std::uint16_t event = 0;
  std::memcpy(&event, head.data(), 2);
  std::memcpy(&out.value, static_cast<const char*>(head.data()) + 2, 4);
  out.event = event;
  return out;
}

bool receive(zmq::socket_t& socket, std::size_t frames, std::vector<zmq::message_t>& out) {
  out.clear();
  zmq::message_t frame;
  if (!socket.recv(frame, zmq::recv_flags::dontwait)) return false;
  bool more = frame.more(), excess = false;
  out.push_back(std::move(frame));
  while (more) {
    zmq::message_t next;
    if (!socket.recv(next, zmq::recv_flags::dontwait)) break;
    more = next.more();
    excess = excess || out.size() == frames;
    if (!excess) out.push_back(std::move(next));
  }
  if (excess || out.size() != frames) out.clear();
  return true;
}

void answer_zap(zmq::socket_t& zap, const std::function<std::optional<std::string>(const public_key&)>& user_of) {
  // Frames of RFC 27: version, request id, domain, address, identity, mechanism, credentials.
  std::vector<zmq::message_t> request;
  while (receive(zap, 9, request)) {
    if (request.empty()) continue;
    // The REP's envelope is kept by hand (ROUTER socket): routing id and an empty frame come first.
    std::optional<std::string> user;
    public_key key{};
    if (request[2].to_string_view() == "1.0" && request[7].to_string_view() == "CURVE" && request[8].size() == 32) {
      std::memcpy(key.data(), request[8].data(), key.size());
      user = user_of(key);
    }
    auto text = [&](std::string_view s, bool more) {
      zap.send(zmq::buffer(s), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
    };
    zap.send(request[0], zmq::send_flags::sndmore);
    text("", true);
    text("1.0", true);
    zap.send(request[3], zmq::send_flags::sndmore);
    text(user ? "200" : "400", true);
    text(user ? "OK" : "key not admitted", true);
    text(user ? std::string_view(*user) : std::string_view(), true);
    text("", false);
  }
}

std::string user_id_of(zmq::message_t& frame) {
  const char* user = ::zmq_msg_gets(frame.handle(), "User-Id");
  return user == nullptr ? std::string() : std::string(user);
}

error to_error(const zmq::error_t& e, const std::string& what) {
  auto code = e.num() == EADDRINUSE                                                ? errc::busy
              : e.num() == EINVAL || e.num() == ENODEV || e.num() == EADDRNOTAVAIL ? errc::bad_config
                                                                                   : errc::io;
  return {code, what + ": " + e.what()};
}

}  // namespace tally::zmq_support
