#include <atomic>
#include <charconv>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "storage/varint.hpp"
#include "sync/zmq_support.hpp"

namespace tally {

using namespace zmq_support;

namespace {

constexpr auto retry_after = std::chrono::milliseconds(20);

/// Who opened a connection: the node, and how many drops there had been by then. The second number tells a connection
/// from before a revocation from one after it, although both belong to the same node.
struct admission {
  link_peer who;
  std::uint32_t drops = 0;
};

std::string to_user_id(admission a) {
  return std::to_string(a.who.node.value) + (a.who.outdated ? '-' : '.') + std::to_string(a.drops);
}

std::optional<admission> parse_user_id(std::string_view text) {
  admission a;
  auto end = text.data() + text.size();
  auto [dot, code] = std::from_chars(text.data(), end, a.who.node.value);
  if (code != std::errc{} || dot == end || (*dot != '.' && *dot != '-')) return std::nullopt;
  a.who.outdated = *dot == '-';
  auto [last, code2] = std::from_chars(dot + 1, end, a.drops);
  if (code2 != std::errc{} || last != end) return std::nullopt;
  return a;
}

/// The number that ZeroMQ gave a connection: five bytes, the first zero, counting up. Nothing for an id that the peer
/// chose for itself; ours never do, and such an id says nothing about which connection is newer.
std::optional<std::uint32_t> connection_number(const zmq::message_t& routing_id) {
  byte_reader r(routing_id.to_string_view());
  if (r.u8() != 0) return std::nullopt;
  auto n = r.u32be();
  if (!r.at_end()) return std::nullopt;
  return n;
}

/// The count starts anywhere and wraps, so "newer" is a distance of less than half the circle.
bool is_newer(std::uint32_t a, std::uint32_t b) { return static_cast<std::int32_t>(a - b) > 0; }

struct peer {
  std::uint32_t dropped_at = 0;             // count of drops at its own last one
  std::optional<std::uint32_t> connection;  // the newest that spoke
  int descriptor = -1;                      // its socket, as the monitor names it
  std::deque<bytes> queue;
  std::size_t queued_bytes = 0;
};

std::string routing_id_of(std::uint32_t connection) {
  byte_writer w;
  w.u8(0);
  w.u32be(connection);
  return w.take();
}

}  // namespace

struct zmq_server::impl {
  callbacks on;
  zmq::context_t context{1};
  zmq::socket_t zap, socket, monitor;
  std::string endpoint;
  waker wake;
  std::atomic<bool> stopping{false};
  std::atomic<std::uint32_t> drops{0};

  std::mutex mutex;  // guards the next three
  std::map<link_peer, peer> peers;
  std::size_t queued_total = 0;
  bool send_waits = false;

  std::thread thread;

