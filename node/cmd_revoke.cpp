#include <iostream>

#include "node/cmd.hpp"
#include "node/office.hpp"

namespace tally::cmd {
namespace {

struct revoke_options {
  std::string data;
  std::uint32_t node = 0;
};

int run_revoke(const revoke_options& o, status (*decide)(const admin_client&, node_id), const char* text) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (auto done = decide(*hq, node_id{o.node}); !done) return fail(done.error());
  std::cout << "Node " << o.node << " " << text << "\n";
  return exit_ok;
}

void add(CLI::App& app, int& status, const char* name, const char* help, const char* footer,
         tally::status (*decide)(const admin_client&, node_id), const char* text) {
  auto o = std::make_shared<revoke_options>();
  auto* c = app.add_subcommand(name, help);
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--node", o->node, "number of the node")->required();
  c->footer(footer);
  c->callback([o, decide, text, &status] { status = run_revoke(*o, decide, text); });
}

}  // namespace

void add_revoke(CLI::App& app, int& status) {
  add(app, status, "revoke", "Head office: cut off a node that was stolen or that misbehaves",
      "What head office holds of the node's journal stands; what it writes from now on counts for nothing. Every node\n"
      "refuses its keys as soon as the news has come there. What lay there is granted anew after 'close-epoch', or "
      "when\n"
      "another machine takes its place ('tallystick invite --replace'). What entries that came too late put onto\n"
      "cards stays in doubt until 'tallystick cases' has a ruling about each of them.\n"
      "Example:\n  tallystick revoke --data /srv/tally --node 3",
      revoke_node, "is revoked; every node hears of it when its link is up.");
  add(app, status, "close-epoch", "Head office: close the books of a node whose disk is gone",
      "Card value that lay at the node is in doubt for the days that head office's configuration says\n"
      "(network.doubt_days), then granted anew, so that customers can spend it elsewhere. Sales that\n"
      "turn up later are honoured. A node that is closed and lives begins anew by itself.\n"
      "Example:\n  tallystick close-epoch --data /srv/tally --node 3",
      close_node_epoch, "is closed; its value is granted anew when it is no longer in doubt.");
}

}  // namespace tally::cmd
