#pragma once
#include <cstdint>
#include <string_view>

#include "ledger/result.hpp"
#include "ledger/types.hpp"

namespace tally {

/// A picture of black and white dots, as a receipt printer takes it: rows from the top, eight dots an octet, the
/// leftmost in the highest bit, 1 is black; each row is filled up to whole octets.
struct raster {
  std::size_t width = 0;  ///< dots
  std::size_t height = 0;
  bytes rows;

  static constexpr std::size_t width_max = 832, height_max = 512;
  [[nodiscard]] bool empty() const { return rows.empty(); }
  [[nodiscard]] std::size_t row_octets() const { return (width + 7) / 8; }
  [[nodiscard]] bool black(std::size_t x, std::size_t y) const {
    return (static_cast<unsigned char>(rows[y * row_octets() + x / 8]) >> (7 - x % 8) & 1) != 0;
  }
  friend bool operator==(const raster&, const raster&) = default;
};

/// A portable bitmap, plain (P1) or raw (P4), as `pbmtext`, ImageMagick and GIMP write it. Pure. Errors: `malformed`
/// with what is wrong, also for more than `width_max` × `height_max` dots and for a file that ends too early.
result<raster> parse_pbm(byte_view file);

/// A QR code, model 2, level M, as dots: each module `module_dots` wide (1 to 16), with the four light modules around
/// it that the standard (ISO/IEC 18004) asks for. Errors: `malformed` when the text is empty, holds a NUL or is too
/// long for a code.
result<raster> qr_raster(std::string_view text, std::size_t module_dots);
/// Modules on a side of the code for a text of so many octets, with the light ones around it, at most: capital letters
/// and digits alone may take fewer. 0 when it is too long. Costs nothing, while making a code takes about 1 ms.
std::size_t qr_side_max(std::size_t octets);

/// A Code 128 (set B) of 1 to 40 printable ASCII characters as dots, with the light margins that the standard
/// (ISO/IEC 15417) asks for; each module `module_dots` wide (1 to 8). `malformed` for anything else.
result<raster> barcode_raster(std::string_view text, std::size_t module_dots, std::size_t height);
/// Modules that a Code 128 of so many characters is wide, margins included.
std::size_t barcode_modules(std::size_t characters);

}  // namespace tally
