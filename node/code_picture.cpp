#include "node/code_picture.hpp"

#include "devices/raster.hpp"

namespace tally {

result<std::string> qr_svg(std::string_view text) {
  auto dots = qr_raster(text, 1);
  if (!dots) return dots.error();
  const auto side = std::to_string(dots->width), high = std::to_string(dots->height);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side + " " + high +
                    "\" shape-rendering=\"crispEdges\"><rect width=\"" + side + "\" height=\"" + high +
                    "\" fill=\"#fff\"/><path d=\"";
  for (std::size_t y = 0; y < dots->height; ++y)
    for (std::size_t x = 0, run = 0; x < dots->width; x += run + 1) {
      for (run = 0; x + run < dots->width && dots->black(x + run, y);)
        ++run;
      if (run == 0) continue;
      const auto width = std::to_string(run);
      out += "M" + std::to_string(x) + " " + std::to_string(y) + "h" + width + "v1h-" + width + "z";
    }
  return out + "\"/></svg>\n";
}

}  // namespace tally
