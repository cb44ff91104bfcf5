#pragma once

namespace tally {

/// The Simplified form of a Traditional Chinese character; anything else as it is. For comparison alone: several
/// Traditional characters may have one Simplified form. Pure. `simplified(simplified(c))` is `simplified(c)`.
char32_t simplified(char32_t c);

}  // namespace tally
