// What the chain of a run publishes: its programme and its products.
#include "sim/world.hpp"

namespace tally::sim {
namespace {

/// Bonus, points that are money at 1 for 1, levels that are reached, and quotas that are used up.
programme programme_of(const plan& how) {
  const bool tight = how.tight_limits, risk = how.risk;
  programme g;
  purse_rule bonus, points;
  bonus.id = bonus_purse;
  bonus.kind = purse_kind::bonus;
  bonus.names[0] = "bonus";
  bonus.quota = tight ? 300 : 100'000;
  points.id = points_purse;
  points.kind = purse_kind::points;
  points.names[0] = "points";
  points.bucket = bucket_rule::expires;
  points.rate_units = points.rate_money = 1;
  points.gifts = {{product_id{1}, 40}};
  points.quota = tight ? 200 : 1'000'000;
  g.purses = {bonus, points};
  g.levels = {{1, {"silver"}, 2'000, 2}, {2, {"gold"}, 20'000, 2}};
  discount_rule gold{1, {"gold"}, 700, 0, {}};
  gold.when.levels = {2};
  g.discounts = {gold};
  g.earns = {{1, {"points"}, points_purse, false, 1, 10, {}}, {2, {"loaded"}, points_purse, true, 3, 0, {}}};
  g.packages = {{1, {"500 and 50"}, 500, {{bonus_purse, 50}}, {}}};
  g.refund_quota = tight ? 500 : 100'000;
  card_kind_rule kind{1, {"card"}, {}, true, 0};
  kind.price = 200;
  kind.deposit = 1'000;
  if (tight) kind.not_products = {product_id{3}};
  if (how.pins) {
    kind.pin_above = pin_above;
    kind.pin_above_day = 3 * pin_above;
    kind.code_above = code_above;
  }
  if (risk) {
    kind.risk_sale = 400;
    kind.risk_total = 900;
    kind.risk_count = 4;
    g.risk_budget = tight ? 1'000 : 5'000;
    purse_rule off;
    off.id = off_purse;
    off.kind = purse_kind::voucher;
    off.names[0] = "off";
    off.off = 150;
    g.purses.push_back(off);
  }
  if (how.months > 0) kind.dormant = {dormant_months_min, 150, {purse_paid, bonus_purse}};
  auto member = kind;
  member.id = member_kind;
  member.names[0] = "member";
  const auto first_store = 2 + how.regions;
  member.no_top_up_at = {first_store};
  if (how.stores > 1) member.not_at = {first_store + how.stores - 1};
  if (how.stores > 2) member.not_owners = {2};
  g.card_kinds = {kind, member};
  earn_rule birthday{3, {"birthday"}, points_purse, false, 1, 20, {}};
  birthday.when.birthday = true;
  g.earns.push_back(birthday);
  g.gift_per_day = 2'000;
  for (auto& p : g.purses)
    p.gift_per_day = p.manual_per_day = 300;
  return g;
}

}  // namespace

entry rules_entry(std::uint64_t version, const plan& how) {
  rules_record r;
  if (how.programme) r.programme = programme_of(how);
  r.version = version;
  r.taxes = {{"A", 1300}, {"B", 0}};
  r.top_up_max = 50'000;
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::rules;
  e.rules_version = version;
  e.blob = encode_rules(r);
  return e;
}

namespace {
entry published(const product& p) {
  entry e;
  e.kind = entry_kind::publish;
  e.topic = publish_topic::product;
  e.rules_version = p.version;
  e.blob = encode_product(p);
  return e;
}
}  // namespace

entry product_entry(unsigned i, std::uint64_t version, amount price) {
  product p;
  p.id = {1 + i};
  p.version = version;
  p.names = {"thing", "", "", ""};
  p.price = price;
  p.tax = i % 2;
  return published(p);
}

entry open_product_entry(std::uint64_t version) {
  product p;
  p.id = {open_product};
  p.version = version;
  p.names = {"by amount", "", "", ""};
  p.price = 1;
  p.open = true;
  return published(p);
}

/// The first month of a run is that of the second card.
std::uint32_t birth_month_of(account_id account) { return static_cast<std::uint32_t>(1 + (account.value + 8) % 12); }

}  // namespace tally::sim
