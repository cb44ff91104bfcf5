#pragma once
#include <string>
#include <string_view>

namespace tally {

/// Code page 437, which every receipt printer holds. UTF-8 in; each code point that the page lacks, each control
/// character and each byte that is not UTF-8 becomes one '?'. The result is never longer than `text` and holds
/// no byte below 0x20, so a product's name cannot carry a printer command.
std::string cp437_from_utf8(std::string_view text);

/// The other way. Bytes below 0x20 are passed on as they are.
std::string utf8_from_cp437(std::string_view data);

}  // namespace tally
