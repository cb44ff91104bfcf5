#include "node/rules_programme.hpp"

namespace tally {
namespace {

constexpr std::array<std::string_view, 7> weekday_names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

class programme_reader : toml_fields {
public:
  programme_reader(const std::string& file_name, const price_list& list, row_places& places)
      : toml_fields(file_name), exponent_(static_cast<int>(list.rules.exponent)), places_(places) {
    for (const auto& p : list.products) {
      products_.push_back(p.id);
      if (p.open) open_.push_back(p.id);
    }
    std::ranges::sort(products_);
  }

  result<programme> read(const toml::table& root) {
    TALLY_TRY(choice(root, "rounding", {"half_up", "half_even"}, out_.round_half_even));
    TALLY_TRY(choice(root, "spend_first", {"bonus", "paid"}, out_.paid_first));
    TALLY_TRY(cash(root, "refund_quota", out_.refund_quota));
    TALLY_TRY(cash(root, "risk_budget", out_.risk_budget));
    TALLY_TRY(stale(root));
    TALLY_TRY(cash(root, "gift_per_day", out_.gift_per_day));
    std::int64_t minutes = 0;
    TALLY_TRY(integer(root, "hold_minutes", 1, hold_seconds_max / 60, minutes));
    out_.hold_minutes = static_cast<std::uint32_t>(minutes);
    TALLY_TRY(rows(root, "purse", out_.purses, purse_id_max, [&](auto& t, auto& x) { return purse(t, x); }));
    TALLY_TRY(rows(root, "level", out_.levels, 255, [&](auto& t, auto& x) { return level(t, x); }));
    TALLY_TRY(rows(root, "card_kind", out_.card_kinds, 100, [&](auto& t, auto& x) { return card_kind(t, x); }));
    TALLY_TRY(rows(root, "discount", out_.discounts, 65'535, [&](auto& t, auto& x) { return discount(t, x); }));
    TALLY_TRY(rows(root, "earn", out_.earns, 65'535, [&](auto& t, auto& x) { return earn(t, x); }));
    TALLY_TRY(rows(root, "package", out_.packages, 65'535, [&](auto& t, auto& x) { return package(t, x); }));
    return std::move(out_);
  }

private:
  /// The second name sets `second`.
  status choice(const toml::table& t, std::string_view key, std::array<std::string_view, 2> names, bool& second) const {
    std::string word(names[0]);
    TALLY_TRY(text(t, key, word));
    if (word != names[0] && word != names[1])
      return bad(t.get(key)->source(),
                 std::string(key) + " is \"" + std::string(names[0]) + "\" or \"" + std::string(names[1]) + "\"");
    second = word == names[1];
    return done();
  }

  template <class Rule, class Read>
  status rows(const toml::table& root, std::string_view key, std::vector<Rule>& out, std::int64_t id_max, Read read) {
    return each(root, key, [&](const toml::table& t) -> status {
      if (out.size() >= programme_rules_max)
        return bad(t.source(), "more than " + std::to_string(programme_rules_max) + " [[" + std::string(key) + "]]");
      Rule x;
      std::int64_t id = 0;
      if (!t.contains("id")) return bad(t.source(), "this " + std::string(key) + " has no id");
      TALLY_TRY(integer(t, "id", 1, id_max, id));
      x.id = static_cast<std::uint32_t>(id);
      TALLY_TRY(names_of(t, "a " + std::string(key), x.names));
      TALLY_TRY(read(t, x));
      auto at = std::ranges::lower_bound(out, x.id, {}, &Rule::id);
      if (at != out.end() && at->id == x.id)
        return bad(t.source(), std::string(key) + " id " + std::to_string(id) + " was used before");
      places_[std::string(key) + " " + std::to_string(x.id)] = t.source();
      out.insert(at, std::move(x));
      return done();
    });
  }

  template <class T, class Make>
  status numbers(const toml::table& t, std::string_view key, std::vector<T>& out, Make make) const {
    const auto* v = t.get(key);
    if (!v) return done();
    const auto* list = v->as_array();
    if (!list || list->empty() || list->size() > condition_items_max)
      return bad(v->source(), std::string(key) + " is a list of numbers, as [1, 2]");
    for (const auto& item : *list) {
      auto n = item.value_exact<std::int64_t>();
      if (!n || *n < 1 || *n > 0xffffffffLL) return bad(item.source(), std::string(key) + " is a list of numbers");
      TALLY_TRY(make(static_cast<std::uint32_t>(*n), item.source()));
      out.push_back(T{static_cast<std::uint32_t>(*n)});
    }
    std::ranges::sort(out);
    if (std::ranges::adjacent_find(out) != out.end()) return bad(v->source(), std::string(key) + " names one twice");
    return done();
  }
  status products(const toml::table& t, std::string_view key, std::vector<product_id>& out) const {
    return numbers(t, key, out, [&](std::uint32_t id, const toml::source_region& at) { return known(id, at); });
  }
  status known(std::uint32_t id, const toml::source_region& at) const {
    if (std::ranges::binary_search(products_, product_id{id})) return done();
    return bad(at, "there is no product " + std::to_string(id));
  }

  status percent(const toml::table& t, std::string_view key, std::uint32_t& out) const {
    amount bp = 0;
    TALLY_TRY(money(t, key, 2, bp));
    if (t.contains(key) && (bp < 1 || bp > 10'000))
      return bad(t.get(key)->source(), std::string(key) + " is \"0.01\" to \"100.00\"");
    if (t.contains(key)) out = static_cast<std::uint32_t>(bp);
    return done();
  }

  status cash(const toml::table& t, std::string_view key, amount& out) const { return money(t, key, exponent_, out); }

  /// Units of a purse: bonus is written as money, everything else as a whole number.
  status units(const toml::table& t, std::uint32_t purse, amount& out) const {
    const auto* p = out_.purse(purse);
    if (!p) return bad(t.source(), "there is no [[purse]] with id " + std::to_string(purse));
    if (p->kind == purse_kind::bonus) {
      if (!t.contains("money") || t.contains("units"))
        return bad(t.source(), "units of purse " + std::to_string(purse) + " are money, as money = \"5.00\"");
      TALLY_TRY(cash(t, "money", out));
    } else {
      if (!t.contains("units") || t.contains("money"))
        return bad(t.source(), "how much of purse " + std::to_string(purse) + " is written as units = 5");
      TALLY_TRY(integer(t, "units", 1, amount_max, out));
    }
    return out > 0 ? done() : status(bad(t.source(), "nothing of purse " + std::to_string(purse)));
  }

  status when(const toml::table& t, condition& c) const {
    auto any = [](std::uint32_t, const toml::source_region&) { return done(); };
    TALLY_TRY(numbers(t, "levels", c.levels, any));
    TALLY_TRY(numbers(t, "card_kinds", c.card_kinds, any));
    TALLY_TRY(products(t, "products", c.products));
    TALLY_TRY(date(t, "from", c.from));
    TALLY_TRY(date(t, "until", c.until));
    TALLY_TRY(cash(t, "min_total", c.min_total));
    TALLY_TRY(yes_or_no(t, "birthday", c.birthday));
    const auto* v = t.get("weekdays");
    if (!v) return done();
    const auto* list = v->as_array();
    if (!list || list->empty()) return bad(v->source(), "weekdays is a list, as [\"sat\", \"sun\"]");
    for (const auto& day : *list) {
      auto name = day.value_exact<std::string>();
      auto at = name ? std::ranges::find(weekday_names, *name) : weekday_names.end();
      if (at == weekday_names.end()) return bad(day.source(), "a weekday is mon, tue, wed, thu, fri, sat or sun");
      c.weekdays = static_cast<std::uint8_t>(c.weekdays | 1U << (at - weekday_names.begin()));
    }
    return done();
  }

  status purse(const toml::table& t, purse_rule& p) {
    TALLY_TRY(only(t, {"id", "kind", "name", "expires_months", "opens_months", "rate", "share_percent", "gifts", "off",
                       "off_percent", "min_total", "products", "quota", "gift_per_day", "manual_per_day"}));
    std::string kind;
    TALLY_TRY(text(t, "kind", kind));
    auto at = std::ranges::find(purse_kind_names, kind);
    if (at == purse_kind_names.end()) return bad(t.source(), "a purse has a kind: bonus, points, visits or voucher");
    p.kind = static_cast<purse_kind>(at - purse_kind_names.begin() + 2);
    std::int64_t months = 0;
    if (t.contains("expires_months") && t.contains("opens_months"))
      return bad(t.source(), "a purse has expires_months or opens_months, not both");
    TALLY_TRY(integer(t, "expires_months", 0, bucket_months_max, months));
    TALLY_TRY(integer(t, "opens_months", 1, bucket_months_max, months));
    p.months = static_cast<std::uint32_t>(months);
    if (t.contains("expires_months")) p.bucket = bucket_rule::expires;
    if (t.contains("opens_months")) p.bucket = bucket_rule::opens;
    TALLY_TRY(rate(t, p));
    TALLY_TRY(percent(t, "share_percent", p.share_max));
    TALLY_TRY(cash(t, "off", p.off));
    TALLY_TRY(percent(t, "off_percent", p.off_basis_points));
    TALLY_TRY(cash(t, "min_total", p.min_total));
    TALLY_TRY(products(t, "products", p.on));
    TALLY_TRY(gifts(t, p));
    if (p.kind == purse_kind::bonus) {
      TALLY_TRY(cash(t, "gift_per_day", p.gift_per_day));
      TALLY_TRY(cash(t, "manual_per_day", p.manual_per_day));
      return cash(t, "quota", p.quota);
    }
    TALLY_TRY(integer(t, "gift_per_day", 0, amount_max, p.gift_per_day));
    TALLY_TRY(integer(t, "manual_per_day", 0, amount_max, p.manual_per_day));
    return integer(t, "quota", 0, amount_max, p.quota);
  }

  status rate(const toml::table& t, purse_rule& p) const {
    const auto* v = t.get("rate");
    if (!v) return done();
    const auto* r = v->as_table();
    if (!r || !r->contains("units") || !r->contains("money"))
      return bad(v->source(), "a rate is written as rate = { units = 100, money = \"1.00\" }");
    TALLY_TRY(only(*r, {"units", "money"}));
    TALLY_TRY(integer(*r, "units", 1, 1'000'000'000, p.rate_units));
    TALLY_TRY(cash(*r, "money", p.rate_money));
    return p.rate_money > 0 ? done() : status(bad(v->source(), "a rate pays something"));
  }

  status gifts(const toml::table& t, purse_rule& p) const {
    return each(t, "gifts", [&](const toml::table& g) -> status {
      TALLY_TRY(only(g, {"product", "units"}));
      if (!g.contains("product") || !g.contains("units"))
        return bad(g.source(), "a gift is written as { product = 1, units = 150 }");
      std::int64_t id = 0;
      amount n = 0;
      TALLY_TRY(integer(g, "product", 1, 0xffffffff, id));
      TALLY_TRY(known(static_cast<std::uint32_t>(id), g.source()));
      if (std::ranges::find(open_, product_id{static_cast<std::uint32_t>(id)}) != open_.end())
        return bad(g.source(), "product " + std::to_string(id) + " is sold by amount, so there are no pieces to give");
      TALLY_TRY(integer(g, "units", 1, amount_max, n));
      product_units row{product_id{static_cast<std::uint32_t>(id)}, n};
      auto at = std::ranges::lower_bound(p.gifts, row.product, {}, &product_units::product);
      if (at != p.gifts.end() && at->product == row.product)
        return bad(g.source(), "product " + std::to_string(id) + " is a gift of this purse already");
      if (p.gifts.size() >= condition_items_max) return bad(g.source(), "too many gifts of one purse");
      p.gifts.insert(at, row);
      return done();
    });
  }

  status level(const toml::table& t, level_rule& l) const {
    TALLY_TRY(only(t, {"id", "name", "spend", "months"}));
    std::int64_t months = 12;
    TALLY_TRY(cash(t, "spend", l.spend));
    TALLY_TRY(integer(t, "months", 1, bucket_months_max, months));
    l.months = static_cast<std::uint32_t>(months);
    return done();
  }

  /// An empty list names no purse of the programme: the kind has paid money alone, which is written as just that, since
  /// no list at all stands for all purses.
  status purses(const toml::table& t, std::vector<std::uint32_t>& out) const {
    if (const auto* v = t.get("purses"))
      if (const auto* list = v->as_array(); list && list->empty()) return out = {purse_paid}, done();
    return numbers(t, "purses", out, [](std::uint32_t, const toml::source_region&) { return done(); });
  }

  status card_kind(const toml::table& t, card_kind_rule& k) const {
    TALLY_TRY(only(t, {"id",          "name",         "purses",       "top_up",        "per_day",
                       "price",       "deposit",      "valid_months", "valid_days",    "named",
                       "replaceable", "only_at",      "not_at",       "no_top_up_at",  "dormant_months",
                       "dormant_fee", "dormant_from", "pin_above",    "pin_above_day", "risk_sale",
                       "risk_total",  "risk_count",   "code_above",   "only_products", "not_products",
                       "only_owners", "not_owners"}));
    std::int64_t months = 0, days = 0;
    TALLY_TRY(cash(t, "price", k.price));
    TALLY_TRY(cash(t, "deposit", k.deposit));
    TALLY_TRY(integer(t, "valid_months", 1, valid_months_max, months));
    TALLY_TRY(integer(t, "valid_days", 1, valid_days_max, days));
    k.valid_months = static_cast<std::uint32_t>(months);
    k.valid_days = static_cast<std::uint32_t>(days);
    TALLY_TRY(yes_or_no(t, "named", k.named));
    TALLY_TRY(yes_or_no(t, "replaceable", k.replaceable));
    auto any = [](std::uint32_t, const toml::source_region&) { return done(); };
    TALLY_TRY(purses(t, k.purses));
    TALLY_TRY(numbers(t, "only_at", k.only_at, any));
    TALLY_TRY(numbers(t, "not_at", k.not_at, any));
    TALLY_TRY(numbers(t, "no_top_up_at", k.no_top_up_at, any));
    TALLY_TRY(numbers(t, "only_owners", k.only_owners, any));
    TALLY_TRY(numbers(t, "not_owners", k.not_owners, any));
    TALLY_TRY(dormant(t, k.dormant));
    TALLY_TRY(products(t, "only_products", k.only_products));
    TALLY_TRY(products(t, "not_products", k.not_products));
    TALLY_TRY(cash(t, "per_day", k.per_day));
    for (auto [key, out] : {std::pair("pin_above", &k.pin_above), std::pair("pin_above_day", &k.pin_above_day),
                            std::pair("code_above", &k.code_above)})
      if (t.contains(key)) TALLY_TRY(cash(t, key, out->emplace()));
    TALLY_TRY(risk(t, k));
    return yes_or_no(t, "top_up", k.top_up);
  }

  status risk(const toml::table& t, card_kind_rule& k) const {
    std::int64_t count = 0;
    TALLY_TRY(cash(t, "risk_sale", k.risk_sale));
    TALLY_TRY(cash(t, "risk_total", k.risk_total));
    TALLY_TRY(integer(t, "risk_count", 1, 1'000, count));
    k.risk_count = static_cast<std::uint32_t>(count);
    if (t.contains("risk_sale") != t.contains("risk_total"))
      return bad(t.source(), "risk_sale and risk_total belong together");
    if (t.contains("risk_count") && k.risk_sale == 0)
      return bad(t.source(), "risk_count belongs to risk_sale and risk_total");
    return done();
  }

  status dormant(const toml::table& t, dormant_rule& d) const {
    std::int64_t months = 0;
    TALLY_TRY(integer(t, "dormant_months", dormant_months_min, dormant_months_max, months));
    TALLY_TRY(cash(t, "dormant_fee", d.fee));
    TALLY_TRY(numbers(t, "dormant_from", d.purses, [](std::uint32_t, const toml::source_region&) { return done(); }));
    d.months = static_cast<std::uint32_t>(months);
    if (t.contains("dormant_months") != t.contains("dormant_fee"))
      return bad(t.source(), "dormant_months and dormant_fee belong together");
    if (t.contains("dormant_from") && d.months == 0)
      return bad(t.source(), "dormant_from belongs to dormant_months and dormant_fee");
    if (d.months != 0 && d.purses.empty()) d.purses = {purse_paid};
    return done();
  }

  status stale(const toml::table& root) {
    const auto* v = root.get("stale");
    if (!v) return done();
    const auto* t = v->as_table();
    if (!t) return bad(v->source(), "what stores do without news of head office is written as [stale]");
    TALLY_TRY(only(*t, {"rules_after_hours", "cards_after_hours", "card_sale_max"}));
    std::int64_t rules = 0, cards = 0;
    TALLY_TRY(integer(*t, "rules_after_hours", stale_hours_min, stale_hours_max, rules));
    TALLY_TRY(integer(*t, "cards_after_hours", stale_hours_min, stale_hours_max, cards));
    TALLY_TRY(cash(*t, "card_sale_max", out_.stale.sale_max));
    if ((cards != 0) != t->contains("card_sale_max"))
      return bad(v->source(), "cards_after_hours and card_sale_max belong together");
    out_.stale.rules_after = static_cast<std::uint32_t>(rules);
    out_.stale.cards_after = static_cast<std::uint32_t>(cards);
    return done();
  }

  status discount(const toml::table& t, discount_rule& d) const {
    TALLY_TRY(only(t, {"id", "name", "percent", "off", "levels", "card_kinds", "products", "from", "until", "weekdays",
                       "min_total", "birthday"}));
    TALLY_TRY(percent(t, "percent", d.basis_points));
    TALLY_TRY(cash(t, "off", d.off));
    return when(t, d.when);
  }

  status earn(const toml::table& t, earn_rule& e) const {
    TALLY_TRY(only(t, {"id", "name", "purse", "on", "units", "money", "per", "levels", "card_kinds", "products", "from",
                       "until", "weekdays", "min_total", "birthday"}));
    std::int64_t purse = 0;
    if (!t.contains("purse")) return bad(t.source(), "this earn names no purse");
    TALLY_TRY(integer(t, "purse", 2, purse_id_max, purse));
    e.purse = static_cast<std::uint32_t>(purse);
    TALLY_TRY(choice(t, "on", {"sale", "top_up"}, e.on_top_up));
    TALLY_TRY(units(t, e.purse, e.units));
    TALLY_TRY(cash(t, "per", e.per));
    if (t.contains("per") && e.per == 0) return bad(t.get("per")->source(), "per is above 0, or left out: once");
    return when(t, e.when);
  }

  status package(const toml::table& t, package_rule& p) const {
    TALLY_TRY(only(t, {"id", "name", "pay", "gives", "levels", "card_kinds", "from", "until", "weekdays", "birthday"}));
    if (!t.contains("pay")) return bad(t.source(), "this package has no pay");
    TALLY_TRY(cash(t, "pay", p.pay));
    auto given = each(t, "gives", [&](const toml::table& g) -> status {
      TALLY_TRY(only(g, {"purse", "units", "money"}));
      std::int64_t purse = 0;
      package_gift x;
      TALLY_TRY(integer(g, "purse", 2, purse_id_max, purse));
      x.purse = static_cast<std::uint32_t>(purse);
      TALLY_TRY(units(g, x.purse, x.units));
      if (p.gives.size() >= 16) return bad(g.source(), "more than 16 things in one package");
      p.gives.push_back(x);
      return done();
    });
    TALLY_TRY(given);
    return when(t, p.when);
  }

  int exponent_;
  std::vector<product_id> products_;
  std::vector<product_id> open_;  ///< of these, without a price of their own
  row_places& places_;
  programme out_;
};

}  // namespace

result<programme> read_programme_rules(const toml::table& root, const std::string& file_name, const price_list& list,
                                       row_places& places) {
  return programme_reader(file_name, list, places).read(root);
}

}  // namespace tally
