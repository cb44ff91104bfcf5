#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "devices/driver_fd.hpp"
#include "node/cmd.hpp"
#include "node/cmd_audit.hpp"
#include "node/cmd_export.hpp"
#include "node/proof_files.hpp"

namespace tally::cmd {
namespace {

namespace fs = std::filesystem;

struct audit_options {
  std::string data;
  bool json = false, quiet = false;
};

struct export_options {
  std::string data, format = "hledger", out, directory, stream, key_file;
  bool all = false;
};

int export_to(const std::string& data, const fs::path& file) {
  std::ofstream to(file, std::ios::out | std::ios::binary);
  if (!to) return fail(exit_refused, "cannot write " + file.string());
  auto status = cmd_export_hledger(data, to);
  to.flush();
  return to ? status : fail(exit_refused, "cannot write " + file.string());
}

/// Complete, or the file stays as it was: the books of a shop are not lost to an export that fails.
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
  fs::path out = o.out;
  std::error_code ignored;
  if (fs::exists(out, ignored) && !fs::is_regular_file(out, ignored)) return export_to(o.data, out);  // a pipe
  if (fs::is_symlink(out, ignored)) out = fs::weakly_canonical(out, ignored);
  auto draft = out.string() + ".new.XXXXXX";
  unique_fd fd(::mkostemp(draft.data(), O_CLOEXEC));  // mode 0600
  if (!fd) return fail(exit_refused, os_error("cannot write beside " + out.string(), errno));
  auto status = export_to(o.data, draft);
  if (status == exit_ok && (::fsync(fd.get()) != 0 || ::rename(draft.c_str(), out.c_str()) != 0))
    status = fail(exit_refused, os_error("cannot write " + out.string(), errno));
  if (status != exit_ok) ::unlink(draft.c_str());
  return status;
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
  c->add_option("--out", o->out,
                "hledger: file to write, complete or not at all, mode 0600; without it standard output");
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
