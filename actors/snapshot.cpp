#include "actors/snapshot.hpp"

#include <algorithm>

#include "ledger/programme.hpp"
#include "sync/exposure.hpp"

namespace tally {
namespace {

amount add(amount a, amount b) {
  amount out = amount_max * 10;  // a figure for a screen: it saturates rather than wraps
  (void)checked_add(a, b, out);
  return out;
}

/// What units of a purse are worth as money, the most that rules give for them; 0 for a part of an unknown basket.
amount worth(const purse_rule& p, amount units) {
  if (p.kind == purse_kind::bonus) return units;
  if (p.kind == purse_kind::voucher) return mul_div(p.off, units, 1, rounding::down).value_or(amount_max);
  if (p.rate_units == 0) return 0;
  return mul_div(units, p.rate_money, p.rate_units, rounding::half_up).value_or(amount_max);
}

/// Of a programme: rights to refund, and to take at risk, and what lies there and may be made of each purse, as money.
amount exposure_of_units(const state& seen, const writer_id& w, const programme& plan, std::int64_t days) {
  auto times = [&](amount a) { return mul_div(a, days, 1, rounding::down).value_or(amount_max); };
  auto sum = add(std::max<amount>(-seen.balance(quota_account(w, refund_of(main_unit))), 0), times(plan.refund_quota));
  auto at_risk = std::max<amount>(-seen.balance(quota_account(w, risk_of(main_unit))), 0);
  sum = add(sum, add(at_risk, times(plan.risk_budget)));
  for (const auto& p : plan.purses) {
    auto here = add(std::max<amount>(held_total(seen, w, unit_of(p.id)), 0), quota_left(seen, w, unit_of(p.id)));
    sum = add(sum, add(worth(p, here), times(worth(p, p.quota))));
  }
  return sum;
}

/// The child of `self` through which a node below is reached; none in a tree that is not one.
std::optional<node_id> road_to(node_id node, const std::map<node_id, node_id>& parents, node_id self) {
  for (std::size_t step = 0; step <= parents.size(); ++step) {
    auto it = parents.find(node);
    if (it == parents.end()) return std::nullopt;
    if (it->second == self) return node;
    node = it->second;
  }
  return std::nullopt;
}

}  // namespace

std::vector<node_snapshot::remote> describe_below(station& s, const node_context& context, std::int64_t exposure_days) {
  auto self = s.config().self;
  std::map<node_id, node_id> parents;
  for (const auto& n : s.nodes_below())
    if (!n.parents.empty()) parents[n.node] = n.parents.front();
  std::vector<node_snapshot::remote> out;
  for (const auto& n : s.nodes_below()) {
    node_snapshot::remote r;
    r.node = n.node;
    r.name = n.name;
    r.role = n.role;
    r.parent = n.parents.empty() ? node_id{} : n.parents.front();
    auto record = node_of(s.ledger().st(), n.node);
    r.epoch = record ? record->epoch : n.epoch;
    writer_id w{n.node, r.epoch};
    r.entries = s.seen().position(w);
    if (s.config().role == node_role::region) {
      auto there = s.newest_cosignature({w, sub_stream::journal, {}}, head_office);
      r.hq_lacks = r.entries - std::min(r.entries, there ? there->size : 0);
    }
    auto parts = exposure_parts_of(s, w);
    r.held = parts.held;
    r.in_transit = parts.in_transit;
    r.quota = parts.quota;
    r.limits = parts.limits;
    r.contested = s.seen().contested_of(w);
    r.doubt = s.in_doubt(n.node);
    r.revoked = s.is_revoked(n.node);
    r.certified_until = n.not_after;
    r.forked = s.is_forked(n.node);
    r.quarantined = s.is_quarantined(n.node);
    if (auto by = road_to(n.node, parents, self); by && *by != n.node) {
      r.told = context.links.told(n.node, *by);
      auto row = context.links.at(n.node);
      r.detour = row.up;
      if (row.up) r.told = {true, row.last_contact, r.entries};
    }
    if (r.role == node_role::store) {
      r.exposure = exposure_of(parts, exposure_days);
      // Whoever is revoked is granted nothing any more: what lies there is all.
      if (const auto* rules = s.ledger().rules().newest())
        r.exposure =
            add(r.exposure, exposure_of_units(s.seen().st(), w, rules->programme, r.revoked ? 0 : exposure_days));
    }
    out.push_back(std::move(r));
  }
  return out;
}

// Nobody observes a store but those above it: its own figures are those of its book.
amount own_exposure(station& s, std::int64_t days) {
  const auto& st = s.st();
  const auto self = s.ledger().self();
  exposure_parts p;
  const bool revoked = s.is_revoked(self.node);
  if (!revoked) p.limits = limits_of(st, self.node);
  p.held = held_total(st, self);
  p.quota = quota_left(st, self);
  auto sum = exposure_of(p, days);
  if (const auto* rules = s.ledger().rules().newest())
    sum = add(sum, exposure_of_units(st, self, rules->programme, revoked ? 0 : days));
  return sum;
}

std::shared_ptr<const node_snapshot::case_list> list_cases(const observer& seen) {
  auto out = std::make_shared<node_snapshot::case_list>();
  for (const auto& [writer, entries] : seen.open_cases()) {
    out->open += entries.size();
    for (const auto& [seq, why] : entries) {
      if (out->first.size() == node_snapshot::cases_max) break;
      node_snapshot::open_case c{writer, seq, why};
      if (why == errc::over_returned) c.beyond = seen.beyond_of(writer, seq);
      if (why == errc::voucher_used) c.beyond = seen.lost_of(writer, seq);
      if (const auto* joint = seen.same_case(writer, seq)) {
        c.same_as = joint->first.front();
        if (c.same_as == std::pair(writer, seq)) c.uses = joint->first, c.uses_all = joint->all;
      }
      out->first.push_back(std::move(c));
    }
  }
  return out;
}

below_message report_below(const std::vector<node_snapshot::remote>& below, node_id self, const node_context& context) {
  below_message m;
  for (const auto& r : below) {
    if (r.parent == self) {
      auto row = context.links.at(r.node);
      m.items.push_back({r.node, row.up, row.last_contact, r.entries});
    } else if (r.told) {
      m.items.push_back({r.node, r.told->up, r.told->last_contact, r.told->entries});
    }
  }
  return m;
}

std::shared_ptr<node_snapshot> describe(station& s, const node_context& context) {
  auto out = std::make_shared<node_snapshot>();
  auto& book = s.ledger();
  out->self = book.self();
  out->role = book.role();
  out->entries = book.durable_next();
  if (auto c = s.cosigned()) {
    out->hq_cosigned = c->size;
    out->hq_cosigned_at = c->time;
  }
  if (auto p = s.parent()) {
    out->parent = *p;
    out->link_over = s.above().value_or(*p);
    auto row = context.links.at(out->link_over);
    out->link_up = row.up && !s.parent_silent();
    out->last_contact = row.last_contact;
    if (!row.up) out->link_why = row.why;
    out->traffic = context.links.spent();
    if (auto c = s.cosigned(*p)) out->parent_cosigned = c->size;
  }
  out->stopped = book.stopped();
  if (const auto* own = s.certificate_of(out->self.node)) out->certified_until = own->not_after;
  out->waits_for_keys = s.waits_for_keys();
  if (s.is_rebuilding()) out->rebuilding = std::make_shared<rebuild_progress>(s.rebuilt());
  out->sure = s.is_sure();
  out->unheard = s.unheard();
  out->disk_low = s.disk_low();
  const auto& durable = book.durable_figures();  // never what the disk may still lose
  out->owner = book.owner();
  out->hq_time = book.hq_time();
  out->business_date = business_date(durable.newest_date, context.clock.wall(), book.hq_time());
  out->quota_left = durable.quota_left;
  out->held = durable.held;
  out->left_out = s.left_out().entries();
  out->skips_goods = s.left_out().skips_goods();
  out->goods_to_learn = s.left_out().waits();
  auto swept = s.swept();
  out->sweeps = swept.sends;
  out->swept = swept.value;
  out->sweeps_on_way = swept.in_transit;
  for (auto child : s.children()) {
    auto row = context.links.at(child);
    out->children.push_back({child, row.up, row.ever, row.last_contact});
  }
  return out;
}

}  // namespace tally
