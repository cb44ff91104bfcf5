#include <iostream>

#include "node/cmd.hpp"
#include "node/office.hpp"

namespace tally::cmd {
namespace {

struct tree_options {
  std::string data;
  std::uint32_t node = 0, parent = 0;
};

int run_retire(const tree_options& o) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (auto done = retire_node(*hq, node_id{o.node}); !done)
    return done.code() == errc::unsupported ? fail(exit_refused, done.error().detail) : fail(done.error());
  std::cout << "Node " << o.node
            << " is retired: its books end where they have come to, its value is granted anew at head office, and "
            << "its keys open no door. Switch the machine off.\n";
  return exit_ok;
}

int run_move(const tree_options& o) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (auto done = move_node(*hq, node_id{o.node}, node_id{o.parent}); !done) return fail(done.error());
  std::cout << "Node " << o.node << " belongs below node " << o.parent
            << ".\nWhen it has heard of that, it says that it "
            << "has another parent and takes no card value until it is on its new line: set link.parent in its "
            << "configuration to the address of node " << o.parent << " and restart it.\n";
  return exit_ok;
}

CLI::App* add(CLI::App& app, const std::shared_ptr<tree_options>& o, const char* name, const char* help) {
  auto* c = app.add_subcommand(name, help);
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--node", o->node, "number of the node")->required();
  return c;
}

}  // namespace

void add_tree(CLI::App& app, int& status) {
  auto o = std::make_shared<tree_options>();
  auto* retire = add(app, o, "retire", "Head office: a node closes for good, and its rights return");
  retire->footer(
      "Close the shop first. The node must be on its line: it is asked how far its books go, and from its answer on\n"
      "it sells nothing, for cash either, until it hears of its end. Then its books are closed where they end, so\n"
      "nothing is in doubt. When it does not answer within 8 seconds, or has entries that are not here,\n"
      "nothing is closed: mend its line and ask again, or 'tallystick close-epoch', with days of doubt. Each question\n"
      "that the node hears has it stand still for up to 70 seconds, also when its answer is lost. Final for this\n"
      "machine: another takes its place only by 'tallystick invite --replace'.\n"
      "Example:\n  tallystick retire --data /srv/tally --node 3");
  retire->callback([o, &status] { status = run_retire(*o); });
  auto* move = add(app, o, "move", "Head office: a store gets another parent");
  move->add_option("--parent", o->parent, "number of the region, or 1 for head office")->required();
  move->footer(
      "The news goes the old way. The store then begins a new epoch: what lay there and what was on its way between "
      "it\n"
      "and its old parent returns to head office, from where its tills draw it again over the new line.\n"
      "Example:\n  tallystick move --data /srv/tally --node 3 --parent 2");
  move->callback([o, &status] { status = run_move(*o); });
}

}  // namespace tally::cmd
