#pragma once
#include <filesystem>

namespace tally::bench {

/// Sales over HTTP against a real node: a process of `program` on the store in `dir`/store, which must be filled.
struct http_plan {
  std::filesystem::path dir;      ///< of the whole run; the store's data directory is `dir`/store
  std::filesystem::path program;  ///< tallystick
  unsigned clients = 64;          ///< connections, kept open, one request of each under way
  std::int64_t seconds = 5;
};

/// Starts the node, pairs tills that are not paired yet, sells, reports, stops it.
///
/// Reports `http<clients>_*`; and from exec to the first sale answered, when the till was paired in an earlier run
/// (`node_start_ms`), and the process's memory after the load (`node_rss_kib`). Throws std::runtime_error when the
/// node does not start or refuses a request.
void http_road(const http_plan& plan);

}  // namespace tally::bench
