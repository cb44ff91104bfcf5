#pragma once
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/types.hpp"
#include "sync/sweeper.hpp"

namespace tally::sim {

/// Random numbers from a seed, the same with every standard library (its distributions are not).
class dice {
public:
  explicit dice(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  /// 0 … n-1. REQUIRES: n > 0. The bias is below 2⁻³⁰ for the small n used here.
  std::uint64_t below(std::uint64_t n) { return engine_() % n; }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  bool chance(std::uint64_t permille) { return below(1000) < permille; }

private:
  std::mt19937_64 engine_;
};

/// An old copy of a disk is put back, and its tills know, or the parent knows; or neither, and it trades on until the
/// line is back.
/// `backup`: a store's or a region's, by the command that says so to the node. `top`: the same at head office.
enum class restore_kind : std::uint8_t { none, online, offline, forked, backup, top };

/// How one store's life ends, if not by an old copy of its disk: the disk is lost and an operator closes the books; the
/// same, and the disk turns up later; another machine takes its place; it is revoked and does not know; it retires, and
/// its rights return; it moves to another parent; its region is replaced by another machine.
enum class ending : std::uint8_t { none, burn, burn_and_return, replace, revoke, retire, move, replace_region };

/// What a seed decides before the first event: how large the chain is, and how bad the weather.
struct plan {
  std::uint64_t seed = 0;
  unsigned regions = 1, stores = 2, tills = 1, cards = 4;
  unsigned new_keys = 0;  ///< times that a node changes its keys
  unsigned stock = 0;     ///< cards that lie at each store to be sold
  bool real_signatures = false;
  bool wild_links = false;  ///< single messages are lost, repeated and overtake one another
  unsigned loss_permille = 0, repeat_permille = 0;
  tick_ms delay_max = 200, commit_max = 30;
  tick_ms hold_ms = 0;                     ///< sessions gather what is not urgent
  tick_ms quiet_ms = 5 * 60'000;           ///< a quiet link is asked for a sign of life
  unix_seconds certificate_s = 0;          ///< how long certificates are good; 0: for ever
  bool resets = true;                      ///< the system finds connections that only one side remembers
  tick_ms trade_ms = 60 * 60'000;          ///< how long tills trade
  std::int64_t pace = 1;                   ///< everything takes so many times as long: 1 is a rush, 20 a shop's days
  tick_ms request_every = 15'000;          ///< mean pause of a till
  tick_ms crash_every = 0, cut_every = 0;  ///< mean over the whole chain; 0: never
  tick_ms cut_max = 20 * 60'000;
  unsigned commit_fault_permille = 0;
  unsigned wrong_permille = 50;  ///< requests that cannot succeed
  bool wrong_clocks = false;
  bool full_disks = false;
  bool tight_limits = false;                 ///< ceilings and quotas that are reached
  bool programme = false;                    ///< purses, packages, levels, refunds; else money alone
  bool pins = false;                         ///< cards ask for PINs; programme only
  bool risk = false;                         ///< cards at risk, and vouchers with codes; programme only
  bool members = false;                      ///< people have profiles, stores leases of them
  tick_ms members_every = 60'000;            ///< mean pause between two wishes about members
  unix_seconds lease_s = 30 * 86'400;        ///< of a store, for a member's key
  unsigned months = 0;                       ///< that go by while all shops are shut; unused cards pay a fee
  unsigned returns_permille = 60;            ///< requests that give back goods of another store's sale; programme only
  bool forges = false;                       ///< regions change letters about goods that they pass on
  std::uint64_t checkpoint_every = 100'000;  ///< entries between an observer's checkpoints
  restore_kind restore = restore_kind::none;
  bool restore_again = false;   ///< `top`: on the same copy once more, when it has gone on
  bool restore_region = false;  ///< `online`, `offline` and `forked` at a region instead of a store
  sim::ending ending = sim::ending::none;
  std::uint32_t doubt_days = 7;
  sweep_limits sweep;
  tick_ms detour_after_ms = 0;  ///< stores go to head office when their region was silent for so long; 0: never
  unsigned skipping = 0;        ///< stores that leave goods sold by the piece out of their copy, most of the time
  unsigned silent_regions = 0;  ///< times that a region is down or cut off, each up to a day at a shop's pace
  tick_ms close_wait_ms = 5 * 60'000;  ///< for what is missing of an epoch that ended

  static plan from_seed(std::uint64_t seed);
  /// The same weather over at most three stores and a few hours: what most faults need, in a tenth of the time.
  static plan small(std::uint64_t seed);
  /// Every setting but the seed, as `name=value` with a comma between: durations in milliseconds, yes as 1.
  std::string text() const;
  /// Only what differs from `other`; empty when nothing does.
  std::string changes(const plan& other) const;
  /// Sets what a text of that form names. False: an unknown name, or no number; what stands before it is set.
  bool set(std::string_view text);
  /// A place to move to, a region to replace, two cards for a gift; and nothing left out that could not be given back.
  /// For plans of which settings were replaced by hand, too.
  void have_what_it_needs();

private:
  void take_days(dice& d);
  void take_members();
};

/// One setting of a plan, as a number.
struct plan_field {
  const char* name;
  std::function<std::int64_t(const plan&)> get;
  std::function<void(plan&, std::int64_t)> set;
};
const std::vector<plan_field>& plan_fields();

}  // namespace tally::sim
