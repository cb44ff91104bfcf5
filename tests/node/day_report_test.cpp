// The sums of a day, from the journal: on screen, on paper, in four languages.
#include <catch2/catch.hpp>

#include "devices/escpos_render.hpp"
#include "http_desk.hpp"
#include "node/day_report.hpp"
#include "node/receipt_template.hpp"

using namespace tally;
using namespace tally::test;

namespace {

std::int64_t count_in(const desk::reply& r, const char* name) { return number_of(*r.json.find(name), "count"); }
std::int64_t sum_in(const desk::reply& r, const char* name) { return number_of(*r.json.find(name), "amount"); }
std::int64_t tender_in(const desk::reply& r, const char* list, std::string_view kind) {
  for (const auto& t : r.json.find(list)->items)
    if (text_of(t, "kind") == kind) return number_of(t, "amount");
  return 0;
}

/// Top-up 200.00 and 30.00 in cash, the second taken back; sales of 25.00 by card, 37.50 in cash, 12.50 by bank; the
/// cash sale taken back.
void trade(desk& d) {
  REQUIRE(d.top_up(20'000).status == 200);
  const auto undone = text_of(d.top_up(3'000).json, "id");
  REQUIRE(d.post("/api/v1/reversals", R"({"counter":3,"receipt":")" + undone + "\"}").status == 200);
  REQUIRE(d.post("/api/v1/sales", d.sale_body(4, 2)).status == 200);
  const auto cash = text_of(d.post("/api/v1/sales", d.sale_body(5, 3, "cash")).json, "id");
  REQUIRE(d.post("/api/v1/sales", d.sale_body(6, 1, "bank")).status == 200);
  REQUIRE(d.post("/api/v1/reversals", R"({"counter":7,"receipt":")" + cash + "\"}").status == 200);
}

std::vector<std::string> lines_of(const desk::reply& r) {
  std::vector<std::string> out;
  for (const auto& l : r.json.find("text")->items)
    out.push_back(l.text);
  return out;
}

day_figures sample() {
  day_figures f;
  f.date = 2521;
  f.sales = {12, 35'000};
  f.reversed_sales = {1, 1'250};
  f.refunds = {1, 500};
  f.top_ups = {3, 30'000};
  f.discounts = 250;
  f.sale_tenders = {{"card", 10'000}, {"cash", 22'250}, {"points", 1'000, "Points"}};
  f.top_up_tenders = {{"cash", 30'000}};
  f.taxes = {{"A", "13.00", 3'822}};
  f.cash_in = 54'000;
  f.cash_out = 1'750;
  f.tills = {{201, {10, 30'000}}, {202, {7, 22'250}}};
  f.last = "3.5f0c1a2b3c4d5e6f.41";
  return f;
}

}  // namespace

TEST_CASE("a day in sums, from the journal", "[node][http][report]") {
  desk d;
  const auto empty = d.get("/api/v1/reports/today/all");
  REQUIRE(empty.status == 200);
  CHECK(count_in(empty, "sales") == 0);
  CHECK(empty.json.find("last")->type == json_value::kind::null);
  trade(d);
  const auto r = d.get("/api/v1/reports/2026-11-22/all");
  REQUIRE(r.status == 200);
  CHECK(count_in(r, "sales") == 3);
  CHECK(sum_in(r, "sales") == 7'500);
  CHECK(sum_in(r, "reversed_sales") == 3'750);
  CHECK(number_of(r.json, "net_sales") == 3'750);
  CHECK(count_in(r, "top_ups") == 2);
  CHECK(sum_in(r, "reversed_top_ups") == 3'000);
  CHECK(number_of(r.json, "net_top_ups") == 20'000);
  CHECK(tender_in(r, "tenders", "card") == 2'500);
  CHECK(tender_in(r, "tenders", "cash") == 0);
  CHECK(tender_in(r, "tenders", "bank") == 1'250);
  CHECK(tender_in(r, "top_up_tenders", "cash") == 20'000);
  const auto& cash = *r.json.find("cash");
  CHECK(number_of(cash, "in") == 26'750);
  CHECK(number_of(cash, "out") == 6'750);
  CHECK(number_of(cash, "expected") == 20'000);
  // Tax as the receipts say it: 2.88 in 25.00 and 1.44 in 12.50.
  CHECK(number_of(r.json.find("tax")->items.at(0), "amount") == 432);
  CHECK(d.get("/api/v1/reports/today/all").body == r.body);
  // One till, and one that did nothing; of one that there is not there is no report, on any day.
  const std::string admin = "the-admin-token";
  CHECK(error_of(d.get("/api/v1/reports/today/194")) == "404 not_found");
  CHECK(error_of(d.post("/api/v1/reports/today/194/print", "")) == "404 not_found");
  CHECK(d.send("POST", "/api/v1/admin/report", R"({"date":"today","till":"194"})", admin).status == 404);
  const auto code = text_of(d.send("POST", "/api/v1/admin/pair", "{}", admin).json, "code");
  REQUIRE(d.send("POST", "/api/v1/pair", "{\"code\":\"" + code + "\"}", "").status == 200);
  CHECK(d.get("/api/v1/reports/today/193").json.find("tills")->items.size() == 1);
  CHECK(sum_in(d.get("/api/v1/reports/today/193"), "sales") == 7'500);
  CHECK(sum_in(d.get("/api/v1/reports/today/194"), "sales") == 0);
  CHECK(sum_in(d.get("/api/v1/reports/2026-11-21/all"), "sales") == 0);
  CHECK(sum_in(d.get("/api/v1/reports/2026-11-21/193"), "sales") == 0);
}

TEST_CASE("a report is printed once, then as a copy, until something is added", "[node][http][report]") {
  desk d;
  trade(d);
  CHECK(error_of(d.post("/api/v1/reports/today/all/print", "")) == "409 no_printer");
  d.node.set_devices({"ready", "ready", "none"});
  d.node.printed.clear();
  const auto is_copy = [&](const desk::reply& r) {
    REQUIRE(r.status == 200);
    return r.json.find("copy")->truth;
  };
  CHECK_FALSE(is_copy(d.post("/api/v1/reports/today/all/print", "")));
  const auto again = d.post("/api/v1/reports/today/all/print", "");
  CHECK(is_copy(again));
  CHECK_FALSE(is_copy(d.post("/api/v1/reports/today/193/print", "")));
  REQUIRE(d.node.printed.size() == 3);
  printer_emulator printer;
  for (const auto& [name, data] : d.node.printed)
    (void)printer.feed(data);
  auto paper = printer.tickets().at(0).lines;
  while (!paper.empty() && paper.back().empty())
    paper.pop_back();
  CHECK(paper == lines_of(again));
  CHECK(printer.tickets().at(1).lines.front().find("COPY") != std::string::npos);
  CHECK(printer.tickets().at(2).lines.front().find("COPY") == std::string::npos);
  REQUIRE(d.post("/api/v1/sales", d.sale_body(8, 1)).status == 200);
  CHECK_FALSE(is_copy(d.post("/api/v1/reports/today/all/print", "")));
  // The whole day is another report than the day so far; one of long ago was printed, as far as is known.
  d.clock.wall = noon + 86'400;
  CHECK_FALSE(is_copy(d.post("/api/v1/reports/2026-11-22/all/print", "")));
  CHECK(is_copy(d.post("/api/v1/reports/2026-11-22/all/print", "")));
  CHECK(is_copy(d.post("/api/v1/reports/2026-08-01/all/print", "")));
  d.node.spool_full = true;
  CHECK(error_of(d.post("/api/v1/reports/2026-11-22/all/print", "")) == "429 busy");
}

TEST_CASE("reports that cannot be", "[node][http][report]") {
  desk d;
  for (const char* bad : {"", "today", "today/", "today/0", "today/x", "today/-1", "today/1234567890", "2026-13-01/all",
                          "2026-02-30/all", "2019-01-01/all", "20261122/all", "today/all/more", "/all", "%2e/all"})
    CHECK(error_of(d.get("/api/v1/reports/" + std::string(bad))) == "400 malformed");
  CHECK(error_of(d.get("/api/v1/reports/2026-11-23/all")) == "404 not_found");
  CHECK(d.get("/api/v1/reports/today/all/print").status == 405);
  CHECK(d.post("/api/v1/reports/today/all", "").status == 405);
  CHECK(d.send("GET", "/api/v1/reports/today/all", "", "").status == 401);
  const std::string admin = "the-admin-token";
  CHECK(d.send("POST", "/api/v1/admin/report", R"({"date":"today","till":"all"})", admin).status == 200);
  CHECK(d.send("POST", "/api/v1/admin/report", R"({"date":"soon","till":"all"})", admin).status == 400);
  CHECK(d.send("POST", "/api/v1/admin/report", R"({"till":"all"})", admin).status == 400);
}

TEST_CASE("a report's paper is its preview, in four languages and any width", "[node][report]") {
  struct shop {
    language lang;
    charset set;
    std::size_t columns;
  };
  rules_record rules;
  rules.header = "Corner shops";
  for (const auto& it : {shop{language::en, charset::cp437, 42}, shop{language::zh_hans, charset::gb18030, 32},
                         shop{language::zh_hant, charset::big5, 48}, shop{language::ko, charset::euc_kr, 24}}) {
    receipt_layout layout;
    layout.lang = it.lang;
    layout.printer.text = it.set;
    layout.printer.columns = it.columns;
    const auto text = day_report_text(sample(), rules, "Store A", false, layout);
    CHECK(text != day_report_text(sample(), rules, "Store A", true, layout));
    for (const auto& l : text) {
      CHECK(text_codec(it.set).columns(l) <= it.columns);
      CHECK(l.find('?') == std::string::npos);
    }
    auto made = day_report_tickets(text, 2, false, layout);
    REQUIRE(made.ok());
    REQUIRE(made->size() == 2);
    printer_emulator printer({.columns = it.columns, .wide = is_wide(it.set) ? it.set : charset::gb18030});
    for (const auto& t : *made)
      (void)printer.feed(t);
    auto paper = printer.tickets().at(0).lines;
    while (!paper.empty() && paper.back().empty())
      paper.pop_back();
    CHECK(paper == text);
    // The mark of a copy stands above the same text.
    CHECK(printer.tickets().at(1).lines.size() > printer.tickets().at(0).lines.size());
  }
}

TEST_CASE("the layout of a report is in the rules", "[node][report]") {
  rules_record rules;
  rules.day_report.layout = "{date}{right}{till}\n{sales}\n{tenders}\n{cash}\n{id}\n";
  receipt_layout layout;
  const auto text = day_report_text(sample(), rules, "Store A", false, layout);
  CHECK(text.front() == "2026-11-26" + std::string(23, ' ') + "all tills");
  CHECK(text.back() == "3.5f0c1a2b3c4d5e6f.41");
  // What it cannot read gives the usual one.
  rules.day_report.layout = "{from_the_future}\n";
  const auto usual = day_report_text(sample(), rules, "Store A", false, layout);
  rules.day_report.layout.clear();
  CHECK(day_report_text(sample(), rules, "Store A", false, layout) == usual);
  const auto why = [](std::string_view l) { return parse_layout(l, layout_kind::day_report).error().detail; };
  CHECK(why("{sales}\n") ==
        "a day report's layout shows {sales}, {tenders}, {cash} and {id}, each on a line of its own");
  CHECK(why("{lines}\n") == "line 1 of a day report's layout: there is no field {lines}");
  CHECK(why("x {cash}\n") == "line 1 of a day report's layout: {cash} stands on a line of its own");
  CHECK(parse_layout("{sales}\n{total}\n{id}\n").error().detail ==
        "line 1 of a receipt's layout: there is no field {sales}");
  CHECK(parse_layout(usual_report_layout, layout_kind::day_report).ok());
}
