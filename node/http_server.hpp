#pragma once
#include "node/api.hpp"

namespace tally {

/// Bounds of the HTTP interface. What happens at each is said beside it.
struct http_limits {
  std::size_t body_bytes = 64 * 1024;              ///< 413, and the connection ends
  std::size_t admin_body_bytes = 4 * 1024 * 1024;  ///< of calls that carry the administration's token
  std::size_t header_bytes = 16 * 1024;            ///< 431, and the connection ends
  std::size_t connections = 1024;   ///< a further one takes an idle one's place (http_places), or is answered 503
  std::size_t streams = 64;         ///< event streams; a further one is refused with 429 (event_hub: 4 of a till)
  std::size_t stream_events = 256;  ///< queued for one stream; a slower one is dropped
  std::chrono::milliseconds idle{60'000};        ///< without a request under way: closed
  std::chrono::milliseconds request{10'000};     ///< receiving one: closed; its answer: 503 `timeout`
  std::chrono::milliseconds keep_alive{15'000};  ///< comment lines of an event stream
  std::chrono::milliseconds drain{3'000};        ///< `stop` waits so long for answers under way
};

struct http_options {
  std::string listen = "127.0.0.1:8080";  ///< address:port or [address]:port; port 0: any free one
  std::filesystem::path web_dir{};        ///< the built pages; empty: none
  unsigned threads = 2;                   ///< 1 to 16
  std::vector<std::string> names{};       ///< of this node, beside `listen` and the loopback: see own_names
  http_limits limits{};
};

/// The HTTP interface of a node (docs/http-api.md), with its own threads.
///
/// Each connection lives on one thread; requests on it are answered in order, one at a time. Nothing of a
/// request is logged. REQUIRES: what `services` refers to outlives this object; the node answers or drops
/// callbacks at any time, later too.
class http_server {
public:
  /// Listens when it returns. Raises the process's soft limit of open files as far as the connections need.
  /// Errors: bad_config (listen, threads), io (the address cannot be bound), corrupt (record of tills), and
  /// those of web_files::read.
  static result<std::unique_ptr<http_server>> start(http_options options, http_services services);
  virtual ~http_server() = default;

  /// "127.0.0.1:8080", with the real port.
  virtual std::string endpoint() const = 0;
  /// Takes no more connections, lets requests under way be answered (see `drain`), joins. Idempotent; the
  /// destructor calls it.
  virtual void stop() = 0;
  /// Pairing without the interface, for the demo and the command line of the same process.
  virtual tills& paired() = 0;
};

}  // namespace tally
