#include "storage/programme_codec.hpp"

#include <algorithm>
#include <span>

namespace tally {
namespace {

constexpr std::size_t name_octets_max = 120;

std::uint32_t u32(byte_reader& r) { return static_cast<std::uint32_t>(r.uv(UINT32_MAX)); }

template <class T, class Write>
void write_list(byte_writer& w, const std::vector<T>& list, Write write) {
  w.uv(list.size());
  for (const auto& x : list)
    write(x);
}
template <class T, class Read>
void read_list(byte_reader& r, std::vector<T>& out, std::size_t max, Read read) {
  auto n = r.uv(max);
  for (std::uint64_t i = 0; i < n && r.ok(); ++i)
    out.push_back(read());
}

void write_names(byte_writer& w, const localized& n) {
  for (const auto& text : n)
    w.str(text);
}
localized read_names(byte_reader& r) {
  localized n;
  for (auto& text : n)
    text = r.str(name_octets_max);
  return n;
}

void write_numbers(byte_writer& w, const std::vector<std::uint32_t>& list) {
  write_list(w, list, [&](std::uint32_t v) { w.uv(v); });
}
std::vector<std::uint32_t> read_numbers(byte_reader& r) {
  std::vector<std::uint32_t> out;
  read_list(r, out, condition_items_max, [&] { return u32(r); });
  return out;
}
void write_products(byte_writer& w, const std::vector<product_id>& list) {
  write_list(w, list, [&](product_id p) { w.uv(p.value); });
}
std::vector<product_id> read_products(byte_reader& r) {
  std::vector<product_id> out;
  read_list(r, out, condition_items_max, [&] { return product_id{u32(r)}; });
  return out;
}

void write_condition(byte_writer& w, const condition& c) {
  write_numbers(w, c.levels);
  write_numbers(w, c.card_kinds);
  write_products(w, c.products);
  w.uv(c.from);
  w.uv(c.until);
  w.uv(c.weekdays);
  w.sv(c.min_total);
}
condition read_condition(byte_reader& r) {
  condition c;
  c.levels = read_numbers(r);
  c.card_kinds = read_numbers(r);
  c.products = read_products(r);
  c.from = u32(r);
  c.until = u32(r);
  c.weekdays = static_cast<std::uint8_t>(r.uv(127));
  c.min_total = r.sv();
  return c;
}

void write_purse(byte_writer& w, const purse_rule& p) {
  w.uv(p.id);
  w.uv(static_cast<std::uint64_t>(p.kind));
  write_names(w, p.names);
  w.uv(static_cast<std::uint64_t>(p.bucket));
  w.uv(p.months);
  w.sv(p.rate_units);
  w.sv(p.rate_money);
  w.uv(p.share_max);
  write_list(w, p.gifts, [&](const product_units& g) {
    w.uv(g.product.value);
    w.sv(g.units);
  });
  w.sv(p.off);
  w.uv(p.off_basis_points);
  w.sv(p.min_total);
  write_products(w, p.on);
  w.sv(p.quota);
}
purse_rule read_purse(byte_reader& r) {
  purse_rule p;
  p.id = u32(r);
  p.kind = static_cast<purse_kind>(r.uv(5));
  p.names = read_names(r);
  p.bucket = static_cast<bucket_rule>(r.uv(2));
  p.months = u32(r);
  p.rate_units = r.sv();
  p.rate_money = r.sv();
  p.share_max = u32(r);
  read_list(r, p.gifts, condition_items_max, [&] { return product_units{product_id{u32(r)}, r.sv()}; });
  p.off = r.sv();
  p.off_basis_points = u32(r);
  p.min_total = r.sv();
  p.on = read_products(r);
  p.quota = r.sv();
  return p;
}

void write_rows(byte_writer& w, const programme& p) {
  write_list(w, p.levels, [&](const level_rule& l) {
    w.uv(l.id);
    write_names(w, l.names);
    w.sv(l.spend);
    w.uv(l.months);
  });
  write_list(w, p.card_kinds, [&](const card_kind_rule& k) {
    w.uv(k.id);
    write_names(w, k.names);
    write_numbers(w, k.purses);
    w.uv(k.top_up ? 1 : 0);
    w.sv(k.per_day);
  });
  write_list(w, p.discounts, [&](const discount_rule& d) {
    w.uv(d.id);
    write_names(w, d.names);
    w.uv(d.basis_points);
    w.sv(d.off);
    write_condition(w, d.when);
  });
}
void read_rows(byte_reader& r, programme& p) {
  read_list(r, p.levels, programme_rules_max, [&] { return level_rule{u32(r), read_names(r), r.sv(), u32(r)}; });
  read_list(r, p.card_kinds, programme_rules_max, [&] {
    return card_kind_rule{u32(r), read_names(r), read_numbers(r), r.uv(1) == 1, r.sv()};
  });
  read_list(r, p.discounts, programme_rules_max, [&] {
    return discount_rule{u32(r), read_names(r), u32(r), r.sv(), read_condition(r)};
  });
}

constexpr std::uint64_t section_report = 2;
constexpr std::size_t sections_max = 16, section_octets_max = 50'000;

template <class T>
T* row_by_id(std::vector<T>& list, std::uint32_t id) {
  auto it = std::ranges::find(list, id, &T::id);
  return it == list.end() ? nullptr : &*it;
}

/// Rows of a list of which `has` is true, each as its id and what `write` adds.
template <class T, class Has, class Write>
void write_some(byte_writer& w, const std::vector<T>& list, Has has, Write write) {
  std::vector<const T*> some;
  for (const auto& x : list)
    if (has(x)) some.push_back(&x);
  write_list(w, some, [&](const T* x) {
    w.uv(x->id);
    write(*x);
  });
}
/// The same back; fails at an id that the list does not have.
template <class T, class Read>
void read_some(byte_reader& r, std::vector<T>& list, std::size_t max, Read read) {
  auto n = r.uv(max);
  for (std::uint64_t i = 0; i < n && r.ok(); ++i) {
    auto* x = row_by_id(list, u32(r));
    if (!x) return r.fail();
    read(*x);
  }
}

void write_cards(byte_writer& w, const programme& p) {
  w.uv(p.stale.rules_after);
  w.uv(p.stale.cards_after);
  w.sv(p.stale.sale_max);
  auto sells = [](const card_kind_rule& k) { return k.sells(); };
  write_some(w, p.card_kinds, sells, [&](const card_kind_rule& k) {
    w.sv(k.price);
    w.sv(k.deposit);
    w.uv(k.valid_months);
    w.uv(k.valid_days);
    w.uv((k.named ? 1U : 0U) | (k.replaceable ? 0U : 2U));
  });
}
void read_cards(byte_reader& r, programme& p) {
  p.stale.rules_after = u32(r);
  p.stale.cards_after = u32(r);
  p.stale.sale_max = r.sv();
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) {
    k.price = r.sv();
    k.deposit = r.sv();
    k.valid_months = u32(r);
    k.valid_days = u32(r);
    const auto flags = r.uv(3);
    k.named = (flags & 1) != 0;
    k.replaceable = (flags & 2) == 0;
  });
}

