#pragma once
#include <future>
#include <memory>

#include "actors/context.hpp"
#include "actors/messages.hpp"
#include "sync/zmq_link.hpp"

namespace tally {

struct link_config {
  node_id self;
  node_id peer;                        ///< uplink: the parent
  std::string endpoint;                ///< uplink: to connect to; downlink: to listen on
  public_key server{};                 ///< uplink: the parent's CURVE key
  tick_ms hold_ms = 0;                 ///< session_config::hold_ms
  tick_ms quiet_ms = 0;                ///< uplink: session_config::quiet_ms
  topic_set skips = 0;                 ///< uplink: session_config::skips
  std::uint64_t process = 0;           ///< session_config::process
  std::uint64_t octets_per_month = 0;  ///< uplink: link_budget_config::octets
  node_id stands_for = {};  ///< uplink: a detour, connected only while this parent is silent; none: no detour
  link_options wire;
  /// Downlink, at the node's start only: hears whether the endpoint could be listened on. Whoever waits for it stops
  /// the actor then; without it, a failure ends the actor and the supervisor tries again.
  std::shared_ptr<std::promise<status>> listening;
};

/// One connection's session and the streams that may go over it.
struct link_session {
  std::unique_ptr<session> machine;
  std::shared_ptr<const std::vector<stream_id>> streams;
  bool greeted = false;
  errc refused = errc::ok;  ///< why the newest connection ended
  bool parting = false;     ///< downlink: only to hear that its keys do not count any more
  tick_ms drop_due = 0;     ///< downlink: then the connection is ignored; 0: it is not
};

struct uplink_state {
  static inline const char* name = "uplink";
  node_context* context = nullptr;
  link_config config;
  writer_id self_writer;
  const curve_key* own = nullptr;
  std::unique_ptr<zmq_client> wire;  ///< none: a detour that is not needed
  link_session session;
  std::optional<link_budget> budget;
  link_budget::window window;           ///< that the session has
  tick_ms opened_at = 0;                ///< when the newest connection began
  tick_ms again_ms = 0, again_due = 0;  ///< wait after a connection that a session ended; 0: none
};

/// The connection to the parent: carries between ZeroMQ, the session machine and the ledger.
///
/// Takes wire_message, link_message (from the network thread), ingested_message, outgoing_message, streams_message,
/// advanced_message,
/// epoch_message (from the ledger), tick_message, stop_message. Needs no link to exist; nothing waits for it.
/// A detour to head office is the same, but that it is open only while `link_board::wants_detour` says so.
caf::behavior uplink(caf::stateful_actor<uplink_state>* self, node_context* context, const link_config& config,
                     const curve_key* own, writer_id self_writer);

struct downlink_state {
  static inline const char* name = "downlink";
  node_context* context = nullptr;
  link_config config;
  writer_id self_writer;
  std::unique_ptr<zmq_server> wire;
  std::map<link_peer, link_session> sessions;  ///< at most two per child: its own, and that of its old keys
};

/// The children's connections, one session per child; messages as the uplink's.
caf::behavior downlink(caf::stateful_actor<downlink_state>* self, node_context* context, const link_config& config,
                       const curve_key* own, writer_id self_writer);

}  // namespace tally
