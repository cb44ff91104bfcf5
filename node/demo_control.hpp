#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ledger/result.hpp"
#include "node/demo_network.hpp"

namespace tally {

struct control_answer {
  int status = 200;
  std::string body;        ///< JSON
  std::string location{};  ///< of a redirection
};

/// The demo's control interface as docs/http-api.md has it, without the HTTP around it. May block for some seconds.
control_answer control_call(demo_network& network, const std::string& method, const std::string& path,
                            const std::string& body);

/// The HTTP server of the control interface: loopback only, for the pages of the demo's own nodes.
///
/// Refuses other `Host` and `Origin` headers, bodies above 64 KiB (413) and more than 64 connections at a time
/// (closed). Owns one thread, which runs `handler` for one call after the other.
class demo_control {
public:
  using handler =
      std::function<control_answer(const std::string& method, const std::string& path, const std::string& body)>;
  /// Listens on `port` or the next free one; answers nothing before `serve`. `io`.
  static result<std::unique_ptr<demo_control>> listen(std::uint16_t port);
  ~demo_control();

  std::uint16_t port() const;
  /// `origins`: "http://127.0.0.1:8081" of each node. Called once.
  void serve(std::vector<std::string> origins, handler on_call);

private:
  struct impl;
  explicit demo_control(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace tally
