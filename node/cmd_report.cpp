#include <iostream>

#include "node/admin_client.hpp"
#include "node/cmd.hpp"

namespace tally::cmd {
namespace {

struct report_options {
  std::string data, date = "today", till = "all";
  bool print = false, json = false;
};

int run_report(const report_options& o) {
  auto store = admin_client::open(o.data);
  if (!store) return fail(store.error());
  auto a = store->post("report", {{"date", o.date}, {"till", o.till}, {"print", o.print ? 1 : 0}});
  if (!a) return fail(a.error());
  if (o.json) {
    std::cout << a->dump(2) << "\n";
  } else {
    for (const auto& line : a->value("text", nlohmann::json::array()))
      std::cout << line.get<std::string>() << "\n";
  }
  if (o.print)
    std::cerr << (a->value("copy", false) ? "A copy was sent to the printer: this report was printed before.\n"
                                          : "It was sent to the printer.\n");
  return exit_ok;
}

}  // namespace

void add_report(CLI::App& app, int& status) {
  auto o = std::make_shared<report_options>();
  auto* c = app.add_subcommand("report", "A store's day in sums: sales, payments, tax, cash in the drawer");
  c->add_option("--data", o->data, "the store's data directory; its node must run")->required();
  c->add_option("--date", o->date, "a business date, as 2026-11-26; without it today, so far")->capture_default_str();
  c->add_option("--till", o->till, "the number of one till; without it all of them")->capture_default_str();
  c->add_flag("--print", o->print, "print it on the store's printer too; one that was printed before, as a copy");
  c->add_flag("--json", o->json, "all figures, in minor units, instead of the text");
  c->footer(
      "It is counted from the journal each time, so it is the same whenever it is asked for.\n"
      "Examples:\n  tallystick report --data /srv/tally\n"
      "  tallystick report --data /srv/tally --date 2026-11-26 --print\n"
      "  tallystick report --data /srv/tally --date 2026-11-26 --till 201 --json");
  c->callback([o, &status] { status = run_report(*o); });
}

}  // namespace tally::cmd
