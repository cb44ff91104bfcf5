#include "sim/plan.hpp"

#include <algorithm>
#include <charconv>

namespace tally::sim {

// Whether head office may be put on a backup beside a life that ends so. Of a region whose machine is another one its
// stores may know more than it gives back. Right below head office, nobody else may have the certificate of another
// machine, or the books of a store that retired or was revoked; and a disk that nobody waited for and that turns up may
// know more of what head office had published than head office.
static bool goes_with_top(ending e, unsigned regions) {
  if (e == ending::none || e == ending::replace_region) return false;
  return regions > 0 || e == ending::burn || e == ending::move;
}

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
  if (d.chance(400)) p.restore = static_cast<restore_kind>(1 + d.below(4));
  p.close_wait_ms = d.between(1, 15) * 60'000;
  p.doubt_days = d.chance(500) ? 0 : 7;
  if (p.restore == restore_kind::none && d.chance(400)) p.ending = static_cast<sim::ending>(1 + d.below(7));
  if (p.ending == ending::replace_region && p.regions == 0) p.ending = ending::move;
  if (p.ending == ending::move && p.regions == 0) p.ending = ending::retire;
  p.programme = seed % 5 < 2;
  p.pins = seed % 10 == 6;
  p.risk = seed % 10 == 1;
  // A fee is taken no sooner than an hour after head office's start, so in days.
  if (seed % 5 == 0 && p.pace > 1) {
    p.months = static_cast<unsigned>(8 + seed % 9);
    p.cards += 4;  // most of them rest
  }
  p.quiet_ms = (p.pace == 1 ? d.between(1, 10) : 10) * 60'000;
  p.resets = d.chance(500);
  if (d.chance(400)) p.certificate_s = p.pace * d.between(20, 120) * 60;
  if (p.months > 0) p.certificate_s = 0;  // in minutes: all would be over at once, and at every month
  if (d.chance(500)) p.stock = static_cast<unsigned>(1 + d.below(6));
  if (d.chance(500)) p.detour_after_ms = p.pace * d.between(10, 300) * 1'000;
  if (d.chance(300)) p.silent_regions = static_cast<unsigned>(1 + d.below(3));
  bool top = p.restore == restore_kind::none && p.ending == ending::none && d.chance(150);
  // Drawn apart, so that older seeds stay what they were.
  top = top || (p.restore == restore_kind::none && goes_with_top(p.ending, p.regions) &&
                dice(seed * 0xc2b2ae3d27d4eb4fULL + 5).chance(250));
  if (top) p.restore = restore_kind::top;
  p.restore_region = dice(seed * 0xd6e8feb86659fd93ULL + 3).chance(300);
  // Not for older seeds, so that they stay what they were.
  p.restore_again = seed >= 210'000'000 && dice(seed * 0xe7037ed1a0b428dbULL + 5).chance(300);
  dice keys(seed * 0x94d049bb133111ebULL + 5);
  if (keys.chance(150)) p.new_keys = static_cast<unsigned>(1 + keys.below(3));
  dice skips(seed * 0x9e6c63d0876a9a47ULL + 5);
  if (skips.chance(300)) p.skipping = static_cast<unsigned>(1 + skips.below(3));
  p.forges = dice(seed * 0xa0761d6478bd642fULL + 5).chance(300);
  p.have_what_it_needs();
  p.take_members();
  return p;
}

void plan::have_what_it_needs() {
  // From stores right below it, or that move there, head office on a backup could not get back what they left out.
  if (restore == restore_kind::top && (regions == 0 || ending == ending::move)) skipping = 0;
  // A store that went around its region may know more than what that one gives back.
  if (restore == restore_kind::top) detour_after_ms = 0;
  if (restore == restore_kind::top && ending != ending::none && !goes_with_top(ending, regions)) ending = ending::burn;
  if (regions == 0 && (ending == ending::move || ending == ending::replace_region)) regions = 1;
  stores = std::max(stores, 1U);
  cards = std::max(cards, 2U);
}

