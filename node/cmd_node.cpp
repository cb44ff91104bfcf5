#include <malloc.h>

#include <iostream>

#include "node/cmd.hpp"
#include "node/config.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "node/program.hpp"
#include "node/runtime.hpp"

namespace tally::cmd {
namespace {

struct config_options {
  std::string file;
  std::vector<std::string> overrides;
  bool explain = false;
};

void add_config_options(CLI::App& c, config_options& o) {
  c.add_option("--config", o.file, "configuration file (TOML)");
  c.add_option("--set", o.overrides, "section.key=value; beats the environment and the file");
}

int run_config(const config_options& o) {
  if (o.explain) {
    std::cout << explain_config();
    return exit_ok;
  }
  auto c = load_config(o.file, o.overrides);
  if (!c) return fail_file(c.error());
  for (const auto& k : config_keys()) {
    std::cout << k.name << " = ";
    if (k.text) std::cout << '"' << k.text(*c) << '"';
    if (k.number) std::cout << k.number(*c);
    if (k.flag) std::cout << (k.flag(*c) ? "true" : "false");
    std::cout << "\n";
  }
  return exit_ok;
}

/// A store runs on a small PC, and its threads seldom want memory at the same time: what a second heap keeps of a large
/// intake, 2 MB, is not worth it there. To be called before the first thread starts.
void keep_one_heap_at_a_store(const std::string& data_dir) {
  auto identity = read_identity(data_dir);  // an error is told by the start itself
  if (identity && identity->role == node_role::store) (void)::mallopt(M_ARENA_MAX, 1);
}

int run_pair(const std::string& data) {
  auto node = admin_client::open(data);
  if (!node) return fail(node.error());
  auto code = pairing_code(*node);
  if (!code) return fail(code.error());
  std::cerr << "Type this code at the till, or open http://" << node->address() << "/?code=" << *code
            << " there; at head office or a region, type it at http://" << node->address()
            << "/network. It works once, within 10 minutes.\n";
  std::cout << *code << "\n";
  return exit_ok;
}

}  // namespace

void add_node(CLI::App& app, int& status) {
  auto o = std::make_shared<config_options>();
  auto* c = app.add_subcommand("node", "Run a node: head office, region or store");
  add_config_options(*c, *o);
  c->footer(
      "Ctrl-C or SIGTERM ends it in order. Status 75: the disk failed; start it again.\n"
      "Example:\n  tallystick node --config store.toml --set http.listen=127.0.0.1:8081");
  c->callback([o, &status] {
    auto config = load_config(o->file, o->overrides);
    if (!config) {
      status = fail_file(config.error());
      return;
    }
    if (config->http.web_dir.empty()) {
      config->http.web_dir = own_pages().string();
      if (config->http.web_dir.empty())
        std::cerr << "tallystick: there are no pages beside this program, so only the HTTP interface answers; "
                     "http.web_dir names their folder\n";
    }
    keep_one_heap_at_a_store(config->node.data_dir);
    status = run_node(*config);
  });
}

void add_config(CLI::App& app, int& status) {
  auto o = std::make_shared<config_options>();
  auto* c = app.add_subcommand("config", "Check a configuration and print it, or explain all keys");
  add_config_options(*c, *o);
  c->add_flag("--explain", o->explain, "print every key with default, bounds and meaning");
  c->footer("Examples:\n  tallystick config --explain\n  tallystick config --config store.toml");
  c->callback([o, &status] { status = run_config(*o); });
}

void add_pair(CLI::App& app, int& status) {
  auto data = std::make_shared<std::string>();
  auto* c = app.add_subcommand("pair", "Print a code that pairs one till, or a browser with the network page");
  c->add_option("--data", *data, "the store's data directory; its node must run")->required();
  c->footer("Example:\n  tallystick pair --data /srv/tally");
  c->callback([data, &status] { status = run_pair(*data); });
}

}  // namespace tally::cmd
