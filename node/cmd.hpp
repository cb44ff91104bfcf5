#pragma once
#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"
#include "node/terminal.hpp"

namespace tally::cmd {

// The subcommands of `tallystick`: each `add_*` declares one, with help and examples, and lets its callback set
// `status`, the exit status of the process.

void add_init_hq(CLI::App& app, int& status);
void add_invite(CLI::App& app, int& status);
void add_enrol(CLI::App& app, int& status);
void add_publish(CLI::App& app, int& status);
void add_issue(CLI::App& app, int& status);
void add_card(CLI::App& app, int& status);
void add_stock(CLI::App& app, int& status);
void add_voucher(CLI::App& app, int& status);
void add_claims(CLI::App& app, int& status);
void add_outbox(CLI::App& app, int& status);
void add_member(CLI::App& app, int& status);
void add_cases(CLI::App& app, int& status);
void add_limits(CLI::App& app, int& status);
void add_revoke(CLI::App& app, int& status);
void add_backup(CLI::App& app, int& status);
void add_restore(CLI::App& app, int& status);
void add_rotate_key(CLI::App& app, int& status);
void add_tree(CLI::App& app, int& status);
void add_pair(CLI::App& app, int& status);
void add_status(CLI::App& app, int& status);
void add_devices(CLI::App& app, int& status);
void add_audit(CLI::App& app, int& status);
void add_export(CLI::App& app, int& status);
void add_prove(CLI::App& app, int& status);
void add_verify(CLI::App& app, int& status);
void add_settlement(CLI::App& app, int& status);
void add_receipt(CLI::App& app, int& status);
void add_report(CLI::App& app, int& status);
void add_ship(CLI::App& app, int& status);
void add_rescue(CLI::App& app, int& status);
void add_config(CLI::App& app, int& status);
void add_node(CLI::App& app, int& status);
void add_demo(CLI::App& app, int& status);

/// A part of `tallystick card`: applications for cards of plastic.
struct application_options {
  bool list = false, csv = false;
  std::vector<std::uint64_t> made, refused;
  std::uint32_t refuse_store = 0;
};
void add_applications(CLI::App& card, application_options& o);
int run_applications(const application_options& o, const std::string& data, const std::string& prefix,
                     const std::string& reason);

// -- what they share -------------------------------------------------------------

/// The passphrase from the first line of a file, or typed twice on the terminal without echo. Errors: `not_found`,
/// `io`, `not_allowed` (no terminal, or the two differ).
result<std::string> read_passphrase(const std::string& file, std::string_view what);

}  // namespace tally::cmd
