#include <chrono>
#include <iostream>

#include "node/cmd.hpp"
#include "node/founding.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct init_hq_options {
  head_office_plan plan;
  std::string passphrase_file;
};

int run_init_hq(init_hq_options o) {
  auto passphrase = read_passphrase(o.passphrase_file, "the root key");
  if (!passphrase) return fail(passphrase.error());
  o.plan.passphrase = std::move(*passphrase);
  system_entropy random;
  auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  auto id = found_head_office(o.plan, now, random);
  if (!id) return fail(id.error());
  std::cout << "Head office of chain " << id->believes.chain << " is in " << o.plan.data_dir.string() << ".\n"
            << "Its root key is sealed in " << o.plan.root_key.string() << ": move that file off this machine and keep "
            << "it with the passphrase apart.\nNext: tallystick node --config hq.toml, made from config/hq.toml\n";
  return exit_ok;
}

}  // namespace

void add_init_hq(CLI::App& app, int& status) {
  auto o = std::make_shared<init_hq_options>();
  auto* c = app.add_subcommand("init-hq", "Begin a chain: its root key, and head office's data directory");
  c->add_option("--data", o->plan.data_dir, "new data directory")->required();
  c->add_option("--chain", o->plan.chain, "name of the chain for ever: 1 to 40 of a-z, 0-9 and -")->required();
  c->add_option("--name", o->plan.name, "what people call head office")->capture_default_str();
  c->add_option("--root-key", o->plan.root_key, "new file for the sealed root key, best on a removable medium")
      ->required();
  c->add_option("--passphrase-file", o->passphrase_file, "its first line seals the root key; without it you are asked");
  c->footer(
      "Example:\n  tallystick init-hq --data /srv/tally --chain bakery --name \"Head office\" "
      "--root-key /media/usb/bakery.root");
  c->callback([o, &status] { status = run_init_hq(*o); });
}

}  // namespace tally::cmd
