#pragma once
#include "sync/station_io.hpp"

namespace tally {

/// A wrong PIN is an entry of the journal; a till hears of a refusal, once that is durable. `st`: the fold with it.
void refuse_wrong_pin(till_answer& a, const state& st, const writer_id& self);

}  // namespace tally
