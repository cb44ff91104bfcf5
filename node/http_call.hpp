#pragma once
#include <chrono>
#include <string>

#include "ledger/result.hpp"

namespace tally {

struct http_answer {
  int status = 0;
  std::string body;
};
/// One HTTP/1.1 call to an address of this machine, "127.0.0.1:8081"; an address that stands for all interfaces is
/// called on the loopback. Blocks up to `time_max`; takes bodies up to 64 MiB. `token` goes into the Authorization
/// header when not empty. Errors: `offline` (nobody listens), `timeout`, `malformed`.
result<http_answer> http_call(const std::string& address, const std::string& method, const std::string& target,
                              const std::string& token, const std::string& body, std::chrono::milliseconds time_max);

}  // namespace tally
