#include <iostream>

#include "node/admin_client.hpp"
#include "node/cmd.hpp"
#include "node/config.hpp"
#include "node/device_doctor.hpp"
#include "node/device_watch.hpp"

namespace tally::cmd {
namespace {

struct devices_options {
  std::string file;
  std::vector<std::string> overrides;
  std::int64_t seconds = 0;
};

/// The configuration, and whether its node holds the devices at this moment.
result<node_config> configuration(const devices_options& o) { return load_config(o.file, o.overrides); }

/// How the configuration's node sees its devices; nothing when it does not run.
std::optional<seen_devices> seen_by_node(const node_config& config) {
  auto node = admin_client::open(config.node.data_dir);
  if (!node) return std::nullopt;
  const auto status = node->get("status");
  if (!status) return std::nullopt;
  seen_devices out;
  const auto devices = status->value("devices", nlohmann::json::object());
  for (const auto& [device, state] : devices.items())
    if (state.is_string()) out[device] = state.get<std::string>();
  return out;
}

bool node_runs(const node_config& config) { return seen_by_node(config).has_value(); }

void say(const std::string& line) { std::cout << line << std::endl; }

int run_doctor(const devices_options& o) {
  auto config = configuration(o);
  if (!config) return fail(config.error());
  const auto running = seen_by_node(*config);
  const auto findings = examine_devices(*config, running);
  if (findings.empty())
    return fail(exit_usage, "no device is configured; 'tallystick devices list' shows what is there");
  std::vector<std::vector<std::string>> rows;
  bool good = true;
  for (const auto& f : findings) {
    rows.push_back({f.device, f.good ? "good" : "PROBLEM", f.text});
    good = good && f.good;
  }
  std::cout << table(rows);
  if (running) std::cout << "The node runs: what it has open is told as it sees it, and was not tried.\n";
  return good ? exit_ok : exit_refused;
}

int with_devices(const devices_options& o, status (*run)(const node_config&, const devices_options&)) {
  auto config = configuration(o);
  if (!config) return fail(config.error());
  if (node_runs(*config))
    return fail(exit_refused, "the node runs and holds the devices: stop it first, or try them at its till");
  if (auto ok = run(*config, o); !ok) return fail(ok.error());
  return exit_ok;
}

CLI::App* add_part(CLI::App& app, const char* name, const char* help, const std::shared_ptr<devices_options>& o) {
  auto* c = app.add_subcommand(name, help);
  c->add_option("--config", o->file, "configuration file (TOML)")->required();
  c->add_option("--set", o->overrides, "section.key=value; beats the environment and the file");
  return c;
}

}  // namespace

void add_devices(CLI::App& app, int& status) {
  auto o = std::make_shared<devices_options>();
  auto* c = app.add_subcommand("devices", "Readers, printer, display: what is there, does it work, what is wrong");
  c->require_subcommand(1);
  c->footer(
      "Examples:\n  tallystick devices list\n  tallystick devices doctor --config store.toml\n"
      "  tallystick devices watch --config store.toml\n"
      "  tallystick devices watch --config store.toml --set chip.reader=any --seconds 30\n"
      "  tallystick devices test --config store.toml");
  c->add_subcommand("list", "What is plugged into this machine, by names that a configuration takes")
      ->callback([&status] {
        std::cout << plugged_in_text();
        status = exit_ok;
      });
  add_part(*c, "doctor", "Say in plain words what is wrong with the configured devices; status 1 if something is", o)
      ->callback([o, &status] { status = run_doctor(*o); });
  auto* watch = add_part(*c, "watch", "Show what the configured readers read, until Ctrl-C; the node must not run", o);
  watch->add_option("--seconds", o->seconds, "end after so many")->check(CLI::Range(1, 86'400));
  watch->callback([o, &status] {
    status = with_devices(*o, [](const node_config& config, const devices_options& from) {
      return watch_devices(config, from.seconds, say);
    });
  });
  add_part(*c, "test",
           "Print a test page in the configured code, open the drawer, write on the customer's display; the node must "
           "not run",
           o)
      ->callback([o, &status] {
        status = with_devices(
            *o, [](const node_config& config, const devices_options&) { return test_devices(config, say); });
      });
}

}  // namespace tally::cmd
