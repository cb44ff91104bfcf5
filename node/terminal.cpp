#include "node/terminal.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace tally::cmd {
namespace {

std::size_t width_of(std::string_view s) {
  return static_cast<std::size_t>(
      std::ranges::count_if(s, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

struct line_layout {
  std::size_t hang = 0;  ///< of what goes on
  bool command = false;
};

line_layout layout_of(std::string_view line, std::size_t columns) {
  auto first = line.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  if (first > 0 && line.substr(first).starts_with("tallystick ")) return {first + 4, true};
  // A second column begins behind two blanks.
  auto gap = line.find("  ", first);
  auto second = gap == std::string_view::npos ? gap : line.find_first_not_of(' ', gap);
  if (second != std::string_view::npos && second < columns / 2) return {second, false};
  return {first > 0 && line[first] == '-' ? first + 4 : first, false};
}

/// Where the line can be broken behind `from` so that what stands before fits; 0 when nowhere.
std::size_t break_in(std::string_view line, std::size_t from, std::size_t room, bool command) {
  std::size_t best = 0, comma = 0;
  bool quoted = false;
  for (std::size_t i = 1; i < line.size() && width_of(line.substr(0, i)) <= room; ++i) {
    if (command && line[i] == '"') quoted = !quoted;
    if (i <= from || quoted) continue;
    if (line[i] == ' ' && line[i - 1] != ' ') best = i;
    if (line[i - 1] == ',' && line[i] != ' ') comma = i;
  }
  return best != 0 ? best : comma;
}

void fold_line(std::string line, std::size_t columns, std::string& out) {
  const auto how = layout_of(line, columns);
  while (width_of(line) > columns) {
    auto at = break_in(line, how.hang, how.command ? columns - 2 : columns, how.command);
    auto next = at == 0 ? std::string::npos : line.find_first_not_of(' ', at);
    if (next == std::string::npos) break;
    out += line.substr(0, at) + (how.command ? " \\\n" : "\n");
    line = std::string(how.hang, ' ') + line.substr(next);
  }
  out += line;
}

}  // namespace

int exit_status_of(errc code) {
  switch (code) {
    case errc::bad_config:
    case errc::bad_rules:
    case errc::malformed:
    case errc::io:
    case errc::corrupt:
    case errc::unsupported: return exit_usage;
    case errc::offline:
    case errc::timeout: return exit_offline;
    default: return exit_refused;
  }
}

std::string sentence_of(const error& e) { return e.detail.empty() ? std::string(errc_text(e.code)) : e.detail; }

int fail(const error& e) { return fail(exit_status_of(e.code), sentence_of(e)); }
int fail_file(const error& e) { return fail(exit_usage, sentence_of(e)); }

int fail(int status, std::string_view sentence) {
  bool ended = !sentence.empty() && (sentence.back() == '.' || sentence.back() == '\n');
  std::cerr << "tallystick: " << sentence << (ended ? "" : ".") << "\n";
  return status;
}

std::string table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out += line + "\n";
  }
  return out;
}

std::string fold_lines(std::string_view text, std::size_t columns) {
  std::string out;
  for (;;) {
    auto end = text.find('\n');
    fold_line(std::string(text.substr(0, end)), columns, out);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

std::string ago(std::int64_t moment, std::int64_t now) {
  if (moment == 0) return "never";
  auto s = std::max<std::int64_t>(0, now - moment);
  if (s < 120) return std::to_string(s) + " s ago";
  if (s < 7'200) return std::to_string(s / 60) + " min ago";
  if (s < 172'800) return std::to_string(s / 3'600) + " h ago";
  return std::to_string(s / 86'400) + " days ago";
}

void show_progress(std::string_view what, std::size_t done, std::size_t total) {
  constexpr std::size_t bar = 30;
  if (total == 0) return;
  if (::isatty(STDERR_FILENO) != 1) {
    if (done == total) std::cerr << what << ": " << done << " of " << total << "\n";
    return;
  }
  auto filled = done * bar / total;
  std::cerr << "\r" << what << " [" << std::string(filled, '#') << std::string(bar - filled, ' ') << "] " << done
            << " of " << total << (done == total ? "\n" : "") << std::flush;
}

}  // namespace tally::cmd
