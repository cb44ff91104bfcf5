#include <filesystem>
#include <fstream>
#include <iostream>

#include "node/cmd.hpp"
#include "node/office_sales.hpp"
#include "node/stock_undo.hpp"

namespace tally::cmd {
namespace {

struct stock_options {
  std::string data, batch, name, sell, cancel, back, load, tender = "transfer", csv;
  std::uint64_t first = 0, count = 0;
  std::uint32_t to = 0, kind = 0;
  bool check = false;
};

struct claims_options {
  std::string data;
  std::uint32_t undo = 0;
  std::int64_t from = -1;
  bool and_later = false;
  std::uint32_t end = 0;
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
                                            (r.closed        ? ", whose books were closed: deliver them again"
                                             : r.called_back ? ", called back"
                                                             : "")});
  std::cout << table(rows);
  return exit_ok;
}

/// Of the batch of that name, the cards that are meant: a part that was delivered already is a run of its own.
result<card_run> part_of_batch(const stock_options& o, const std::vector<card_run>& runs) {
  std::vector<card_run> named, here;
  for (const auto& r : runs) {
    if (r.name != o.batch) continue;
    named.push_back(r);
    const bool meant = o.first != 0 ? o.first >= r.first && o.first < r.first + r.count : r.node.value == 0 || r.closed;
    if (meant) here.push_back(r);
  }
  const auto name = "\"" + o.batch + "\"";
  if (named.empty()) return error{errc::not_found, "there is no batch " + name + "; see 'tallystick stock'"};
  if (here.empty() && o.first != 0)
    return error{errc::not_found,
                 "card " + std::to_string(o.first) + " is not in the batch " + name + "; see 'tallystick stock'"};
  if (here.empty() && named.size() == 1) here = named;
  if (here.size() != 1)
    return error{errc::not_allowed,
                 "the batch " + name + " lies in several parts; say --first, see 'tallystick stock'"};
  auto out = here.front();
  const auto end = out.first + out.count;
  if (o.first != 0) out.first = o.first;
  out.count = o.count != 0 ? o.count : end - out.first;
  if (out.count > end - out.first) return error{errc::malformed, "these cards are not all in that part of " + name};
  return out;
}

