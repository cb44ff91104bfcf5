#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"

namespace tally::cmd {

// The subcommands of `tallystick`: each `add_*` declares one, with help and examples, and lets its callback set
// `status`, the exit status of the process.

inline constexpr int exit_ok = 0;
inline constexpr int exit_refused = 1;  ///< it was refused or failed; nothing half done unless the text says so
inline constexpr int exit_usage = 2;    ///< wrong command line, configuration or file
inline constexpr int exit_offline = 3;  ///< the node that it needs does not run or does not answer

void add_init_hq(CLI::App& app, int& status);
void add_invite(CLI::App& app, int& status);
void add_enrol(CLI::App& app, int& status);
void add_publish(CLI::App& app, int& status);
void add_issue(CLI::App& app, int& status);
void add_card(CLI::App& app, int& status);
void add_limits(CLI::App& app, int& status);
void add_revoke(CLI::App& app, int& status);
void add_pair(CLI::App& app, int& status);
void add_status(CLI::App& app, int& status);
void add_devices(CLI::App& app, int& status);
void add_audit(CLI::App& app, int& status);
void add_export(CLI::App& app, int& status);
void add_prove(CLI::App& app, int& status);
void add_verify(CLI::App& app, int& status);
void add_ship(CLI::App& app, int& status);
void add_rescue(CLI::App& app, int& status);
void add_config(CLI::App& app, int& status);
void add_node(CLI::App& app, int& status);
void add_demo(CLI::App& app, int& status);

// -- what they share -------------------------------------------------------------

/// Prints one sentence on standard error; answers the exit status for it.
int fail(const error& e);
int fail(int status, std::string_view sentence);

/// The passphrase from the first line of a file, or typed twice on the terminal without echo. Errors: `not_found`,
/// `io`, `not_allowed` (no terminal, or the two differ).
result<std::string> read_passphrase(const std::string& file, std::string_view what);

/// Columns, left aligned, as wide as needed; the first row is the heading. Widths count characters, not octets.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// "3 s ago", "2 h ago", "never" for 0.
std::string ago(std::int64_t moment, std::int64_t now);

/// A bar on standard error, when that is a terminal; a line for the last step otherwise.
void show_progress(std::string_view what, std::size_t done, std::size_t total);

}  // namespace tally::cmd
