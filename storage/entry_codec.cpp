#include "storage/entry_codec.hpp"

#include <algorithm>

#include "ledger/kinds.hpp"
#include "storage/programme_codec.hpp"

namespace tally {
namespace {

void write_list_head(byte_writer& w, std::size_t n) { w.uv(n); }

void write_values(byte_writer& w, const std::vector<value_item>& list) {
  write_list_head(w, list.size());
  for (const auto& v : list) {
    w.uv(v.purse);
    w.uv(v.unit.value);
    w.uv(v.bucket);
    w.sv(v.amount);
  }
}
void write_tenders(byte_writer& w, const std::vector<tender_item>& list) {
  write_list_head(w, list.size());
  for (const auto& t : list) {
    w.uv(static_cast<std::uint64_t>(t.kind));
    w.uv(t.unit.value);
    w.sv(t.amount);
  }
}
void write_taxes(byte_writer& w, const std::vector<tax_item>& list) {
  write_list_head(w, list.size());
  for (const auto& t : list) {
    w.uv(t.rate);
    w.uv(t.unit.value);
    w.sv(t.amount);
  }
}
void write_lines(byte_writer& w, const std::vector<line_item>& list) {
  write_list_head(w, list.size());
  for (const auto& l : list) {
    w.uv(l.product.value);
    w.sv(l.quantity);
  }
}
void write_gifts(byte_writer& w, const std::vector<gift_item>& list) {
  write_list_head(w, list.size());
  for (const auto& g : list) {
    w.uv(g.purse);
    w.uv(g.product.value);
    w.sv(g.quantity);
  }
}
void write_head(byte_writer& w, const stream_head& h) {
  write_stream(w, h.stream);
  w.uv(h.size);
  w.fixed(h.root);
}

void write_field(byte_writer& w, field f, const entry& e) {
  switch (f) {
    case field::terminal: return w.uv(e.terminal);
    case field::counter: return w.uv(e.counter);
    case field::operator_id: return w.uv(e.operator_id);
    case field::business_date: return w.uv(e.business_date);
    case field::stamp: return w.sv(e.stamp);
    case field::shift: return w.uv(e.shift);
    case field::account: return w.uv(e.account.value);
    case field::account_version: return w.uv(e.account_version);
    case field::rules_version: return w.uv(e.rules_version);
    case field::values: return write_values(w, e.values);
    case field::tenders: return write_tenders(w, e.tenders);
    case field::taxes: return write_taxes(w, e.taxes);
    case field::lines: return write_lines(w, e.lines);
    case field::cites: return w.uv(*e.cites);
    case field::cited_kind: return w.uv(static_cast<std::uint64_t>(e.cited_kind));
    case field::peer: return write_writer(w, e.peer);
    case field::channel: return w.uv(e.channel);
    case field::cause: return w.uv(static_cast<std::uint64_t>(e.cause));
    case field::request: return w.uv(e.request);
    case field::head: return write_head(w, *e.head);
    case field::topic: return w.uv(static_cast<std::uint64_t>(e.topic));
    case field::blob: return w.str(e.blob);
    case field::medium: return w.str(e.medium);
    case field::card_kind: return w.uv(e.card_kind);
    case field::standing: return w.uv(static_cast<std::uint64_t>(e.status));
    case field::hq_time: return w.sv(e.hq_time);
    case field::subject: return write_writer(w, e.subject);
    case field::limits:
      w.sv(e.limits->ceiling);
      w.sv(e.limits->daily_inflow);
      w.sv(e.limits->quota_target);
      return w.sv(e.limits->daily_quota);
    case field::engine: return w.uv(e.engine);
    case field::size: return w.uv(e.size);
    case field::reason: return w.uv(static_cast<std::uint64_t>(e.reason));
    case field::serial: return w.uv(e.serial);
    case field::outcome: return w.uv(static_cast<std::uint64_t>(e.outcome));
    case field::earned: return write_values(w, e.earned);
    case field::level: return w.uv(e.level);
    case field::gifts: return write_gifts(w, e.gifts);
    case field::owed: return write_values(w, e.owed);
    case field::package: return w.uv(e.package);
    case field::debts: return write_values(w, e.debts);
    case field::expires: return w.uv(e.expires);
    case field::stale: return w.uv(1);
    case field::deadline: return w.sv(e.deadline);
    case field::released: return write_values(w, e.released);
    case field::to_account: return w.uv(e.to_account.value);
    case field::birth_month: return w.uv(e.birth_month);
    case field::birthday: return w.uv(1);
    case field::pin:
      w.uv(e.pin.version);
      w.uv(e.pin.refills);
      return w.uv(e.pin.set ? 1 : 0);
    case field::pin_checked: return w.uv(e.pin_checked);
    case field::bearer: return w.sv(e.bearer);
    case field::risk: return w.sv(e.risk);
    case field::code_checked: return w.uv(e.code_checked);
    case field::debtor: return w.uv(e.debtor.value);
  }
}

std::uint32_t u32(byte_reader& r) { return static_cast<std::uint32_t>(r.uv(UINT32_MAX)); }

template <class T, class Read>
void read_into(std::vector<T>& out, byte_reader& r, std::size_t max, Read read) {
  out.clear();
  auto n = r.uv(max);
  out.reserve(r.ok() ? static_cast<std::size_t>(n) : 0);
  for (std::uint64_t i = 0; i < n && r.ok(); ++i)
    out.push_back(read());
}

template <class E>
E read_enum(byte_reader& r, std::uint64_t max) {
  return static_cast<E>(r.uv(max));
}

void read_values(byte_reader& r, std::vector<value_item>& out) {
  read_into(out, r, values_max, [&] { return value_item{u32(r), {u32(r)}, u32(r), r.sv()}; });
}

void read_lists(byte_reader& r, field f, entry& e) {
  if (f == field::gifts)
    read_into(e.gifts, r, gifts_max, [&] { return gift_item{u32(r), product_id{u32(r)}, r.sv()}; });
  else if (f == field::tenders)
    read_into(e.tenders, r, tenders_max, [&] { return tender_item{read_enum<tender_kind>(r, 4), {u32(r)}, r.sv()}; });
  else if (f == field::taxes)
    read_into(e.taxes, r, taxes_max, [&] { return tax_item{u32(r), {u32(r)}, r.sv()}; });
  else
    read_into(e.lines, r, lines_max, [&] { return line_item{product_id{u32(r)}, r.sv()}; });
}

void read_field(byte_reader& r, field f, entry& e) {
  switch (f) {
    case field::terminal: e.terminal = u32(r); break;
    case field::counter: e.counter = r.uv(); break;
    case field::operator_id: e.operator_id = u32(r); break;
    case field::business_date: e.business_date = u32(r); break;
    case field::stamp: e.stamp = r.sv(); break;
    case field::shift: e.shift = u32(r); break;
    case field::account: e.account.value = r.uv(); break;
    case field::account_version: e.account_version = r.uv(); break;
    case field::rules_version: e.rules_version = r.uv(); break;
    case field::values: read_values(r, e.values); break;
    case field::earned: read_values(r, e.earned); break;
    case field::owed: read_values(r, e.owed); break;
    case field::debts: read_values(r, e.debts); break;
    case field::expires: e.expires = u32(r); break;
    case field::stale: e.stale = r.uv(1) == 1; break;
    case field::released: read_values(r, e.released); break;
    case field::deadline: e.deadline = r.sv(); break;
    case field::to_account: e.to_account.value = r.uv(); break;
    case field::birth_month: e.birth_month = u32(r); break;
    case field::birthday: e.birthday = r.uv(1) == 1; break;
    case field::pin:
      e.pin.version = u32(r);
      e.pin.refills = u32(r);
      e.pin.set = r.uv(1) == 1;
      break;
    case field::pin_checked: e.pin_checked = u32(r); break;
    case field::bearer: e.bearer = r.sv(); break;
    case field::risk: e.risk = r.sv(); break;
    case field::code_checked: e.code_checked = r.uv(); break;
    case field::debtor: e.debtor.value = u32(r); break;
    case field::level: e.level = u32(r); break;
    case field::package: e.package = u32(r); break;
    case field::gifts:
    case field::tenders:
    case field::taxes:
    case field::lines: read_lists(r, f, e); break;
    case field::cites: e.cites = r.uv(); break;
    case field::cited_kind: e.cited_kind = read_enum<entry_kind>(r, 63); break;
    case field::peer: e.peer = read_writer(r); break;
    case field::channel: e.channel = r.uv(); break;
    case field::cause: e.cause = read_enum<send_cause>(r, 4); break;
    case field::request: e.request = r.uv(); break;
    case field::head: {
      stream_head h;
      h.stream = read_stream(r);
      h.size = r.uv();
      r.fixed(h.root);
      e.head = h;
      break;
    }
    case field::topic: e.topic = read_enum<publish_topic>(r, 4); break;
    case field::blob: e.blob = r.str(blob_max); break;
    case field::medium: e.medium = r.str(16); break;
    case field::card_kind: e.card_kind = u32(r); break;
    case field::standing: e.status = read_enum<card_status>(r, 8); break;
    case field::hq_time: e.hq_time = r.sv(); break;
    case field::subject: e.subject = read_writer(r); break;
    case field::limits: {
      node_limits l;
      l.ceiling = r.sv();
      l.daily_inflow = r.sv();
      l.quota_target = r.sv();
      l.daily_quota = r.sv();
      e.limits = l;
      break;
    }
    case field::engine: e.engine = u32(r); break;
    case field::size: e.size = r.uv(); break;
    case field::reason: e.reason = read_enum<errc>(r, 255); break;
    case field::serial: e.serial = r.uv(); break;
    case field::outcome: e.outcome = read_enum<ruling_outcome>(r, 3); break;
  }
}

}  // namespace

void write_writer(byte_writer& w, const writer_id& id) {
  w.uv(id.node.value);
  w.fixed(id.epoch.value);
}
writer_id read_writer(byte_reader& r) {
  writer_id id;
  id.node.value = u32(r);
  r.fixed(id.epoch.value);
  return id;
}

void write_stream(byte_writer& w, const stream_id& id) {
  write_writer(w, id.writer);
  w.uv(static_cast<std::uint64_t>(id.sub));
  if (id.sub == sub_stream::addressed) w.uv(id.to.value);
}
stream_id read_stream(byte_reader& r) {
  stream_id id;
  id.writer = read_writer(r);
  id.sub = static_cast<sub_stream>(r.uv(2));
  if (id.sub == sub_stream::addressed) id.to.value = u32(r);
  return id;
}

// Asked for with every look at a stream, so written in place.
bytes stream_key(const stream_id& id) {
  bytes out(17, '\0');
  auto put = [&out](std::size_t at, std::uint32_t v) {
    for (std::size_t i = 0; i < 4; ++i)
      out[at + i] = static_cast<char>(v >> (24 - 8 * i));
  };
  put(0, id.writer.node.value);
  std::copy(id.writer.epoch.value.begin(), id.writer.epoch.value.end(), out.begin() + 4);
  out[12] = static_cast<char>(id.sub);
  put(13, id.to.value);
  return out;
}
std::optional<stream_id> parse_stream_key(byte_view key) {
  byte_reader r(key);
  stream_id id;
  id.writer.node.value = r.u32be();
  r.fixed(id.writer.epoch.value);
  auto sub = r.u8();
  id.sub = static_cast<sub_stream>(sub);
  id.to.value = r.u32be();
  if (!r.ok() || !r.at_end() || sub > 2) return std::nullopt;
  return id;
}

bytes encode_entry(const entry& e) {
  byte_writer w;
  w.uv(static_cast<std::uint64_t>(e.kind));
  auto has = fields_of(e);
  for (std::uint8_t f = 1; f <= field_max; ++f) {
    if ((has & bit(static_cast<field>(f))) == 0) continue;
    w.uv(f);
    write_field(w, static_cast<field>(f), e);
  }
  return w.take();
}

entry_kind peek_kind(byte_view data) {
  byte_reader r(data);
  return static_cast<entry_kind>(r.uv(127));
}

namespace {

// Everything at its default; the lists keep their memory.
void clear(entry& e) {
  entry fresh;
  fresh.values.swap(e.values);
  fresh.tenders.swap(e.tenders);
  fresh.taxes.swap(e.taxes);
  fresh.lines.swap(e.lines);
  fresh.debts.swap(e.debts);
  fresh.released.swap(e.released);
  fresh.owed.swap(e.owed);
  fresh.gifts.swap(e.gifts);
  fresh.earned.swap(e.earned);
  fresh.blob.swap(e.blob);
  fresh.medium.swap(e.medium);
  e = std::move(fresh);
  e.values.clear();
  e.tenders.clear();
  e.taxes.clear();
  e.lines.clear();
  e.debts.clear();
  e.released.clear();
  e.owed.clear();
  e.gifts.clear();
  e.earned.clear();
  e.blob.clear();
  e.medium.clear();
}

}  // namespace

status decode_entry(byte_view data, entry& e) {
  clear(e);
  if (data.size() > entry_bytes_max) return error{errc::malformed, "an entry over 65,535 octets"};
  byte_reader r(data);
  e.kind = static_cast<entry_kind>(r.uv(255));
  if (!r.ok()) return error{errc::malformed, "an entry without a kind"};
  const auto* row = row_of(e.kind);
  if (!row || !row->built) return error{errc::unsupported, "entry kind " + std::to_string(static_cast<int>(e.kind))};
  std::uint64_t last = 0;
  field_set seen = 0;
  while (r.ok() && !r.at_end()) {
    auto f = r.uv(field_max);
    if (!r.ok() || f <= last) return error{errc::malformed, "an entry's fields are not in order"};
    last = f;
    seen |= bit(static_cast<field>(f));
    read_field(r, static_cast<field>(f), e);
  }
  if (!r.ok()) return error{errc::malformed, "an entry's field"};
  // One spelling only. The numbers, lists and names in it have one each, so what is left is a field at its default,
  // which the writer would have left out.
  if (seen != fields_of(e)) return error{errc::malformed, "an entry that is not in canonical form"};
  return done();
}

result<entry> decode_entry(byte_view data) {
  entry e;
  TALLY_TRY(decode_entry(data, e));
  return e;
}

static void write_form_to(byte_writer& w, const receipt_form& f) {
  w.str(f.layout);
  w.uv(f.copies);
}

static void read_form_from(byte_reader& r, receipt_form& f) {
  f.layout = r.str(receipt_layout_bytes_max);
  f.copies = static_cast<std::uint32_t>(r.uv(receipt_copies_max));
}

bytes encode_rules(const rules_record& r) {
  // Each form has what the one before has and one thing more: without it the record is what older nodes can read.
  const bool report = r.day_report != receipt_form{};
  const bool more = report || r.programme.tells_of_cards() || r.programme.tells_of_bounds() ||
                    r.programme.tells_of_pins() || r.programme.tells_of_risk() || r.programme.tells_of_codes() ||
                    r.programme.tells_of_goods() || r.programme.tells_of_owners();
  const bool plan = more || !r.programme.empty();
  const bool receipts = plan || r.receipts != decltype(r.receipts){};
  byte_writer w;
  w.uv(more ? 4 : plan ? 3 : receipts ? 2 : 1);
  w.uv(r.version);
  w.uv(r.effective_from);
  w.str(r.currency);
  w.uv(r.exponent);
  w.str(r.header);
  w.str(r.footer);
  w.str(r.card_prefix);
  w.sv(r.top_up_min);
  w.sv(r.top_up_max);
  w.uv(r.taxes.size());
  for (const auto& t : r.taxes) {
    w.str(t.letter);
    w.uv(t.basis_points);
  }
  if (receipts)
    for (const auto& f : r.receipts)
      write_form_to(w, f);
  if (plan) write_programme(w, r.programme);
  if (more) {
    byte_writer form;
    if (report) write_form_to(form, r.day_report);
    write_sections(w, r.programme, form.take());
  }
  return w.take();
}

result<rules_record> decode_rules(byte_view data) {
  byte_reader r(data);
  rules_record x;
  const auto form = r.uv(4);
  x.version = r.uv();
  x.effective_from = u32(r);
  x.currency = r.str(8);
  x.exponent = static_cast<std::uint32_t>(r.uv(4));
  x.header = r.str(1000);
  x.footer = r.str(1000);
  x.card_prefix = r.str(16);
  x.top_up_min = r.sv();
  x.top_up_max = r.sv();
  read_into(x.taxes, r, taxes_max, [&] {
    return tax_rate{bytes(r.str(4)), static_cast<std::uint32_t>(r.uv(100'000))};
  });
  if (form >= 2)
    for (auto& f : x.receipts)
      read_form_from(r, f);
  if (form >= 3) x.programme = read_programme(r);
  if (form >= 4) {
    bytes report;
    read_sections(r, x.programme, report);
    if (!report.empty()) {
      byte_reader f(report);
      read_form_from(f, x.day_report);
      if (!f.at_end()) r.fail();
    }
  }
  if (!r.ok() || !r.at_end() || encode_rules(x) != data) return error{errc::malformed, "a rules record"};
  return x;
}

bytes encode_product(const product& p) {
  byte_writer w;
  w.uv(1);
  w.uv(p.id.value);
  w.uv(p.version);
  w.str(p.ean);
  for (const auto& n : p.names)
    w.str(n);
  w.sv(p.price);
  w.uv(p.tax);
  w.uv(p.withdrawn ? 1 : p.open ? 2 : 0);
  return w.take();
}

result<product> decode_product(byte_view data) {
  byte_reader r(data);
  product p;
  r.uv(1);
  p.id.value = u32(r);
  p.version = r.uv();
  p.ean = r.str(14);
  for (auto& n : p.names)
    n = r.str(120);
  p.price = r.sv();
  p.tax = static_cast<std::uint32_t>(r.uv(taxes_max - 1));
  auto standing = r.uv(2);
  p.withdrawn = standing == 1;
  p.open = standing == 2;
  if (!r.ok() || !r.at_end() || p.price < 0 || p.price > amount_max || encode_product(p) != data)
    return error{errc::malformed, "a product record"};
  return p;
}

}  // namespace tally
