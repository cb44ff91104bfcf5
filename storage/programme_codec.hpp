#pragma once
#include "ledger/programme.hpp"
#include "storage/varint.hpp"

namespace tally {

/// A programme inside a rules record (FORMAT.md, "Rules"). One spelling only; a reader that is not `ok` afterwards gave
/// nothing. Bounds: programme_rules_max rows of each list, condition_items_max of each list inside.
void write_programme(byte_writer& w, const programme& p);
programme read_programme(byte_reader& r);

}  // namespace tally
