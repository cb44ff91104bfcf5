#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <thread>

#include "sync/zmq_support.hpp"

namespace tally {

using namespace zmq_support;

struct zmq_client::impl {
  // Order of destruction: the thread is joined first (stop), then sockets, then the context.
  std::string endpoint;
  curve_key own;
  public_key server{};
  link_options options;
  callbacks on;
  zmq::context_t context{1};
  zmq::socket_t socket, monitor;
  waker wake;
  std::atomic<bool> stopping{false}, resetting{false};
  // ZeroMQ mends a broken connection, but gives up for good after a refusal and after an error in the protocol. It does
  // not say which, so a socket that stays without connection this long is replaced. Own thread only.
  std::optional<std::chrono::steady_clock::time_point> reopen_at;
  unsigned opened = 0;

  std::mutex mutex;  // guards the next three
  std::deque<bytes> queue;
  std::size_t queued_bytes = 0;
  bool up = false;

  std::thread thread;

  void run() noexcept;
  void open();
  void close();
  void reopen_in(std::chrono::milliseconds delay) { reopen_at = std::chrono::steady_clock::now() + delay; }
  std::chrono::milliseconds poll_time() const;
  void set_up(bool now_up);
  void read_monitor();
  void read_messages();
  void write_messages();
  bool queue_is_empty() {
    std::lock_guard lock(mutex);
    return queue.empty();
  }
};

void zmq_client::impl::open() {
  socket = zmq::socket_t(context, zmq::socket_type::dealer);
  set_common(socket, options, link_message_bytes_max);
  set_curve_client(socket, own, server);
  socket.set(zmq::sockopt::immediate, true);
  socket.set(zmq::sockopt::reconnect_ivl, static_cast<int>(options.reconnect_min.count()));
  socket.set(zmq::sockopt::reconnect_ivl_max, static_cast<int>(options.reconnect_max.count()));
  constexpr int events = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
                         ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
  auto address = "inproc://monitor-" + std::to_string(++opened);
  if (::zmq_socket_monitor(socket.handle(), address.c_str(), events) != 0) throw zmq::error_t();
  monitor = zmq::socket_t(context, zmq::socket_type::pair);
  monitor.set(zmq::sockopt::linger, 0);
  monitor.connect(address);
  socket.connect(endpoint);
}

void zmq_client::impl::close() {
  ::zmq_socket_monitor(socket.handle(), nullptr, 0);
  monitor.close();
  socket.close();
}

std::chrono::milliseconds zmq_client::impl::poll_time() const {
  if (!reopen_at) return std::chrono::milliseconds(-1);
  auto left = std::chrono::ceil<std::chrono::milliseconds>(*reopen_at - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

void zmq_client::impl::set_up(bool now_up) {
  {
    std::lock_guard lock(mutex);
    if (up == now_up) return;
    up = now_up;
    // What waits belongs to a conversation that is over.
    queue.clear();
    queued_bytes = 0;
  }
  on.on_link(now_up);
}

void zmq_client::impl::read_monitor() {
  while (auto e = next_event(monitor)) {
    std::string why;
    switch (e->event) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        reopen_at.reset();
        set_up(true);
        break;
      case ZMQ_EVENT_DISCONNECTED:
        if (!reopen_at) reopen_in(options.handshake_time_max + options.reconnect_max);
        set_up(false);
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: why = "the parent does not admit this node's key"; break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: why = "the parent does not speak our protocol"; break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: why = "the parent broke off: is its key the right one?"; break;
      default: break;
    }
    if (why.empty()) continue;
    reopen_in(options.reconnect_max);
    if (on.on_refused) on.on_refused(why);
  }
}

void zmq_client::impl::read_messages() {
  std::vector<zmq::message_t> frames;
  // A bound per turn, so that a busy parent cannot keep us from writing.
  for (int i = 0; i < 64 && receive(socket, 1, frames); ++i) {
    if (frames.empty() || frames[0].size() > link_message_bytes_max) continue;
    read_monitor();
    // Left over from a connection that was reported as gone.
    {
      std::lock_guard lock(mutex);
      if (!up) continue;
    }
    on.on_message(frames[0].to_string());
  }
}

void zmq_client::impl::write_messages() {
  std::lock_guard lock(mutex);
  while (!queue.empty()) {
    if (!socket.send(zmq::buffer(queue.front()), zmq::send_flags::dontwait)) return;
    queued_bytes -= queue.front().size();
    queue.pop_front();
  }
}

void zmq_client::impl::run() noexcept {
  block_signals();
  try {
    while (!stopping) {
      zmq::pollitem_t items[] = {{monitor.handle(), 0, ZMQ_POLLIN, 0},
                                 {socket.handle(), 0, ZMQ_POLLIN, 0},
                                 {nullptr, wake.fd(), ZMQ_POLLIN, 0}};
      if (!queue_is_empty()) items[1].events |= ZMQ_POLLOUT;
      zmq::poll(items, 3, poll_time());
      if (items[2].revents != 0) wake.clear();
      if (stopping) break;
      if (resetting.exchange(false) || (reopen_at && poll_time().count() == 0)) {
        reopen_at.reset();
        close();
        set_up(false);
        open();
        continue;
      }
      read_monitor();
      read_messages();
      write_messages();
    }
  } catch (const std::exception& e) {
    if (!stopping) {
      set_up(false);
      if (on.on_fault) on.on_fault(e.what());
    }
  }
  try {
    close();
  } catch (const std::exception&) {
    // Closing again is all that the owner would do.
  }
}

result<std::unique_ptr<zmq_client>> zmq_client::start(const std::string& endpoint, const curve_key& own,
                                                      const public_key& server, callbacks on, link_options options) {
  invariant(on.on_message && on.on_link, "a link has its callbacks");
  if (!is_tcp_endpoint(endpoint) || endpoint.ends_with('*'))
    return error{errc::bad_config, "\"" + endpoint + "\" is not tcp://host:port"};
  try {
    auto state = std::make_unique<impl>();
    if (state->wake.fd() < 0) return error{errc::io, "no file descriptor left"};
    state->endpoint = endpoint;
    state->own = own.clone();
    state->server = server;
    state->options = options;
    state->on = std::move(on);
    state->open();
    // Sockets may change threads across a full fence, and starting a thread is one.
    state->thread = std::thread([s = state.get()] { s->run(); });
    return std::unique_ptr<zmq_client>(new zmq_client(std::move(state)));
  } catch (const zmq::error_t& e) {
    return to_error(e, endpoint);
  } catch (const std::exception& e) {
    return error{errc::io, endpoint + ": " + e.what()};
  }
}

zmq_client::zmq_client(std::unique_ptr<impl> state) : impl_(std::move(state)) {}

zmq_client::~zmq_client() {
  impl_->stopping = true;
  impl_->wake.wake();
  impl_->thread.join();
}

bool zmq_client::send(bytes message) {
  if (message.size() > link_message_bytes_max) return false;
  {
    std::lock_guard lock(impl_->mutex);
    if (!impl_->up || impl_->queue.size() >= link_queue_messages_max) return false;
    if (!impl_->queue.empty() && impl_->queued_bytes + message.size() > link_queue_bytes_max) return false;
    impl_->queued_bytes += message.size();
    impl_->queue.push_back(std::move(message));
  }
  impl_->wake.wake();
  return true;
}

bool zmq_client::is_up() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->up;
}

void zmq_client::reset() {
  impl_->resetting = true;
  impl_->wake.wake();
}

}  // namespace tally
