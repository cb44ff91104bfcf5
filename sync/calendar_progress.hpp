#pragma once
#include <map>
#include <optional>
#include <set>

#include "ledger/entry.hpp"

namespace tally {

/// What became of units that are owed: they wait, were credited, or are to be looked at again soon.
enum class owed_answer : std::uint8_t { waits, written, again };

/// How far a station has looked for what a date asks of it (station_calendar.cpp). Only in memory: what was done is in
/// the journal, so a restart looks again from the start and does nothing twice.
struct calendar_progress {
  std::uint32_t expiry_done{};  ///< month for which all holdings were looked at
  std::size_t purse{};          ///< of the rules, where the look is
  bytes holding;                ///< key on disk where it goes on; empty: at the purse's first
  std::uint32_t levels_month{};
  tick_ms fees_from = 0;                     ///< no fee is taken before: journals come first; 0: not set yet
  std::uint32_t fees_day{};                  ///< day of head office's time for which all cards are looked at for fees
  bytes fee_card;                            ///< key of the card where that look goes on; empty: all were looked at
  std::map<account_id, tick_ms> fees_asked;  ///< fees whose money lies elsewhere, and when to look for it; bounded
  std::uint32_t expiring_month{};            ///< for which cards are looked at whose units expire with it
  bytes expiring_card;                       ///< key of the card where that look goes on; empty: all were looked at
  bytes card;                                ///< key of the card where the look goes on; empty: all were looked at
  tick_ms cards_due = 0;                     ///< when runs of cards that were called back are looked for
  tick_ms due = 0, owed_due = 0, holds_due = 0, debts_due = 0;
  /// Debts whose account has units elsewhere: how many when they were last asked for, and when they are again if that
  /// stays the same. Bounded by the station.
  struct netting {
    tally::amount elsewhere{};
    tick_ms due = 0, wait = 0;
  };
  std::map<std::pair<account_id, std::uint32_t>, netting> nettings;
  std::set<account_id> lapsed;           ///< cards to be looked at for what expired only because of where it lay
  std::set<std::uint64_t> netting_asks;  ///< ids of questions that are open
  bytes debt;                            ///< key of the debt where the look goes on
  bool executes = true;                  ///< a ruling may have told this node to write something off
  tick_ms rulings_due = 0;
  std::map<std::pair<writer_id, sequence>, tick_ms> policy_since;  ///< open cases that a policy is to decide
  bool traded = false;                ///< a till was served in this life: it would have shown that this is an old copy
  tick_ms linked_at = 0;              ///< when the link to the parent came up
  bool confirmed = false;             ///< since the start the parent asked for this journal from a place that exists
  std::optional<tick_ms> away_since;  ///< since when the link to the parent is down
  std::set<std::pair<writer_id, sequence>> wrongly_owed;  ///< entries that an alarm was raised for
  std::set<std::pair<writer_id, sequence>> owing;         ///< entries that could not give what is due, or gave too much
  std::pair<writer_id, sequence> owing_at;                ///< the one that was looked at last
  /// All that decides whether something that is owed has to wait.
  struct owed_look {
    writer_id self;
    sequence next{};  ///< of the own journal: what was credited today is in it
    std::uint32_t today{};
    std::uint64_t rules{};  ///< newest version
    bool short_known = false;
    friend bool operator==(const owed_look&, const owed_look&) = default;
  };
  std::optional<owed_look> owed_idle;  ///< under this a look at all of `owing` found that all of it waits
  std::set<std::pair<writer_id, sequence>> returned;  ///< sales whose refunds at several stores are to be evened out
  std::pair<writer_id, sequence> returned_at;         ///< the one that was looked at last
  tick_ms returned_due = 0;
};

}  // namespace tally
