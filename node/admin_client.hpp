#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "ledger/result.hpp"

namespace tally {

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
