#include <unistd.h>

#include <iostream>

#include "ledger/entry.hpp"
#include "ledger/money.hpp"
#include "node/admin_client.hpp"
#include "node/cases.hpp"
#include "node/cmd.hpp"

namespace tally::cmd {
namespace {

using json = nlohmann::json;

struct case_options {
  std::string data, id, outcome, note, owes, take, acknowledge;
  std::uint32_t at = 0, purse = 0, owes_node = 0;
  std::uint64_t account = 0;
  std::uint32_t all_of = 0;
  bool raw = false;
};

/// What head office found when it priced entries again.
void show_recomputed(const json& r) {
  auto behind = r.value("behind", std::uint64_t{0});
  std::cout << "Priced again: " << r.value("entries", std::uint64_t{0}) << " entries"
            << (behind == 0 ? "" : ", " + std::to_string(behind) + " to go")
            << "; differences: " << r.value("differences", std::uint64_t{0}) << ", and "
            << r.value("acknowledged", std::uint64_t{0}) << " acknowledged.\n";
  for (const auto& d : r.at("first"))
    std::cout << "  " << d.value("id", "") << " (" << d.value("kind", "") << ", " << d.value("business_date", "?")
              << ", node " << d.value("node", 0U) << " " << d.value("name", "") << ")\n    expected "
              << d.value("expected", "") << "\n    found    " << d.value("found", "") << "\n";
  auto more = r.value("differences", std::uint64_t{0}) -
              std::min<std::uint64_t>(r.at("first").size(), r.value("differences", std::uint64_t{0}));
  if (more > 0) std::cout << "  … and " << more << " more; the log of head office's node has the first 1,000.\n";
}

/// What came a moment ago, as from a stick, is priced again before the list is shown; a long look is not waited for.
result<json> cases_of(const admin_client& node) {
  constexpr int looks = 25;
  constexpr unsigned apart_us = 200'000;
  for (int n = 1;; ++n) {
    auto found = node.get("cases");
    bool behind = found && found->contains("recomputed") && found->at("recomputed").value("behind", 0ULL) != 0;
    if (!behind || n == looks) return found;
    ::usleep(apart_us);
  }
}

int show(const json& found, const json& status) {
  if (found.contains("recomputed")) show_recomputed(found.at("recomputed"));
  const auto& list = found.at("cases");
  if (list.empty()) {
    const bool all = !found.contains("recomputed") || found.at("recomputed").value("behind", std::uint64_t{0}) == 0;
    std::cout << (all ? "No case is open.\n" : "No case is open so far; what came last is still being looked at.\n");
    return exit_ok;
  }
  auto unit = status.value("unit", json::object());
  std::vector<std::vector<std::string>> rows{{"CASE", "NODE", "DATE", "ENTRY", "VALUE", "WHY"}};
  for (const auto& c : list) {
    auto value =
        c.contains("value") ? format_amount(c.value("value", std::int64_t{0}), unit.value("exponent", 2)) : "?";
    rows.push_back({c.value("id", ""), std::to_string(c.value("node", 0U)) + " " + c.value("name", ""),
                    c.value("business_date", "?"), c.value("kind", ""), value,
                    c.value("why", "") + (c.contains("same_as") ? ", the same as " + c.value("same_as", "") : "")});
  }
  std::cout << table(rows);
  auto open = found.value("open", std::size_t{0});
  if (open > list.size()) std::cout << "… and " << open - list.size() << " more.\n";
  std::cout << "Values in " << unit.value("code", "") << ". Rule with 'tallystick cases --case CASE --outcome …'.\n";
  return exit_ok;
}

/// What is said beside the outcome; amounts of the currency as people write them.
result<json> ruling_body(const case_options& o, int exponent) {
  json out{{"case", o.id}, {"outcome", o.outcome}, {"note", o.note}};
  if (!o.owes.empty()) {
    auto sum = parse_amount(o.owes, exponent);
    if (!sum || *sum < 0) return error{errc::bad_amount, "--owes is an amount of money, as 12.50"};
    out["owes"] = *sum;
  }
  if (o.owes_node != 0) out["owes_node"] = o.owes_node;
  if (o.take.empty()) return out;
  auto units = parse_amount(o.take, o.purse <= 1 ? exponent : 0);
  if (!units || *units < 1) return error{errc::bad_amount, "--take is an amount above zero"};
  out["take"] = *units;
  out["take_node"] = o.at;
  if (o.purse != 0) out["take_purse"] = o.purse;
  if (o.account != 0) out["take_account"] = o.account;
  return out;
}

int rule(const admin_client& node, const case_options& o) {
  auto status = node.get("status");
  if (!status) return fail(status.error());
  const auto unit = status->value("unit", json::object());
  const auto exponent = unit.value("exponent", 2);
  auto body = ruling_body(o, exponent);
  if (!body) return fail(body.error());
  auto done = node.post("rule", *body);
  if (!done) return fail(done.error());
  std::cout << ruled_text(*done, unit.value("code", ""), exponent);
  return exit_ok;
}

/// Contested entries of one node, all of them, each by a ruling of its own.
int rule_all(const admin_client& node, const case_options& o) {
  std::size_t ruled = 0;
  for (;;) {
    auto found = node.get("cases");
    if (!found) return fail(found.error());
    std::size_t before = ruled;
    for (const auto& c : found->at("cases")) {
      auto why = c.value("why", "");
      bool stands = why == "used_lost" || why == "voucher_used" || why == "over_returned";
      if (stands || c.value("node", 0U) != o.all_of) continue;
      auto done = node.post("rule", {{"case", c.value("id", "")}, {"outcome", o.outcome}, {"note", o.note}});
      if (!done) return fail(done.error());
      ++ruled;
    }
    if (ruled == before) break;
  }
  std::cout << "Ruled about " << ruled << " contested entries of node " << o.all_of << ": " << o.outcome << ".\n";
  return exit_ok;
}

int run_cases(const case_options& o) {
  if (!o.acknowledge.empty() && (!o.id.empty() || !o.outcome.empty() || o.all_of != 0 || o.note.empty()))
    return fail(exit_usage, "--acknowledge goes with --note, which says why, alone");
  if (!o.acknowledge.empty()) {
    auto node = admin_client::open(o.data);
    if (!node) return fail(node.error());
    auto done = node->post("cases/acknowledge", {{"case", o.acknowledge}, {"reason", o.note}});
    if (!done) return fail(done.error());
    std::cout << "Acknowledged: " << o.acknowledge << ". It is on the list no more; the reason is kept with it.\n";
    return exit_ok;
  }
  if (o.all_of != 0 && (!o.id.empty() || o.outcome.empty() || !o.owes.empty() || !o.take.empty()))
    return fail(exit_usage, "--all-of goes with --outcome and --note alone");
  if (o.all_of != 0) {
    auto node = admin_client::open(o.data);
    return node ? rule_all(*node, o) : fail(node.error());
  }
  if (o.id.empty() != o.outcome.empty()) return fail(exit_usage, "--case and --outcome go together");
  if (o.take.empty() != (o.at == 0)) return fail(exit_usage, "--take and --at go together");
  if (o.take.empty() && (o.purse != 0 || o.account != 0)) return fail(exit_usage, "--purse and --account need --take");
  if (o.owes.empty() && o.owes_node != 0) return fail(exit_usage, "--owes-node needs --owes");
  if (o.id.empty() && !(o.owes.empty() && o.take.empty()))
    return fail(exit_usage, "--owes and --take belong to a ruling: say --case and --outcome");
  if (o.id.empty() && !o.note.empty()) return fail(exit_usage, "--note belongs to a ruling: say --case and --outcome");
  auto node = admin_client::open(o.data);
  if (!node) return fail(node.error());
  if (!o.id.empty()) return rule(*node, o);
  auto found = cases_of(*node);
  if (!found) return fail(found.error());
  if (o.raw) {
    std::cout << found->dump(2) << "\n";
    return exit_ok;
  }
  auto status = node->get("status");
  if (!status) return fail(status.error());
  return show(*found, *status);
}

}  // namespace

void add_cases(CLI::App& app, int& status) {
  auto o = std::make_shared<case_options>();
  auto* c = app.add_subcommand("cases", "Head office, a region: open cases, and rulings about them");
  c->add_option("--data", o->data, "the node's data directory; it must run")->required();
  c->add_option("--case", o->id, "head office: rule about this one, named as in the list");
  c->add_option("--outcome", o->outcome, "stands: the chain bears it; owed: the node's owner owes it; no_loss")
      ->check(CLI::IsMember(std::vector<std::string>(ruling_outcome_names.begin(), ruling_outcome_names.end())));
  c->add_option("--note", o->note, "why, for those who read the books; at most 200 octets");
  c->add_option("--owes", o->owes, "with owed: how much the owner owes the chain; at most the case's value, 0 is none");
  c->add_option("--owes-node", o->owes_node,
                "of over_returned: whose owner owes it, in place of the seller's: a node that gave some of it back")
      ->check(CLI::PositiveNumber);
  c->add_option("--take", o->take, "the holder writes this much off: money, or with --purse units");
  c->add_option("--at", o->at, "the node that holds it");
  c->add_option("--purse", o->purse, "of the rules, in place of money");
  c->add_option("--account", o->account, "whose it is, in place of the entry's account");
  c->add_option("--all-of", o->all_of, "in place of --case: about every contested entry of this node");
  c->add_option("--acknowledge", o->acknowledge,
                "head office: what was priced otherwise in this entry was dealt with (with --note)");
  c->add_flag("--json", o->raw, "as JSON");
  c->footer(
      "An entry is contested when its node was not entitled to it. It stays in the books as it was written, gives\n"
      "nobody anything, and stays on this list until head office has ruled. A use of a card that head office knew\n"
      "as lost or frozen when it heard of it (used_lost) stands, and is a case as well; ledger.used_lost rules about\n"
      "these after an hour. Of a sale of which too much came back (over_returned) the value is what was too much, of\n"
      "a voucher's code that was used too often (voucher_used) what of it was lost, at most what was taken there.\n"
      "A ruling says who bears the loss, for good, signed. With owed, the node's owner owes the chain\n"
      "the case's value, of used_lost and voucher_used unless --owes says otherwise: 'tallystick settlement' has it.\n"
      "Uses of one voucher's code are one loss, though each is listed: the first, and the same as it; a ruling about "
      "one\n"
      "of them that took as much closes the others.\n"
      "A node with network.quarantine_after contested entries is sent nothing until these are ruled about (--all-of).\n"
      "--take makes one node write off what lies there of a card, once; what is not there stays.\n"
      "Head office also prices every entry again behind the streams, under the rules that it names, and lists what "
      "does\n"
      "not fit to the cent: nothing is changed by that, and the audit says the same. --acknowledge takes one off the "
      "list, with a reason.\n"
      "Examples:\n  tallystick cases --data /srv/tally\n"
      "  tallystick cases --data /srv/tally --case 3.9f2c01d4aa7be650.117 --outcome owed --note \"till stolen on "
      "Sunday\"");
  c->callback([o, &status] { status = run_cases(*o); });
}

}  // namespace tally::cmd
