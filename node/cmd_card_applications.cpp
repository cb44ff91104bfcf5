// What members ask for: cards of plastic beside those on their telephones (`tallystick card --applications`).
#include <algorithm>
#include <iostream>
#include <set>

#include "node/cmd.hpp"
#include "node/csv.hpp"
#include "node/identity.hpp"
#include "node/office.hpp"
#include "sync/entropy_sodium.hpp"

namespace tally::cmd {
namespace {

int list_open(const admin_client& hq, bool csv) {
  auto list = list_applications(hq);
  if (!list) return fail(list.error());
  if (csv) {
    std::cout << "account,card,since,store,member,name,address\r\n";
    for (const auto& a : list->rows)
      std::cout << a.account.value << ',' << csv_field(a.shown) << ',' << a.since << ',' << a.store.value << ','
                << a.member.value << ',' << csv_field(a.name) << ',' << csv_field(a.address) << "\r\n";
  } else if (list->rows.empty()) {
    if (list->unreadable == 0) std::cout << "No application for a card is open.\n";
  } else {
    std::vector<std::vector<std::string>> rows{{"ACCOUNT", "CARD", "SINCE", "STORE", "NAME", "ADDRESS"}};
    for (const auto& a : list->rows) {
      auto address = a.address;
      std::ranges::replace(address, '\n', ' ');
      rows.push_back({std::to_string(a.account.value), a.shown, a.since, std::to_string(a.store.value), a.name,
                      std::move(address)});
    }
    std::cout << table(rows);
  }
  if (list->unreadable > 0)
    std::cerr << list->unreadable << " more could not be read; head office's log says which and why.\n";
  return exit_ok;
}

/// No number is drawn for what nobody asked for, nor two for one card.
status check_open(const std::vector<std::uint64_t>& accounts, const admin_client& hq) {
  auto open = list_applications(hq);
  if (!open) return open.error();
  std::set<std::uint64_t> seen;
  for (auto account : accounts) {
    if (!seen.insert(account).second)
      return error{errc::malformed, "account " + std::to_string(account) + " is named twice"};
    if (std::ranges::find(open->rows, account_id{account}, &applied_row::account) == open->rows.end())
      return error{errc::not_found, "no application for account " + std::to_string(account) + " is open"};
  }
  return done();
}

int make_cards(const application_options& o, const std::string& prefix, const std::string& chain,
               const admin_client& hq) {
  if (prefix.empty()) return fail(exit_usage, "--prefix is the first digits of the new numbers, 1 to 8");
  system_entropy random;
  std::cout << "number,account\r\n" << std::flush;
  if (auto open = check_open(o.made, hq); !open) return fail(open.error());
  for (auto account : o.made) {
    std::string listed;
    bool asked = false;
    auto made = make_applied_card(hq, chain, {account}, prefix, random, [&](const std::string& number) -> status {
      listed = number;
      std::cout << number << ',' << account << "\r\n" << std::flush;
      asked = bool(std::cout);
      return asked ? done() : status(error{errc::io, "the new number could not be written"});
    });
    if (made) continue;
    if (asked && outcome_unknown(made.code())) {
      std::cerr << "Account " << account << ": it is not known whether " << listed
                << " is a card now. Before that line "
                << "goes to the printer, ask 'tallystick card --card " << listed << "': what it shows is in force; if "
                << "there is no such card, take the line out and run this again.\n";
      std::cerr << sentence_of(made.error()) << '\n';
      return exit_offline;
    }
    if (!listed.empty())
      std::cerr << "Account " << account << ": " << listed << " is no card; take that line out of the list.\n";
    return fail(made.error());
  }
  std::cerr << "These numbers lead to the cards from when a store hears of this, besides those that did before.\n";
  return exit_ok;
}

int refuse_each(const std::vector<std::uint64_t>& accounts, const std::string& reason, const admin_client& hq) {
  std::size_t n = 0;
  for (auto account : accounts) {
    if (auto ok = refuse_application(hq, {account}, reason); !ok) {
      std::cerr << n << " refused before account " << account << ".\n";
      return fail(ok.error());
    }
    ++n;
  }
  std::cout << n << " refused; tills show the reason when they look at the member.\n";
  return exit_ok;
}

/// All of one store, as of one that was stolen.
int refuse_store(std::uint32_t store, const std::string& reason, const admin_client& hq) {
  auto list = list_applications(hq);
  if (!list) return fail(list.error());
  std::vector<std::uint64_t> accounts;
  for (const auto& a : list->rows)
    if (a.store.value == store) accounts.push_back(a.account.value);
  return refuse_each(accounts, reason, hq);
}

}  // namespace

void add_applications(CLI::App& card, application_options& o) {
  auto* list = card.add_flag("--applications", o.list, "list the cards of plastic that members ask for, instead");
  card.add_flag("--csv", o.csv, "as CSV")->needs(list);
  auto* made = card.add_option("--made", o.made,
                               "a card is made for the application of this account: prints number and account for "
                               "the card's printer (with --prefix)")
                   ->needs(list);
  auto* refused = card.add_option("--refuse", o.refused, "refuse the application of this account (with --reason)")
                      ->needs(list)
                      ->excludes(made);
  card.add_option("--refuse-store", o.refuse_store, "refuse all that this store took (with --reason)")
      ->needs(list)
      ->excludes(made)
      ->excludes(refused);
  list->excludes("--card")->excludes("--owing");
}

int run_applications(const application_options& o, const std::string& data, const std::string& prefix,
                     const std::string& reason) {
  const bool refuses = !o.refused.empty() || o.refuse_store != 0;
  if (refuses && reason.empty()) return fail(exit_usage, "--reason says why; the member may read it");
  if (!refuses && !reason.empty())
    return fail(exit_usage, "--reason belongs to --refuse or --refuse-store; nothing was done");
  if (o.made.empty() && !prefix.empty()) return fail(exit_usage, "--prefix belongs to --made; nothing was done");
  auto id = read_identity(data);
  if (!id) return fail(id.error());
  auto hq = admin_client::open(data);
  if (!hq) return fail(hq.error());
  if (!o.made.empty()) return make_cards(o, prefix, id->believes.chain, *hq);
  if (!o.refused.empty()) return refuse_each(o.refused, reason, *hq);
  if (o.refuse_store != 0) return refuse_store(o.refuse_store, reason, *hq);
  return list_open(*hq, o.csv);
}

}  // namespace tally::cmd