  void run() noexcept;
  void forget_queue(peer& p) {
    queued_total -= p.queued_bytes;
    p.queued_bytes = 0;
    p.queue.clear();
  }
  std::optional<std::string> user_of(const public_key& key);
  enum class verdict { drop, known, fresh };
  struct attribution {
    verdict v = verdict::drop;
    std::optional<std::uint32_t> replaced;  ///< a connection that a newer one took the place of
  };
  attribution attribute(admission from, std::uint32_t connection, int descriptor);
  void say_last_word(std::uint32_t connection);
  void read_monitor();
  void read_messages();
  void write_messages();
};

std::optional<std::string> zmq_server::impl::user_of(const public_key& key) {
  // Read first: a drop while `admit` decides makes this admission an old one.
  auto drops_before = drops.load();
  auto who = on.admit(key);
  if (!who) {
    if (on.on_refused) on.on_refused(key);
    return std::nullopt;
  }
  return to_user_id({*who, drops_before});
}

zmq_server::impl::attribution zmq_server::impl::attribute(admission from, std::uint32_t connection, int descriptor) {
  std::lock_guard lock(mutex);
  auto& p = peers[from.who];
  if (from.drops < p.dropped_at) return {};
  if (p.connection == connection) return {verdict::known, {}};
  if (p.connection && !is_newer(connection, *p.connection)) return {verdict::drop, connection};
  const auto older = std::exchange(p.connection, connection);
  p.descriptor = descriptor;
  forget_queue(p);  // it belongs to the conversation on the older connection
  return {verdict::fresh, older};
}

// Mostly nobody is there to hear it any more. Lost where the connection takes no more; its next word gets another.
void zmq_server::impl::say_last_word(std::uint32_t connection) {
  if (on.last_word.empty()) return;
  auto id = routing_id_of(connection);
  try {
    if (socket.send(zmq::buffer(id), zmq::send_flags::sndmore | zmq::send_flags::dontwait))
      (void)socket.send(zmq::buffer(on.last_word), zmq::send_flags::dontwait);
  } catch (const zmq::error_t& e) {
    if (e.num() != EHOSTUNREACH) throw;
  }
}

void zmq_server::impl::read_monitor() {
  std::vector<link_peer> gone;
  {
    std::lock_guard lock(mutex);
    while (auto e = next_event(monitor)) {
      if (e->event != ZMQ_EVENT_DISCONNECTED) continue;
      for (auto& [node, p] : peers) {
        if (!p.connection || p.descriptor != static_cast<int>(e->value)) continue;
        p.connection.reset();
        forget_queue(p);
        gone.push_back(node);
      }
    }
  }
  if (on.on_link)
    for (auto node : gone)
      on.on_link(node, false);
}

void zmq_server::impl::read_messages() {
  std::vector<zmq::message_t> frames;
  for (int i = 0; i < 64 && receive(socket, 2, frames); ++i) {
    if (frames.empty() || frames[1].size() > link_message_bytes_max) continue;
    auto from = parse_user_id(user_id_of(frames[1]));
    auto connection = connection_number(frames[0]);
    if (!from || !connection) continue;
    // The end of an older connection is told before the first word of one that got the same descriptor.
    read_monitor();
    const auto [v, replaced] = attribute(*from, *connection, frames[1].get(ZMQ_SRCFD));
    if (replaced) say_last_word(*replaced);
    if (v == verdict::drop) continue;
    if (v == verdict::fresh && on.on_link) on.on_link(from->who, true);
    on.on_message(from->who, frames[1].to_string());
  }
}

void zmq_server::impl::write_messages() {
  std::vector<link_peer> gone;
  {
    std::lock_guard lock(mutex);
    send_waits = false;
    for (auto& [node, p] : peers) {
      while (!p.queue.empty() && p.connection) {
        // A frame of its own per try: a refused message leaves the socket as it was.
        auto id = routing_id_of(*p.connection);
        try {
          if (!socket.send(zmq::buffer(id), zmq::send_flags::sndmore | zmq::send_flags::dontwait)) {
            send_waits = true;
            break;
          }
          (void)socket.send(zmq::buffer(p.queue.front()), zmq::send_flags::dontwait);
        } catch (const zmq::error_t& e) {
          if (e.num() != EHOSTUNREACH) throw;
          p.connection.reset();
          forget_queue(p);
          gone.push_back(node);
          break;
        }
        queued_total -= p.queue.front().size();
        p.queued_bytes -= p.queue.front().size();
        p.queue.pop_front();
      }
    }
  }
  if (on.on_link)
    for (auto node : gone)
      on.on_link(node, false);
}

void zmq_server::impl::run() noexcept {
  block_signals();
  try {
    while (!stopping) {
      zmq::pollitem_t items[] = {{zap.handle(), 0, ZMQ_POLLIN, 0},
                                 {socket.handle(), 0, ZMQ_POLLIN, 0},
                                 {nullptr, wake.fd(), ZMQ_POLLIN, 0},
                                 {monitor.handle(), 0, ZMQ_POLLIN, 0}};
      // A ROUTER cannot be polled for one peer's room, so a full peer is tried again after a while.
      zmq::poll(items, 4, send_waits ? retry_after : std::chrono::milliseconds(-1));
      if (items[2].revents != 0) wake.clear();
      if (stopping) break;
      answer_zap(zap, [this](const public_key& key) { return user_of(key); });
      read_monitor();
      read_messages();
      write_messages();
    }
  } catch (const std::exception& e) {
    if (!stopping && on.on_fault) on.on_fault(e.what());
  }
  try {
    ::zmq_socket_monitor(socket.handle(), nullptr, 0);
    monitor.close();
    socket.close();
    zap.close();
  } catch (const std::exception&) {
    // Closing again is all that the owner would do.
  }
}

result<std::unique_ptr<zmq_server>> zmq_server::start(const std::string& endpoint, const curve_key& own, callbacks on,
                                                      link_options options) {
  invariant(on.admit && on.on_message, "a server has its callbacks");
  if (!is_tcp_endpoint(endpoint)) return error{errc::bad_config, "\"" + endpoint + "\" is not tcp://host:port"};
  try {
    auto state = std::make_unique<impl>();
    if (state->wake.fd() < 0) return error{errc::io, "no file descriptor left"};
    state->on = std::move(on);
    // Before the door opens: a connection that finds no ZAP handler would be refused.
    state->zap = zmq::socket_t(state->context, zmq::socket_type::router);
    state->zap.set(zmq::sockopt::linger, 0);
    state->zap.bind("inproc://zeromq.zap.01");
    state->socket = zmq::socket_t(state->context, zmq::socket_type::router);
    set_common(state->socket, options, link_message_bytes_max);
    set_curve_server(state->socket, own, "tally");
    state->socket.set(zmq::sockopt::router_mandatory, true);
    constexpr auto monitor_address = "inproc://monitor";
    if (::zmq_socket_monitor(state->socket.handle(), monitor_address, ZMQ_EVENT_DISCONNECTED) != 0)
      throw zmq::error_t();
    state->monitor = zmq::socket_t(state->context, zmq::socket_type::pair);
    state->monitor.set(zmq::sockopt::linger, 0);
    state->monitor.connect(monitor_address);
    state->socket.bind(endpoint);
    state->endpoint = state->socket.get(zmq::sockopt::last_endpoint);
    state->thread = std::thread([s = state.get()] { s->run(); });
    return std::unique_ptr<zmq_server>(new zmq_server(std::move(state)));
  } catch (const zmq::error_t& e) {
    return to_error(e, endpoint);
  } catch (const std::exception& e) {
    return error{errc::io, endpoint + ": " + e.what()};
  }
}

zmq_server::zmq_server(std::unique_ptr<impl> state) : impl_(std::move(state)) {}

zmq_server::~zmq_server() {
  impl_->stopping = true;
  impl_->wake.wake();
  impl_->thread.join();
}

const std::string& zmq_server::endpoint() const { return impl_->endpoint; }

bool zmq_server::send(const link_peer& to, bytes message) {
  if (message.size() > link_message_bytes_max) return false;
  {
    std::lock_guard lock(impl_->mutex);
    auto it = impl_->peers.find(to);
    if (it == impl_->peers.end() || !it->second.connection) return false;
    auto& p = it->second;
    if (p.queue.size() >= link_queue_messages_max) return false;
    if (!p.queue.empty() && p.queued_bytes + message.size() > link_queue_bytes_max) return false;
    if (impl_->queued_total + message.size() > queue_bytes_total_max) return false;
    p.queued_bytes += message.size();
    impl_->queued_total += message.size();
    p.queue.push_back(std::move(message));
  }
  impl_->wake.wake();
  return true;
}

void zmq_server::drop(const link_peer& who) {
  std::lock_guard lock(impl_->mutex);
  auto& p = impl_->peers[who];
  p.dropped_at = ++impl_->drops;
  p.connection.reset();
  impl_->forget_queue(p);
}

}  // namespace tally
