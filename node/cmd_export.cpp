#include "node/cmd_export.hpp"

#include <iostream>

#include "node/identity.hpp"
#include "node/snapshot_store.hpp"
#include "sync/hledger.hpp"

namespace tally {
namespace {

constexpr int exit_written = 0, exit_unreadable = 2;

int unreadable(const error& e) {
  std::cerr << "tallystick: nothing was exported: " << (e.detail.empty() ? std::string(errc_text(e.code)) : e.detail)
            << "\n";
  return exit_unreadable;
}

}  // namespace

int cmd_export_hledger(const std::filesystem::path& data_dir, std::ostream& out) {
  // Only a data directory is exported, never some other database.
  auto believes = read_trust(data_dir);
  if (!believes) return unreadable(believes.error());
  auto snapshot = open_snapshot(data_dir);
  if (!snapshot) return unreadable(snapshot.error());
  auto sum = export_hledger(*snapshot->store, out);
  if (!sum && sum.code() == errc::not_found)
    return unreadable({errc::not_found, "the node on " + data_dir.string() + " never ran; start it once"});
  if (!sum) return unreadable(sum.error());
  std::cerr << sum->transactions << " entries of " << sum->journals
            << (sum->journals == 1 ? " journal, " : " journals, ") << sum->postings << " postings, " << sum->accounts
            << " accounts" << (snapshot->node_runs ? "; the node is running, so newer entries may be missing" : "")
            << "\n";
  return exit_written;
}

}  // namespace tally
