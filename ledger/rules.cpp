#include "ledger/rules.hpp"

#include <algorithm>

namespace tally {

void catalogue::add(rules_record r) {
  auto v = r.version;
  rules_.insert_or_assign(v, std::move(r));
}

void catalogue::add(product p) {
  if (!p.ean.empty()) by_ean_[p.ean].insert(p.id.value);
  auto id = p.id.value;
  auto v = p.version;
  products_[id].insert_or_assign(v, std::move(p));
}

std::uint64_t catalogue::version_at(std::uint32_t business_date) const {
  for (auto it = rules_.rbegin(); it != rules_.rend(); ++it)
    if (it->second.effective_from <= business_date) return it->first;
  return 0;
}

const rules_record* catalogue::rules(std::uint64_t version) const {
  auto it = rules_.find(version);
  return it == rules_.end() ? nullptr : &it->second;
}

const rules_record* catalogue::newest() const { return rules_.empty() ? nullptr : &rules_.rbegin()->second; }

const product* catalogue::find(product_id id, std::uint64_t version) const {
  auto it = products_.find(id.value);
  if (it == products_.end()) return nullptr;
  auto v = it->second.upper_bound(version);
  if (v == it->second.begin()) return nullptr;
  --v;
  return v->second.withdrawn ? nullptr : &v->second;
}

const product* catalogue::offered(product_id id, std::uint64_t version) const {
  const auto* p = find(id, version);
  return p && goods_left_out_ && !p->open ? nullptr : p;
}

bool catalogue::is_goods(product_id id) const {
  auto it = products_.find(id.value);
  return it == products_.end() ||
         std::none_of(it->second.begin(), it->second.end(), [](const auto& v) { return v.second.open; });
}

const product* catalogue::find_ean(std::string_view ean, std::uint64_t version) const {
  auto it = by_ean_.find(ean);
  if (it == by_ean_.end()) return nullptr;
  // A later version may give the number to another product, and is known before it is in force.
  for (auto id : it->second)
    if (const auto* p = offered(product_id{id}, version); p && p->ean == ean) return p;
  return nullptr;
}

std::vector<const product*> catalogue::on_sale(std::uint64_t version) const {
  std::vector<const product*> out;
  for (const auto& [id, versions] : products_)
    if (const auto* p = offered(product_id{id}, version)) out.push_back(p);
  return out;
}

result<priced_basket> catalogue::price(const std::vector<line_item>& lines, std::uint64_t version) const {
  if (lines.empty()) return error{errc::bad_basket, "the basket is empty"};
  if (lines.size() > lines_max) return error{errc::bad_basket, "more than 200 lines"};
  const auto* r = rules(version);
  if (!r) return error{errc::bad_rules, "no rules are in force here yet"};
  priced_basket b;
  std::map<std::uint32_t, amount> gross;
  for (const auto& l : lines) {
    const auto* p = offered(l.product, version);
    if (!p)
      return error{
          errc::unknown_product,
          "product " + std::to_string(l.product.value) +
              (goods_left_out_
                   ? "; goods sold by the piece are left out here, or are still to be learnt (tallystick status)"
                   : "")};
    const auto most = p->open ? open_amount_max : quantity_max;
    if (l.quantity < 1 || l.quantity > most)
      return error{errc::bad_basket, "a quantity must be from 1 to " + std::to_string(most)};
    priced_line pl{l, p, 0};
    auto& g = gross[p->tax];
    if (!checked_mul(p->price, l.quantity, pl.sum) || !checked_add(b.total, pl.sum, b.total) ||
        !checked_add(g, pl.sum, g))
      return error{errc::overflow, "the basket's total"};
    b.lines.push_back(pl);
  }
  if (b.total > amount_max) return error{errc::overflow, "the basket's total"};
  for (const auto& [rate, sum] : gross) {
    if (rate >= r->taxes.size()) return error{errc::bad_rules, "a product names a tax rate that the rules do not have"};
    auto bp = static_cast<std::int64_t>(r->taxes[rate].basis_points);
    auto tax = mul_div_half_up(sum, bp, 10'000 + bp);
    if (!tax) return error{errc::overflow, "the basket's tax"};
    if (*tax != 0) b.taxes.push_back({rate, main_unit, *tax});
  }
  return b;
}

}  // namespace tally
