#include "node/day_report.hpp"

#include "devices/escpos.hpp"
#include "node/paper.hpp"
#include "node/receipt_template.hpp"
#include "node/receipt_words.hpp"

namespace tally {
namespace {

/// What the parts of a report are laid out from.
struct report_page {
  const day_figures& f;
  const rules_record& rules;
  std::string_view store;
  bool so_far;
  const receipt_words& words;
  const report_words& own;
  paper out;

  int exponent() const { return static_cast<int>(rules.exponent); }
  std::string money(amount a) const { return format_amount(a, exponent()); }
  void counted(const char* name, const day_figures::count_and_sum& c, const char* sign, bool always) {
    if (c.count != 0 || always)
      out.row(std::string(name) + "  " + std::to_string(c.count) + " x", (c.sum == 0 ? "" : sign) + money(c.sum));
  }
};

void report_sales(report_page& p) {
  p.counted(p.own.sales, p.f.sales, "", true);
  p.counted(p.own.reversed, p.f.reversed_sales, "-", false);
  p.counted(p.own.refunds, p.f.refunds, "-", false);
  if (p.f.discounts != 0) p.out.row("  " + std::string(p.own.discounts), "(" + p.money(p.f.discounts) + ")");
  p.out.row(std::string(p.own.net) + " " + p.rules.currency, p.money(p.f.net_sales()));
}

void report_top_ups(report_page& p) {
  p.counted(p.own.top_ups, p.f.top_ups, "", true);
  p.counted(p.own.reversed, p.f.reversed_top_ups, "-", false);
  p.out.tenders(p.f.top_up_tenders, p.words, p.exponent());
  p.counted(p.own.card_sales, p.f.card_sales, "", false);
  p.counted(p.own.card_returns, p.f.card_returns, "-", false);
  p.out.tenders(p.f.card_tenders, p.words, p.exponent());
}

void report_cash(report_page& p) {
  p.out.row(p.own.cash_in, p.money(p.f.cash_in));
  if (p.f.cash_out != 0) p.out.row(p.own.cash_out, "-" + p.money(p.f.cash_out));
  p.out.row(std::string(p.own.drawer) + " " + p.rules.currency, p.money(p.f.cash()));
}

void report_part(template_line::part what, report_page& p) {
  using part = template_line::part;
  switch (what) {
    case part::header: return p.out.centred_lines(p.rules.header);
    case part::footer: return p.out.centred_lines(p.rules.footer);
    case part::rule: return p.out.rule();
    case part::sales: return report_sales(p);
    case part::tenders: return p.out.tenders(p.f.sale_tenders, p.words, p.exponent());
    case part::taxes: return p.out.taxes(p.f.taxes, p.words, p.exponent());
    case part::top_ups: return report_top_ups(p);
    case part::cash: return report_cash(p);
    case part::tills:
      if (p.f.terminal == 0)
        for (const auto& [terminal, till] : p.f.tills)
          p.out.row("  " + std::string(p.words.till) + " " + std::to_string(terminal) + "  " +
                        std::to_string(till.receipts) + " x",
                    p.money(till.cash));
      return;
    case part::id:
      if (p.f.last.empty()) return p.out.add(p.own.none);
      p.out.add(p.own.last);
      return p.out.wrapped(p.f.last);
    default: return;
  }
}

void report_line(const template_line& l, report_page& p) {
  const auto value = [&](std::string_view name) -> std::string {
    if (name == "store") return std::string(p.store);
    if (name == "title") return p.so_far ? p.own.so_far : p.own.title;
    if (name == "date") return date_text(p.f.date);
    if (name == "time") return p.f.last.empty() ? std::string() : local_time(p.f.last_stamp);
    return p.f.terminal == 0 ? p.own.all_tills : std::string(p.words.till) + " " + std::to_string(p.f.terminal);
  };
  p.out.text(l, value);
}

void write_count_and_sum(json_writer& w, std::string_view name, const day_figures::count_and_sum& c) {
  w.key(name);
  w.open('{');
  w.field("count", c.count);
  w.field("amount", c.sum);
  w.close('}');
}

void write_report_tills(json_writer& w, const day_figures& f) {
  w.key("tills");
  w.open('[');
  for (const auto& [terminal, till] : f.tills) {
    w.open('{');
    w.field("terminal", terminal);
    w.field("receipts", till.receipts);
    w.field("cash", till.cash);
    w.close('}');
  }
  w.close(']');
}

}  // namespace

std::vector<std::string> day_report_text(const day_figures& f, const rules_record& rules, std::string_view store,
                                         bool so_far, const receipt_layout& layout) {
  report_page page{f, rules, store, so_far, words_of(layout.lang), report_words_of(layout.lang), paper(layout)};
  const auto& own = rules.day_report.layout;
  auto lines = parse_layout(own.empty() ? usual_report_layout : std::string_view(own), layout_kind::day_report);
  // Rules of a newer head office may have what this node cannot read; the figures are shown all the same.
  if (!lines) lines = parse_layout(usual_report_layout, layout_kind::day_report);
  for (const auto& l : *lines)
    if (l.what == template_line::part::text) {
      report_line(l, page);
    } else {
      report_part(l.what, page);
    }
  return page.out.take();
}

result<std::vector<bytes>> day_report_tickets(const std::vector<std::string>& text, std::uint32_t copies, bool again,
                                              const receipt_layout& layout) {
  const std::string drawer = report_words_of(layout.lang).drawer;
  escpos::ticket t;
  for (const auto& l : text) {
    escpos::line line(l);
    line.bold = l.starts_with(drawer + " ");
    t.lines.push_back(std::move(line));
  }
  std::vector<bytes> out;
  for (std::uint32_t n = 0; n < (again ? 1 : std::clamp(copies, 1U, receipt_copies_max)); ++n) {
    if (again || n > 0) t.copy_mark = words_of(layout.lang).copy;
    auto one = escpos::encode(t, layout.printer);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

void write_day_report(json_writer& w, const day_figures& f, const rules_record& rules, std::string_view store,
                      bool so_far, const std::vector<std::string>& text) {
  w.field("id", f.id());
  w.field("date", date_text(f.date));
  w.field("till", f.terminal == 0 ? std::nullopt : std::optional(f.terminal));
  w.field("store", store);
  w.field("so_far", so_far);
  w.key("unit");
  w.open('{');
  w.field("code", rules.currency);
  w.field("exponent", rules.exponent);
  w.close('}');
  write_count_and_sum(w, "sales", f.sales);
  write_count_and_sum(w, "reversed_sales", f.reversed_sales);
  write_count_and_sum(w, "refunds", f.refunds);
  write_count_and_sum(w, "top_ups", f.top_ups);
  write_count_and_sum(w, "reversed_top_ups", f.reversed_top_ups);
  write_count_and_sum(w, "card_sales", f.card_sales);
  write_count_and_sum(w, "card_returns", f.card_returns);
  w.field("discounts", f.discounts);
  w.field("net_sales", f.net_sales());
  w.field("net_top_ups", f.net_top_ups());
  write_tenders(w, "tenders", f.sale_tenders);
  write_tenders(w, "top_up_tenders", f.top_up_tenders);
  write_tenders(w, "card_tenders", f.card_tenders);
  write_taxes(w, f.taxes);
  w.key("cash");
  w.open('{');
  w.field("in", f.cash_in);
  w.field("out", f.cash_out);
  w.field("expected", f.cash());
  w.close('}');
  write_report_tills(w, f);
  w.field("last", f.last.empty() ? std::nullopt : std::optional<std::string_view>(f.last));
  w.key("text");
  w.open('[');
  for (const auto& l : text)
    w.value(l);
  w.close(']');
}

}  // namespace tally
