#pragma once
#include "ledger/fold.hpp"

namespace tally {

// Expiry, oldest first over all nodes. A node spends what expires soonest of what lies there; so a card may pay with
// younger units at one store while older ones lie at another and expire. Head office sees both: what expired is charged
// with what was paid meanwhile, and the younger units that paid in its place come back.

/// Of one account and purse, as all nodes together have it.
struct lapse_record {
  struct spent_item {
    std::uint32_t bucket{};  ///< month of expiry
    std::uint32_t month{};   ///< in which it was spent, before that; 0: goods came back, of whichever sale
    tally::amount units{};   ///< less what came back; of month 0 below zero
    friend bool operator==(const spent_item&, const spent_item&) = default;
  };
  struct item {
    std::uint32_t bucket{};
    tally::amount units{};
    friend bool operator==(const item&, const item&) = default;
  };
  std::vector<spent_item> spent;  ///< ascending by bucket and month, none of 0
  std::vector<item> lapsed;       ///< what expired, ascending by bucket
  std::vector<item> given;        ///< what head office gave back into that bucket, ascending
  friend bool operator==(const lapse_record&, const lapse_record&) = default;
};

/// What is still to be given back in a month of head office's time, by bucket, ascending: into the earliest buckets
/// that were spent from and are good. Units that expired in month m are made good by what was spent of later buckets up
/// to the end of m, each unit once; in whichever order journals come the sum is the same, as long as they come while
/// those buckets are good. What goods brought back later is not asked back.
std::vector<value_item> due_back(const lapse_record& r, std::uint32_t purse, std::uint32_t month);
/// Most of what was given back that the record founds.
tally::amount founded(const lapse_record& r);

/// Drops what head office remembers no more in that month of its time: of the limits below.
void forget_lapses(lapse_record& r, std::uint32_t month);
/// What an entry of that writer adds to the record of each purse in `watch`. REQUIRES: not contested.
void add_lapses(const entry& e, const entry_place& p, const lapse_watch& watch, state& s);
/// Of that, what goods that came back claimed of units that had expired by then (a debt of theirs). Units that are good
/// as long as those were, from the month in which the goods came back, count as spent in the month in which those
/// ended: so what expired unused makes the debt good, and what had been spent does not.
void add_claims(const entry& e, const entry_place& p, const lapse_watch& watch, state& s);
/// None for a card of which nothing was counted.
lapse_record lapses_of(const state& s, account_id account, std::uint32_t purse);

bytes encode_lapses(const lapse_record& r);
/// Nothing for bytes that `encode_lapses` does not make.
std::optional<lapse_record> decode_lapses(byte_view data);

/// Months for which what expired is remembered, and items of one record; beyond, the oldest are forgotten.
constexpr std::uint32_t lapse_months_kept = 24;
/// … and what was spent of a bucket that is gone, and into which nothing was given back.
constexpr std::uint32_t lapse_months_gone = 6;
constexpr std::size_t lapse_items_max = 1'000;

}  // namespace tally
