#pragma once
#include <cstdint>

#include "devices/charset.hpp"
#include "devices/raster.hpp"

namespace tally {

enum class qr_printing : std::uint8_t {
  native,  ///< `GS ( k` and `GS k`: the printer draws QR codes and barcodes
  dots,    ///< drawn here and sent as a picture, for printers that cannot
};
enum class drawer_pin : std::uint8_t { none, pin_2, pin_5 };
enum class drawer_command : std::uint8_t {
  realtime,  ///< `DLE DC4`: at once
  pulse,     ///< `ESC p`, for printers that lack it: behind what the printer has in its buffer, and not without paper
};

/// What a model of receipt printer can do. Defaults: 80 mm paper, code page 437, a cutter, QR codes of its own.
struct printer_profile {
  static constexpr std::size_t columns_min = 24, columns_max = 64, column_dots = 12;

  charset text = charset::cp437;
  std::size_t columns = 42;  ///< of its narrow font: 32 on 58 mm, 42 or 48 on 80 mm
  qr_printing qr = qr_printing::native;
  bool cutter = true;  ///< else fed past the tear bar
  drawer_pin drawer = drawer_pin::pin_2;
  drawer_command opens_by = drawer_command::realtime;
  raster logo;  ///< printed on top of each receipt; empty: none

  [[nodiscard]] std::size_t dots() const { return columns * column_dots; }
};

}  // namespace tally
