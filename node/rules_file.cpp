#include "node/rules_file.hpp"

#include <array>
#include <chrono>
#include <initializer_list>
#include <map>
#include <set>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "ledger/money.hpp"
#include "node/identity.hpp"

namespace tally {
namespace {

/// Reads one file. The first error stops it; line numbers are those of the file.
class rules_reader {
public:
  explicit rules_reader(std::string file_name) : file_(std::move(file_name)) {}

  result<price_list> read(std::string_view text) {
    auto parsed = toml::parse(text, file_);
    if (!parsed) return bad(parsed.error().source(), std::string(parsed.error().description()));
    const toml::table& root = parsed.table();
    TALLY_TRY(only(root, {"effective_from", "currency", "exponent", "header", "footer", "card_prefix", "top_up_min",
                          "top_up_max", "tax", "product", "receipt"}));
    TALLY_TRY(read_head(root));
    TALLY_TRY(read_receipts(root));
    TALLY_TRY(each(root, "tax", [&](const toml::table& t) { return read_tax(t); }));
    TALLY_TRY(located(root.source(), check_rules(out_.rules)));
    TALLY_TRY(each(root, "product", [&](const toml::table& t) { return read_product(t); }));
    if (out_.products.empty()) return bad(root.source(), "there is no product; write at least one [[product]]");
    return std::move(out_);
  }

private:
  error bad(const toml::source_region& at, const std::string& why) const {
    auto line = std::max<toml::source_index>(at.begin.line, 1);
    return {errc::bad_rules, file_ + ":" + std::to_string(line) + ": " + why};
  }

  status located(const toml::source_region& at, const status& s) const {
    if (s) return done();
    return bad(at, s.error().detail);
  }

  status only(const toml::table& t, std::initializer_list<std::string_view> known) const {
    for (const auto& [key, value] : t) {
      if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
      std::string list;
      for (auto k : known)
        list += (list.empty() ? "" : ", ") + std::string(k);
      return bad(key.source(), "there is no key " + std::string(key.str()) + " here; known are " + list);
    }
    return done();
  }

  template <class F>
  status each(const toml::table& root, std::string_view key, F&& read_one) {
    const auto* node = root.get(key);
    if (!node) return done();
    const auto* list = node->as_array();
    if (!list) return bad(node->source(), std::string(key) + " is written as [[" + std::string(key) + "]]");
    for (const auto& item : *list) {
      const auto* t = item.as_table();
      if (!t) return bad(item.source(), std::string(key) + " is written as [[" + std::string(key) + "]]");
      TALLY_TRY(read_one(*t));
    }
    return done();
  }

  status text(const toml::table& t, std::string_view key, std::string& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto s = v->value_exact<std::string>();
    if (!s) return bad(v->source(), std::string(key) + " is text in quotes");
    out = *s;
    return done();
  }

  status integer(const toml::table& t, std::string_view key, std::int64_t min, std::int64_t max,
                 std::int64_t& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto n = v->value_exact<std::int64_t>();
    if (!n || *n < min || *n > max)
      return bad(v->source(),
                 std::string(key) + " is a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    out = *n;
    return done();
  }

  /// Text, because a decimal fraction in TOML is a binary one.
  status money(const toml::table& t, std::string_view key, int exponent, amount& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto s = v->value_exact<std::string>();
    auto n = s ? parse_amount(*s, exponent) : std::nullopt;
    if (!n || *n < 0 || *n > amount_max)
      return bad(v->source(), std::string(key) + " is an amount in quotes with at most " + std::to_string(exponent) +
                                  " decimals, as \"" + format_amount(1250, exponent) + "\"");
    out = *n;
    return done();
  }

  status date(const toml::table& t, std::string_view key, std::uint32_t& out) const {
    const auto* v = t.get(key);
    if (!v) return done();
    auto d = v->value_exact<toml::date>();
    if (!d) return bad(v->source(), std::string(key) + " is a date without quotes, as 2026-11-22");
    std::chrono::year_month_day ymd{std::chrono::year(d->year), std::chrono::month(d->month), std::chrono::day(d->day)};
    if (!ymd.ok() || d->year < 2020 || d->year > 2200) return bad(v->source(), std::string(key) + " is no such date");
    std::chrono::sys_seconds start = std::chrono::sys_days(ymd);
    out = day_of(start.time_since_epoch().count());
    return done();
  }

  status read_head(const toml::table& root) {
    auto& r = out_.rules;
    std::int64_t exponent = 2;
    TALLY_TRY(text(root, "currency", r.currency));
    TALLY_TRY(integer(root, "exponent", 0, 4, exponent));
    r.exponent = static_cast<std::uint32_t>(exponent);
    TALLY_TRY(date(root, "effective_from", r.effective_from));
    TALLY_TRY(text(root, "header", r.header));
    TALLY_TRY(text(root, "footer", r.footer));
    TALLY_TRY(text(root, "card_prefix", r.card_prefix));
    TALLY_TRY(money(root, "top_up_min", static_cast<int>(exponent), r.top_up_min));
    TALLY_TRY(money(root, "top_up_max", static_cast<int>(exponent), r.top_up_max));
    if (const auto* v = root.get("top_up_min"); v && r.top_up_min > r.top_up_max)
      return bad(v->source(), "top_up_min is above top_up_max");
    return done();
  }

  status read_receipts(const toml::table& root) {
    const auto* all = root.get("receipt");
    if (!all) return done();
    const auto* kinds = all->as_table();
    if (!kinds)
      return bad(all->source(), "receipts are written as [receipt.sale], [receipt.top_up], [receipt.reversal]");
    constexpr std::array<std::string_view, 3> names{"sale", "top_up", "reversal"};
    TALLY_TRY(only(*kinds, {names[0], names[1], names[2]}));
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto* one = kinds->get(names[i]);
      if (!one) continue;
      const auto* t = one->as_table();
      if (!t) return bad(one->source(), "receipts are written as [receipt." + std::string(names[i]) + "]");
      TALLY_TRY(only(*t, {"copies", "layout"}));
      std::int64_t copies = 1;
      TALLY_TRY(integer(*t, "copies", 1, receipt_copies_max, copies));
      out_.rules.receipts[i].copies = static_cast<std::uint32_t>(copies);
      TALLY_TRY(text(*t, "layout", out_.rules.receipts[i].layout));
    }
    return done();
  }