void write_pins(byte_writer& w, const programme& p) {
  auto asks = [](const card_kind_rule& k) { return k.pin_above || k.pin_above_day; };
  write_some(w, p.card_kinds, asks, [&](const card_kind_rule& k) {
    w.uv((k.pin_above ? 1U : 0U) | (k.pin_above_day ? 2U : 0U));
    if (k.pin_above) w.sv(*k.pin_above);
    if (k.pin_above_day) w.sv(*k.pin_above_day);
  });
}
void read_pins(byte_reader& r, programme& p) {
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) {
    const auto flags = r.uv(3);
    if ((flags & 1) != 0) k.pin_above = r.sv();
    if ((flags & 2) != 0) k.pin_above_day = r.sv();
  });
}

void write_bounds(byte_writer& w, const programme& p) {
  auto bound = [](const card_kind_rule& k) { return k.has_bounds(); };
  write_some(w, p.card_kinds, bound, [&](const card_kind_rule& k) {
    write_numbers(w, k.only_at);
    write_numbers(w, k.not_at);
    write_numbers(w, k.no_top_up_at);
    w.uv(k.dormant.months);
    w.sv(k.dormant.fee);
    write_numbers(w, k.dormant.purses);
  });
  auto by_hand = [](const purse_rule& x) { return x.manual_per_day != 0; };
  write_some(w, p.purses, by_hand, [&](const purse_rule& x) { w.sv(x.manual_per_day); });
  auto birthdays = [&](const auto& list) {
    std::vector<std::uint32_t> ids;
    for (const auto& x : list)
      if (x.when.birthday) ids.push_back(x.id);
    write_numbers(w, ids);
  };
  birthdays(p.discounts);
  birthdays(p.earns);
  birthdays(p.packages);
}
void read_bounds(byte_reader& r, programme& p) {
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) {
    k.only_at = read_numbers(r);
    k.not_at = read_numbers(r);
    k.no_top_up_at = read_numbers(r);
    k.dormant.months = u32(r);
    k.dormant.fee = r.sv();
    k.dormant.purses = read_numbers(r);
  });
  read_some(r, p.purses, purse_id_max, [&](purse_rule& x) { x.manual_per_day = r.sv(); });
  auto birthdays = [&](auto& list) {
    for (auto id : read_numbers(r)) {
      auto* x = row_by_id(list, id);
      if (!x) return r.fail();
      x->when.birthday = true;
    }
  };
  birthdays(p.discounts);
  birthdays(p.earns);
  birthdays(p.packages);
}

