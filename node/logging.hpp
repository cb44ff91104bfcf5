#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "ledger/errc.hpp"
#include "ledger/result.hpp"

namespace tally {

/// The node's logs: `node.log` for operations and `security.log` for what somebody may have tried, in a folder of
/// their own, and
/// a copy on standard error. Each file at most 5 MB, three kept. Thread-safe. No secret, card number or key is ever
/// passed in.
class node_log {
public:
  /// `level`: "debug", "info", "warn" or "error". Errors: io.
  static result<std::unique_ptr<node_log>> open(const std::filesystem::path& folder, std::string_view level);
  ~node_log();

  void info(std::string_view text);
  /// Chooses file and weight by the code: forged, foreign and rolled back things go to the security log.
  void problem(errc code, std::string_view text);
  /// Writes and flushes all.
  void fatal(std::string_view text);

private:
  struct impl;
  explicit node_log(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// Whether a line of this code belongs into the security log.
bool is_security(errc code);

}  // namespace tally
