#include "node/cmd_limits.hpp"

#include <iostream>

#include "ledger/money.hpp"
#include "node/cmd.hpp"
#include "node/office.hpp"

namespace tally::cmd {
namespace {

struct limits_options {
  std::string data;
  std::uint32_t node = 0;
  limit_texts limits;
};

node_limits limits_of_row(const nlohmann::json& row) {
  return {row.value("ceiling", amount{0}), row.value("daily_inflow", amount{0}), row.value("quota", amount{0}),
          row.value("daily_quota", amount{0})};
}

int show(const admin_client& hq, const nlohmann::json& list) {
  auto money = currency_of(hq);
  if (!money) return fail(money.error());
  auto text = [&](amount a) { return format_amount(a, money->exponent) + " " + money->code; };
  std::vector<std::vector<std::string>> rows{
      {"NODE", "NAME", "CEILING", "INFLOW PER DAY", "TOP-UP QUOTA", "QUOTA PER DAY"}};
  for (const auto& row : list) {
    auto l = limits_of_row(row);
    rows.push_back({std::to_string(row.value("node", 0U)), row.value("name", ""), text(l.ceiling), text(l.daily_inflow),
                    text(l.quota_target), text(l.daily_quota)});
  }
  std::cout << table(rows);
  return exit_ok;
}

int run_limits(const limits_options& o) {
  if (o.node == 0 && o.limits.any()) return fail(exit_usage, "--node is missing; it says whose limits are to change");
  if (o.node != 0 && !o.limits.any())
    return fail(exit_usage,
                "nothing is to change: give --ceiling, --daily-inflow, --quota or --daily-quota; without --node all "
                "limits are shown");
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  auto now = hq->get("limits");
  if (!now) return fail(now.error());
  auto list = now->value("limits", nlohmann::json::array());
  if (o.node == 0) return show(*hq, list);
  std::optional<node_limits> before;
  for (const auto& row : list)
    if (row.value("node", 0U) == o.node) before = limits_of_row(row);
  if (!before)
    return fail(exit_refused, "there is no store with number " + std::to_string(o.node) +
                                  "; 'tallystick limits' without --node lists those that there are");
  auto limits = limits_from(*hq, o.limits, before);
  if (!limits) return fail(limits.error());
  if (auto done = set_node_limits(*hq, node_id{o.node}, *limits); !done) return fail(done.error());
  std::cout << "The limits of node " << o.node << " are changed; it hears of them when its link is up.\n";
  return exit_ok;
}

}  // namespace

void add_limit_options(CLI::App& command, limit_texts& to) {
  command.add_option("--ceiling", to.ceiling, "most card value that it may hold");
  command.add_option("--daily-inflow", to.daily_inflow, "most card value that it may receive in a day");
  command.add_option("--quota", to.quota, "top-ups that it may sell without hearing from head office");
  command.add_option("--daily-quota", to.daily_quota, "most new top-up quota in a day");
}

result<currency> currency_of(const admin_client& node) {
  auto s = node.get("status");
  if (!s) return s.error();
  auto unit = s->value("unit", nlohmann::json::object());
  return currency{unit.value("code", "CNY"), unit.value("exponent", 2), s->value("rules_version", 0U) != 0};
}

result<node_limits> limits_from(const admin_client& hq, const limit_texts& texts,
                                const std::optional<node_limits>& now) {
  auto money = currency_of(hq);
  if (!money) return money.error();
  if (texts.any() && !money->published)
    return error{errc::bad_config,
                 "the chain has no rules yet, so nobody knows how many decimals its currency has: 'tallystick publish' "
                 "first, then what a store may hold"};
  node_limits out = now.value_or(node_limits{});
  struct row {
    const char* option;
    const std::string* text;
    amount* to;
  };
  for (const auto& r :
       {row{"--ceiling", &texts.ceiling, &out.ceiling}, row{"--daily-inflow", &texts.daily_inflow, &out.daily_inflow},
        row{"--quota", &texts.quota, &out.quota_target}, row{"--daily-quota", &texts.daily_quota, &out.daily_quota}}) {
    if (r.text->empty() && now) continue;
    if (r.text->empty()) return error{errc::bad_config, std::string(r.option) + " is missing"};
    auto a = parse_amount(*r.text, money->exponent);
    if (!a || *a < 0 || *a > amount_max)
      return error{errc::bad_config, std::string(r.option) + " " + *r.text + " is no amount in " + money->code +
                                         ", as " + format_amount(1'000'000, money->exponent)};
    *r.to = *a;
  }
  return out;
}

void add_limits(CLI::App& app, int& status) {
  auto o = std::make_shared<limits_options>();
  auto* c = app.add_subcommand("limits", "Head office: show or change what each store may hold and sell");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--node", o->node, "number of the node to change; without it all are shown")
      ->check(CLI::Range(2U, 100'000U));
  add_limit_options(*c, o->limits);
  c->footer(
      "What is not given stays as it is.\nExamples:\n  tallystick limits --data /srv/tally\n"
      "  tallystick limits --data /srv/tally --node 3 --ceiling 20000");
  c->callback([o, &status] { status = run_limits(*o); });
}

}  // namespace tally::cmd
