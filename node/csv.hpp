#pragma once
#include <string>

namespace tally {

/// A field of RFC 4180. What a spreadsheet would take for a formula is made text: some of it comes from outside.
std::string csv_field(std::string text);

}  // namespace tally
