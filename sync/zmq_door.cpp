#include "sync/zmq_door.hpp"

#include <atomic>
#include <thread>

#include "sync/entropy_sodium.hpp"
#include "sync/zmq_support.hpp"

namespace tally {

using namespace zmq_support;

namespace {

constexpr int connections_waiting_max = 16;
constexpr int questions_waiting_max = 4;  // per connection; with 1, a ROUTER of ZeroMQ 4.3.4 passes nothing on
constexpr link_options door_link{std::chrono::milliseconds(0), std::chrono::milliseconds(5'000)};

}  // namespace

struct zmq_door::impl {
  handler on_request;
  zmq::context_t context{1};
  zmq::socket_t zap, socket;
  std::string endpoint;
  waker wake;
  std::atomic<bool> stopping{false};
  std::thread thread;

  void run() noexcept;
  void serve_one();
};

void zmq_door::impl::serve_one() {
  std::vector<zmq::message_t> frames;
  if (!receive(socket, 2, frames) || frames.empty() || frames[1].size() > door_message_bytes_max) return;
  auto answer = on_request(frames[1].to_string());
  invariant(answer.size() <= door_message_bytes_max, "a door's answer is short");
  if (answer.empty()) return;
  // Without "mandatory" a caller that has left just loses its answer.
  if (socket.send(frames[0], zmq::send_flags::sndmore | zmq::send_flags::dontwait))
    (void)socket.send(zmq::buffer(answer), zmq::send_flags::dontwait);
}

void zmq_door::impl::run() noexcept {
  block_signals();
  try {
    while (!stopping) {
      zmq::pollitem_t items[] = {
          {zap.handle(), 0, ZMQ_POLLIN, 0}, {socket.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, wake.fd(), ZMQ_POLLIN, 0}};
      zmq::poll(items, 3, std::chrono::milliseconds(-1));
      if (stopping) break;
      answer_zap(zap, [](const public_key&) { return std::optional<std::string>("anybody"); });
      serve_one();
    }
  } catch (const std::exception&) {
    // The door stays shut until its owner opens another; nothing else depends on this thread.
  }
  try {
    socket.close();
    zap.close();
  } catch (const std::exception&) {
    // Closing again is all that the owner would do.
  }
}

result<std::unique_ptr<zmq_door>> zmq_door::start(const std::string& endpoint, const curve_key& own,
                                                  handler on_request) {
  invariant(static_cast<bool>(on_request), "a door has its callback");
  if (!is_tcp_endpoint(endpoint)) return error{errc::bad_config, "\"" + endpoint + "\" is not tcp://host:port"};
  try {
    auto state = std::make_unique<impl>();
    if (state->wake.fd() < 0) return error{errc::io, "no file descriptor left"};
    state->on_request = std::move(on_request);
    state->zap = zmq::socket_t(state->context, zmq::socket_type::router);
    state->zap.set(zmq::sockopt::linger, 0);
    state->zap.bind("inproc://zeromq.zap.01");
    state->socket = zmq::socket_t(state->context, zmq::socket_type::router);
    set_common(state->socket, door_link, door_message_bytes_max);
    state->socket.set(zmq::sockopt::rcvhwm, questions_waiting_max);
    state->socket.set(zmq::sockopt::sndhwm, questions_waiting_max);
    state->socket.set(zmq::sockopt::backlog, connections_waiting_max);
    set_curve_server(state->socket, own, "door");
    state->socket.bind(endpoint);
    state->endpoint = state->socket.get(zmq::sockopt::last_endpoint);
    state->thread = std::thread([s = state.get()] { s->run(); });
    return std::unique_ptr<zmq_door>(new zmq_door(std::move(state)));
  } catch (const zmq::error_t& e) {
    return to_error(e, endpoint);
  } catch (const std::exception& e) {
    return error{errc::io, endpoint + ": " + e.what()};
  }
}

zmq_door::zmq_door(std::unique_ptr<impl> state) : impl_(std::move(state)) {}

zmq_door::~zmq_door() {
  impl_->stopping = true;
  impl_->wake.wake();
  impl_->thread.join();
}

const std::string& zmq_door::endpoint() const { return impl_->endpoint; }

result<bytes> door_call(const std::string& endpoint, const public_key& server, bytes request,
                        std::chrono::milliseconds time_max) {
  if (!is_tcp_endpoint(endpoint) || endpoint.ends_with('*'))
    return error{errc::bad_config, "\"" + endpoint + "\" is not tcp://host:port"};
  if (request.empty() || request.size() > door_message_bytes_max) return error{errc::malformed, "request too long"};
  const auto until = std::chrono::steady_clock::now() + time_max;
  auto wait = [&](zmq::socket_t& socket, short events) {
    for (;;) {
      auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return false;
      zmq::pollitem_t item{socket.handle(), 0, events, 0};
      // The caller's thread takes signals, so the C call, which says EINTR instead of throwing.
      auto n = ::zmq_poll(&item, 1, left.count());
      if (n > 0) return true;
      if (n < 0 && zmq_errno() != EINTR) throw zmq::error_t();
    }
  };
  try {
    system_entropy source;
    zmq::context_t context{1};
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    set_common(socket, door_link, door_message_bytes_max);
    set_curve_client(socket, make_curve_key(source), server);
    socket.set(zmq::sockopt::immediate, true);
    socket.connect(endpoint);
    if (!wait(socket, ZMQ_POLLOUT)) return error{errc::offline, endpoint + " does not answer"};
    if (!socket.send(zmq::buffer(request), zmq::send_flags::dontwait))
      return error{errc::offline, endpoint + " hung up"};
    std::vector<zmq::message_t> frames;
    while (wait(socket, ZMQ_POLLIN))
      if (receive(socket, 1, frames) && !frames.empty()) return frames[0].to_string();
    return error{errc::timeout, endpoint + " gave no answer"};
  } catch (const zmq::error_t& e) {
    return to_error(e, endpoint);
  } catch (const std::exception& e) {
    return error{errc::io, endpoint + ": " + e.what()};
  }
}

}  // namespace tally
