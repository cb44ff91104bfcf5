#include "node/cmd.hpp"
#include "node/ship.hpp"

namespace tally::cmd {

void add_ship(CLI::App& app, int& status) {
  struct values {
    ship_options ship;
    std::string to, from;
  };
  auto o = std::make_shared<values>();
  auto* c = app.add_subcommand("ship", "Carry journals, prices and cosignatures between nodes on a stick");
  c->add_option("--data", o->ship.data, "the node's data directory")->required();
  auto* to = c->add_option("--to", o->to, "write what the other node lacks to this directory (a stick)");
  auto* from = c->add_option("--from", o->from, "take what this directory has for this node; the node must run");
  from->excludes(to);
  c->add_option("--for,--of", o->ship.node, "the other node's number; without it the parent, or whoever wrote")
      ->check(CLI::PositiveNumber);
  c->add_flag("--all", o->ship.everything, "with --to: everything, whatever the other node is known to have");
  c->add_flag("!--no-answer", o->ship.answer, "with --from: write nothing back");
  c->add_option("--key-file", o->ship.key_file, "the node's signing key, when it is not in the data directory");
  c->footer(
      "Segments prove themselves, so a stick needs no more trust than a line. --to works beside the running node or on "
      "a\n"
      "stopped one; --from goes through the running node, which goes on selling. After --from the stick has the "
      "answer:\n"
      "carry it back and run --from there, and cosignatures and prices have arrived too.\n"
      "Status: 0 done; 1 something was refused (it says what); 2 the stick or the data could not be read; 3 the node "
      "does\n"
      "not run.\n"
      "Examples:\n"
      "  tallystick ship --data /srv/tally --to /media/stick        # at the store: what its region lacks\n"
      "  tallystick ship --data /srv/tally --from /media/stick      # at the region: takes it, writes the answer\n"
      "  tallystick ship --data /srv/tally --from /media/stick      # at the store again\n"
      "  tallystick ship --data /srv/hq --to /media/stick --for 7   # at head office: prices for store 7");
  c->callback([o, &status] {
    if (o->to.empty() == o->from.empty()) {
      status = fail(exit_usage, "say --to DIRECTORY or --from DIRECTORY");
      return;
    }
    o->ship.stick = o->to.empty() ? o->from : o->to;
    status = o->to.empty() ? cmd_ship_from(o->ship) : cmd_ship_to(o->ship);
  });
}

void add_rescue(CLI::App& app, int& status) {
  auto o = std::make_shared<ship_options>();
  auto* c = app.add_subcommand("rescue", "Carry unsent sales off the disk of a PC that is dead");
  c->add_option("--disk", o->data, "the data directory on that disk; only read, so mount it read-only")->required();
  c->add_option("--to", o->stick, "directory to write to, e.g. a stick")->required();
  c->add_option("--for", o->node, "an ancestor's number; without it the dead node's parent")
      ->check(CLI::PositiveNumber);
  c->add_option("--key-file", o->key_file, "the dead node's signing key, e.g. a copy that belongs to you");
  c->add_flag("--all", o->everything, "everything, whatever the ancestor is known to have");
  c->footer(
      "Best before head office closes the dead node's epoch; then 'tallystick ship --from' at the ancestor. Entries\n"
      "that were never sent are signed with the key that lies on the disk, keys/signing.key. If it belongs to another\n"
      "user, copy it (install -m 600 …/keys/signing.key rescue.key) and say --key-file rescue.key. Without the key\n"
      "they cannot be proved: they are written as a plain-text journal for the books, and the status is 1.\n"
      "Example:\n"
      "  mount -o ro,noload /dev/sdb2 /mnt && tallystick rescue --disk /mnt/srv/tally --to /media/stick");
  c->callback([o, &status] { status = cmd_rescue(*o); });
}

}  // namespace tally::cmd
