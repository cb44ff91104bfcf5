#include <iostream>

#include "node/backup.hpp"
#include "node/cmd.hpp"
#include "node/terminal.hpp"

namespace tally::cmd {
namespace {

backup_progress records(const char* what) {
  return [what](std::uint64_t n, std::uint64_t of) { show_progress(what, n, of); };
}

std::string described(const backup_figures& f) {
  return "node " + std::to_string(f.identity.node.value) + " (" + f.identity.name + "), epoch " +
         to_hex(view_of(f.self.epoch.value)) + ": " + std::to_string(f.entries) + " entries, " +
         std::to_string(f.records) + " records, " + std::to_string((f.octets + 999'999) / 1'000'000) + " MB";
}

}  // namespace

void add_backup(CLI::App& app, int& status) {
  struct values {
    std::string data, to;
  };
  auto o = std::make_shared<values>();
  auto* c = app.add_subcommand("backup", "Copy a node's database as it is now");
  c->add_option("--data", o->data, "data directory; its node may run")->required();
  c->add_option("--to", o->to, "a new directory for the copy")->required();
  c->footer(
      "Every record is read and its checksum compared. Keys are left out, so a backup that is lost gives nobody this\n"
      "node's powers; what it says is readable. 'tallystick audit' reads a backup as it reads a node's data.\n"
      "Better than backups: a line that works. What head office has cosigned is there, too.\n"
      "Example:\n  tallystick backup --data /srv/tally --to /media/stick/tally-2026-11-26");
  c->callback([o, &status] {
    auto made = write_backup(o->data, o->to, records("copying"));
    if (!made) {
      status = fail(made.error());
      return;
    }
    std::cout << "Kept " << described(*made) << ", in " << o->to << "\n";
    status = exit_ok;
  });
}

void add_restore(CLI::App& app, int& status) {
  struct values {
    std::string data, from;
    bool longer = false;
    std::vector<std::uint32_t> without;
  };
  auto o = std::make_shared<values>();
  auto* c = app.add_subcommand("restore", "Put a backup in the place of a node's database");
  c->add_option("--data", o->data, "data directory of the same node; the node must stand still")->required();
  c->add_option("--from", o->from, "directory that 'tallystick backup' made");
  c->add_option("--without", o->without, "head office: nodes right below it that it does not wait for")->delimiter(',');
  c->add_flag("--even-if-longer", o->longer,
              "although the database that is there can be read and is longer,\nor of a later life of the node");
  c->footer(
      "For a database that is damaged while the disk's keys are there; for a disk that is lost, see 'tallystick\n"
      "invite --replace'. The node begins a new epoch with nothing: it sells for cash until head office has closed\n"
      "the old one and granted anew what lay there, after the days of doubt, since nobody knows what the lost\n"
      "database had that was never sent. First try 'tallystick rescue --disk': it may carry that home.\n"
      "The old database is kept as db.before-1 in the data directory.\n\n"
      "Head office asks each node right below it for what it had published since the backup, and decides nothing "
      "until\n"
      "all have answered ('tallystick status' says for whom it waits). Then it goes on in a new epoch, what it had\n"
      "published stands, and what lay there is granted anew at once. What nobody had been told of is lost: payments\n"
      "and fees since the backup are to be booked again; where value of them had left head office already, they cover\n"
      "that first, and an alarm names card and sum. A node that will not\n"
      "answer is named with --without, at the same time or later (without --from, while head office stands still):\n"
      "then the end is unknown, and what lay at head office is in doubt for some days.\n"
      "A store that leaves goods out (link.skip) gives back nothing from the first list on that it left out since the\n"
      "backup. With no other node right below head office, freezes, revocations and certificates behind that list are\n"
      "lost as well: do them again.\n"
      "Examples:\n"
      "  tallystick restore --data /srv/tally --from /media/stick/tally-2026-11-26\n"
      "  tallystick restore --data /srv/tally --without 4,7");
  c->callback([o, &status] {
    std::vector<node_id> without;
    for (auto n : o->without)
      without.push_back(node_id{n});
    if (o->from.empty()) {
      auto noted = without.empty() ? tally::status(error{errc::bad_config, "say --from, or --without"})
                                   : go_on_without(o->data, without);
      status = noted ? exit_ok : fail(noted.error());
      if (noted) std::cout << "Noted. Start head office: it goes on when the others have answered.\n";
      return;
    }
    auto made = restore_backup(o->from, o->data, o->longer, without, records("restoring"));
    if (!made) {
      status = fail(made.error());
      return;
    }
    std::cout << "Restored " << described(*made) << ".\n"
              << (made->identity.role == node_role::hq
                      ? "Start head office: it asks the nodes below for what it had published since, and goes on when "
                        "all have answered ('tallystick status').\n"
                      : "Start the node: it begins a new epoch, and takes card value again when head office has "
                        "settled the old one ('tallystick status').\n");
    status = exit_ok;
  });
}

}  // namespace tally::cmd
