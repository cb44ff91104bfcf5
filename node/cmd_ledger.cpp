#include <fstream>
#include <iostream>

#include "node/cmd.hpp"
#include "node/cmd_audit.hpp"
#include "node/cmd_export.hpp"
#include "node/proof_files.hpp"

namespace tally::cmd {
namespace {

struct audit_options {
  std::string data;
  bool json = false, quiet = false;
};

struct export_options {
  std::string data, format = "hledger", out, directory, stream, key_file;
  bool all = false;
};

int run_export(const export_options& o) {
  bool tiles = o.format == "tlog-tiles";
  if (tiles == o.directory.empty())
    return fail(exit_usage,
                tiles ? "tlog-tiles needs a directory to write to" : "only tlog-tiles writes a directory; see --out");
  if (tiles) {
    if (!o.out.empty()) return fail(exit_usage, "tlog-tiles writes a directory: name it without --out");
    return cmd_export_tiles({o.data, o.directory, o.key_file, o.stream, o.all});
  }
  if (!o.stream.empty() || o.all)
    return fail(exit_usage, "hledger takes all journals; --stream and --all are for tlog-tiles");
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
  c->add_option("--format", o->format, "hledger: a plain-text journal; tlog-tiles: a log for other people's verifiers")
      ->check(CLI::IsMember({"hledger", "tlog-tiles"}))
      ->capture_default_str();
  c->add_option("--out", o->out, "hledger: file to write; without it standard output");
  c->add_option("directory", o->directory,
                "tlog-tiles: where to write; an earlier export of the same log is continued");
  auto* stream = c->add_option("--stream", o->stream,
                               "tlog-tiles: which log, e.g. 3.5f0c1a2b3c4d5e6f/journal, 3/journal or directory; the "
                               "node's own journal without it");
  c->add_flag("--all", o->all, "tlog-tiles: every log that the node holds, each in a directory of its own")
      ->excludes(stream);
  c->add_option("--key-file", o->key_file, "tlog-tiles: the node's signing key, when it is not in the data directory");
  c->footer(
      "Examples:\n  tallystick export --format hledger --data /srv/tally --out books.journal\n"
      "  hledger -f books.journal check --strict\n"
      "  tallystick export --format tlog-tiles --data /srv/tally --stream directory www/directory");
  c->callback([o, &status] { status = run_export(*o); });
}

}  // namespace tally::cmd
