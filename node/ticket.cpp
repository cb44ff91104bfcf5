#include "node/ticket.hpp"

#include <charconv>
#include <ctime>

#include "devices/escpos.hpp"
#include "ledger/accounts.hpp"
#include "storage/entry_codec.hpp"
#include "storage/streams.hpp"

namespace tally {
namespace {

/// Columns that UTF-8 text takes on paper: East Asian wide characters take two.
std::size_t columns_of(std::string_view text) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xc0) == 0x80) continue;
    // U+1100 and above begin with 0xe1 0x84; everything from U+2E80 to U+FFFF and beyond counts as wide.
    bool wide = c >= 0xf0 || (c >= 0xe3 && c <= 0xef) ||
                (c == 0xe2 && i + 1 < text.size() && (text[i + 1] & 0xff) >= 0xba) ||
                (c == 0xe1 && i + 1 < text.size() && (text[i + 1] & 0xff) >= 0x84 && (text[i + 1] & 0xff) <= 0x87);
    n += wide ? 2 : 1;
  }
  return n;
}

/// As much of the text as fits, never half a character.
std::string fit(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t next = i + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80)
      ++next;
    if (columns_of(text.substr(0, next)) > columns) break;
    i = end = next;
  }
  return std::string(text.substr(0, end));
}

std::string row(std::string_view left, std::string_view right) {
  auto room = ticket_columns - std::min(ticket_columns, columns_of(right) + 1);
  auto text = fit(left, room);
  text.append(ticket_columns - std::min(ticket_columns, columns_of(text) + columns_of(right)), ' ');
  return text.append(right);
}

std::string centred(std::string_view text) {
  auto t = fit(text, ticket_columns);
  return std::string((ticket_columns - columns_of(t)) / 2, ' ') + t;
}

void centred_lines(std::string_view text, std::vector<std::string>& out) {
  while (!text.empty() && out.size() < 40) {
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    out.push_back(centred(line));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
}

std::string local_time(unix_seconds t) {
  std::time_t clock = t;
  std::tm parts{};
  char text[32] = "";
  if (localtime_r(&clock, &parts)) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts);
  return text;
}

std::string_view tender_name(tender_kind k) {
  switch (k) {
    case tender_kind::cash: return "cash";
    case tender_kind::bank: return "bank";
    case tender_kind::online: return "online";
    case tender_kind::transfer: return "transfer";
  }
  return "other";
}

const std::string& name_of(const product& p) {
  for (const auto& n : p.names)
    if (!n.empty()) return n;
  return p.ean;
}

void describe_lines(const entry& e, const catalogue& rules, receipt& r) {
  const auto* record = rules.rules(e.rules_version);
  if (!record) record = rules.newest();
  if (record) {
    r.currency = record->currency;
    r.exponent = static_cast<int>(record->exponent);
    r.header = record->header;
    r.footer = record->footer;
  }
  auto letter = [&](std::uint32_t rate) {
    return record && rate < record->taxes.size() ? record->taxes[rate].letter : std::string("?");
  };
  for (const auto& l : e.lines) {
    receipt::line out;
    out.product = l.product.value;
    out.quantity = l.quantity;
    if (const auto* p = rules.find(l.product, e.rules_version)) {
      out.name = name_of(*p);
      out.price = p->price;
      out.tax = letter(p->tax);
      (void)checked_mul(p->price, l.quantity, out.sum);  // it was priced before, so it fits
    } else {
      out.name = "product " + std::to_string(l.product.value);
    }
    r.lines.push_back(std::move(out));
  }
  for (const auto& t : e.taxes) {
    auto points = record && t.rate < record->taxes.size() ? record->taxes[t.rate].basis_points : 0;
    r.taxes.push_back({letter(t.rate), format_amount(points, 2), t.amount});
  }
}

void describe_money(const entry& e, receipt& r) {
  amount card = 0;
  for (const auto& v : e.values)
    (void)checked_add(card, v.amount, card);
  if (e.kind == entry_kind::sale) {
    r.total = card;
    if (card != 0) r.tenders.push_back({"card", card});
    for (const auto& t : e.tenders)
      (void)checked_add(r.total, t.amount, r.total);
  } else {
    r.total = card;
  }
  for (const auto& t : e.tenders)
    r.tenders.push_back({tender_name(t.kind), t.amount});
}

/// The entry that a reversal undoes.
result<entry> cited_entry(const entry& e, const writer_id& writer, const kv_store& store) {
  auto data = stream_reader(store).own_entry(writer, e.cites.value_or(0));
  if (!data) return data.error();
  auto cited = decode_entry(*data);
  if (!cited) return error{errc::corrupt, "the entry that a reversal cites"};
  return cited;
}

std::string_view title(const receipt& r) {
  if (r.kind == "sale") return "SALE";
  return r.kind == "top_up" ? "TOP-UP" : "REVERSAL";
}

}  // namespace

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

