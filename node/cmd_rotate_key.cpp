#include <iostream>

#include "node/admin_client.hpp"
#include "node/cmd.hpp"

namespace tally::cmd {
namespace {

int run_rotate_key(const std::string& data) {
  auto node = admin_client::open(data);
  if (!node) return fail(node.error());
  auto made = node->post("keys/rotate", nlohmann::json::object());
  if (!made) return fail(made.error());
  std::cout << "New keys lie in " << data << "/keys/next; the signing key is " << made->value("signing", "")
            << ".\nHead office is asked for their certificate as soon as the link is up. Then the node starts again "
               "with them by itself;\n'tallystick status' shows when.\n";
  return exit_ok;
}

}  // namespace

void add_rotate_key(CLI::App& app, int& status) {
  auto data = std::make_shared<std::string>();
  auto* c = app.add_subcommand("rotate-key", "Store, region: change this node's keys");
  c->add_option("--data", *data, "data directory; its node must run")->required();
  c->footer(
      "New keys begin a new epoch: the node takes no card value until head office has all entries of the old one and\n"
      "has granted anew what lay there: seconds on a working link, a minute or two when the first question is lost.\n"
      "A store's old keys open no connection any more; what they signed stays valid. Works without a link, too:\n"
      "it happens when the link is back. Asking again changes nothing.\n"
      "A region changes the key that it signs with and keeps that of its connections, by which its stores find it;\n"
      "they begin new epochs with it, each for seconds. So a stolen disk of a region still connects: only\n"
      "'invite --replace' ends that.\n"
      "Cards in stock there are delivered to the new epoch by head office, seconds after it has all of the old one.\n"
      "Keys that somebody stole: tallystick revoke and invite --replace at head office.\n"
      "Example:\n  tallystick rotate-key --data /srv/tally");
  c->callback([data, &status] { status = run_rotate_key(*data); });
}

}  // namespace tally::cmd
