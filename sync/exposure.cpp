#include "sync/exposure.hpp"

#include <algorithm>

#include "ledger/money.hpp"
#include "sync/station.hpp"

namespace tally {
namespace {

amount add(amount a, amount b) {
  amount out = amount_max * 10;  // a figure for a screen: it saturates rather than wraps
  (void)checked_add(a, b, out);
  return out;
}

}  // namespace

exposure_parts exposure_parts_of(const station& s, const writer_id& store) {
  const auto& seen = s.seen().st();
  exposure_parts p;
  // Whoever retired, or was revoked and closed, is given nothing any more: what it holds yet is all there is to lose.
  auto record = node_of(s.st(), store.node);
  const bool over = s.is_revoked(store.node) && record && record->epoch == epoch_id{};
  if (!over) p.limits = limits_of(s.st(), store.node);
  p.held = held_total(seen, store);
  p.quota = quota_left(seen, store);
  for (const auto& from : s.seen().writers()) {
    if (from == store) continue;
    p.in_transit = add(p.in_transit, std::max<amount>(s.in_transit(from, store, main_unit), 0));
    p.quota_in_transit = add(p.quota_in_transit, std::max<amount>(s.in_transit(from, store, quota_of(main_unit)), 0));
  }
  return p;
}

amount exposure_of(const exposure_parts& p, std::int64_t days) {
  amount flow = 0;
  if (!checked_mul(add(p.limits.daily_inflow, p.limits.daily_quota), days, flow)) flow = amount_max * 10;
  auto value = std::max(p.limits.ceiling, add(p.held, p.in_transit));
  return add(add(value, add(p.quota, p.quota_in_transit)), flow);
}

}  // namespace tally
