#include <iostream>

#include "ledger/entry.hpp"
#include "ledger/money.hpp"
#include "node/admin_client.hpp"
#include "node/cmd.hpp"

namespace tally::cmd {
namespace {

using json = nlohmann::json;

struct case_options {
  std::string data, id, outcome, note;
  bool raw = false;
};

/// What head office found when it priced entries again.
void show_recomputed(const json& r) {
  auto behind = r.value("behind", std::uint64_t{0});
  std::cout << "Priced again: " << r.value("entries", std::uint64_t{0}) << " entries"
            << (behind == 0 ? "" : ", " + std::to_string(behind) + " to go")
            << "; differences: " << r.value("differences", std::uint64_t{0}) << ".\n";
  for (const auto& d : r.at("first"))
    std::cout << "  " << d.value("id", "") << " (" << d.value("kind", "") << ", " << d.value("business_date", "?")
              << ", node " << d.value("node", 0U) << " " << d.value("name", "") << ")\n    expected "
              << d.value("expected", "") << "\n    found    " << d.value("found", "") << "\n";
  auto more = r.value("differences", std::uint64_t{0}) -
              std::min<std::uint64_t>(r.at("first").size(), r.value("differences", std::uint64_t{0}));
  if (more > 0) std::cout << "  … and " << more << " more; the log of head office's node has the first 1,000.\n";
}

int show(const json& found, const json& status) {
  if (found.contains("recomputed")) show_recomputed(found.at("recomputed"));
  const auto& list = found.at("cases");
  if (list.empty()) {
    std::cout << "No case is open.\n";
    return exit_ok;
  }
  auto unit = status.value("unit", json::object());
  std::vector<std::vector<std::string>> rows{{"CASE", "NODE", "DATE", "ENTRY", "VALUE", "WHY"}};
  for (const auto& c : list) {
    auto value =
        c.contains("value") ? format_amount(c.value("value", std::int64_t{0}), unit.value("exponent", 2)) : "?";
    rows.push_back({c.value("id", ""), std::to_string(c.value("node", 0U)) + " " + c.value("name", ""),
                    c.value("business_date", "?"), c.value("kind", ""), value, c.value("why", "")});
  }
  std::cout << table(rows);
  auto open = found.value("open", std::size_t{0});
  if (open > list.size()) std::cout << "… and " << open - list.size() << " more.\n";
  std::cout << "Values in " << unit.value("code", "") << ". Rule with 'tallystick cases --case CASE --outcome …'.\n";
  return exit_ok;
}

int run_cases(const case_options& o) {
  if (o.id.empty() != o.outcome.empty()) return fail(exit_usage, "--case and --outcome go together");
  if (o.id.empty() && !o.note.empty()) return fail(exit_usage, "--note belongs to a ruling: say --case and --outcome");
  auto node = admin_client::open(o.data);
  if (!node) return fail(node.error());
  if (!o.id.empty()) {
    auto done = node->post("rule", {{"case", o.id}, {"outcome", o.outcome}, {"note", o.note}});
    if (!done) return fail(done.error());
    std::cout << "Ruled: " << o.id << " " << o.outcome
              << ". The ruling is an entry of head office's journal, and final.\n";
    return exit_ok;
  }
  auto found = node->get("cases");
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
  auto* c = app.add_subcommand("cases", "Head office, a region: entries that are contested, and rulings about them");
  c->add_option("--data", o->data, "the node's data directory; it must run")->required();
  c->add_option("--case", o->id, "head office: rule about this one, named as in the list");
  c->add_option("--outcome", o->outcome, "stands: the chain bears it; owed: the node's owner owes it; no_loss")
      ->check(CLI::IsMember(std::vector<std::string>(ruling_outcome_names.begin(), ruling_outcome_names.end())));
  c->add_option("--note", o->note, "why, for those who read the books; at most 200 octets");
  c->add_flag("--json", o->raw, "as JSON");
  c->footer(
      "An entry is contested when its node was not entitled to it. It stays in the books as it was written, gives\n"
      "nobody anything, and stays on this list until head office has ruled. A ruling moves no value: it says who\n"
      "bears the loss, for good, signed.\n"
      "Head office also prices every entry again behind the streams, under the rules that it names, and lists what "
      "does\n"
      "not fit to the cent: nothing is changed by that, and the audit says the same.\n"
      "Examples:\n  tallystick cases --data /srv/tally\n"
      "  tallystick cases --data /srv/tally --case 3.9f2c01d4aa7be650.117 --outcome owed --note \"till stolen on "
      "Sunday\"");
  c->callback([o, &status] { status = run_cases(*o); });
}

}  // namespace tally::cmd
