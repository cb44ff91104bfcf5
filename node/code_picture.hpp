#pragma once
#include <string>
#include <string_view>

#include "ledger/result.hpp"

namespace tally {

/// A QR code as an SVG picture (W3C SVG 1.1): black on white, with the light margin that the standard asks for, sharp
/// at any size. Pure. `malformed` when the text is empty or too long for a code.
result<std::string> qr_svg(std::string_view text);

}  // namespace tally
