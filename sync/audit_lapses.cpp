// What head office gave back of units that expired only because of where others lay: no more than all journals together
// found, and what is still to come.
#include "ledger/lapses.hpp"
#include "sync/audit_parts.hpp"

namespace tally::audit_detail {

void auditor::count_lapses(const entry& e, const entry_place& place) {
  if (report_.role != node_role::hq) return;
  if (!lapse_watch_) {
    lapse_watch_.emplace();
    if (const auto* rules = catalogue_.newest())
      for (const auto& p : rules->programme.purses)
        if (p.bucket == bucket_rule::expires) lapse_watch_->purses.push_back(p.id);
  }
  if (lapse_watch_->purses.empty()) return;
  add_lapses(e, place, *lapse_watch_, lapses_);
  const bool back =
      e.kind == entry_kind::reverse || e.kind == entry_kind::refund || e.kind == entry_kind::refund_elsewhere;
  (back ? add_claims : add_lapses)(e, place, *lapse_watch_, lapses_most_);
}

// What was given when it was due stays given when goods come back later, so it is measured without them. What is due
// and was not given yet is no problem of the ledger: head office gives it when it runs.
void auditor::check_lapses() {
  auto month = month_of(report_.today);
  for (const auto& [k, c] : lapses_most_.cells()) {
    auto r = decode_lapses(c.data);
    if (!r) continue;
    account_id account{k.a};
    auto purse = static_cast<std::uint32_t>(k.b);
    amount given = 0;
    for (const auto& g : r->given)
      if (!checked_add(given, g.units, given)) given = INT64_MAX;
    ++line(check_prices).count;
    if (auto most = founded(*r); given > most)
      problem(check_prices, stream_name({self_, sub_stream::journal, {}}), {},
              "at most " + std::to_string(most) + " of purse " + std::to_string(purse) + " given back to account " +
                  std::to_string(account.value) + ", which expired only because of where they lay",
              std::to_string(given));
    auto due = lapses_of(lapses_, account, purse);
    forget_lapses(due, month);  // as head office does, which remembers so much
    if (!due_back(due, purse, month).empty()) ++report_.back_due;
  }
}

}  // namespace tally::audit_detail
