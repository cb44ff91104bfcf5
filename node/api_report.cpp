#include <algorithm>
#include <charconv>
#include <chrono>

#include "node/api.hpp"
#include "node/day_report.hpp"

namespace tally {
namespace {

constexpr std::size_t entries_per_step = 200;   // then other calls have their turn
constexpr std::uint32_t days_remembered = 100;  // an older report was printed, as far as is known

struct report_request {
  std::uint32_t date{};
  std::uint32_t terminal{};
  std::uint32_t today{};
  bool print = false;

  bool so_far() const { return date == today; }
};

std::optional<std::uint32_t> number_in(std::string_view text, std::size_t digits_max) {
  std::uint32_t n = 0;
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return n;
}

/// "2026-11-26", a day that the calendar has.
std::optional<std::uint32_t> date_in(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  auto y = number_in(text.substr(0, 4), 4), m = number_in(text.substr(5, 2), 2), d = number_in(text.substr(8), 2);
  if (!y || !m || !d || *y < 2020) return std::nullopt;
  std::chrono::year_month_day day{std::chrono::year(static_cast<int>(*y)), std::chrono::month(*m),
                                  std::chrono::day(*d)};
  if (!day.ok()) return std::nullopt;
  return day_of(std::chrono::sys_seconds(std::chrono::sys_days(day)).time_since_epoch().count());
}

result<report_request> parse_report(std::string_view rest, std::uint32_t today) {
  report_request out;
  constexpr std::string_view print = "/print";
  if ((out.print = rest.ends_with(print))) rest.remove_suffix(print.size());
  const auto slash = rest.find('/');
  const auto date = rest.substr(0, slash);
  const auto till = slash == rest.npos ? std::string_view{} : rest.substr(slash + 1);
  const auto day = date == "today" ? std::optional(today) : date_in(date);
  const auto number = till == "all" ? std::optional<std::uint32_t>(0) : number_in(till, 9);
  if (!day || !number || (*number == 0 && till != "all"))
    return error{errc::malformed, "a report is asked for as DATE/TILL, as 2026-11-26/all or today/201"};
  if (*day > today) return error{errc::not_found, "that day has not begun; today is " + date_text(today)};
  out.today = today;
  out.date = *day;
  out.terminal = *number;
  return out;
}

/// Which report of a till was printed last for a date; older ones of the same place are forgotten.
std::string printed_key(const report_request& r) {
  return "till/report/" + std::to_string(r.terminal) + "/" + std::to_string(r.date % days_remembered);
}

struct report_under_way {
  api_ptr api;
  call_ptr call;
  report_request request;
  std::shared_ptr<const node_snapshot> snapshot;
  day_reader reader;
};

std::string report_json(const report_under_way& j, const day_figures& f, const std::vector<std::string>& text,
                        std::optional<bool> copy) {
  json_writer w;
  w.open('{');
  write_day_report(w, f, rules_now(*j.snapshot), j.api->services.identity.name, j.request.so_far(), text);
  if (copy) {
    w.field("queued", true);
    w.field("copy", *copy);
  }
  w.close('}');
  return w.take();
}

// That it is printed is remembered first, durably: what a crash cuts off is printed again as a copy, and never twice
// as the first.
void print_report(const std::shared_ptr<report_under_way>& j, const day_figures& f,
                  const std::vector<std::string>& text) {
  auto& api = *j->api;
  auto& node = api.services.node;
  if (node.devices().printer == "none") return j->call->finish(refuse(api, problem::no_printer));
  // What is printed of a day that goes on is another report than that of the whole day.
  const auto id = f.id() + (j->request.so_far() ? ".so_far" : ""), key = printed_key(j->request);
  const bool copy = node.recall(key) == id || j->request.date + days_remembered <= j->request.today;
  auto tickets = day_report_tickets(text, rules_now(*j->snapshot).day_report.copies, copy, api.services.layout);
  if (!tickets) return j->call->finish(refuse(api, tickets.error()));
  auto json = report_json(*j, f, text, copy);
  auto spool = [j, id, tickets = std::move(*tickets), json = std::move(json)](bool durable) mutable {
    j->call->later([j, id, durable, tickets = std::move(tickets), json = std::move(json)]() mutable {
      auto& to = j->api->services.node;
      if (!durable) return j->call->finish(refuse(*j->api, {errc::io, "what is printed could not be remembered"}));
      if (!to.print(id, std::move(tickets)))
        return j->call->finish(refuse(*j->api, {errc::busy, "1,000 tickets wait for the printer"}));
      j->call->finish({.status = 200, .body = std::move(json)});
    });
  };
  if (copy) return spool(true);
  node.remember(key, bytes(id), std::move(spool));
}

/// A till that is paired, or one of an earlier book that did something on that day.
bool is_till_here(const report_under_way& j, const day_figures& f) {
  if (j.request.terminal == 0 || !f.last.empty() || !f.tills.empty()) return true;
  return std::ranges::any_of(j.api->paired.list(),
                             [&](const tills::till& t) { return t.terminal == j.request.terminal; });
}

void go_on(const std::shared_ptr<report_under_way>& j) {
  auto more = j->reader.read(entries_per_step);
  if (!more) return j->call->finish(refuse(*j->api, more.error()));
  if (*more) return j->call->later([j] { go_on(j); });
  const auto f = j->reader.take();
  if (!is_till_here(*j, f)) {
    const auto till = std::to_string(j->request.terminal);
    return j->call->finish(refuse(*j->api, {errc::not_found, "this store has no till " + till + ", and none of that " +
                                                                 "number wrote anything on " + date_text(f.date)}));
  }
  const auto text = day_report_text(f, rules_now(*j->snapshot), j->api->services.identity.name, j->request.so_far(),
                                    j->api->services.layout);
  if (j->request.print) return print_report(j, f, text);
  j->call->finish({.status = 200, .body = report_json(*j, f, text, std::nullopt)});
}

}  // namespace

void handle_report(const api_ptr& api, std::string_view rest, const call_ptr& call) {
  if (api->services.identity.role != node_role::store) return call->finish(refuse(*api, problem::stores_only));
  auto& node = api->services.node;
  auto s = node.snapshot();
  auto request = parse_report(rest, business_date(s->business_date, api->services.wall(), s->hq_time));
  if (!request) return call->finish(refuse(*api, request.error()));
  day_reader reader(node.store(), s->self, s->rules, api->services.layout.lang, request->date, request->terminal);
  go_on(std::make_shared<report_under_way>(report_under_way{api, call, *request, s, std::move(reader)}));
}

}  // namespace tally
