#include <chrono>
#include <iostream>

#include "node/cmd.hpp"
#include "node/founding.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

struct enrol_options {
  std::string data, token, token_file;
};

int run_enrol(const enrol_options& o) {
  auto token = o.token;
  if (!o.token_file.empty()) {
    auto text = read_small_file(o.token_file, 4'096);
    if (!text) return fail_file(text.error());
    token = *text;
  }
  if (auto read = parse_enrolment_token(token); !read) return fail_file(read.error());
  system_entropy random;
  auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  auto id = enrol_node(o.data, token, now, random);
  if (!id) return fail(id.error());
  std::cout << "This is now " << role_name(id->role) << " \"" << id->name << "\", node " << id->node.value
            << " of chain " << id->believes.chain << ".\nIts keys are in " << data_layout{o.data}.keys().string()
            << " and stay there.\nNext: tallystick node --config " << role_name(id->role) << ".toml, made from config/"
            << role_name(id->role) << ".toml\n";
  return exit_ok;
}

}  // namespace

void add_enrol(CLI::App& app, int& status) {
  auto o = std::make_shared<enrol_options>();
  auto* c = app.add_subcommand("enrol", "Make this machine a node of a chain, with a token from head office");
  c->add_option("--data", o->data, "new data directory")->required();
  auto* token = c->add_option("--token", o->token, "what 'tallystick invite' printed");
  auto* file = c->add_option("--token-file", o->token_file,
                             "file that holds it, so that it does not stay in the "
                             "shell's history");
  token->excludes(file);
  c->footer(
      "The node makes its own keys; only the public ones leave it. If the answer is lost, run the same command "
      "again.\nExample:\n  tallystick enrol --data /srv/tally --token tally1.AbC…");
  c->callback([o, token, file, &status] {
    status = token->count() + file->count() == 0
                 ? fail(exit_usage, "--token or --token-file is missing; 'tallystick invite' at head office prints one")
                 : run_enrol(*o);
  });
}

}  // namespace tally::cmd