result<receipt> describe_receipt(const entry& e, const writer_id& writer, sequence seq, const catalogue& rules,
                                 const kv_store& store, std::string_view store_name) {
  receipt r;
  if (e.kind == entry_kind::sale) {
    r.kind = "sale";
  } else if (e.kind == entry_kind::top_up) {
    r.kind = "top_up";
  } else if (e.kind == entry_kind::reverse) {
    r.kind = "reversal";
  } else {
    return error{errc::not_found, "that entry is no receipt"};
  }
  r.id = receipt_id(writer, seq);
  r.terminal = e.terminal;
  r.counter = e.counter;
  r.business_date = e.business_date;
  r.stamp = start_of_day(e.business_date) + e.stamp;
  r.store = store_name;
  r.account = e.account;
  if (e.account.value != 0) r.masked = "card " + std::to_string(e.account.value);
  if (e.kind != entry_kind::reverse) {
    describe_lines(e, rules, r);
    describe_money(e, r);
    return r;
  }
  auto cited = cited_entry(e, writer, store);
  if (!cited) return cited.error();
  describe_lines(*cited, rules, r);
  describe_money(*cited, r);
  r.reverses = receipt_id(writer, *e.cites);
  return r;
}

std::vector<std::string> receipt_text(const receipt& r, ticket_balance b) {
  auto money = [&](amount a) { return format_amount(a, r.exponent); };
  std::vector<std::string> out;
  centred_lines(r.header, out);
  out.push_back(centred(r.store));
  out.push_back(centred(title(r)));
  out.push_back(row(local_time(r.stamp), "till " + std::to_string(r.terminal) + " no. " + std::to_string(r.counter)));
  out.push_back(std::string(ticket_columns, '-'));
  for (const auto& l : r.lines) {
    auto right = std::to_string(l.quantity) + " x " + money(l.price) + "  " + money(l.sum) + " " + l.tax;
    if (columns_of(l.name) + 1 + columns_of(right) > ticket_columns) {
      out.push_back(fit(l.name, ticket_columns));
      out.push_back(row("", right));
    } else {
      out.push_back(row(l.name, right));
    }
  }
  if (!r.lines.empty()) out.push_back(std::string(ticket_columns, '-'));
  out.push_back(row("TOTAL " + r.currency, money(r.total)));
  for (const auto& t : r.tenders)
    out.push_back(row("  " + std::string(t.kind), money(t.sum)));
  for (const auto& t : r.taxes)
    out.push_back(row("  incl. tax " + t.letter + " " + t.percent + " %", money(t.sum)));
  if (!r.reverses.empty()) {
    out.emplace_back("reverses");
    out.push_back("  " + fit(r.reverses, ticket_columns - 2));
  }
  if (!r.masked.empty()) {
    out.emplace_back();
    out.push_back(row("Card " + (r.masked.starts_with("card ") ? r.masked.substr(5) : r.masked), ""));
    bool told = b == ticket_balance::printed;
    if (told && r.here) out.push_back(row("  to spend here", money(*r.here)));
    if (told && r.elsewhere && *r.elsewhere != 0)
      out.push_back(row("  elsewhere, " + local_time(r.elsewhere_as_of), money(*r.elsewhere)));
  }
  out.emplace_back();
  out.push_back(fit(r.id, ticket_columns));
  centred_lines(r.footer, out);
  for (auto& l : out)
    l.erase(l.find_last_not_of(' ') + 1);
  return out;
}

result<bytes> receipt_ticket(const std::vector<std::string>& text, bool copy, bool possible_duplicate) {
  escpos::ticket t;
  t.lines.reserve(text.size());
  for (const auto& l : text) {
    escpos::line line(l);
    line.bold = l.starts_with("TOTAL ");
    t.lines.push_back(std::move(line));
  }
  t.copy = copy;
  t.possible_duplicate = possible_duplicate;
  return escpos::encode(t);
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
    w.close('}');
  }
  w.close(']');
  w.field("total", r.total);
  w.key("tenders");
  w.open('[');
  for (const auto& t : r.tenders) {
    w.open('{');
    w.field("kind", t.kind);
    w.field("amount", t.sum);
    w.close('}');
  }
  w.close(']');
  w.key("tax");
  w.open('[');
  for (const auto& t : r.taxes) {
    w.open('{');
    w.field("rate", t.letter);
    w.field("percent", t.percent);
    w.field("amount", t.sum);
    w.close('}');
  }
  w.close(']');
  w.field("here", r.here);
  w.field("elsewhere", r.elsewhere);
  w.field("elsewhere_as_of", r.elsewhere ? std::optional(r.elsewhere_as_of) : std::nullopt);
  w.key("unit");
  w.open('{');
  w.field("code", r.currency);
  w.field("exponent", static_cast<std::int64_t>(r.exponent));
  w.close('}');
  maybe("reverses", r.reverses);
  maybe("reversed_by", r.reversed_by);
  w.key("text");
  w.open('[');
  for (const auto& l : text)
    w.value(l);
  w.close(']');
}

}  // namespace tally