void write_codes(byte_writer& w, const programme& p) {
  auto asks = [](const card_kind_rule& k) { return k.code_above.has_value(); };
  write_some(w, p.card_kinds, asks, [&](const card_kind_rule& k) { w.sv(*k.code_above); });
}
void read_codes(byte_reader& r, programme& p) {
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) { k.code_above = r.sv(); });
}

void write_risk(byte_writer& w, const programme& p) {
  w.sv(p.risk_budget);
  auto lends = [](const card_kind_rule& k) { return k.risk_sale != 0; };
  write_some(w, p.card_kinds, lends, [&](const card_kind_rule& k) {
    w.sv(k.risk_sale);
    w.sv(k.risk_total);
    w.uv(k.risk_count);
  });
}
void read_risk(byte_reader& r, programme& p) {
  p.risk_budget = r.sv();
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) {
    k.risk_sale = r.sv();
    k.risk_total = r.sv();
    k.risk_count = u32(r);
  });
}

void write_goods(byte_writer& w, const programme& p) {
  auto some = [](const card_kind_rule& k) { return k.has_goods(); };
  write_some(w, p.card_kinds, some, [&](const card_kind_rule& k) {
    write_products(w, k.only_products);
    write_products(w, k.not_products);
  });
}
void read_goods(byte_reader& r, programme& p) {
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) {
    k.only_products = read_products(r);
    k.not_products = read_products(r);
  });
}

void write_owners(byte_writer& w, const programme& p) {
  auto some = [](const card_kind_rule& k) { return k.has_owners(); };
  write_some(w, p.card_kinds, some, [&](const card_kind_rule& k) {
    write_numbers(w, k.only_owners);
    write_numbers(w, k.not_owners);
  });
}
void read_owners(byte_reader& r, programme& p) {
  read_some(r, p.card_kinds, programme_rules_max, [&](card_kind_rule& k) {
    k.only_owners = read_numbers(r);
    k.not_owners = read_numbers(r);
  });
}

/// One section of form 4: written when the programme says something that only it holds. Numbers are for ever.
struct section {
  std::uint64_t number;
  bool (programme::*tells)() const;
  void (*write)(byte_writer&, const programme&);
  void (*read)(byte_reader&, programme&);
};
constexpr section sections[] = {
    {1, &programme::tells_of_cards, write_cards, read_cards},
    {3, &programme::tells_of_pins, write_pins, read_pins},
    {5, &programme::tells_of_bounds, write_bounds, read_bounds},
    {6, &programme::tells_of_codes, write_codes, read_codes},
    {7, &programme::tells_of_risk, write_risk, read_risk},
    {8, &programme::tells_of_goods, write_goods, read_goods},
    {10, &programme::tells_of_owners, write_owners, read_owners},
};

}  // namespace

