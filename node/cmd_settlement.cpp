#include <unistd.h>

#include <chrono>
#include <iostream>

#include "ledger/cards.hpp"
#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "node/settlement_text.hpp"
#include "node/snapshot_store.hpp"
#include "sync/station_facts.hpp"

namespace tally::cmd {
namespace {

struct options {
  std::string data, from, until, month, format = "text";
};

std::uint32_t today() {
  return day_of(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

/// The days asked for: a whole month, or from and until; without any the month so far.
result<std::pair<std::uint32_t, std::uint32_t>> days_of(const options& o) {
  auto bad = [](std::string_view name, const std::string& text) {
    return error{errc::malformed, "--" + std::string(name) + " \"" + text + "\" is no date"};
  };
  auto month = o.month.empty() ? date_text(today()).substr(0, 7) : o.month;
  auto first = day_from(month + "-01");
  if (!first) return error{errc::malformed, "--month \"" + month + "\" is no month, as 2026-11"};
  auto next = *first + 31;
  next -= static_cast<std::uint32_t>(std::stoul(date_text(next).substr(8)) - 1);  // the first day of the month behind
  std::pair days{*first, next - 1};
  if (!o.from.empty()) {
    auto day = day_from(o.from);
    if (!day) return bad("from", o.from);
    days.first = *day;
    if (o.until.empty()) days.second = today();
  }
  if (!o.until.empty()) {
    auto day = day_from(o.until);
    if (!day) return bad("until", o.until);
    days.second = *day;
    if (o.from.empty()) days.first = 0;
  }
  if (days.first > days.second) return error{errc::malformed, "the first day is after the last"};
  return days;
}

int run(const options& o) {
  auto days = days_of(o);
  if (!days) return fail(exit_usage, sentence_of(days.error()));
  auto id = read_identity(o.data);
  if (!id) return fail_file(id.error());
  settlement_options asked{days->first, days->second, {}, today()};
  if (o.format == "text" && ::isatty(STDERR_FILENO) == 1)
    asked.progress = [](std::uint64_t seen, std::uint64_t total) { show_progress("settlement", seen, total); };
  ed25519_verifier with;
  auto report = read_snapshot(o.data, [&](const store_snapshot& snapshot) {
    certificate_book book(id->believes.chain, id->believes.root, with);
    load_certificates(*snapshot.store, book);
    return settle(*snapshot.store, book, asked);
  });
  if (!report) return fail_file(report.error());
  std::cout << (o.format == "csv"    ? settlement_csv(*report)
                : o.format == "json" ? settlement_json(*report)
                                     : settlement_text(*report));
  std::cout.flush();
  if (!std::cout) return fail(exit_refused, "the report could not be written");
  return agrees(*report) ? exit_ok : exit_refused;
}

}  // namespace

void add_settlement(CLI::App& app, int& status) {
  auto o = std::make_shared<options>();
  auto* c = app.add_subcommand("settlement", "What each owner of stores owes for cards loaded and spent, or is owed");
  c->add_option("--data", o->data, "head office's data directory; its node may run meanwhile")->required();
  auto* month = c->add_option("--month", o->month, "a whole month of business dates, as 2026-11");
  auto* from = c->add_option("--from", o->from, "the first business date, as 2026-11-01");
  auto* until = c->add_option("--until", o->until, "the last one; without it today");
  month->excludes(from)->excludes(until);
  c->add_option("--format", o->format, "text, csv or json")
      ->check(CLI::IsMember({"text", "csv", "json"}))
      ->capture_default_str();
  c->footer(
      "Without dates it is the month so far. Whose store is whose was said when it was invited (--owner).\n"
      "Status 1 when the entries and the node's own books differ.\n"
      "Examples:\n  tallystick settlement --data /srv/tally\n"
      "  tallystick settlement --data /srv/tally --month 2026-11 --format csv > november.csv\n"
      "  tallystick settlement --data /srv/tally --from 2026-11-01 --until 2026-11-15");
  c->callback([o, &status] { status = run(*o); });
}

}  // namespace tally::cmd
