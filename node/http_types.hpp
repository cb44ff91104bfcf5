#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// One HTTP request as a handler sees it. The views live only while the handler is called.
struct api_request {
  std::string_view method;         ///< "GET"
  std::string_view path;           ///< without the query
  std::string_view query{};        ///< behind the question mark, as it was sent
  std::string_view authorization;  ///< header fields; empty when absent
  std::string_view cookie;
  std::string_view if_none_match;
  std::string_view remote{};  ///< address of the caller, or of the proxy before it
  bool loopback = false;      ///< `remote` is this machine
  std::string_view body;
};

struct api_response {
  int status = 200;
  std::string body;
  std::string_view content_type = "application/json";  ///< static text
  std::string headers{};                               ///< further lines, each with CRLF
  const std::string* shared_body = nullptr;            ///< instead of `body`: lives as long as the server
};

/// The answer that a handler owes. `finish` is called exactly once, either while the handler is called or from
/// what `later` or `after` run; an answer that comes too late or twice is dropped. Thread rules as stated.
class api_call {
public:
  virtual ~api_call() = default;
  /// On the executor of the call only.
  virtual void finish(api_response r) = 0;
  /// Any thread: runs `work` on the executor of the call. If the server is gone it is destroyed without being run.
  virtual void later(std::function<void()> work) = 0;
  /// As `later`, after a while.
  virtual void after(std::chrono::milliseconds delay, std::function<void()> work) = 0;
};
using call_ptr = std::shared_ptr<api_call>;

/// Status code for a refusal: 400 malformed, 403, 404, 409 refused by a rule, 429 busy, 503 and 500.
int http_status(errc code);

}  // namespace tally
