#include "ledger/programme.hpp"

#include <algorithm>
#include <chrono>

namespace tally {
namespace {

template <class T>
const T* by_id(const std::vector<T>& list, std::uint32_t id) {
  auto it = std::ranges::lower_bound(list, id, {}, &T::id);
  return it != list.end() && it->id == id ? &*it : nullptr;
}

std::chrono::sys_days date_of(std::uint32_t day) {
  return std::chrono::sys_days(std::chrono::year(2020) / 1 / 1) + std::chrono::days(day);
}

bool has(const std::vector<std::uint32_t>& list, std::uint32_t v) { return std::ranges::binary_search(list, v); }

}  // namespace

std::string_view language_tag(language l) {
  static constexpr std::string_view tags[] = {"en", "zh-Hans", "zh-Hant", "ko"};
  return tags[static_cast<std::size_t>(l)];
}

bool programme::empty() const { return *this == programme{}; }
bool programme::tells_of_cards() const {
  return stale != stale_rule{} || std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.sells(); });
}
bool programme::asks_for_birthdays() const {
  auto asks = [](const auto& list) { return std::ranges::any_of(list, [](const auto& r) { return r.when.birthday; }); };
  return asks(discounts) || asks(earns) || asks(packages);
}
bool programme::takes_dormant_fees() const {
  return std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.dormant.months != 0; });
}
bool programme::tells_of_bounds() const {
  return asks_for_birthdays() ||
         std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.has_bounds(); }) ||
         std::ranges::any_of(purses, [](const purse_rule& p) { return p.manual_per_day != 0; });
}
bool card_kind_rule::good_with(std::optional<std::uint32_t> owner) const {
  return !owner || ((only_owners.empty() || has(only_owners, *owner)) && !has(not_owners, *owner));
}
bool card_kind_rule::good_at(node_id store, std::optional<std::uint32_t> owner) const {
  return (only_at.empty() || has(only_at, store.value)) && !has(not_at, store.value) && good_with(owner);
}
bool card_kind_rule::loaded_at(node_id store, std::optional<std::uint32_t> owner) const {
  return !has(no_top_up_at, store.value) && good_with(owner);
}
bool programme::tells_of_owners() const {
  return std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.has_owners(); });
}
bool programme::tells_of_codes() const {
  return std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.code_above.has_value(); });
}

bool programme::tells_of_pins() const {
  return std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.pin_above || k.pin_above_day; });
}
bool programme::tells_of_risk() const {
  return risk_budget != 0 || std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.risk_sale != 0; });
}
bool card_kind_rule::pays_for(product_id p) const {
  return names_product(only_products, p) && !std::ranges::binary_search(not_products, p);
}
bool programme::tells_of_goods() const {
  return std::ranges::any_of(card_kinds, [](const card_kind_rule& k) { return k.has_goods(); });
}
const purse_rule* programme::purse(std::uint32_t id) const { return by_id(purses, id); }
const level_rule* programme::level(std::uint32_t id) const { return by_id(levels, id); }
const card_kind_rule* programme::card_kind(std::uint32_t id) const { return by_id(card_kinds, id); }
const package_rule* programme::package(std::uint32_t id) const { return by_id(packages, id); }

bool programme::is_gift(product_id p) const {
  return std::ranges::any_of(
      purses, [&](const purse_rule& r) { return std::ranges::binary_search(r.gifts, p, {}, &product_units::product); });
}

bool programme::asks_for_kinds() const {
  auto asks = [](const auto& list) {
    return std::ranges::any_of(list, [](const auto& r) { return !r.when.card_kinds.empty(); });
  };
  return !card_kinds.empty() || asks(discounts) || asks(earns) || asks(packages);
}

std::uint32_t month_of(std::uint32_t day) {
  std::chrono::year_month_day d(date_of(day));
  return static_cast<std::uint32_t>(static_cast<int>(d.year())) * 100 + static_cast<unsigned>(d.month());
}

std::uint32_t add_months(std::uint32_t yyyymm, std::uint32_t n) {
  auto months = yyyymm / 100 * 12 + yyyymm % 100 - 1 + n;
  return months / 12 * 100 + months % 12 + 1;
}

bool holds(const condition& c, const customer& who, std::uint32_t business_date) {
  if ((!c.levels.empty() || !c.card_kinds.empty()) && !who.card) return false;
  if (!c.levels.empty() && !has(c.levels, who.level)) return false;
  if (!c.card_kinds.empty() && !has(c.card_kinds, who.kind)) return false;
  if (c.birthday && !who.birthday) return false;
  if (c.from != 0 && business_date < c.from) return false;
  if (c.until != 0 && business_date > c.until) return false;
  if (c.weekdays == 0) return true;
  auto weekday = std::chrono::weekday(date_of(business_date)).iso_encoding() - 1;
  return (c.weekdays >> weekday & 1) != 0;
}

bool names_product(const std::vector<product_id>& list, product_id p) {
  return list.empty() || std::ranges::binary_search(list, p);
}

}  // namespace tally