// With dice of their own, too.
void plan::take_members() {
  dice d(seed * 0x8ebc6af09c88c6e3ULL + 5);
  members = d.chance(200);
  members_every = pace * d.between(10, 60) * 1'000;
  // A clock that is days off ends leases of minutes as they come.
  if (d.chance(500) && !wrong_clocks) lease_s = pace * d.between(5, 15) * 60;
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

plan plan::small(std::uint64_t seed) {
  auto p = from_seed(seed);
  dice d(seed ^ 0x2545f4914f6cdd1dULL);
  p.regions = static_cast<unsigned>(d.below(3));
  p.stores = static_cast<unsigned>(1 + d.below(3));
  p.tills = 1;
  p.cards = std::min(p.cards, p.months > 0 ? 7U : 3U);
  p.stock = std::min(p.stock, 2U);
  bool rush = p.pace == 1;
  p.trade_ms = rush ? d.between(4, 20) * 60'000 : d.between(2, 8) * 3'600'000;
  p.request_every = rush ? std::max<tick_ms>(p.request_every, 5'000) : std::max<tick_ms>(p.request_every, 120'000);
  p.cut_max = std::min(p.cut_max, p.trade_ms);
  if (p.ending == ending::replace_region && p.regions == 0) p.ending = ending::move;
  const bool top = p.restore == restore_kind::top;
  if (p.ending == ending::move && p.regions == 0) p.ending = top ? ending::burn : ending::retire;
  p.have_what_it_needs();
  return p;
}

// -- settings by name ----------------------------------------------------------------

namespace {

template <class T>
plan_field field(const char* name, T plan::*member) {
  return {name, [member](const plan& p) { return static_cast<std::int64_t>(p.*member); },
          [member](plan& p, std::int64_t v) { p.*member = static_cast<T>(v); }};
}

template <class T>
plan_field sweep_field(const char* name, T sweep_limits::*member) {
  return {name, [member](const plan& p) { return static_cast<std::int64_t>(p.sweep.*member); },
          [member](plan& p, std::int64_t v) { p.sweep.*member = static_cast<T>(v); }};
}

}  // namespace

const std::vector<plan_field>& plan_fields() {
  static const std::vector<plan_field> all{
      field("regions", &plan::regions),
      field("stores", &plan::stores),
      field("tills", &plan::tills),
      field("cards", &plan::cards),
      field("stock", &plan::stock),
      field("trade", &plan::trade_ms),
      field("pace", &plan::pace),
      field("request_every", &plan::request_every),
      field("delay", &plan::delay_max),
      field("commit", &plan::commit_max),
      field("crash_every", &plan::crash_every),
      field("cut_every", &plan::cut_every),
      field("cut_max", &plan::cut_max),
      field("wild", &plan::wild_links),
      field("loss", &plan::loss_permille),
      field("repeat", &plan::repeat_permille),
      field("faults", &plan::commit_fault_permille),
      field("wrong", &plan::wrong_permille),
      field("clocks", &plan::wrong_clocks),
      field("full", &plan::full_disks),
      field("tight", &plan::tight_limits),
      field("programme", &plan::programme),
      field("pins", &plan::pins),
      field("risk", &plan::risk),
      field("members", &plan::members),
      field("members_every", &plan::members_every),
      field("lease", &plan::lease_s),
      field("months", &plan::months),
      field("returns", &plan::returns_permille),
      field("forges", &plan::forges),
      field("checkpoint", &plan::checkpoint_every),
      field("hold", &plan::hold_ms),
      sweep_field("sweep_quiet", &sweep_limits::quiet_ms),
      sweep_field("sweep_dust", &sweep_limits::dust),
      sweep_field("sweep_transit", &sweep_limits::transit_max),
      field("quiet", &plan::quiet_ms),
      field("resets", &plan::resets),
      field("certificates", &plan::certificate_s),
      field("real_keys", &plan::real_signatures),
      field("restore", &plan::restore),
      field("restore_again", &plan::restore_again),
      field("restore_region", &plan::restore_region),
      field("ending", &plan::ending),
      field("new_keys", &plan::new_keys),
      field("doubt", &plan::doubt_days),
      field("close_wait", &plan::close_wait_ms),
      field("detour", &plan::detour_after_ms),
      field("silent", &plan::silent_regions),
      field("skip", &plan::skipping),
  };
  return all;
}

std::string plan::text() const {
  std::string t;
  for (const auto& f : plan_fields())
    t += (t.empty() ? "" : ",") + std::string(f.name) + "=" + std::to_string(f.get(*this));
  return t;
}

std::string plan::changes(const plan& other) const {
  std::string t;
  for (const auto& f : plan_fields())
    if (f.get(*this) != f.get(other))
      t += (t.empty() ? "" : ",") + std::string(f.name) + "=" + std::to_string(f.get(*this));
  return t;
}

bool plan::set(std::string_view text) {
  while (!text.empty()) {
    auto end = std::min(text.find(','), text.size());
    auto item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    auto eq = item.find('=');
    if (eq == std::string_view::npos) return false;
    std::int64_t v = 0;
    auto [rest, error] = std::from_chars(item.data() + eq + 1, item.data() + item.size(), v);
    if (error != std::errc{} || rest != item.data() + item.size()) return false;
    auto& all = plan_fields();
    auto it = std::find_if(all.begin(), all.end(), [&](const auto& f) { return item.substr(0, eq) == f.name; });
    if (it == all.end()) return false;
    it->set(*this, v);
  }
  return true;
}

}  // namespace tally::sim