int deliver(const stock_options& o, const admin_client& hq) {
  auto runs = list_runs(hq);
  if (!runs) return fail(runs.error());
  card_run wanted{o.first, o.count, o.kind, o.name, {o.to}};
  if (!o.batch.empty()) {
    auto part = part_of_batch(o, *runs);
    if (!part) return fail(exit_refused, part.error().detail);
    wanted = *part;
    wanted.node = {o.to};
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
  if (wanted.kind == 0) {
    auto only = check_order(hq, "", std::nullopt, "", {});
    if (!only && only.code() == errc::malformed) return fail(exit_usage, "--kind is missing: " + only.error().detail);
    if (!only) return fail(only.error());
    wanted.kind = only->kind;
  }
  if (auto put = allot_run(hq, wanted); !put) return fail(put.error());
  std::cout << wanted.count << " cards from " << wanted.first << " on (\"" << wanted.name << "\") "
            << (o.to == 0 ? "are ordered.\n"
                          : "lie at node " + std::to_string(o.to) +
                                ", which sells them from when it hears of it, also without a line.\n");
  return exit_ok;
}

/// The parts of the batch of that name that head office may sell; or a part of one.
result<std::vector<card_run>> runs_to_sell(const stock_options& o, const admin_client& hq) {
  auto runs = list_runs(hq);
  if (!runs) return runs.error();
  std::vector<card_run> out;
  std::uint32_t elsewhere = 0;
  for (auto r : *runs) {
    if (r.name != o.sell || (o.first != 0 && (o.first < r.first || o.first >= r.first + r.count))) continue;
    if (r.node.value > 1 && !r.closed) {
      elsewhere = r.node.value;
      continue;
    }
    if (r.closed) r.node = {};
    out.push_back(std::move(r));
  }
  if (out.empty() && elsewhere != 0)
    return error{errc::not_allowed,
                 "\"" + o.sell + "\" lies at node " + std::to_string(elsewhere) + ", which may sell it without a line"};
  if (out.empty()) return error{errc::not_found, "there is no batch \"" + o.sell + "\"; see 'tallystick stock'"};
  if (o.first == 0 && o.count == 0) return out;
  if (out.size() > 1) return error{errc::not_allowed, "\"" + o.sell + "\" has several parts; say --first"};
  auto& run = out.front();
  const auto end = run.first + run.count;
  if (o.first != 0) run.first = o.first;
  run.count = o.count != 0 ? o.count : end - run.first;
  if (run.first + run.count > end) return error{errc::malformed, "these cards are not all in \"" + o.sell + "\""};
  return out;
}

/// What was sold, as a list for the customer.
class sold_list {
public:
  sold_list(int exponent, std::string code) : exponent_(exponent), code_(std::move(code)) {}

  /// A new file; false when it cannot be written.
  bool open(const std::string& path) {
    file_.open(path, std::ios::binary | std::ios::trunc);
    file_ << "account,loaded,deposit,price,currency,good_until\r\n";
    return static_cast<bool>(file_.flush());
  }
  status add(const std::vector<sold_card>& part) {
    for (const auto& c : part) {
      ++count;
      for (auto v : {c.load, c.deposit, c.price})
        if (!checked_add(sum, v, sum)) return error{errc::overflow, "the sum of all cards"};
      if (!file_.is_open()) continue;
      file_ << c.account << "," << text(c.load) << "," << text(c.deposit) << "," << text(c.price) << "," << code_ << ","
            << (c.expires == 0 ? "" : date_text(c.expires)) << "\r\n";
    }
    if (file_.is_open() && !file_.flush()) return error{errc::io, "the list cannot be written"};
    return done();
  }
  std::string text(amount v) const { return format_amount(v, exponent_); }
  std::string total() const { return text(sum) + " " + code_; }

  std::size_t count = 0;
  amount sum = 0;

private:
  int exponent_;
  std::string code_;
  std::ofstream file_;
};

/// Sells what is left of the runs: how many had been sold when it began.
result<std::size_t> sell_runs(const admin_client& hq, const std::vector<card_run>& runs, amount load,
                              const std::string& tender, sold_list& list) {
  std::size_t before = 0;
  for (const auto& run : runs) {
    auto n = sell_run(
        hq, run, load, tender, [&](const std::vector<sold_card>& part) { return list.add(part); },
        [](std::size_t done, std::size_t total) { show_progress("selling", done, total); });
    if (!n) return n.error();
    before += *n;
  }
  return before;
}

/// The list anew, with what had been sold before it was begun: complete, however often a sale broke off.
status list_all(const admin_client& hq, const std::vector<card_run>& runs, sold_list& list) {
  for (const auto& run : runs) {
    auto sold = sold_of(hq, run);
    if (!sold) return sold.error();
    std::erase_if(*sold, [](const sold_card& c) { return c.undone; });
    TALLY_TRY(list.add(*sold));
  }
  return done();
}

int sell(const stock_options& o, const admin_client& hq) {
  if (!o.batch.empty() || o.to != 0) return fail(exit_usage, "--sell sells; --batch and --to deliver");
  auto runs = runs_to_sell(o, hq);
  if (!runs) return fail(runs.error());
  auto state = hq.get("status");
  if (!state) return fail(state.error());
  auto unit = state->value("unit", nlohmann::json::object());
  const int exponent = unit.value("exponent", 2);
  const auto code = unit.value("code", std::string("CNY"));
  auto load = o.load.empty() ? std::optional<amount>(0) : parse_amount(o.load, exponent);
  if (!load || *load < 0) return fail(exit_usage, "--load is a sum of money, as " + format_amount(1'000'000, exponent));
  sold_list now(exponent, code);
  if (!o.csv.empty()) {
    if (std::filesystem::exists(o.csv)) return fail(exit_usage, o.csv + " is there already; name a new file");
    if (!now.open(o.csv)) return fail(exit_usage, "cannot write " + o.csv);
  }
  auto before = sell_runs(hq, *runs, *load, o.tender, now);
  if (!before) {
    std::cerr << "\n"
              << now.count << " cards are sold in this run, for " << now.total()
              << ". The same command with another --csv goes on with the rest, and lists all.\n";
    return fail(before.error());
  }
  std::cout << now.count << " cards of \"" << o.sell << "\" are sold for " << now.total() << " in all";
  if (*before == 0) {
    std::cout << ".\n";
    return exit_ok;
  }
  std::cout << "; " << *before << " were in use before.\n";
  if (o.csv.empty()) return exit_ok;
  sold_list all(exponent, code);
  if (!all.open(o.csv)) return fail(exit_usage, "cannot write " + o.csv);
  if (auto listed = list_all(hq, *runs, all); !listed) return fail(listed.error());
  std::cout << o.csv << " lists all " << all.count << " that head office sold of it, for " << all.total() << ".\n";
  return exit_ok;
}

int call_back(const stock_options& o, const admin_client& hq) {
  if (!o.batch.empty() || !o.sell.empty() || o.to != 0 || o.count != 0)
    return fail(exit_usage, "--return names the batch; with --first, one of its parts");
  auto runs = list_runs(hq);
  if (!runs) return fail(runs.error());
  const card_run* found = nullptr;
  for (const auto& r : *runs) {
    if (r.name != o.back || (o.first != 0 && r.first != o.first) || r.node.value == 0 || r.closed) continue;
    if (found)
      return fail(exit_refused, "several parts of \"" + o.back + "\" lie at nodes; say --first as the list has it");
    found = &r;
  }
  if (!found) return fail(exit_refused, "no part of \"" + o.back + "\" lies at a node; see 'tallystick stock'");
  auto left = recall_run(hq, found->first);
  if (!left) return fail(left.error());
  std::cout << "Node " << found->node.value << " is told to sell no more of the " << found->count << " cards from "
            << found->first << " on. As far as head office has heard " << *left
            << " of them are not sold. What it has not sold is free when it has answered: until then\n"
            << "'tallystick stock' lists them as called back, afterwards as ordered.\n";
  return exit_ok;
}

int run_stock(const stock_options& o) {
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (!o.back.empty()) return call_back(o, *hq);
  if (!o.sell.empty()) return sell(o, *hq);
  if (!o.cancel.empty()) {
    if (!o.batch.empty() || !o.name.empty() || o.to != 0 || o.kind != 0 || !o.load.empty())
      return fail(exit_usage, "--cancel names the batch; with --first and --count, a part of it");
    return undo_sale(*hq, {o.cancel, o.first, o.count, o.csv, o.check});
  }
  if (o.batch.empty() && o.first == 0) return list_stock(*hq);
  return deliver(o, *hq);
}

int list_claims(const admin_client& hq) {
  auto found = hq.get("cards/claims");
  if (!found) return fail(found.error());
  for (const auto& s : found->value("silenced", nlohmann::json::array()))
    std::cout << "Claims and PINs of node " << s.value("node", 0U) << " from entry "
              << s.value("from", std::uint64_t{0}) << " on do nothing, until 'tallystick claims --end "
              << s.value("node", 0U) << "'.\n";
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
  if (o.and_later && o.undo == 0) return fail(exit_usage, "--and-later goes with --undo");
  if (o.end != 0 && o.undo != 0) return fail(exit_usage, "--end goes alone");
  auto hq = admin_client::open(o.data);
  if (!hq) return fail(hq.error());
  if (o.end != 0) {
    if (auto done = hq->post("cards/claims/end", {{"node", o.end}}); !done) return fail(done.error());
    std::cout << "What node " << o.end << " reports, and PINs that it sets, count again from now on.\n";
    return exit_ok;
  }
  if (o.undo == 0) return list_claims(*hq);
  auto n = undo_node_claims(*hq, {o.undo}, static_cast<std::uint64_t>(o.from), o.and_later);
  if (!n) return fail(n.error());
  std::cout << n->cards << " cards are as they were before, and " << n->pins
            << " have no PIN any more: their holders choose one at a till. ";
  if (o.and_later) {
    std::cout << "Claims and PINs of node " << o.undo << " from entry " << o.from
              << " of its journal on do nothing, whenever they come, until --end; its tills refuse them.\n";
  } else {
    std::cout << "What node " << o.undo << " claims from now on counts; --and-later ends that as well.\n";
  }
  return exit_ok;
}

}  // namespace