  status read_tax(const toml::table& t) {
    TALLY_TRY(only(t, {"letter", "percent"}));
    tax_rate rate;
    TALLY_TRY(text(t, "letter", rate.letter));
    if (!t.contains("percent")) return bad(t.source(), "this tax rate has no percent");
    amount basis_points = 0;
    TALLY_TRY(money(t, "percent", 2, basis_points));
    if (basis_points > 10'000) return bad(t.source(), "a tax rate is 0.00 to 100.00 percent");
    rate.basis_points = static_cast<std::uint32_t>(basis_points);
    for (const auto& other : out_.rules.taxes)
      if (other.letter == rate.letter) return bad(t.source(), "tax letter " + rate.letter + " was used before");
    out_.rules.taxes.push_back(std::move(rate));
    return done();
  }

  status read_names(const toml::table& t, product& p) const {
    const auto* v = t.get("name");
    const auto* names = v ? v->as_table() : nullptr;
    if (!names) return bad(v ? v->source() : t.source(), "a product has a name, as name = { en = \"Bread\" }");
    TALLY_TRY(only(*names, {"en", "zh-Hans", "zh-Hant", "ko"}));
    for (std::size_t i = 0; i < language_count; ++i)
      TALLY_TRY(text(*names, language_tag(static_cast<language>(i)), p.names[i]));
    return done();
  }

  status read_tax_letter(const toml::table& t, product& p) const {
    const auto& taxes = out_.rules.taxes;
    if (!t.contains("tax") && taxes.size() == 1) return done();
    std::string letter;
    TALLY_TRY(text(t, "tax", letter));
    for (std::size_t i = 0; i < taxes.size(); ++i)
      if (taxes[i].letter == letter) {
        p.tax = static_cast<std::uint32_t>(i);
        return done();
      }
    const auto* v = t.get("tax");
    if (!v) return bad(t.source(), "this product names no tax letter, and there are several rates");
    return bad(v->source(), "there is no [[tax]] with letter " + letter);
  }

  status read_product(const toml::table& t) {
    TALLY_TRY(only(t, {"id", "ean", "price", "tax", "name"}));
    if (out_.products.size() >= products_max)
      return bad(t.source(), "more than " + std::to_string(products_max) + " products");
    product p;
    std::int64_t id = 0;
    TALLY_TRY(integer(t, "id", 1, 0xffffffff, id));
    p.id.value = static_cast<std::uint32_t>(id);
    TALLY_TRY(text(t, "ean", p.ean));
    if (!t.contains("price")) return bad(t.source(), "this product has no price");
    TALLY_TRY(money(t, "price", static_cast<int>(out_.rules.exponent), p.price));
    TALLY_TRY(read_names(t, p));
    TALLY_TRY(read_tax_letter(t, p));
    TALLY_TRY(located(t.source(), check_product(p, out_.rules)));
    if (!ids_.insert(p.id.value).second)
      return bad(t.source(), "product id " + std::to_string(id) + " was used before");
    if (!p.ean.empty())
      if (auto [first, fresh] = eans_.emplace(p.ean, p.id.value); !fresh)
        return bad(t.source(), "ean " + p.ean + " belongs to product " + std::to_string(first->second) + " already");
    out_.products.push_back(std::move(p));
    return done();
  }

  std::string file_;
  price_list out_;
  std::set<std::uint32_t> ids_;
  std::map<std::string, std::uint32_t> eans_;
};

}  // namespace

result<price_list> parse_rules(std::string_view text, const std::string& file_name) {
  return rules_reader(file_name).read(text);
}

result<price_list> read_rules_file(const std::filesystem::path& file) {
  auto text = read_small_file(file, std::size_t{16} << 20);
  if (!text) return text.error();
  return parse_rules(*text, file.string());
}

}  // namespace tally
