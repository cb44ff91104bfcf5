#include "node/cmd_audit.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>

#include "node/audit_text.hpp"
#include "node/founding.hpp"
#include "node/identity.hpp"
#include "node/snapshot_store.hpp"
#include "node/terminal.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

int unreadable(const error& e) {
  return cmd::fail(cmd::exit_usage, "the data could not be read: " + cmd::sentence_of(e));
}

/// Is the folder's identity.toml what the certificate of the database's node says? If not, it is a problem of the
/// check "identity".
void check_folder(const kv_store& store, const node_identity& id, const verifier& with, audit_report& report) {
  certificate_book book(id.believes.chain, id.believes.root, with);
  load_certificates(store, book);
  auto own = book.find(report.self.node);
  if (!own) return;  // the books' own problem, and told as such
  auto fits = check_identity(id, **own);
  auto line = std::ranges::find(report.lines, "identity", &audit_line::check);
  if (fits || line == report.lines.end()) return;
  ++line->failed;
  line->problems.push_back({"identity.toml", std::nullopt, "number, role and name as certified", fits.error().detail});
}

}  // namespace

int cmd_audit(const std::filesystem::path& data_dir, bool json, bool quiet) {
  auto id = read_identity(data_dir);
  if (!id) return unreadable(id.error());
  audit_trust trust{id->believes.chain, id->believes.root};
  ed25519_verifier with;
  audit_options options;
  auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  options.today = day_of(now);
  if (!json && !quiet && ::isatty(STDERR_FILENO) == 1)
    options.progress = [](std::uint64_t seen, std::uint64_t total) { cmd::show_progress("audit", seen, total); };
  bool node_runs = false;
  auto report = read_snapshot(data_dir, [&](const store_snapshot& snapshot) {
    node_runs = snapshot.node_runs;
    auto out = audit(*snapshot.store, trust, with, options);
    if (!out && out.code() == errc::not_found)
      out = error{errc::not_found,
                  "the node on " + data_dir.string() + " never ran, so there is nothing to audit; start it once"};
    if (out) check_folder(*snapshot.store, *id, with, *out);
    return out;
  });
  if (!report) return unreadable(report.error());
  if (json) {
    std::cout << audit_json(*report, trust.chain);
  } else {
    if (node_runs && !quiet) std::cout << "The node is running: audited is what was on the disk when this began.\n\n";
    std::cout << audit_text(*report, trust.chain, quiet);
  }
  std::cout.flush();
  return report->ok() ? cmd::exit_ok : cmd::exit_refused;
}

}  // namespace tally
