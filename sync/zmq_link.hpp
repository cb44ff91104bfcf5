#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ledger/result.hpp"
#include "ledger/types.hpp"
#include "sync/keys.hpp"

namespace tally {

/// The largest message either way. A longer one is refused by `send`, and drops the connection when it arrives.
inline constexpr std::size_t link_message_bytes_max = std::size_t{4} << 20;
/// What `send` keeps for one connection before it answers false; one message always fits.
inline constexpr std::size_t link_queue_bytes_max = std::size_t{4} << 20;
inline constexpr std::size_t link_queue_messages_max = 1024;

struct link_options {
  /// ZMTP heartbeat; zero sends none, because on a metered link each costs money and traffic shows life anyway. A peer
  /// that answers none of three is gone.
  std::chrono::milliseconds heartbeat{0};
  std::chrono::milliseconds handshake_time_max{10'000};
  std::chrono::milliseconds reconnect_min{250};  ///< doubles up to `reconnect_max`
  std::chrono::milliseconds reconnect_max{5'000};
};

/// Who is at the other end of a server's connection. Two of one node do not touch each other: whoever knocks with keys
/// that do not count any more cannot push the node itself off its link.
struct link_peer {
  node_id node;
  bool outdated = false;  ///< its keys were the node's once
  link_peer() = default;
  link_peer(node_id n, bool old = false) : node(n), outdated(old) {}
  friend auto operator<=>(const link_peer&, const link_peer&) = default;
};

/// A node's connection to one parent: ZeroMQ DEALER over CURVE, re-made for ever until destroyed.
///
/// Threads: one own thread runs all callbacks, perhaps before `start` has returned; they must not throw, must not
/// block for long and must not destroy this object. `send`, `reset` and `is_up` may be called from anywhere, callbacks
/// included. The destructor joins the thread; after it no callback runs. Nothing is durable here: what was sent when
/// the link goes down may be lost or arrive, and what is queued is forgotten, so a session starts again from its hello.
class zmq_client {
public:
  struct callbacks {
    std::function<void(bytes)> on_message;
    /// True when the handshake succeeded with the expected server key; false when the connection is gone.
    std::function<void(bool up)> on_link;
    /// The server refused this key, or does not hold the expected one; tried again. For the operator. May be empty.
    std::function<void(std::string why)> on_refused;
    /// The thread ended on an error that it cannot mend: destroy this object and make another. May be empty.
    std::function<void(std::string why)> on_fault;
  };

  /// Does not wait for the connection. `bad_config` for an endpoint that is not "tcp://host:port"; `io` when the
  /// machine has no sockets left.
  static result<std::unique_ptr<zmq_client>> start(const std::string& endpoint, const curve_key& own,
                                                   const public_key& server, callbacks on, link_options options = {});
  ~zmq_client();

  /// Queues one message. False: the link is down, the queue is at its bound or the message is too long.
  [[nodiscard]] bool send(bytes message);
  bool is_up() const;
  /// Drops the connection, if any, and connects anew: for a link that seems up and carries nothing.
  void reset();

private:
  struct impl;
  explicit zmq_client(std::unique_ptr<impl> state);
  std::unique_ptr<impl> impl_;
};

/// The children's side: ZeroMQ ROUTER over CURVE; only keys that `admit` knows get in.
///
/// A message belongs to the node whose key opened its connection (the ZAP user id), whatever the peer calls itself. The
/// newest connection of a node that spoke replaces its older ones, whose messages are dropped from then on, and which
/// are told so. Messages of more than one frame are dropped. Limits per node as above, and `queue_bytes_total_max` over
/// all.
///
/// Threads and durability: as `zmq_client`.
class zmq_server {
public:
  static constexpr std::size_t queue_bytes_total_max = std::size_t{64} << 20;

  struct callbacks {
    /// Who holds this CURVE key; nothing refuses the connection. Asked once per connection.
    std::function<std::optional<link_peer>(const public_key& key)> admit;
    std::function<void(const link_peer& from, bytes)> on_message;
    /// True before the first message of each new connection; false when it ended, or a send finds it gone. A silent
    /// death shows only with heartbeats, else as silence. May be empty.
    std::function<void(const link_peer&, bool up)> on_link;
    /// A key that nobody holds knocked. May be empty.
    std::function<void(const public_key& key)> on_refused;
    std::function<void(std::string why)> on_fault;  ///< as at the client
    /// Said on a connection when a newer one takes its place, and whenever it speaks after that: its owner, if it still
    /// lives, would wait for answers for ever. Empty: nothing is said.
    bytes last_word;
  };

  /// Bound when it returns. `bad_config` for a bad address, `busy` for one in use.
  static result<std::unique_ptr<zmq_server>> start(const std::string& endpoint, const curve_key& own, callbacks on,
                                                   link_options options = {});
  ~zmq_server();

  /// Where it listens, with the port that the system chose for "tcp://127.0.0.1:*".
  const std::string& endpoint() const;
  /// Queues one message for the node's newest connection. False: it has none, a queue is at its bound, or too long.
  [[nodiscard]] bool send(const link_peer& to, bytes message);
  /// Ignores every connection that the node has now, for ever; a later one is asked about again. For revocations:
  /// `admit` must refuse the key before this is called.
  void drop(const link_peer& who);

private:
  struct impl;
  explicit zmq_server(std::unique_ptr<impl> state);
  std::unique_ptr<impl> impl_;
};

}  // namespace tally
