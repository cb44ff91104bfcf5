#include <malloc.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "node/cmd.hpp"
#include "node/terminal.hpp"

namespace {

constexpr const char* exit_help =
    "Exit status: 0 done; 1 refused or failed; 2 wrong command line or configuration, or a file that cannot be "
    "used; 3 the node does not run or does not answer; 75 the disk failed while a node ran.\n"
    "'tallystick COMMAND --help' shows options and examples.";

/// Left to itself, the C library keeps a heap for each thread, and what large buffers of merges and segments leave in
/// them stays: 15 MB of a store that takes in a million cards. So there are two heaps, at a store
/// one (node/cmd_node.cpp), and large buffers are none's.
void keep_memory_small() {
  (void)::mallopt(M_ARENA_MAX, 2);
  (void)::mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

/// As CLI11 writes it, in lines that a terminal shows whole.
class help_formatter final : public CLI::Formatter {
public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override {
    return tally::cmd::fold_lines(CLI::Formatter::make_help(app, std::move(name), mode));
  }
};

int run(int argc, char** argv) {
  using namespace tally::cmd;
  keep_memory_small();
  int status = exit_ok;
  CLI::App app{"Tallystick: stores that keep trading when the network is gone.", "tallystick"};
  app.formatter(std::make_shared<help_formatter>());  // before the commands, which take it over
  app.set_version_flag("--version", TALLY_VERSION);
  app.require_subcommand(1);
  app.footer(exit_help);
  add_node(app, status);
  add_demo(app, status);
  add_init_hq(app, status);
  add_invite(app, status);
  add_enrol(app, status);
  add_publish(app, status);
  add_issue(app, status);
  add_card(app, status);
  add_stock(app, status);
  add_voucher(app, status);
  add_claims(app, status);
  add_outbox(app, status);
  add_member(app, status);
  add_cases(app, status);
  add_limits(app, status);
  add_revoke(app, status);
  add_backup(app, status);
  add_restore(app, status);
  add_rotate_key(app, status);
  add_tree(app, status);
  add_pair(app, status);
  add_report(app, status);
  add_status(app, status);
  add_devices(app, status);
  add_audit(app, status);
  add_export(app, status);
  add_prove(app, status);
  add_verify(app, status);
  add_settlement(app, status);
  add_receipt(app, status);
  add_ship(app, status);
  add_rescue(app, status);
  add_config(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::RequiredError& e) {
    auto known = app.get_subcommands({});
    bool named = argc > 1 && std::any_of(known.begin(), known.end(), [&](auto* c) { return c->check_name(argv[1]); });
    if (argc > 1 && argv[1][0] != '-' && !named) {
      std::cerr << "tallystick: there is no command '" << argv[1]
                << "'; 'tallystick --help' lists those that there are\n";
    } else {
      app.exit(e, std::cout, std::cerr);
    }
    return tally::cmd::exit_usage;
  } catch (const CLI::ParseError& e) {
    app.exit(e, std::cout, std::cerr);
    return tally::cmd::exit_usage;
  }
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto status = run(argc, argv);
    // What nobody could read is not done: a token, a code, a list of cards.
    if (std::cout.flush() || status != 0) return status;
    std::cerr << "tallystick: the output could not be written\n";
    return tally::cmd::exit_usage;
  } catch (const std::exception& e) {
    std::cerr << "tallystick: " << e.what() << "\n";
    return tally::cmd::exit_refused;
  }
}
