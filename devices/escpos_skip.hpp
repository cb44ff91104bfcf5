#pragma once
#include <optional>

#include "ledger/types.hpp"

namespace tally::escpos {

/// Length in bytes of the ESC/POS command at the front of `data`, its parameters and data block included, so that a
/// decoder can skip what it does not draw. Nothing when more bytes are needed to tell. Text and single control
/// characters are 1; an unknown ESC, FS or GS command is taken for 2. The length may be far longer than `data`.
/// REQUIRES: `data` is not empty.
std::optional<std::size_t> command_length(byte_view data);

}  // namespace tally::escpos
