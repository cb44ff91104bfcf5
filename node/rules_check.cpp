#include <algorithm>
#include <array>

#include "devices/barcode.hpp"
#include "ledger/member_text.hpp"
#include "node/receipt_template.hpp"
#include "node/rules_file.hpp"
#include "sync/text.hpp"

namespace tally {
namespace {

error bad(std::string why) { return {errc::bad_rules, std::move(why)}; }

bool same(const product& a, const product& b) {
  return a.id == b.id && a.ean == b.ean && a.names == b.names && a.price == b.price && a.tax == b.tax &&
         a.withdrawn == b.withdrawn && a.open == b.open;
}

status check_taxes(const std::vector<tax_rate>& taxes) {
  if (taxes.empty()) return bad("there is no tax rate; write one [[tax]], also for 0 percent");
  if (taxes.size() > tax_rates_max) return bad("more than " + std::to_string(tax_rates_max) + " tax rates");
  for (const auto& t : taxes) {
    if (t.letter.size() != 1 || t.letter[0] < 'A' || t.letter[0] > 'Z') return bad("a tax letter is one of A to Z");
    if (t.basis_points > 10'000) return bad("a tax rate is 0.00 to 100.00 percent");
    if (std::ranges::count(taxes, t.letter, &tax_rate::letter) != 1) return bad("tax letter " + t.letter + " twice");
  }
  return done();
}

/// Text of several lines that is printed; `name` says which.
status check_print(const std::string& name, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max)
    return bad(name + " has " + std::to_string(text.size()) + " bytes, at most " + std::to_string(bytes_max) +
               " are printed");
  std::size_t number = 0;
  while (!text.empty()) {
    const auto one = text.substr(0, text.find('\n'));
    ++number;
    const auto control = std::ranges::find_if(one, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (control != one.end()) {
      const std::string_view digits = "0123456789ABCDEF";
      const auto code = static_cast<unsigned char>(*control);
      std::string shown{'U', '+', '0', '0', digits[code >> 4], digits[code & 15]};
      if (code == '\t') shown += " (a tab)";
      if (code == '\r') shown += " (a carriage return)";
      return bad("line " + std::to_string(number) + " of " + name + ": the control character " + shown +
                 " cannot be printed");
    }
    if (!is_plain_utf8(one)) return bad("line " + std::to_string(number) + " of " + name + " is not UTF-8");
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return done();
}

status check_form(const std::string& kind, const receipt_form& f, layout_kind what) {
  const auto name = "[receipt." + kind + "]";
  if (f.copies < 1 || f.copies > receipt_copies_max)
    return bad(name + " is printed 1 to " + std::to_string(receipt_copies_max) + " times");
  if (f.layout.empty()) return done();
  TALLY_TRY(check_print(name + "'s layout", f.layout, receipt_layout_bytes_max));
  if (auto lines = parse_layout(f.layout, what); !lines) return bad(name + ": " + lines.error().detail);
  return done();
}

status check_receipts(const rules_record& r) {
  static const std::array<std::string, 3> kinds{"sale", "top_up", "reversal"};
  for (std::size_t i = 0; i < r.receipts.size(); ++i)
    TALLY_TRY(check_form(kinds[i], r.receipts[i], layout_kind::receipt));
  return check_form("day_report", r.day_report, layout_kind::day_report);
}

}  // namespace

status check_rules(const rules_record& r) {
  bool upper = std::ranges::all_of(r.currency, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (r.currency.size() != 3 || !upper) return bad("currency is three capital letters (ISO 4217), as \"CNY\"");
  if (r.exponent > 4) return bad("exponent is 0 to 4");
  TALLY_TRY(check_print("header", r.header, rules_text_bytes_max));
  TALLY_TRY(check_print("footer", r.footer, rules_text_bytes_max));
  if (r.card_prefix.size() > 8 || (!r.card_prefix.empty() && !all_digits(r.card_prefix)))
    return bad("card_prefix is at most 8 digits");
  if (r.top_up_min < 1 || r.top_up_max > amount_max) return bad("top-up limits are out of range");
  if (r.top_up_min > r.top_up_max) return bad("top_up_min is above top_up_max");
  TALLY_TRY(check_receipts(r));
  TALLY_TRY(check_taxes(r.taxes));
  return check_programme(r);
}

status check_product(const product& p, const rules_record& r) {
  auto name = "product " + std::to_string(p.id.value) + ": ";
  if (p.id.value == 0) return bad("a product's id is 1 or above");
  if (p.withdrawn) return done();
  if (!p.ean.empty() && !ean_valid(p.ean))
    return bad(name + "ean " + p.ean.substr(0, 20) + " is no EAN-8 or EAN-13 with a right check digit");
  if (!r.card_prefix.empty() && p.ean.starts_with(r.card_prefix))
    return bad(name + "ean " + p.ean + " begins with card_prefix " + r.card_prefix + ", so it would be read as a card");
  if (p.open && p.price != 1) return bad(name + "open = true and a price; the amount is typed at the till");
  if (p.price < 0 || p.price > amount_max) return bad(name + "price is out of range");
  if (p.tax >= r.taxes.size()) return bad(name + "unknown tax rate");
  if (p.names[0].empty()) return bad(name + "the English name is missing");
  for (const auto& n : p.names)
    if (n.size() > product_name_bytes_max || !is_clean_text(n)) return bad(name + std::string(name_text));
  return done();
}

std::vector<product> changed_products(const catalogue& published, const price_list& next, std::uint64_t version) {
  const auto* newest = published.newest();
  bool all = newest == nullptr || newest->taxes != next.rules.taxes;
  std::vector<product> out;
  std::vector<std::uint32_t> listed;
  for (auto p : next.products) {
    listed.push_back(p.id.value);
    p.version = version;
    const auto* old = published.find(p.id, version);
    if (all || old == nullptr || !same(*old, p)) out.push_back(std::move(p));
  }
  std::ranges::sort(listed);
  for (const auto* old : published.on_sale(version)) {
    if (std::ranges::binary_search(listed, old->id.value)) continue;
    auto gone = *old;
    gone.version = version;
    gone.withdrawn = true;
    gone.open = false;
    out.push_back(std::move(gone));
  }
  return out;
}

}  // namespace tally
