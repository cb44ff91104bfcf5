#include "node/csv.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tally {

std::string csv_field(std::string text) {
  // As they are, and as wide as a Chinese character.
  constexpr std::array<std::string_view, 10> signs{"=",  "+",      "-",      "@",      "\t",
                                                   "\r", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"};
  if (std::ranges::any_of(signs, [&](auto s) { return text.starts_with(s); })) text.insert(0, 1, '\'');
  std::string out = "\"";
  for (char c : text)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

}  // namespace tally
