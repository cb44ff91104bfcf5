// Head office fills up what stores may create, give back and take at risk.
#include "sync/station.hpp"

namespace tally {

void station::replenish() {
  for (auto node : certificates_.nodes()) {
    auto record = node_of(book_->st(), node);
    if (record && record->role == node_role::store) replenish_store(node, *record);
  }
}

void station::replenish_store(node_id node, const node_record& record) {
  auto limits = limits_of(book_->st(), node);
  writer_id to{node, record.epoch};
  if (record.epoch == epoch_id{} || certificates_.is_revoked(node) || is_forked(node) || is_quarantined(node)) return;
  if (held_total(observer_->st(), to) > limits.ceiling) return;
  replenish_unit(to, quota_of(main_unit), limits.quota_target, limits.daily_quota);
  // A node that may load no money gives nothing else either.
  if (limits.quota_target <= 0) return;
  const auto* rules = book_->rules().newest();
  if (!rules) return;
  replenish_unit(to, refund_of(main_unit), rules->programme.refund_quota, rules->programme.refund_quota);
  replenish_unit(to, risk_of(main_unit), rules->programme.risk_budget, rules->programme.risk_budget);
  for (const auto& p : rules->programme.purses)
    replenish_unit(to, quota_of(unit_of(p.id)), p.quota, p.quota);
}

void station::replenish_unit(const writer_id& to, unit_id unit, amount target, amount per_day) {
  if (target <= 0) return;
  auto there = -observer_->st().balance(quota_account(to, unit)) + in_transit(book_->self(), to, unit);
  // A quarter is used up before more is sent, so that grants stay few.
  if (there > target / 4 * 3) return;
  auto today = business_date(book_->st(), book_->self(), now_, book_->hq_time());
  auto sent = sent_on(book_->st(), today, unit, book_->self(), to);
  auto n = std::min(target - there, per_day - sent);
  if (n <= 0) return;
  auto e = decide_send(book_->at(now_), to, {}, {{0, unit, 0, n}}, send_cause::grant, 0, 0);
  if (e) (void)write(*e);
}

amount station::in_transit(const writer_id& from, const writer_id& to, unit_id unit) const {
  return -(observer_->st().balance(transit_account(from, from, to, unit)) +
           observer_->st().balance(transit_account(to, from, to, unit)));
}

}  // namespace tally
