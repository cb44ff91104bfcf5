#include "sim/plan.hpp"

namespace tally::sim {

plan plan::from_seed(std::uint64_t seed) {
  dice d(seed * 0x9e3779b97f4a7c15ULL + 1);
  plan p;
  p.seed = seed;
  // Every second seed is the small chain of one region and two stores: most faults need no more, and it is quick.
  if (d.chance(500)) {
    p.regions = static_cast<unsigned>(d.below(3));
    p.stores = static_cast<unsigned>(1 + d.below(4));
  }
  p.tills = static_cast<unsigned>(1 + d.below(2));
  p.cards = static_cast<unsigned>(1 + d.below(6));
  p.real_signatures = d.chance(60);
  p.wild_links = d.chance(400);
  if (p.wild_links) {
    p.loss_permille = static_cast<unsigned>(d.below(200));
    p.repeat_permille = static_cast<unsigned>(d.below(100));
  }
  p.delay_max = d.chance(250) ? d.between(1'000, 5'000) : d.between(5, 400);
  if (d.chance(300)) p.hold_ms = d.between(1, 60) * 1'000;
  p.commit_max = d.chance(200) ? d.between(100, 2'000) : d.between(1, 30);
  p.trade_ms = d.between(10, 120) * 60'000;
  p.request_every = d.chance(300) ? d.between(500, 3'000) : d.between(5'000, 60'000);
  if (p.request_every < 5'000) p.trade_ms = d.between(5, 20) * 60'000;
  if (d.chance(700)) p.crash_every = d.between(1, 15) * 60'000;
  if (d.chance(800)) p.cut_every = d.between(1, 15) * 60'000;
  p.cut_max = d.chance(300) ? p.trade_ms : d.between(1, 20) * 60'000;
  if (d.chance(400)) p.commit_fault_permille = static_cast<unsigned>(1 + d.below(20));
  p.wrong_permille = static_cast<unsigned>(d.below(150));
  p.wrong_clocks = d.chance(300);
  p.full_disks = d.chance(150);
  p.tight_limits = d.chance(300);
  if (d.chance(400)) p.checkpoint_every = static_cast<std::uint64_t>(d.between(1, 60));
  p.sweep = {.quiet_ms = d.chance(700) ? d.between(5, 600) * 1'000 : 0,
             .dust = d.between(0, 400),
             .transit_max = d.chance(400) ? d.between(1, 3'000) : 1'000'000};
  if (d.chance(333)) p.take_days(d);
  if (d.chance(400)) p.restore = static_cast<restore_kind>(1 + d.below(3));
  p.close_wait_ms = d.between(1, 15) * 60'000;
  p.doubt_days = d.chance(500) ? 0 : 7;
  if (p.restore == restore_kind::none && d.chance(400)) p.ending = static_cast<sim::ending>(1 + d.below(7));
  if (p.ending == ending::replace_region && p.regions == 0) p.ending = ending::move;
  if (p.ending == ending::move && p.regions == 0) p.ending = ending::retire;
  p.programme = seed % 5 < 2;
  p.quiet_ms = (p.pace == 1 ? d.between(1, 10) : 10) * 60'000;
  p.resets = d.chance(500);
  if (d.chance(400)) p.certificate_s = p.pace * d.between(20, 120) * 60;
  if (d.chance(500)) p.stock = static_cast<unsigned>(1 + d.below(6));
  return p;
}

// Days at a shop's pace: nights, midnights, lines that are dark for a day, and long quiet times between two sales.
void plan::take_days(dice& d) {
  pace = 20;
  trade_ms = d.between(8, 72) * 3'600'000;
  request_every = d.between(60'000, 300'000);
  if (crash_every > 0) crash_every *= pace;
  if (cut_every > 0) cut_every *= pace;
  cut_max *= pace;
  sweep.quiet_ms *= pace;
  // Else each start reads days of entries again: the rushes do enough of that.
  if (checkpoint_every > 1'000 && d.chance(800)) checkpoint_every = static_cast<std::uint64_t>(d.between(20, 200));
}

std::string plan::text() const {
  auto n = [](auto v) { return std::to_string(v); };
  return "regions " + n(regions) + ", stores " + n(stores) + ", tills " + n(tills) + ", cards " + n(cards) +
         ", stock " + n(stock) + ", trade " + n(trade_ms / 60'000) + " min at pace " + n(pace) + ", request every " +
         n(request_every) + " ms, delay " + n(delay_max) + ", commit " + n(commit_max) + ", crash every " +
         n(crash_every / 60'000) + " min, cut every " + n(cut_every / 60'000) + " min (to " + n(cut_max / 60'000) +
         "), wild " + n(wild_links) + " loss " + n(loss_permille) + " repeat " + n(repeat_permille) + ", faults " +
         n(commit_fault_permille) + ", clocks " + n(wrong_clocks) + ", full " + n(full_disks) + ", tight " +
         n(tight_limits) + ", programme " + n(programme) + ", checkpoint " + n(checkpoint_every) + ", hold " +
         n(hold_ms) + ", sweep after " + n(sweep.quiet_ms) + " dust " + n(sweep.dust) + " in transit " +
         n(sweep.transit_max) + ", quiet " + n(quiet_ms / 60'000) + " min, resets " + n(resets) + ", certificates " +
         n(certificate_s / 60) + " min, real keys " + n(real_signatures) + ", restore " + n(static_cast<int>(restore)) +
         ", ending " + n(static_cast<int>(ending)) + " doubt " + n(doubt_days) + " close wait " +
         n(close_wait_ms / 60'000) + " min";
}

}  // namespace tally::sim
