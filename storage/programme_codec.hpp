#pragma once
#include "ledger/programme.hpp"
#include "storage/varint.hpp"

namespace tally {

/// A programme inside a rules record (FORMAT.md, "Rules"). One spelling only; a reader that is not `ok` afterwards gave
/// nothing. Bounds: programme_rules_max rows of each list, condition_items_max of each list inside.
void write_programme(byte_writer& w, const programme& p);
programme read_programme(byte_reader& r);

/// What the fourth form of a rules record adds: sections by number, each with its length, so that others can follow.
/// One that this version does not know makes the record unreadable: a store must not sell by half of its rules.
/// `report` is the day report's form as bytes; empty: it has none.
void write_sections(byte_writer& w, const programme& p, const bytes& report);
void read_sections(byte_reader& r, programme& p, bytes& report);

}  // namespace tally
