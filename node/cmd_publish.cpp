#include <iostream>

#include "node/cmd.hpp"
#include "node/office.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct publish_options {
  std::string data, file;
  bool check_only = false;
};

int run_publish(const publish_options& o) {
  auto list = read_rules_file(o.file);
  if (!list) return fail_file(list.error());
  if (o.check_only) {
    std::cout << o.file << " is good: " << list->products.size() << " products, currency " << list->rules.currency
              << "\n";
    return exit_ok;
  }
  if (o.data.empty()) return fail(exit_usage, "--data is missing; it names head office's data directory");
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  system_entropy random;
  auto a = publish_list(*hq, *list, random,
                        [](std::size_t done, std::size_t total) { show_progress("publishing", done, total); });
  if (!a) return fail(a.error());
  std::cout << "Version " << a->version << " is published: " << list->products.size() << " products, " << a->written
            << " of them new, changed or withdrawn. Each node takes it when its link is up.\n";
  return exit_ok;
}

}  // namespace

void add_publish(CLI::App& app, int& status) {
  auto o = std::make_shared<publish_options>();
  auto* c = app.add_subcommand("publish", "Head office: publish prices and rules from a file as the next version");
  c->add_option("file", o->file, "rules file (TOML); config/demo-rules.toml is a commented one")->required();
  c->add_option("--data", o->data, "head office's data directory; its node must run");
  c->add_flag("--check", o->check_only, "only check the file");
  c->footer(
      "The file is the whole price list: a product that is no longer in it is withdrawn.\n"
      "Example:\n  tallystick publish --data /srv/tally prices.toml");
  c->callback([o, &status] { status = run_publish(*o); });
}

}  // namespace tally::cmd
