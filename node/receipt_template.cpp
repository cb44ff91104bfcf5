#include "node/receipt_template.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace tally {
namespace {

using part = template_line::part;

struct named_part {
  std::string_view name;
  part what;
};
constexpr std::array parts{
    named_part{"header", part::header},   named_part{"lines", part::lines}, named_part{"total", part::total},
    named_part{"tenders", part::tenders}, named_part{"taxes", part::taxes}, named_part{"reverses", part::reverses},
    named_part{"card", part::card},       named_part{"id", part::id},       named_part{"footer", part::footer},
    named_part{"rule", part::rule},       named_part{"proof", part::proof}};
constexpr std::array<std::string_view, 7> fields{"store", "title", "time", "till", "counter", "sum", "card_number"};
constexpr std::string_view centre_mark = "{centre}", right_mark = "{right}";
constexpr std::size_t layout_lines_max = 60;

std::optional<part> part_named(std::string_view name) {
  for (const auto& p : parts)
    if (p.name == name) return p.what;
  return std::nullopt;
}

error wrong(std::size_t number, const std::string& why) {
  return {errc::bad_rules, "line " + std::to_string(number) + " of a receipt's layout: " + why};
}

/// Every brace belongs to a field that exists.
status check_fields(std::string_view text, std::size_t number) {
  while (true) {
    const auto brace = text.find_first_of("{}");
    if (brace == text.npos) return done();
    const auto close = text.find_first_of("{}", brace + 1);
    if (text[brace] == '}' || close == text.npos || text[close] == '{') return wrong(number, "a brace stands alone");
    const auto name = text.substr(brace + 1, close - brace - 1);
    if (std::find(fields.begin(), fields.end(), name) == fields.end()) {
      if (part_named(name)) return wrong(number, "{" + std::string(name) + "} stands on a line of its own");
      if (name == "centre") return wrong(number, "{centre} stands at the start of a line");
      if (name == "right") return wrong(number, "{right} stands once in a line that is not centred");
      return wrong(number, "there is no field {" + std::string(name.substr(0, 20)) + "}");
    }
    text.remove_prefix(close + 1);
  }
}

result<template_line> parse_line(std::string_view text, std::size_t number) {
  template_line out;
  if (text.size() > 2 && text.front() == '{' && text.find('}') == text.size() - 1)
    if (const auto what = part_named(text.substr(1, text.size() - 2))) {
      out.what = *what;
      return out;
    }
  if (text.starts_with(centre_mark)) {
    out.centred = true;
    text.remove_prefix(centre_mark.size());
  } else if (const auto at = text.find(right_mark); at != text.npos) {
    out.right = text.substr(at + right_mark.size());
    text = text.substr(0, at);
  }
  out.left = text;
  TALLY_TRY(check_fields(out.left, number));
  TALLY_TRY(check_fields(out.right, number));
  return out;
}

}  // namespace

const std::string_view usual_layout =
    "{header}\n"
    "{centre}{store}\n"
    "{centre}{title}\n"
    "{time}{right}{till} {counter}\n"
    "{rule}\n"
    "{lines}\n"
    "{total}\n"
    "{tenders}\n"
    "{taxes}\n"
    "{reverses}\n"
    "{card}\n"
    "\n"
    "{id}\n"
    "{footer}\n"
    "{proof}\n";

result<std::vector<template_line>> parse_layout(std::string_view text) {
  std::vector<template_line> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    if (out.size() == layout_lines_max)
      return wrong(out.size() + 1, "a layout has at most " + std::to_string(layout_lines_max) + " lines");
    auto line = parse_line(one, out.size() + 1);
    if (!line) return line.error();
    out.push_back(std::move(*line));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
  for (const auto must : {part::total, part::id})
    if (std::none_of(out.begin(), out.end(), [&](const template_line& l) { return l.what == must; }))
      return error{errc::bad_rules, "a receipt's layout shows {total} and {id}, each on a line of its own"};
  const auto proof = std::ranges::find(out, part::proof, &template_line::what);
  if (proof != out.end() && proof + 1 != out.end())
    return wrong(static_cast<std::size_t>(proof - out.begin()) + 1,
                 "{proof} is the last line: the code stands under it");
  return out;
}

bool layout_proves(std::string_view layout) {
  auto lines = parse_layout(layout.empty() ? usual_layout : layout);
  // As on paper: one that this program cannot read gives the usual receipt.
  if (!lines) lines = parse_layout(usual_layout);
  return std::ranges::find(*lines, part::proof, &template_line::what) != lines->end();
}

}  // namespace tally
