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
  bool of_receipts = true, of_reports = false;
};
constexpr std::array parts{named_part{"header", part::header, true, true},
                           named_part{"footer", part::footer, true, true},
                           named_part{"tenders", part::tenders, true, true},
                           named_part{"taxes", part::taxes, true, true},
                           named_part{"id", part::id, true, true},
                           named_part{"rule", part::rule, true, true},
                           named_part{"lines", part::lines},
                           named_part{"total", part::total},
                           named_part{"reverses", part::reverses},
                           named_part{"card", part::card},
                           named_part{"proof", part::proof},
                           named_part{"sales", part::sales, false, true},
                           named_part{"top_ups", part::top_ups, false, true},
                           named_part{"cash", part::cash, false, true},
                           named_part{"tills", part::tills, false, true}};
constexpr std::array<std::string_view, 7> fields{"store", "title", "time", "till", "counter", "sum", "card_number"};
constexpr std::array<std::string_view, 5> report_fields{"store", "title", "time", "till", "date"};
constexpr std::string_view centre_mark = "{centre}", right_mark = "{right}";
constexpr std::size_t layout_lines_max = 60;

/// Reads the lines of one kind of layout; says what is wrong as people wrote it.
class layout_reader {
public:
  explicit layout_reader(layout_kind what) : report_(what == layout_kind::day_report) {}

  result<template_line> line(std::string_view text, std::size_t number) const {
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
  error wrong(std::size_t number, const std::string& why) const {
    return {errc::bad_rules, "line " + std::to_string(number) + " of a " + name() + "'s layout: " + why};
  }
  const char* name() const { return report_ ? "day report" : "receipt"; }

private:
  std::optional<part> part_named(std::string_view name) const {
    for (const auto& p : parts)
      if (p.name == name && (report_ ? p.of_reports : p.of_receipts)) return p.what;
    return std::nullopt;
  }
  bool is_field(std::string_view name) const {
    const auto known = [&](const auto& list) { return std::ranges::find(list, name) != list.end(); };
    return report_ ? known(report_fields) : known(fields);
  }
  /// Every brace belongs to a field that exists.
  status check_fields(std::string_view text, std::size_t number) const {
    while (true) {
      const auto brace = text.find_first_of("{}");
      if (brace == text.npos) return done();
      const auto close = text.find_first_of("{}", brace + 1);
      if (text[brace] == '}' || close == text.npos || text[close] == '{') return wrong(number, "a brace stands alone");
      const auto name = text.substr(brace + 1, close - brace - 1);
      if (!is_field(name)) {
        if (part_named(name)) return wrong(number, "{" + std::string(name) + "} stands on a line of its own");
        if (name == "centre") return wrong(number, "{centre} stands at the start of a line");
        if (name == "right") return wrong(number, "{right} stands once in a line that is not centred");
        return wrong(number, "there is no field {" + std::string(name.substr(0, 20)) + "}");
      }
      text.remove_prefix(close + 1);
    }
  }

  bool report_;
};

status check_parts(const std::vector<template_line>& lines, layout_kind what) {
  const auto has = [&](part p) { return std::ranges::find(lines, p, &template_line::what) != lines.end(); };
  if (what == layout_kind::receipt && !(has(part::total) && has(part::id)))
    return error{errc::bad_rules, "a receipt's layout shows {total} and {id}, each on a line of its own"};
  if (what == layout_kind::day_report && !(has(part::sales) && has(part::tenders) && has(part::cash) && has(part::id)))
    return error{errc::bad_rules,
                 "a day report's layout shows {sales}, {tenders}, {cash} and {id}, each on a line of its own"};
  return done();
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

const std::string_view usual_report_layout =
    "{header}\n"
    "{centre}{store}\n"
    "{centre}{title}\n"
    "{date}{right}{till}\n"
    "{rule}\n"
    "{sales}\n"
    "{tenders}\n"
    "{taxes}\n"
    "{rule}\n"
    "{top_ups}\n"
    "{rule}\n"
    "{cash}\n"
    "{tills}\n"
    "\n"
    "{id}\n";

result<std::vector<template_line>> parse_layout(std::string_view text, layout_kind what) {
  const layout_reader reader(what);
  std::vector<template_line> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto one = text.substr(0, end);
    if (one.ends_with('\r')) one.remove_suffix(1);
    if (out.size() == layout_lines_max)
      return reader.wrong(out.size() + 1, "a layout has at most " + std::to_string(layout_lines_max) + " lines");
    auto line = reader.line(one, out.size() + 1);
    if (!line) return line.error();
    out.push_back(std::move(*line));
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
  }
  TALLY_TRY(check_parts(out, what));
  const auto proof = std::ranges::find(out, part::proof, &template_line::what);
  if (proof != out.end() && proof + 1 != out.end())
    return reader.wrong(static_cast<std::size_t>(proof - out.begin()) + 1,
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
