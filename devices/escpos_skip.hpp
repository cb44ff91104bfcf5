#pragma once
#include <optional>
#include <vector>

#include "ledger/types.hpp"

namespace tally::escpos {

/// Length in bytes of the ESC/POS command at the front of `data`, its parameters and data block included, so that a
/// decoder can skip what it does not draw. Nothing when more bytes are needed to tell. Text and single control
/// characters are 1; an unknown ESC, FS or GS command is taken for 2. The length may be far longer than `data`.
/// REQUIRES: `data` is not empty.
std::optional<std::size_t> command_length(byte_view data);

/// How many octets it is to the next place where another command may be put in: behind a command or a line feed, and
/// not behind a character of the text, which may be half of one; the end of `data` at the latest. More than 0.
/// REQUIRES: `data` is not empty and begins at such a place.
std::size_t to_next_place(byte_view data);

/// A picture (`GS v 0`) as several, one below the other, each of about `octets_max` octets and at least one row; any
/// other command, and one that is not whole, as it is.
std::vector<bytes> bands(byte_view command, std::size_t octets_max);

}  // namespace tally::escpos
