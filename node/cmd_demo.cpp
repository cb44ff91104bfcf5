#include "node/cmd.hpp"
#include "node/demo.hpp"

namespace tally::cmd {

void add_demo(CLI::App& app, int& status) {
  auto o = std::make_shared<demo_options>();
  auto* c = app.add_subcommand("demo", "Run a small chain on this machine: head office, a region, two stores");
  c->add_option("--data", o->data, "keep the data in this directory, and go on with it next time");
  c->add_option("--port", o->port, "control interface; the pages use the ports after it; taken ones are skipped")
      ->check(CLI::Range(1024, 60'000))
      ->capture_default_str();
  c->add_option("--rules", o->rules, "prices and rules instead of the built-in bakery");
  c->add_option("--web", o->web_dir, "folder of the built pages");
  c->add_option("--json-ready", o->json_ready,
                "when all is up, write addresses, codes, process numbers and cards here");
  c->footer("Ctrl-C stops everything.\nExamples:\n  tallystick demo\n  tallystick demo --data demo-data --port 9000");
  c->callback([o, &status] { status = run_demo(*o); });
}

}  // namespace tally::cmd
