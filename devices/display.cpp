#include "devices/display.hpp"

#include <algorithm>

#include "devices/escpos.hpp"

namespace tally {

namespace {

bytes line(std::string_view text, const text_codec& codec) {
  const auto fits = codec.fit(text, display_columns);
  auto out = codec.encode(fits);
  return out.append(display_columns - std::min(display_columns, codec.columns(fits)), ' ');
}

}  // namespace

std::string display_row(std::string_view left, std::string_view right, const text_codec& codec) {
  const auto figure = codec.fit(right, display_columns);
  const auto used = codec.columns(figure);
  const std::size_t gap = left.empty() || figure.empty() ? 0 : 1;
  auto out = codec.fit(left, display_columns - std::min(display_columns, used + gap));
  out.append(display_columns - std::min(display_columns, codec.columns(out) + used), ' ');
  return out.append(figure);
}

bytes encode_display(const display_text& text, const text_codec& codec) {
  bytes out("\x1B\x40");  // ESC @
  if (!is_wide(codec.set())) {
    out.append("\x1B\x74");  // ESC t n, with the numbers of the printers
    out.push_back(escpos::code_page_number(codec.set()));
  }
  out.push_back('\x0C');  // CLR: the cursor stands at the start of the upper line
  return out.append(line(text.upper, codec)).append(line(text.lower, codec));
}

}  // namespace tally
