#include <fstream>
#include <iostream>

#include "node/cmd.hpp"
#include "node/cmd_audit.hpp"
#include "node/cmd_export.hpp"

namespace tally::cmd {
namespace {

struct audit_options {
  std::string data;
  bool json = false, quiet = false;
};

struct export_options {
  std::string data, format = "hledger", out;
};

int run_export(const export_options& o) {
  if (o.out.empty()) return cmd_export_hledger(o.data, std::cout);
  std::ofstream file(o.out, std::ios::out | std::ios::trunc | std::ios::binary);
  if (!file) return fail(exit_refused, "cannot write " + o.out);
  auto status = cmd_export_hledger(o.data, file);
  file.flush();
  return file ? status : fail(exit_refused, "cannot write " + o.out);
}

}  // namespace

void add_audit(CLI::App& app, int& status) {
  auto o = std::make_shared<audit_options>();
  auto* c = app.add_subcommand("audit", "Verify everything on a node's data: signatures, roots, rights, sums, prices");
  c->add_option("--data", o->data, "data directory; its node may run meanwhile")->required();
  c->add_flag("--json", o->json, "as JSON");
  c->add_flag("--quiet", o->quiet, "print only what does not hold");
  c->footer("Status 0 only if all holds.\nExample:\n  tallystick audit --data /srv/tally");
  c->callback([o, &status] { status = cmd_audit(o->data, o->json, o->quiet); });
}

void add_export(CLI::App& app, int& status) {
  auto o = std::make_shared<export_options>();
  auto* c = app.add_subcommand("export", "Write the ledger for other programs");
  c->add_option("--data", o->data, "data directory; its node may run meanwhile")->required();
  c->add_option("--format", o->format, "hledger: a plain-text journal")
      ->check(CLI::IsMember({"hledger"}))
      ->capture_default_str();
  c->add_option("--out", o->out, "file to write; without it standard output");
  c->footer(
      "Example:\n  tallystick export --format hledger --data /srv/tally --out books.journal\n"
      "  hledger -f books.journal check --strict");
  c->callback([o, &status] { status = run_export(*o); });
}

}  // namespace tally::cmd
