#include <iostream>

#include "node/cmd.hpp"
#include "node/office.hpp"

namespace tally::cmd {
namespace {

struct stock_options {
  std::string data, batch, name;
  std::uint64_t first = 0, count = 0;
  std::uint32_t to = 0, kind = 0;
};

struct claims_options {
  std::string data;
  std::uint32_t undo = 0;
  std::int64_t from = -1;
};

int list_stock(const admin_client& hq) {
  auto runs = list_runs(hq);
  if (!runs) return fail(runs.error());
  if (runs->empty()) {
    std::cout << "There are no batches; 'tallystick issue --batch NAME' makes one.\n";
    return exit_ok;
  }
  std::vector<std::vector<std::string>> rows{{"BATCH", "FIRST", "CARDS", "KIND", "WHERE"}};
  for (const auto& r : *runs)
    rows.push_back({r.name, std::to_string(r.first), std::to_string(r.count), std::to_string(r.kind),
                    r.node.value == 0 ? "ordered"
                                      : "node " + std::to_string(r.node.value) +
                                            (r.closed ? ", whose books were closed: deliver them again" : "")});
  std::cout << table(rows);
  return exit_ok;
}

int deliver(const stock_options& o, const admin_client& hq) {
  auto runs = list_runs(hq);
  if (!runs) return fail(runs.error());
  card_run wanted{o.first, o.count, o.kind, o.name, {o.to}};
  if (!o.batch.empty()) {
    std::size_t found = 0;
    for (const auto& r : *runs)
      if (r.name == o.batch) wanted = r, ++found;
    if (found == 0) return fail(exit_refused, "there is no batch \"" + o.batch + "\"; see 'tallystick stock'");
    if (found > 1) return fail(exit_refused, "several batches are called \"" + o.batch + "\"; say --first and --count");
    wanted.node = {o.to};
    if (o.first != 0) wanted.first = o.first;
    if (o.count != 0) wanted.count = o.count;
  }
  for (const auto& r : *runs) {
    bool inside = r.first <= wanted.first && wanted.first + wanted.count <= r.first + r.count;
    if (!inside) continue;
    if (wanted.name.empty()) wanted.name = r.name;
    if (wanted.kind == 0) wanted.kind = r.kind;
  }
  if (wanted.first == 0 || wanted.count == 0)
    return fail(exit_usage, "say which cards: --batch, or --first and --count");
  if (wanted.name.empty()) wanted.name = "cards " + std::to_string(wanted.first);
  if (wanted.kind == 0) wanted.kind = 1;
  if (auto put = allot_run(hq, wanted); !put) return fail(put.error());
  std::cout << wanted.count << " cards from " << wanted.first << " on (\"" << wanted.name << "\") "
            << (o.to == 0 ? "are ordered.\n"
                          : "lie at node " + std::to_string(o.to) +
                                ", which sells them from when it hears of it, also without a line.\n");
  return exit_ok;
}

int run_stock(const stock_options& o) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.batch.empty() && o.first == 0) return list_stock(*hq);
  return deliver(o, *hq);
}

int list_claims(const admin_client& hq) {
  auto found = hq.get("cards/claims");
  if (!found) return fail(found.error());
  const auto& list = found->at("claims");
  if (list.empty()) {
    std::cout << "No card is in a state that a store's claim gave it.\n";
    return exit_ok;
  }
  std::vector<std::vector<std::string>> rows{{"ACCOUNT", "STATE", "BEFORE", "NODE", "POSITION", "ENTRY"}};
  for (const auto& c : list)
    rows.push_back({std::to_string(c.value("account", std::uint64_t{0})), c.value("state", ""), c.value("before", ""),
                    std::to_string(c.value("node", 0U)), std::to_string(c.value("position", std::uint64_t{0})),
                    c.value("entry", "")});
  std::cout << table(rows);
  if (auto more = found->value("more", std::size_t{0}); more != 0) std::cout << "… and " << more << " more.\n";
  return exit_ok;
}

int run_claims(const claims_options& o) {
  if ((o.undo != 0) != (o.from >= 0)) return fail(exit_usage, "--undo and --from go together");
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.undo == 0) return list_claims(*hq);
  auto n = undo_node_claims(*hq, {o.undo}, static_cast<std::uint64_t>(o.from));
  if (!n) return fail(n.error());
  std::cout << *n << " cards are as they were before. Claims of node " << o.undo << " from entry " << o.from
            << " of its journal on do nothing, whenever they come.\n";
  return exit_ok;
}

}  // namespace

void add_stock(CLI::App& app, int& status) {
  auto o = std::make_shared<stock_options>();
  auto* c = app.add_subcommand("stock", "Head office: batches of cards, and the stores that sell them");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--batch", o->batch, "the batch, by its name");
  c->add_option("--first", o->first, "or the account of the first card, as the list of 'tallystick issue' has it");
  c->add_option("--count", o->count, "how many cards from there on")->check(CLI::Range(1, 1'000'000));
  c->add_option("--to", o->to, "number of the store to which they were delivered; left out: ordered");
  c->add_option("--name", o->name, "a name of its own for what is delivered");
  c->add_option("--kind", o->kind, "the kind of these cards, if they are in no batch yet")->check(CLI::Range(1, 100));
  c->footer(
      "Without a batch all are listed. A store sells the cards that were delivered to it also without a line: with\n"
      "price and deposit of their kind, and a first load. Cards that lie at a store cannot be delivered to another.\n"
      "Examples:\n  tallystick stock --data /srv/tally\n"
      "  tallystick stock --data /srv/tally --batch spring --to 5\n"
      "  tallystick stock --data /srv/tally --batch spring --first 2001 --count 500 --to 6");
  c->callback([o, &status] { status = run_stock(*o); });
}

void add_claims(CLI::App& app, int& status) {
  auto o = std::make_shared<claims_options>();
  auto* c = app.add_subcommand("claims", "Head office: cards that a store reported lost, froze or took back");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--undo", o->undo, "take back the claims of this node");
  c->add_option("--from", o->from, "from this entry of its journal on, and whatever of them comes later")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX));
  c->footer(
      "A report acts at once at the store where it is made, and everywhere from when head office has heard of it.\n"
      "A store that reports what it should not is undone as a whole.\n"
      "Examples:\n  tallystick claims --data /srv/tally\n"
      "  tallystick claims --data /srv/tally --undo 5 --from 1200");
  c->callback([o, &status] { status = run_claims(*o); });
}

}  // namespace tally::cmd
