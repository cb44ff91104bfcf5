#pragma once
#include "ledger/state.hpp"

namespace tally {

class station;

/// What a store may hold and get, as whoever is above it knows. Minor units.
struct exposure_parts {
  node_limits limits;
  tally::amount held{}, in_transit{};         ///< card value at it, and on its way to it
  tally::amount quota{}, quota_in_transit{};  ///< top-ups that it may still take
};

/// What is known of a store at this station; of one that is revoked and closed, no limits: nobody gives it more. One
/// owner thread, as the station.
exposure_parts exposure_parts_of(const station& s, const writer_id& store);

/// The most that can be lost with a store that is stolen and noticed after `days`:
/// max(ceiling, held + in transit) + outstanding quota + days × (daily inflow + daily replenishing). Saturates.
/// tests/sync/thief_week_test.cpp tries to get past it.
tally::amount exposure_of(const exposure_parts& p, std::int64_t days);

}  // namespace tally
