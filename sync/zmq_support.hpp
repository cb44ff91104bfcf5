#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "ledger/result.hpp"
#include "sync/keys.hpp"
#include "sync/zmq_link.hpp"

namespace tally::zmq_support {

// What the adapter's parts share. Included by sync/zmq_*.cpp only.

/// Wakes a poll from another thread, through an eventfd. Thread-safe.
class waker {
public:
  waker();
  ~waker();
  waker(const waker&) = delete;
  waker& operator=(const waker&) = delete;
  int fd() const { return fd_; }
  void wake();
  void clear();

private:
  int fd_;
};

/// CURVE adds its own framing to each message; MAXMSGSIZE counts it.
inline constexpr std::size_t curve_overhead_max = 64;

/// For the start of a thread of ours: signals go to other threads, so no call here ends early with EINTR.
void block_signals();

bool is_tcp_endpoint(const std::string& endpoint);

/// LINGER, HWM, MAXMSGSIZE, HANDSHAKE_IVL, heartbeat and keepalive, before bind or connect.
void set_common(zmq::socket_t& socket, const link_options& options, std::size_t message_bytes_max);
void set_curve_server(zmq::socket_t& socket, const curve_key& own, const char* domain);
void set_curve_client(zmq::socket_t& socket, const curve_key& own, const public_key& server);

struct monitor_event {
  int event = 0;
  std::uint32_t value = 0;
};
/// The next event that waits on a monitor socket.
std::optional<monitor_event> next_event(zmq::socket_t& monitor);

/// Reads one message of exactly `frames` frames without waiting; longer and shorter ones are consumed and dropped.
/// Answers whether there was anything; `out` is empty for a dropped one.
bool receive(zmq::socket_t& socket, std::size_t frames, std::vector<zmq::message_t>& out);

/// Answers one waiting ZAP request: `user_of` gives the user id for a CURVE key, or nothing to refuse it.
void answer_zap(zmq::socket_t& zap, const std::function<std::optional<std::string>(const public_key&)>& user_of);

/// The connection's ZAP user id; empty if there is none.
std::string user_id_of(zmq::message_t& frame);

/// An adapter's exception as an error.
error to_error(const zmq::error_t& e, const std::string& what);

}  // namespace tally::zmq_support
