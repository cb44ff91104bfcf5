#include "node/rules_file.hpp"

#include <array>
#include <map>
#include <set>

#include "node/identity.hpp"
#include "node/rules_fields.hpp"
#include "node/rules_programme.hpp"

namespace tally {
namespace {

/// Reads one file. The first error stops it; line numbers are those of the file.
class rules_reader : toml_fields {
public:
  explicit rules_reader(const std::string& file_name) : toml_fields(file_name), file_(file_name) {}

  result<price_list> read(std::string_view text) {
    auto parsed = toml::parse(text, file_);
    if (!parsed) return bad(parsed.error().source(), std::string(parsed.error().description()));
    const toml::table& root = parsed.table();
    TALLY_TRY(
        only(root, {"effective_from", "currency",     "exponent",    "header",       "footer",       "card_prefix",
                    "top_up_min",     "top_up_max",   "tax",         "product",      "receipt",      "rounding",
                    "spend_first",    "refund_quota", "risk_budget", "hold_minutes", "gift_per_day", "purse",
                    "level",          "card_kind",    "discount",    "earn",         "package",      "stale"}));
    TALLY_TRY(read_head(root));
    TALLY_TRY(read_receipts(root));
    TALLY_TRY(each(root, "tax", [&](const toml::table& t) { return read_tax(t); }));
    TALLY_TRY(located(root.source(), check_rules(out_.rules)));
    TALLY_TRY(each(root, "product", [&](const toml::table& t) { return read_product(t); }));
    if (out_.products.empty()) return bad(root.source(), "there is no product; write at least one [[product]]");
    row_places places;
    auto plan = read_programme_rules(root, file_, out_, places);
    if (!plan) return plan.error();
    out_.rules.programme = std::move(*plan);
    for (const auto& [row, at] : places)
      out_.lines[row] = std::max<std::uint32_t>(static_cast<std::uint32_t>(at.begin.line), 1);
    if (auto checked = check_rules(out_.rules); !checked) {
      const auto& why = checked.error().detail;
      auto at = places.find(why.substr(0, why.find(':')));
      return bad(at == places.end() ? root.source() : at->second, why);
    }
    return std::move(out_);
  }

private:
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
    constexpr std::array<std::string_view, 4> names{"sale", "top_up", "reversal", "day_report"};
    TALLY_TRY(only(*kinds, {names[0], names[1], names[2], names[3]}));
    for (std::size_t i = 0; i < names.size(); ++i) {
      auto& form = i < out_.rules.receipts.size() ? out_.rules.receipts[i] : out_.rules.day_report;
      const auto* one = kinds->get(names[i]);
      if (!one) continue;
      const auto* t = one->as_table();
      if (!t) return bad(one->source(), "receipts are written as [receipt." + std::string(names[i]) + "]");
      TALLY_TRY(only(*t, {"copies", "layout"}));
      std::int64_t copies = 1;
      TALLY_TRY(integer(*t, "copies", 1, receipt_copies_max, copies));
      form.copies = static_cast<std::uint32_t>(copies);
      TALLY_TRY(text(*t, "layout", form.layout));
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
    TALLY_TRY(only(t, {"id", "ean", "price", "open", "tax", "name"}));
    if (out_.products.size() >= products_max)
      return bad(t.source(), "more than " + std::to_string(products_max) + " products");
    product p;
    std::int64_t id = 0;
    TALLY_TRY(integer(t, "id", 1, 0xffffffff, id));
    p.id.value = static_cast<std::uint32_t>(id);
    TALLY_TRY(text(t, "ean", p.ean));
    TALLY_TRY(yes_or_no(t, "open", p.open));
    if (p.open && t.contains("price"))
      return bad(t.source(), "this product has open = true and a price; the amount is typed at the till");
    if (!p.open && !t.contains("price"))
      return bad(t.source(), "this product has no price; write one, or open = true if the amount is typed at the till");
    p.price = 1;
    TALLY_TRY(money(t, "price", static_cast<int>(out_.rules.exponent), p.price));
    TALLY_TRY(names_of(t, "a product", p.names));
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
