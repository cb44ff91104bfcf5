#include <array>
#include <string_view>

#include "devices/raster.hpp"

namespace tally {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t start_b = 104, stop = 106, quiet_modules = 10, modules_of_a_symbol = 11;

/// Widths of the bars and gaps of each symbol, a bar first (ISO/IEC 15417, table 1).
constexpr std::array patterns{
    "212222"sv, "222122"sv, "222221"sv, "121223"sv, "121322"sv, "131222"sv, "122213"sv, "122312"sv, "132212"sv,
    "221213"sv, "221312"sv, "231212"sv, "112232"sv, "122132"sv, "122231"sv, "113222"sv, "123122"sv, "123221"sv,
    "223211"sv, "221132"sv, "221231"sv, "213212"sv, "223112"sv, "312131"sv, "311222"sv, "321122"sv, "321221"sv,
    "312212"sv, "322112"sv, "322211"sv, "212123"sv, "212321"sv, "232121"sv, "111323"sv, "131123"sv, "131321"sv,
    "112313"sv, "132113"sv, "132311"sv, "211313"sv, "231113"sv, "231311"sv, "112133"sv, "112331"sv, "132131"sv,
    "113123"sv, "113321"sv, "133121"sv, "313121"sv, "211331"sv, "231131"sv, "213113"sv, "213311"sv, "213131"sv,
    "311123"sv, "311321"sv, "331121"sv, "312113"sv, "312311"sv, "332111"sv, "314111"sv, "221411"sv, "431111"sv,
    "111224"sv, "111422"sv, "121124"sv, "121421"sv, "141122"sv, "141221"sv, "112214"sv, "112412"sv, "122114"sv,
    "122411"sv, "142112"sv, "142211"sv, "241211"sv, "221114"sv, "413111"sv, "241112"sv, "134111"sv, "111242"sv,
    "121142"sv, "121241"sv, "114212"sv, "124112"sv, "124211"sv, "411212"sv, "421112"sv, "421211"sv, "212141"sv,
    "214121"sv, "412121"sv, "111143"sv, "111341"sv, "131141"sv, "114113"sv, "114311"sv, "411113"sv, "411311"sv,
    "113141"sv, "114131"sv, "311141"sv, "411131"sv, "211412"sv, "211214"sv, "211232"sv, "2331112"sv};
static_assert(patterns.size() == stop + 1);

}  // namespace

std::size_t barcode_modules(std::size_t characters) {
  // Start, characters, check and a stop that is two modules wider, between their margins.
  return (characters + 3) * modules_of_a_symbol + 2 + 2 * quiet_modules;
}

result<raster> barcode_raster(std::string_view text, std::size_t module_dots, std::size_t height) {
  if (text.empty() || text.size() > 40 || module_dots == 0 || module_dots > 8 || height == 0 ||
      height > raster::height_max)
    return error{errc::malformed, "a barcode holds 1 to 40 characters"};
  std::size_t sum = start_b;
  std::string bars(quiet_modules, '0');
  auto add = [&](std::size_t symbol) {
    bool bar = true;
    for (const char width : patterns[symbol]) {
      bars.append(static_cast<std::size_t>(width - '0'), bar ? '1' : '0');
      bar = !bar;
    }
  };
  add(start_b);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 0x20 || text[i] > 0x7E) return error{errc::malformed, "a barcode holds printable ASCII"};
    const auto symbol = static_cast<std::size_t>(text[i] - 0x20);
    sum += (i + 1) * symbol;
    add(symbol);
  }
  add(sum % 103);
  add(stop);
  bars.append(quiet_modules, '0');
  raster out;
  out.width = bars.size() * module_dots;
  out.height = height;
  bytes row(out.row_octets(), '\0');
  for (std::size_t x = 0; x < out.width; ++x)
    if (bars[x / module_dots] == '1') row[x / 8] = static_cast<char>(row[x / 8] | (0x80 >> (x % 8)));
  for (std::size_t y = 0; y < height; ++y)
    out.rows += row;
  return out;
}

}  // namespace tally
