#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "ledger/entry.hpp"
#include "node/admin_client.hpp"

namespace tally::cmd {

/// The four limits as an operator writes them, "10000" or "10000.00"; empty: not given.
struct limit_texts {
  std::string ceiling, daily_inflow, quota, daily_quota;
  /// One at least is given.
  bool any() const { return !ceiling.empty() || !daily_inflow.empty() || !quota.empty() || !daily_quota.empty(); }
};
void add_limit_options(CLI::App& command, limit_texts& to);

/// Currency of the chain, as the node knows it.
struct currency {
  std::string code;
  int exponent = 2;
  bool published = false;  ///< there are rules; else both are only what most chains have
};
result<currency> currency_of(const admin_client& node);

/// In minor units of the chain's currency. A limit that is not given keeps its value in `now`, and is `bad_config`
/// without one. `bad_config` for what is no amount, and for any before the chain has rules.
result<node_limits> limits_from(const admin_client& hq, const limit_texts& texts,
                                const std::optional<node_limits>& now);

}  // namespace tally::cmd
