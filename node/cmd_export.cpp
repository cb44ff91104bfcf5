#include "node/cmd_export.hpp"

#include <iostream>

#include "node/identity.hpp"
#include "node/snapshot_store.hpp"
#include "node/terminal.hpp"
#include "sync/hledger.hpp"

namespace tally {
namespace {

int not_exported(const error& e) { return cmd::fail(cmd::exit_usage, "nothing was exported: " + cmd::sentence_of(e)); }

}  // namespace

int cmd_export_hledger(const std::filesystem::path& data_dir, std::ostream& out) {
  // Only a data directory is exported, never some other database.
  auto believes = read_trust(data_dir);
  if (!believes) return not_exported(believes.error());
  auto snapshot = open_snapshot(data_dir);
  if (!snapshot) return not_exported(snapshot.error());
  auto sum = export_hledger(*snapshot->store, out);
  if (!sum && sum.code() == errc::not_found)
    return not_exported({errc::not_found, "the node on " + data_dir.string() + " never ran; start it once"});
  if (!sum) return not_exported(sum.error());
  std::cerr << sum->transactions << " entries of " << sum->journals
            << (sum->journals == 1 ? " journal, " : " journals, ") << sum->postings << " postings, " << sum->accounts
            << " accounts" << (snapshot->node_runs ? "; the node is running, so newer entries may be missing" : "")
            << "\n";
  return cmd::exit_ok;
}

}  // namespace tally