void write_sections(byte_writer& w, const programme& p, const bytes& report) {
  std::uint64_t n = report.empty() ? 0 : 1;
  for (const auto& s : sections)
    n += (p.*s.tells)() ? 1U : 0U;
  w.uv(n);
  auto put = [&](const section& s) {
    if (!(p.*s.tells)()) return;
    byte_writer content;
    s.write(content, p);
    w.uv(s.number);
    w.str(content.take());
  };
  put(sections[0]);
  if (!report.empty()) {
    w.uv(section_report);
    w.str(report);
  }
  for (const auto& s : std::span(sections).subspan(1))
    put(s);
}

void read_sections(byte_reader& r, programme& p, bytes& report) {
  auto n = r.uv(sections_max);
  for (std::uint64_t i = 0; i < n && r.ok(); ++i) {
    auto number = r.uv();
    auto data = r.str(section_octets_max);
    if (number == section_report) {
      report = data;
      continue;
    }
    auto s = std::ranges::find(sections, number, &section::number);
    if (s == std::end(sections)) return r.fail();
    byte_reader content(data);
    s->read(content, p);
    if (!content.ok() || !content.at_end()) r.fail();
  }
}

void write_programme(byte_writer& w, const programme& p) {
  std::vector<product_units> given;  // by purse: what one card may give to others in a day
  for (const auto& x : p.purses)
    if (x.gift_per_day != 0) given.push_back({product_id{x.id}, x.gift_per_day});
  const bool more = p.hold_minutes != 0 || p.gift_per_day != 0 || !given.empty();
  w.uv((p.paid_first ? 1U : 0U) | (p.round_half_even ? 2U : 0U) | (more ? 4U : 0U));
  w.sv(p.refund_quota);
  write_list(w, p.purses, [&](const purse_rule& x) { write_purse(w, x); });
  write_rows(w, p);
  write_list(w, p.earns, [&](const earn_rule& e) {
    w.uv(e.id);
    write_names(w, e.names);
    w.uv(e.purse);
    w.uv(e.on_top_up ? 1 : 0);
    w.sv(e.units);
    w.sv(e.per);
    write_condition(w, e.when);
  });
  write_list(w, p.packages, [&](const package_rule& x) {
    w.uv(x.id);
    write_names(w, x.names);
    w.sv(x.pay);
    write_list(w, x.gives, [&](const package_gift& g) {
      w.uv(g.purse);
      w.sv(g.units);
    });
    write_condition(w, x.when);
  });
  if (!more) return;
  w.uv(p.hold_minutes);
  w.sv(p.gift_per_day);
  write_list(w, given, [&](const product_units& g) {
    w.uv(g.product.value);
    w.sv(g.units);
  });
}

programme read_programme(byte_reader& r) {
  programme p;
  const auto flags = r.uv(7);
  p.paid_first = (flags & 1) != 0;
  p.round_half_even = (flags & 2) != 0;
  p.refund_quota = r.sv();
  read_list(r, p.purses, purse_id_max, [&] { return read_purse(r); });
  read_rows(r, p);
  read_list(r, p.earns, programme_rules_max,
            [&] { return earn_rule{u32(r), read_names(r), u32(r), r.uv(1) == 1, r.sv(), r.sv(), read_condition(r)}; });
  read_list(r, p.packages, programme_rules_max, [&] {
    package_rule x{u32(r), read_names(r), r.sv(), {}, {}};
    read_list(r, x.gives, values_max, [&] { return package_gift{u32(r), r.sv()}; });
    x.when = read_condition(r);
    return x;
  });
  if ((flags & 4) == 0) return p;
  p.hold_minutes = u32(r);
  p.gift_per_day = r.sv();
  std::vector<product_units> given;
  read_list(r, given, purse_id_max, [&] { return product_units{product_id{u32(r)}, r.sv()}; });
  for (const auto& g : given)
    for (auto& x : p.purses)
      if (x.id == g.product.value) x.gift_per_day = g.units;
  return p;
}

}  // namespace tally
