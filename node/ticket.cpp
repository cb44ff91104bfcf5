#include "node/ticket.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "devices/escpos.hpp"
#include "devices/scan.hpp"
#include "ledger/accounts.hpp"
#include "node/paper.hpp"
#include "node/receipt_template.hpp"
#include "node/receipt_words.hpp"

namespace tally {
namespace {

const char* title(const receipt& r, const receipt_words& words) {
  if (r.kind == "sale" || r.kind == "capture") return words.sale;
  if (r.kind == "authorisation") return words.authorisation;
  if (r.kind == "void") return words.void_hold;
  if (r.kind == "gift") return words.gift;
  if (r.kind == "adjustment") return words.adjustment;
  if (r.kind == "refund") return words.refund;
  if (r.kind == "card_sale") return words.card_sale;
  if (r.kind == "card_return") return words.card_return;
  if (r.kind == "card_report") return words.card_report;
  return r.kind == "top_up" ? words.top_up : words.reversal;
}

/// What the entry gave or took back, and, on a first ticket, what is left.
void lay_out_units(const receipt& r, ticket_balance b, const receipt_words& words, paper& out) {
  auto figure = [&](const receipt::units& u, amount n, const char* sign) {
    return sign + (u.is_money ? format_amount(n, r.exponent) : std::to_string(n));
  };
  bool back = r.kind == "reversal" || r.kind == "refund";
  auto each = [&](const std::vector<receipt::units>& list, const char* sign, std::string_view after) {
    for (const auto& u : list) {
      auto name = "  " + u.name;
      if (!after.empty()) name += " (" + std::string(after) + ")";
      if (u.month != 0)
        name +=
            " " + std::to_string(u.month / 100) + "-" + (u.month % 100 < 10 ? "0" : "") + std::to_string(u.month % 100);
      out.row(name, figure(u, u.units, sign));
    }
  };
  each(r.earned, back ? "-" : "+", {});
  each(r.returned, "+", {});
  each(r.given, "-", {});
  if (!r.reason.empty()) out.row("  " + std::string(words.reason) + ": " + r.reason, "");
  if (!r.to_masked.empty())
    out.row("  " + std::string(words.to), r.to_masked.starts_with("card ") ? r.to_masked.substr(5) : r.to_masked);
  for (const auto& u : r.released)
    out.row("  " + u.name + (u.name.empty() ? "" : ": ") + words.given_back, figure(u, u.units, "+"));
  each(r.debts, back ? "" : "-", words.spent_before);
  if (r.on_credit != 0) out.row("  " + std::string(words.on_credit), format_amount(r.on_credit, r.exponent));
  if (!back) each(r.owed, "+", words.later);
  if (b == ticket_balance::printed) each(r.left, "", {});
}

void lay_out_card(const receipt& r, ticket_balance b, const receipt_words& words, paper& out) {
  auto money = [&](amount a) { return format_amount(a, r.exponent); };
  out.add("");
  auto number = r.masked.starts_with("card ") ? r.masked.substr(5) : r.masked;
  out.row(std::string(words.card) + " " + number, "");
  if (!r.level.empty()) out.row("  " + std::string(r.new_level ? words.new_level : words.level) + ": " + r.level, "");
  lay_out_units(r, b, words, out);
  if (b == ticket_balance::left_out) return;
  if (r.here) out.row("  " + std::string(words.here), money(*r.here));
  if (r.elsewhere && *r.elsewhere != 0)
    out.row("  " + std::string(words.elsewhere) + " " + local_time(r.elsewhere_as_of), money(*r.elsewhere));
}

std::string field_value(std::string_view name, const receipt& r, const receipt_words& words) {
  if (name == "store") return r.store;
  if (name == "title") return title(r, words);
  if (name == "time") return local_time(r.stamp);
  if (name == "till") return std::string(words.till) + " " + std::to_string(r.terminal);
  if (name == "counter") return std::string(words.number) + " " + std::to_string(r.counter);
  if (name == "sum") return format_amount(r.total, r.exponent);
  return r.masked.starts_with("card ") ? r.masked.substr(5) : r.masked;  // card_number
}

void lay_out_text(const template_line& l, const receipt& r, const receipt_words& words, paper& out) {
  out.text(l, [&](std::string_view name) { return field_value(name, r, words); });
}

void lay_out_line(const receipt::line& l, const receipt& r, paper& out) {
  auto money = [&](amount a) { return format_amount(a, r.exponent); };
  if (r.kind == "refund") return out.row(l.name, l.open ? money(l.quantity) : std::to_string(l.quantity) + " x");
  auto pieces = std::to_string(l.quantity) + " x ";
  if (!l.purse.empty())
    return out.row(l.name, pieces + std::to_string(l.price) + " " + l.purse + "  " + std::to_string(l.sum));
  out.row(l.name, (l.open ? "" : pieces + money(l.price) + "  ") + money(l.sum) + " " + l.tax);
  if (l.discount != 0) out.row("  " + l.discount_name, "-" + money(l.discount));
}

void lay_out_card_life(const receipt& r, const receipt_words& words, paper& out) {
  auto row = [&](const char* name, amount a) {
    if (a != 0) out.row(name, format_amount(a, r.exponent));
  };
  row(words.card_price, r.card_price);
  row(words.deposit, r.deposit);
  row(r.kind == "card_return" ? words.paid_money : words.loaded, r.loaded);
  if (r.kind == "card_report") out.row(r.reported == card_status::lost ? words.lost : words.frozen, "");
}

void lay_out_part(template_line::part what, const receipt& r, ticket_balance b, const receipt_words& words,
                  paper& out) {
  using part = template_line::part;
  auto money = [&](amount a) { return format_amount(a, r.exponent); };
  switch (what) {
    case part::header: return out.centred_lines(r.header);
    case part::lines:
      for (const auto& l : r.lines)
        lay_out_line(l, r, out);
      for (const auto& v : r.vouchers)
        out.row(v.name + (v.units > 1 ? " x " + std::to_string(v.units) : ""), "-" + money(v.money));
      lay_out_card_life(r, words, out);
      if (!r.lines.empty()) out.rule();
      return;
    case part::total:
      if (r.deadline != 0) out.row(words.until, local_time(r.deadline));
      return out.row(std::string(words.total) + " " + r.currency, money(r.total));
    case part::tenders: return out.tenders(r.tenders, words, r.exponent);
    case part::taxes: return out.taxes(r.taxes, words, r.exponent);
    case part::reverses:
      if (r.reverses.empty()) return;
      out.add(words.reverses);
      return out.wrapped(r.reverses);
    case part::card:
      if (!r.masked.empty()) lay_out_card(r, b, words, out);
      return;
    case part::id: return out.wrapped(r.id);
    case part::footer: return out.centred_lines(r.footer);
    case part::rule: return out.rule();
    case part::proof:
      if (!r.proof.empty()) out.centred(words.proof);
      return;
    case part::sales:
    case part::top_ups:
    case part::cash:
    case part::tills:  // of day reports
    case part::text: return;
  }
}

}  // namespace

std::string local_time(unix_seconds t) {
  std::time_t clock = t;
  std::tm parts{};
  char text[32] = "";
  if (localtime_r(&clock, &parts)) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

std::string receipt_id(const writer_id& w, sequence seq) { return writer_name(w) + "." + std::to_string(seq); }

std::optional<receipt_name> parse_receipt_id(std::string_view text) {
  receipt_name out;
  auto dot = text.find('.');
  if (dot == std::string_view::npos || text.size() < dot + 19 || text[dot + 17] != '.') return std::nullopt;
  auto node = text.substr(0, dot), seq = text.substr(dot + 18);
  auto a = std::from_chars(node.data(), node.data() + node.size(), out.writer.node.value);
  auto b = std::from_chars(seq.data(), seq.data() + seq.size(), out.seq);
  if (a.ec != std::errc{} || a.ptr != node.data() + node.size() || b.ec != std::errc{} ||
      b.ptr != seq.data() + seq.size() || !from_hex(text.substr(dot + 1, 16), out.writer.epoch.value))
    return std::nullopt;
  // One receipt, one spelling: no leading zeros.
  if (receipt_id(out.writer, out.seq) != text) return std::nullopt;
  return out;
}

std::vector<std::string> receipt_text(const receipt& r, ticket_balance b, const receipt_layout& layout) {
  const auto& words = words_of(layout.lang);
  paper out(layout);
  // What was published is checked; a layout from a later version of this program may not be known here.
  auto lines = parse_layout(r.form.layout.empty() ? usual_layout : r.form.layout);
  if (!lines) lines = parse_layout(usual_layout);
  for (const auto& l : *lines)
    if (l.what == template_line::part::text)
      lay_out_text(l, r, words, out);
    else
      lay_out_part(l.what, r, b, words, out);
  return out.take();
}

result<std::vector<bytes>> receipt_tickets(const receipt& r, const std::vector<std::string>& text,
                                           const receipt_layout& layout) {
  std::vector<bytes> out;
  for (std::uint32_t n = 0; n < std::clamp(r.form.copies, 1U, receipt_copies_max); ++n) {
    auto one = receipt_ticket(r.id, text, n > 0, layout, r.proof);
    if (!one) return one.error();
    out.push_back(std::move(*one));
  }
  return out;
}

result<bytes> receipt_ticket(std::string_view id, const std::vector<std::string>& text, bool copy,
                             const receipt_layout& layout, std::string_view proof) {
  const auto& words = words_of(layout.lang);
  escpos::ticket t;
  t.lines.reserve(text.size());
  for (const auto& l : text) {
    escpos::line line(l);
    line.bold = l.starts_with(std::string(words.total) + " ");
    t.lines.push_back(std::move(line));
  }
  if (copy) t.copy_mark = words.copy;
  t.logo = true;
  if (layout.qr) t.qr = std::string(receipt_mark) + std::string(id);
  if (!proof.empty()) t.qr = proof;
  return escpos::encode(t, layout.printer);
}

bytes duplicate_head(const receipt_layout& layout) {
  escpos::ticket t;
  t.duplicate_mark = words_of(layout.lang).possible_duplicate;
  t.cut = false;
  auto head = escpos::encode(t, layout.printer);
  return head ? std::move(*head) : bytes{};
}

static void write_units(json_writer& w, std::string_view name, const std::vector<receipt::units>& list) {
  if (list.empty()) return;
  w.key(name);
  w.open('[');
  for (const auto& u : list) {
    w.open('{');
    w.field("purse", u.purse);
    w.field("name", u.name);
    w.field("units", u.units);
    if (u.money != 0) w.field("amount", u.money);
    if (u.month != 0) w.field("month", u.month);
    w.close('}');
  }
  w.close(']');
}

void write_tenders(json_writer& w, std::string_view name, const std::vector<receipt::tender>& list) {
  w.key(name);
  w.open('[');
  for (const auto& t : list) {
    w.open('{');
    w.field("kind", t.kind);
    w.field("amount", t.sum);
    if (!t.name.empty()) w.field("name", t.name);
    w.close('}');
  }
  w.close(']');
}

void write_taxes(json_writer& w, const std::vector<receipt::tax>& list) {
  w.key("tax");
  w.open('[');
  for (const auto& t : list) {
    w.open('{');
    w.field("rate", t.letter);
    w.field("percent", t.percent);
    w.field("amount", t.sum);
    w.close('}');
  }
  w.close(']');
}

static void write_lines(json_writer& w, const receipt& r) {
  w.key("lines");
  w.open('[');
  for (const auto& l : r.lines) {
    w.open('{');
    w.field("product", l.product);
    w.field("name", l.name);
    w.field("quantity", l.quantity);
    w.field("price", l.price);
    w.field("amount", l.sum);
    w.field("tax", l.tax);
    if (l.open) w.field("open", true);
    if (!l.purse.empty()) w.field("purse", l.purse_id);
    if (l.discount != 0) {
      w.field("discount", l.discount);
      w.field("discount_name", l.discount_name);
    }
    w.close('}');
  }
  w.close(']');
}

/// What only some kinds of receipts have.
static void write_kind(json_writer& w, const receipt& r) {
  if (r.kind == "card_sale" || r.kind == "card_return") {
    if (r.kind == "card_sale") w.field("card_price", r.card_price);
    w.field("deposit", r.deposit);
    w.field("loaded", r.loaded);
  }
  if (r.kind == "card_report") w.field("reported", card_status_name(r.reported));
  if (!r.authorisation.empty()) w.field("authorisation", r.authorisation);
  if (r.deadline != 0) w.field("deadline", r.deadline);
  if (r.remainder) w.field("remainder", *r.remainder);
  write_units(w, "released", r.released);
  write_units(w, "given", r.given);
  if (r.to_account.value != 0) w.field("to_account", r.to_account.value);
  if (!r.to_masked.empty()) w.field("to_masked", r.to_masked);
  if (!r.reason.empty()) w.field("reason", r.reason);
  if (!r.level.empty()) w.field("level", r.level);
  if (r.new_level && !r.level.empty()) w.field("new_level", true);
  if (r.at_risk != 0) w.field("at_risk", r.at_risk);
}

void write_receipt(json_writer& w, const receipt& r, const std::vector<std::string>& text) {
  auto maybe = [&](std::string_view name, const std::string& v) {
    w.key(name);
    if (v.empty()) {
      w.null();
    } else {
      w.value(v);
    }
  };
  w.field("id", r.id);
  w.field("kind", r.kind);
  w.field("terminal", r.terminal);
  w.field("counter", r.counter);
  w.field("stamp", r.stamp);
  w.field("business_date", date_text(r.business_date));
  w.field("store", r.store);
  w.field("account", r.account.value != 0 ? std::optional(r.account.value) : std::nullopt);
  maybe("masked", r.masked);
  write_lines(w, r);
  w.field("total", r.total);
  write_tenders(w, "tenders", r.tenders);
  write_taxes(w, r.taxes);
  write_units(w, "vouchers", r.vouchers);
  write_units(w, "earned", r.earned);
  write_units(w, "owed", r.owed);
  write_units(w, "debts", r.debts);
  write_units(w, "returned", r.returned);
  write_units(w, "left", r.left);
  w.field("here", r.here);
  w.field("elsewhere", r.elsewhere);
  w.field("elsewhere_as_of", r.elsewhere ? std::optional(r.elsewhere_as_of) : std::nullopt);
  w.key("unit");
  w.open('{');
  w.field("code", r.currency);
  w.field("exponent", static_cast<std::int64_t>(r.exponent));
  w.close('}');
  write_kind(w, r);
  maybe("reverses", r.reverses);
  maybe("reversed_by", r.reversed_by);
  maybe("proof", r.proof);
  w.key("text");
  w.open('[');
  for (const auto& l : text)
    w.value(l);
  w.close(']');
}

}  // namespace tally
