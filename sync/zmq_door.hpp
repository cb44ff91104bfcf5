#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "ledger/result.hpp"
#include "ledger/types.hpp"
#include "sync/keys.hpp"

namespace tally {

inline constexpr std::size_t door_message_bytes_max = 4096;

/// The enrolment door: whoever knows its CURVE key may ask one short question and gets one answer.
///
/// It admits any client key, because a node that enrols has no certificate yet, so everything that the caller says is
/// to be distrusted. Questions above `door_message_bytes_max` drop the connection; at most 16 connections wait to be
/// accepted, and 4 questions per connection wait for their turn. Open it only while a token is outstanding.
///
/// Threads: one own thread, which runs `on_request` for one question after the other; the callback must not throw nor
/// destroy this object, and may block for a moment. The destructor joins. Nothing is durable here.
class zmq_door {
public:
  /// The answer, at most `door_message_bytes_max`; an empty one stays unsent, and the caller runs into its time-out.
  using handler = std::function<bytes(bytes request)>;

  /// Bound when it returns. `bad_config` for a bad address, `busy` for one in use. `own` should be a key of its own.
  static result<std::unique_ptr<zmq_door>> start(const std::string& endpoint, const curve_key& own, handler on_request);
  ~zmq_door();

  /// Where it listens, with the port that the system chose for "tcp://127.0.0.1:*".
  const std::string& endpoint() const;

private:
  struct impl;
  explicit zmq_door(std::unique_ptr<impl> state);
  std::unique_ptr<impl> impl_;
};

/// Asks a door once, with a client key made for this call. Blocks up to `time_max`.
/// `bad_config`: no tcp://host:port. `malformed`: the request is too long or empty. `offline`: no door with this key
/// answered the handshake. `timeout`: it took the question and gave no answer, so the question may have had its effect.
result<bytes> door_call(const std::string& endpoint, const public_key& server, bytes request,
                        std::chrono::milliseconds time_max);

}  // namespace tally