void add_stock(CLI::App& app, int& status) {
  auto o = std::make_shared<stock_options>();
  auto* c = app.add_subcommand("stock", "Head office: batches of cards, and the stores that sell them");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--batch", o->batch, "the batch, by its name");
  c->add_option("--first", o->first, "or the account of the first card, as the list of 'tallystick issue' has it")
      ->check(CLI::PositiveNumber);
  c->add_option("--count", o->count, "how many cards from there on")->check(CLI::Range(1, 1'000'000));
  c->add_option("--to", o->to, "number of the store to which they were delivered; left out: ordered");
  c->add_option("--name", o->name, "a name of its own for what is delivered");
  c->add_option("--kind", o->kind, "the kind of these cards, if they are in no batch yet")->check(CLI::Range(1, 100));
  auto* sell =
      c->add_option("--sell", o->sell, "sell the cards of this batch here, all at once; with --first, --count: a part");
  auto* cancel = c->add_option("--cancel", o->cancel,
                               "undo that sale, of all its cards that nobody used; with --first, --count: a part");
  cancel->excludes(sell);
  c->add_flag("--check", o->check, "with --cancel: say what it would do, and do nothing")->needs(cancel);
  c->add_option("--return", o->back, "call back the cards of this batch that lie at a node and are not sold")
      ->excludes(sell)
      ->excludes(cancel);
  c->add_option("--load", o->load, "what each is loaded with, as 100.00; left out: nothing");
  c->add_option("--tender", o->tender, "how they are paid for")
      ->check(CLI::IsMember({"cash", "bank", "transfer"}))
      ->capture_default_str();
  c->add_option("--csv", o->csv, "a new file for what was sold: account, load, deposit, price");
  c->footer(
      "Without a batch all are listed. A store sells the cards that were delivered to it also without a line: with\n"
      "price and deposit of their kind, and a first load. Cards that lie at a store cannot be delivered to another\n"
      "before it gave them up (--return): a dark store may go on selling them. A sale that broke off goes on with the\n"
      "same command; its list then has what was sold before as well. A sale that was a mistake is undone with "
      "--cancel:\n"
      "these cards are cancelled, with nothing on them, and are not sold again: a store without a line takes them "
      "until\n"
      "it hears of that. Those that were used, as far as head office has heard, reported or given a PIN are listed "
      "and\n"
      "stay sold: status 1. --check says so before. Broken off, the same command goes on; once all is undone it does\n"
      "nothing more.\n"
      "Examples:\n  tallystick stock --data /srv/tally\n"
      "  tallystick stock --data /srv/tally --batch spring --to 5\n"
      "  tallystick stock --data /srv/tally --batch spring --first 2001 --count 500 --to 6\n"
      "  tallystick stock --data /srv/tally --return spring\n"
      "  tallystick stock --data /srv/tally --sell spring --load 100.00 --csv company.csv\n"
      "  tallystick stock --data /srv/tally --cancel spring --check\n"
      "  tallystick stock --data /srv/tally --cancel spring --csv undone.csv");
  c->callback([o, &status] { status = run_stock(*o); });
}

void add_claims(CLI::App& app, int& status) {
  auto o = std::make_shared<claims_options>();
  auto* c = app.add_subcommand("claims", "Head office: cards that a store reported lost, froze or took back");
  c->add_option("--data", o->data, "head office's data directory; its node must run")->required();
  c->add_option("--undo", o->undo, "take back the claims of this node, and the PINs that it set");
  c->add_option("--from", o->from, "from this entry of its journal on, up to what head office has heard")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX - 1));
  c->add_flag("--and-later", o->and_later,
              "and whatever of them comes later, until --end: for a store that was stolen");
  c->add_option("--end", o->end, "what this node claims from now on counts again");
  c->footer(
      "A report acts at once at the store where it is made, and everywhere from when head office has heard of it.\n"
      "A store that reports what it should not is undone as a whole.\n"
      "Examples:\n  tallystick claims --data /srv/tally\n"
      "  tallystick claims --data /srv/tally --undo 5 --from 1200\n"
      "  tallystick claims --data /srv/tally --undo 5 --from 1200 --and-later\n"
      "  tallystick claims --data /srv/tally --end 5");
  c->callback([o, &status] { status = run_claims(*o); });
}

}  // namespace tally::cmd
