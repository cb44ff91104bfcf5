#include <algorithm>
#include <chrono>
#include <iostream>

#include "ledger/money.hpp"
#include "node/cmd.hpp"
#include "node/cmd_limits.hpp"
#include "node/office.hpp"

namespace tally::cmd {
namespace {

struct invite_options {
  std::string data, role = "store", name;
  std::uint32_t parent = 1, replaces = 0, cancel = 0, owner = 1;
  bool list = false;
  limit_texts limits;
  std::int64_t hours = 24;
  std::vector<std::string> doors;
};

int show_open(const admin_client& hq) {
  auto a = hq.get("invitations");
  if (!a) return fail(a.error());
  auto now = a->value("now", std::int64_t{0});
  std::vector<std::vector<std::string>> rows{{"NODE", "NAME", "ROLE", "PARENT", "GOOD FOR"}};
  const auto list = a->value("invitations", nlohmann::json::array());
  for (const auto& i : list) {
    auto minutes = std::max<std::int64_t>(0, i.value("expires", std::int64_t{0}) - now) / 60;
    rows.push_back({std::to_string(i.value("node", 0U)), i.value("name", ""), i.value("role", ""),
                    std::to_string(i.value("parent", 0U)),
                    minutes < 120 ? std::to_string(minutes) + " min" : std::to_string(minutes / 60) + " h"});
  }
  std::cout << (list.empty() ? std::string("No invitation is open.\n") : table(rows));
  return exit_ok;
}

int cancel(const admin_client& hq, std::uint32_t node) {
  auto n = cancel_invitations(hq, node_id{node});
  if (!n) return fail(n.error());
  std::cout << (*n == 1 ? std::string("The token") : "All " + std::to_string(*n) + " tokens") << " for node " << node
            << (*n == 1 ? " is" : " are") << " void.\n";
  return exit_ok;
}

int run_invite(const invite_options& o) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.list) return show_open(*hq);
  if (o.cancel != 0) return cancel(*hq, o.cancel);
  invite_request r{o.name,
                   o.role == "store" ? node_role::store : node_role::region,
                   node_id{o.parent},
                   {},
                   o.hours,
                   o.doors,
                   o.owner,
                   node_id{o.replaces}};
  if (o.replaces == 0 && o.name.empty())
    return fail({errc::bad_config, "--name is missing: what people call the node"});
  if (o.limits.any() && (r.role == node_role::region || o.replaces != 0))
    return fail(exit_usage, o.replaces != 0
                                ? "the machine that takes a node's place has that node's limits; change them with "
                                  "'tallystick limits'"
                                : "limits are a store's; a region has none");
  if (r.role == node_role::store && o.replaces == 0) {
    auto limits = limits_from(*hq, o.limits, std::nullopt);
    if (!limits) return fail(limits.error());
    r.limits = *limits;
  }
  auto a = invite_node(*hq, r);
  if (!a) return fail(a.error());
  if (a->name_taken)
    std::cerr << "Mind: another node or open invitation is called \"" << o.name << "\" as well; people will mix them "
              << "up. 'tallystick invite --cancel " << a->node.value << "' takes this one back.\n";
  auto what = o.replaces == 0 ? o.role + " \"" + o.name + "\"" : std::string("the machine that takes the place");
  std::cerr << "Token for " << what << (o.replaces == 0 ? ", node " : " of node ") << a->node.value
            << ". It works once, for " << o.hours << " hours, and whoever has it can become that node.\n"
            << "On the new machine: tallystick enrol --data DIR --token …\n";
  std::cout << a->token << "\n";
  return exit_ok;
}

}  // namespace

void add_invite(CLI::App& app, int& status) {
  auto o = std::make_shared<invite_options>();
  auto* c = app.add_subcommand("invite", "Head office: make a one-time token for a new region or store");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  auto* role = c->add_option("--role", o->role, "store or region")
                   ->check(CLI::IsMember({"store", "region"}))
                   ->capture_default_str();
  auto* name = c->add_option("--name", o->name, "what people call the node");
  auto* replace = c->add_option("--replace", o->replaces,
                                "number of a node whose machine is gone: the new one takes its place, with its name, "
                                "parent, owner and limits; the old one is cut off");
  auto* parent =
      c->add_option("--parent", o->parent, "number of its region, or 1 for head office")->capture_default_str();
  auto* owner =
      c->add_option("--owner", o->owner, "number of the company that the node belongs to, for 'tallystick settlement'")
          ->check(CLI::Range(1U, 1'000'000U))
          ->capture_default_str();
  for (auto* kept : {role, name, parent, owner})
    replace->excludes(kept);
  add_limit_options(*c, o->limits);
  c->add_option("--hours", o->hours, "how long the token is good")->check(CLI::Range(1, 720))->capture_default_str();
  auto* list = c->add_flag("--list", o->list, "show the invitations that nobody has used yet");
  auto* cancelled = c->add_option("--cancel", o->cancel, "number of a node: make its unused tokens void")
                        ->check(CLI::Range(2U, 100'000U));
  list->excludes(cancelled);
  c->add_option("--door", o->doors, "head office's door as the new node reaches it, tcp://host:port; up to 4");
  c->footer(
      "A store needs all four limits, in the chain's currency. The token is printed alone on standard output.\n"
      "Example:\n  tallystick invite --data /srv/tally --role store --name \"Store A\" --parent 2 "
      "--ceiling 10000 --daily-inflow 2000 --quota 5000 --daily-quota 5000\n"
      "  tallystick invite --data /srv/tally --replace 3\n"
      "  tallystick invite --data /srv/tally --list\n"
      "  tallystick invite --data /srv/tally --cancel 7");
  c->callback([o, &status] { status = run_invite(*o); });
}

}  // namespace tally::cmd
