#pragma once
#include <deque>
#include <map>
#include <vector>

#include "ledger/types.hpp"

namespace tally {

/// When remainders go up, and how much of them at once. Amounts in minor units.
struct sweep_limits {
  tick_ms quiet_ms = 10 * 60'000;  ///< an account that was used here within this time keeps its rights; 0: no sweeps
  tally::amount dust = 100;        ///< what is less than this stays where it lies
  tally::amount transit_max = 1'000'000;  ///< most that sweeps may have on the way to the parent at once
};

/// Rights follow their last use: once an account was asked for from elsewhere and was not used here since, what is left
/// of it here goes to the parent, where every other store finds it although this one may be dark by then.
///
/// Decides which accounts are due; its station writes the sends, only while the link to the parent lives. What the
/// parent has not acknowledged counts as on its way, so a line that swallows everything holds at most `transit_max`.
///
/// Pure: time comes in, nothing is read. One owner thread. Not durable: a restart forgets which accounts were due, and
/// their remainders stay until somebody asks for them again. Limits: `accounts_max` accounts, then the longest quiet
/// one is forgotten; `due` names at most `batch_max`.
class sweeper {
public:
  static constexpr std::size_t accounts_max = 10'000, batch_max = 64;

  struct figures {
    std::uint64_t sends{};       ///< since the start of the process
    tally::amount value{};       ///< of these, saturating
    tally::amount in_transit{};  ///< not acknowledged yet
    std::size_t waiting{};       ///< accounts whose time has not come
  };

  explicit sweeper(sweep_limits limits) : limits_(limits) {}

  /// Rights of the account went to somebody above, who needs them elsewhere.
  void left(account_id account, tick_ms now);
  /// It was used here, or below: what is here stays.
  void used(account_id account) { quiet_since_.erase(account); }
  /// Accounts whose time has come, longest quiet first; nothing while no room is left. They are forgotten here.
  std::vector<account_id> due(tick_ms now);
  /// How much of `held` to send: nothing of dust, and no more than there is room for. An account whose remainder did
  /// not fit waits for the next time.
  tally::amount share(account_id account, tally::amount held, tick_ms now);
  /// The send was written as entry `seq` of the own journal.
  void sent(sequence seq, tally::amount value);
  /// The parent holds all entries below `size`.
  void acknowledged(std::uint64_t size);

  tally::amount room() const { return limits_.transit_max - figures_.in_transit; }
  /// When `due` will name something; `INT64_MAX` if nothing waits or no room is left.
  tick_ms next_due() const;
  figures counted() const;
  /// Nothing waits, and nothing is on its way.
  bool idle() const { return quiet_since_.empty() && unacknowledged_.empty(); }

private:
  struct send {
    sequence seq;
    tally::amount value;
  };

  sweep_limits limits_;
  std::map<account_id, tick_ms> quiet_since_;
  std::deque<send> unacknowledged_;
  figures figures_;
};

}  // namespace tally
