#include "sync/audit_prices.hpp"

namespace tally::audit_detail {
namespace {

std::string tax_text(const std::vector<tax_item>& taxes) {
  std::string out;
  for (const auto& t : taxes) out += " rate " + std::to_string(t.rate) + ": " + std::to_string(t.amount) + ";";
  return out.empty() ? "no tax" : "tax" + out;
}

}  // namespace

void price_checker::look_at(sequence seq, byte_view data) {
  auto kind = peek_kind(data);
  if (kind != entry_kind::sale && kind != entry_kind::top_up && kind != entry_kind::adopt) return;
  auto e = decode_entry(data);
  if (!e) return;  // named where entries are decoded
  if (kind == entry_kind::adopt) {
    if (e->head) adopt(*e->head);
  } else if (kind == entry_kind::sale) {
    sale(seq, *e);
  } else {
    top_up(seq, *e);
  }
}

void price_checker::adopt(const stream_head& head) {
  auto it = a_.published_.find(head.stream);
  if (it == a_.published_.end()) return;
  auto& n = taken_[head.stream];
  for (const auto& list = it->second; n < list.size() && list[n].index < head.size; ++n)
    std::visit([&](const auto& record) { rules_.add(record); }, list[n].record);
}

void price_checker::sale(sequence seq, const entry& e) {
  ++a_.line(check_prices).count;
  auto version = " under rules " + std::to_string(e.rules_version);
  auto basket = rules_.price(e.lines, e.rules_version);
  if (!basket)
    return a_.problem(check_prices, where_, seq, "a basket that has a price" + version,
                      std::string(errc_name(basket.code())) + ": " + basket.error().detail);
  amount paid = 0;
  bool fits = true;
  for (const auto& v : e.values) fits = fits && checked_add(paid, v.amount, paid);
  for (const auto& t : e.tenders) fits = fits && checked_add(paid, t.amount, paid);
  if (!fits || paid != basket->total)
    a_.problem(check_prices, where_, seq, "a total of " + std::to_string(basket->total) + " minor units" + version,
               fits ? std::to_string(paid) : "amounts that overflow");
  if (e.taxes != basket->taxes) a_.problem(check_prices, where_, seq, tax_text(basket->taxes) + version, tax_text(e.taxes));
}

void price_checker::top_up(sequence seq, const entry& e) {
  ++a_.line(check_prices).count;
  const auto* r = rules_.rules(e.rules_version);
  if (!r) return a_.problem(check_prices, where_, seq, "rules " + std::to_string(e.rules_version) + ", adopted before", "none");
  for (const auto& v : e.values)
    if (v.unit == main_unit && (v.amount < r->top_up_min || v.amount > r->top_up_max))
      a_.problem(check_prices, where_, seq,
                 "a top-up from " + std::to_string(r->top_up_min) + " to " + std::to_string(r->top_up_max) + " minor units",
                 std::to_string(v.amount));
}

}  // namespace tally::audit_detail
