#include <algorithm>
#include <ctime>
#include <iostream>

#include "ledger/money.hpp"
#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "node/rules_file.hpp"
#include "node/snapshot_store.hpp"
#include "sync/entropy_sodium.hpp"
#include "sync/what_if.hpp"

namespace tally::cmd {
namespace {

struct publish_options {
  std::string data, file;
  bool check_only = false;
  std::uint32_t days = 0;
};

std::vector<std::string> row_of(const std::string& name, const what_if_line& l, int exponent) {
  return {name,
          std::to_string(l.sales),
          std::to_string(l.changed),
          std::to_string(l.impossible),
          format_amount(l.due_then, exponent),
          format_amount(l.due_now, exponent),
          format_amount(l.due_now - l.due_then, exponent)};
}

int run_try(const publish_options& o, const price_list& list) {
  auto id = read_identity(o.data);
  if (!id) return fail(id.error());
  auto snapshot = open_snapshot(o.data);
  if (!snapshot) return fail(snapshot.error());
  auto r = what_if(*snapshot->store, id->node, list.rules, list.products, o.days);
  if (!r) return fail(r.error());
  if (r->sum.sales == 0) {
    std::cout << "No sale is held here yet, so there is nothing to compare.\n";
    return exit_ok;
  }
  const auto exponent = static_cast<int>(list.rules.exponent);
  std::cout << "Sales of " << date_text(r->first_day) << " to " << date_text(r->last_day) << " under " << o.file
            << ", in " << list.rules.currency << ":\n";
  std::vector<std::vector<std::string>> rows{
      {"node", "sales", "changed", "impossible", "paid then", "paid now", "difference"}};
  for (const auto& [node, line] : r->nodes)
    rows.push_back(row_of(std::to_string(node.value), line, exponent));
  rows.push_back(row_of("all", r->sum, exponent));
  std::cout << table(rows);
  std::vector<std::vector<std::string>> units{{"units given", "then", "now"}};
  auto purses = r->sum.given_then;
  purses.insert(r->sum.given_now.begin(), r->sum.given_now.end());
  for (const auto& [purse, n] : purses) {
    const auto* p = list.rules.programme.purse(purse);
    auto text = [&](amount v) {
      return p && p->kind == purse_kind::bonus ? format_amount(v, exponent) : std::to_string(v);
    };
    units.push_back({p ? p->names[0] : "purse " + std::to_string(purse), text(r->sum.given_then[purse]),
                     text(r->sum.given_now[purse])});
  }
  if (units.size() > 1) std::cout << "\n" << table(units);
  if (r->sum.impossible > 0)
    std::cout << "\n" << r->sum.impossible << " sales could not be made so. The first: " << r->first_impossible << "\n";
  std::cout << "Nothing was published.\n";
  return exit_ok;
}

/// What head office refused of one row, with the line on which it stands.
int fail_row(const publish_options& o, const price_list& list, const error& why) {
  auto row = list.lines.find(why.detail.substr(0, why.detail.find(':')));
  if (why.code != errc::bad_rules || row == list.lines.end()) return fail(why);
  return fail_file(error{why.code, o.file + ":" + std::to_string(row->second) + ": " + why.detail});
}

/// A rule of last season may stay in the file; one that was to begin may have the wrong year.
void warn_of_ended(const publish_options& o, const price_list& list) {
  auto today = list.rules;
  today.effective_from = std::max(today.effective_from, day_of(::time(nullptr)));
  auto why = check_rules(today);
  if (why) return;
  auto row = list.lines.find(why.error().detail.substr(0, why.error().detail.find(':')));
  std::cerr << o.file << ":" << (row == list.lines.end() ? "" : std::to_string(row->second) + ":")
            << " warning: " << why.error().detail << "\n";
}

int run_publish(const publish_options& o) {
  auto list = read_rules_file(o.file);
  if (!list) return fail_file(list.error());
  warn_of_ended(o, *list);
  if (o.check_only) {
    std::cout << o.file << " is good: " << list->products.size() << " products, currency " << list->rules.currency
              << "\n";
    return exit_ok;
  }
  if (o.days != 0 && !o.data.empty()) return run_try(o, *list);
  if (o.data.empty()) return fail(exit_usage, "--data is missing; it names head office's data directory");
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  system_entropy random;
  auto a = publish_list(*hq, *list, random,
                        [](std::size_t done, std::size_t total) { show_progress("publishing", done, total); });
  if (!a) return fail_row(o, *list, a.error());
  std::cout << "Version " << a->version << " is published: " << list->products.size() << " products, " << a->written
            << " of them new, changed or withdrawn. Each node takes it when its link is up.\n";
  return exit_ok;
}

}  // namespace

void add_publish(CLI::App& app, int& status) {
  auto o = std::make_shared<publish_options>();
  auto* c = app.add_subcommand("publish", "Head office: publish prices and rules from a file as the next version");
  c->add_option("file", o->file, "rules file (TOML); config/demo-rules.toml is a commented one")->required();
  c->add_option("--data", o->data, "head office's data directory; its node must run");
  c->add_flag("--check", o->check_only, "only check the file");
  c->add_option("--try", o->days,
                "publish nothing: what the sales of the newest so many business dates would have cost under this file")
      ->check(CLI::Range(1, 400))
      ->excludes("--check");
  c->footer(
      "The file is the whole price list: a product that is no longer in it is withdrawn.\n"
      "Example:\n  tallystick publish --data /srv/tally prices.toml\n"
      "  tallystick publish --data /srv/tally --try 1 prices.toml      what yesterday would have cost");
  c->callback([o, &status] { status = run_publish(*o); });
}

}  // namespace tally::cmd
