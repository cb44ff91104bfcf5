#pragma once
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
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

/// The command line's way to the node that runs on a data directory of this machine. Reads `http.address` and
/// `admin.token` there; both are readable for the node's user only. A value; every call opens a connection.
class admin_client {
public:
  /// `not_found` when the directory is no data directory; `offline` when its node does not run or never ran;
  /// `not_allowed` when the files belong to another user.
  static result<admin_client> open(const std::filesystem::path& data_dir);

  /// Calls /api/v1/admin/<path>. A refusal of the node comes back as its error, with the node's detail.
  result<nlohmann::json> get(const std::string& path) const;
  result<nlohmann::json> post(const std::string& path, const nlohmann::json& body) const;

  const std::string& address() const { return address_; }

private:
  result<nlohmann::json> call(const std::string& method, const std::string& path, const std::string& body) const;
  std::string address_, token_;
};

}  // namespace tally
