#include "rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <functional>
#include <map>
#include <set>

namespace tally::tidy {
namespace {

constexpr std::size_t columns_max = 120;
constexpr std::size_t header_lines_max = 250;
constexpr std::size_t source_lines_max = 500;
constexpr std::size_t function_lines_max = 80;
constexpr std::size_t readme_lines_max = 15;

/// Who may include whom: ARCHITECTURE in one table. Folders that are not here (tests, bench) may include anything.
const std::map<std::string, std::set<std::string>, std::less<>> arrows = {
    {"ledger", {"ledger"}},
    {"storage", {"storage", "ledger"}},
    {"sync", {"sync", "storage", "ledger"}},
    {"devices", {"devices", "ledger"}},
    {"actors", {"actors", "sync", "storage", "devices", "ledger"}},
    {"node", {"node", "actors", "sync", "storage", "devices", "ledger"}},
};

/// Where headers of a third party may stand: a folder, and what the file's name must contain.
struct place {
  std::string_view folder;
  std::string_view name_part;
};
struct third_party {
  std::string_view header;  ///< how the header's name begins
  std::vector<place> places;
};
const std::vector<third_party> adapters = {
    {"rocksdb/", {{"storage", "rocks"}}},
    {"zmq", {{"sync", "zmq"}}},
    {"sodium", {{"sync", ""}}},
    {"openssl/", {{"storage", ""}, {"node", ""}}},
    {"caf/", {{"actors", ""}, {"node", ""}}},
    {"winscard.h", {{"devices", "driver"}}},
    {"libevdev/", {{"devices", "driver"}}},
    {"linux/input.h", {{"devices", "driver"}}},
    {"cups/", {{"devices", "driver"}}},
    {"termios.h", {{"devices", "driver"}, {"node", ""}}},
};

/// Beginnings of calls that read a clock or a random source. A member with such a name (`x.time(0)`) is not meant.
const std::array<std::string_view, 16> impure = {
    "system_clock::now",
    "steady_clock::now",
    "high_resolution_clock",
    "random_device",
    "gettimeofday",
    "clock_gettime",
    "getrandom",
    "arc4random",
    "randombytes_",
    "rand(",
    "srand(",
    "localtime",
    "time(nullptr)",
    "time(NULL)",
    "time(0)",
    "time(&",
};

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

bool ends_with_any(std::string_view path, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view e) { return path.ends_with(e); });
}
bool is_header(std::string_view path) { return ends_with_any(path, {".hpp", ".h", ".hh"}); }
bool is_cpp(std::string_view path) { return is_header(path) || ends_with_any(path, {".cpp", ".cc"}); }

std::string folder_of(std::string_view path) {
  const std::size_t slash = path.find('/');
  return std::string(slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash));
}
std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return lines;
}

std::string trimmed(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front())) != 0)
    s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back())) != 0)
    s.remove_suffix(1);
  return std::string(s.substr(0, 100));
}

/// Position of `word` in `line` with no letter, digit or underscore beside it, from `from` on; npos if absent.
std::size_t find_word(std::string_view line, std::string_view word, std::size_t from = 0) {
  for (std::size_t at = line.find(word, from); at != std::string_view::npos; at = line.find(word, at + 1)) {
    const bool left = at == 0 || !is_word(line[at - 1]) || !is_word(word.front());
    const std::size_t end = at + word.size();
    const bool right = end >= line.size() || !is_word(line[end]) || !is_word(word.back());
    if (left && right) return at;
  }
  return std::string_view::npos;
}

/// The file of an #include on this line, and whether it stands in angle brackets; empty if there is none.
std::string_view included(std::string_view line, bool& angle) {
  std::size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos || line[at] != '#') return {};
  at = line.find_first_not_of(" \t", at + 1);
  if (at == std::string_view::npos || line.substr(at, 7) != "include") return {};
  at = line.find_first_of("<\"", at);
  if (at == std::string_view::npos) return {};
  angle = line[at] == '<';
  const std::size_t end = line.find(angle ? '>' : '"', at + 1);
  return end == std::string_view::npos ? std::string_view{} : line.substr(at + 1, end - at - 1);
}

void add(findings& to, const source& file, std::string rule, std::size_t line, std::string text) {
  to.push_back({std::move(rule), file.path, line, std::move(text)});
}

void append(findings& to, findings more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void check_include(findings& found, const source& file, std::size_t line, std::string_view header, bool angle) {
  const std::string folder = folder_of(file.path);
  const auto allowed = arrows.find(folder);
  if (header.find("..") != std::string_view::npos) {
    add(found, file, "arrow", line, "a relative path walks around the folder doors: " + std::string(header));
  }
  if (allowed == arrows.end()) return;
  const std::string target = folder_of(header);
  const bool ours = arrows.count(target) > 0 || target == "tests" || target == "bench";
  if (ours && allowed->second.count(target) == 0) {
    add(found, file, "arrow", line, folder + "/ may not include " + std::string(header));
  }
  for (const third_party& party : adapters) {
    if (!header.starts_with(party.header)) continue;
    const bool at_home = std::any_of(party.places.begin(), party.places.end(), [&](const place& p) {
      return p.folder == folder && name_of(file.path).find(p.name_part) != std::string_view::npos;
    });
    if (!at_home) add(found, file, "adapter", line, std::string(header) + " belongs in its adapter only");
  }
  if (folder == "ledger" && angle && header.find_first_of("/.") != std::string_view::npos) {
    add(found, file, "adapter", line, "ledger/ includes the standard library only: " + std::string(header));
  }
}

/// Whether a line at column 0 can be the beginning of a function's head.
bool may_head(std::string_view line) {
  if (line.empty() || std::isspace(static_cast<unsigned char>(line.front())) != 0 || is_one_of(line.front(), "#{}/")) {
    return false;
  }
  for (const std::string_view other : {"namespace", "class ", "struct ", "enum ", "union ", "using ", "extern \""}) {
    if (line.starts_with(other)) return false;
  }
  return line.find('(') != std::string_view::npos;
}

/// A function is what stands between a head at column 0, which may take several lines, or a brace at column 0, and the
/// next closing brace at column 0. Inline members are measured as part of nothing: a header's size bounds them.
void check_functions(findings& found, const source& file, const std::vector<std::string_view>& code) {
  std::size_t start = 0;  // line of the opening brace; 0: outside
  bool head = false;
  for (std::size_t n = 1; n <= code.size(); ++n) {
    const std::string_view line = code[n - 1].substr(0, code[n - 1].find_last_not_of(" \t") + 1);
    if (start != 0) {
      if (!line.starts_with("}")) continue;
      if (n - start + 1 > function_lines_max) {
        add(found, file, "function", start, std::to_string(n - start + 1) + " lines");
      }
      start = 0;
      head = false;
      continue;
    }
    head = head || may_head(line);
    if (line.starts_with("{") || (head && line.ends_with("{"))) {
      start = n;
    } else if (line.empty() || line.ends_with(";") || line.ends_with("}")) {
      head = false;
    }
  }
}

/// Characters, not octets: a line of Chinese text is not long because UTF-8 is.
std::size_t columns_of(std::string_view line) {
  return static_cast<std::size_t>(
      std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// A call that can fail the test.
bool has_assertion(std::string_view code) {
  for (const std::string_view word : {"REQUIRE", "CHECK", "FAIL", "STATIC_REQUIRE", "expect", "verify", "check"}) {
    for (std::size_t at = code.find(word); at != std::string_view::npos; at = code.find(word, at + 1)) {
      if (at > 0 && is_word(code[at - 1])) continue;
      std::size_t end = at;
      while (end < code.size() && is_word(code[end]))
        ++end;
      if (end < code.size() && code[end] == '(') return true;
    }
  }
  return false;
}

/// Offsets at which test cases begin.
std::vector<std::size_t> test_cases(std::string_view code) {
  std::vector<std::size_t> starts;
  std::size_t offset = 0;
  for (const std::string_view line : lines_of(code)) {
    const std::string_view macro = line.substr(0, line.find('('));
    if (line.find('(') != std::string_view::npos && line.front() != '#' &&
        (macro.find("TEST_CASE") != std::string_view::npos || macro == "SCENARIO")) {
      starts.push_back(offset);
    }
    offset += line.size() + 1;
  }
  return starts;
}

}  // namespace

findings check_leftovers(const source& file) {
  findings found;
  std::size_t n = 0;
  // Written in two halves, so that this file does not contain them.
  static const std::array<std::string, 4> words = {
      "FIX"
      "ME",
      "TO"
      "DO",
      "HA"
      "CK",
      "X"
      "XX"};
  for (const std::string_view line : lines_of(file.text)) {
    ++n;
    for (const std::string& word : words) {
      if (find_word(line, word) != std::string_view::npos) add(found, file, "leftover", n, trimmed(line));
    }
  }
  return found;
}

findings check_machine_paths(const source& file) {
  findings found;
  std::size_t n = 0;
  static const std::array<std::string, 4> roots = {
      "/ro"
      "ot",
      "/ho"
      "me/",
      "/wo"
      "rk",
      "/t"
      "mp/"};
  for (const std::string_view line : lines_of(file.text)) {
    ++n;
    for (const std::string& root : roots) {
      for (std::size_t at = line.find(root); at != std::string_view::npos; at = line.find(root, at + 1)) {
        // Part of a longer path, a variable with a default, or a longer word: no machine's own path.
        const bool inside = at > 0 && (is_word(line[at - 1]) || is_one_of(line[at - 1], ".$}-*>"));
        const std::size_t end = at + root.size();
        const bool whole = root.ends_with("/") || end >= line.size() || is_one_of(line[end], "/ \t\"'`");
        if (!inside && whole) add(found, file, "machine path", n, trimmed(line));
      }
    }
  }
  return found;
}

findings check_includes(const source& file) {
  findings found;
  const std::string code = code_only(file.text);
  const auto code_lines = lines_of(code);
  const auto lines = lines_of(file.text);
  for (std::size_t n = 1; n <= lines.size(); ++n) {
    if (code_lines[n - 1].find('#') == std::string_view::npos) continue;  // in a comment or a string
    bool angle = false;
    const std::string_view header = included(lines[n - 1], angle);
    if (!header.empty()) check_include(found, file, n, header, angle);
  }
  return found;
}

findings check_sizes(const source& file) {
  findings found;
  const auto lines = lines_of(file.text);
  const std::size_t limit = is_header(file.path) ? header_lines_max : source_lines_max;
  if (lines.size() > limit) add(found, file, "long file", 0, std::to_string(lines.size()) + " lines");
  for (std::size_t n = 1; n <= lines.size(); ++n) {
    if (columns_of(lines[n - 1]) > columns_max) add(found, file, "long line", n, trimmed(lines[n - 1]));
  }
  const std::string code = code_only(file.text);
  check_functions(found, file, lines_of(code));
  return found;
}

findings check_purity(const source& file) {
  findings found;
  const std::string folder = folder_of(file.path);
  if (folder != "ledger" && folder != "storage" && folder != "sync" && folder != "devices") return found;
  for (const std::string_view part : {"driver_", "rocks_", "zmq_", "clock", "entropy"}) {
    if (name_of(file.path).find(part) != std::string_view::npos) return found;
  }
  const std::string code = code_only(file.text);
  std::size_t n = 0;
  for (const std::string_view line : lines_of(code)) {
    ++n;
    for (const std::string_view call : impure) {
      for (std::size_t at = line.find(call); at != std::string_view::npos; at = line.find(call, at + 1)) {
        const bool own = at > 0 && (is_word(line[at - 1]) || line[at - 1] == '.' || line[at - 1] == '>');
        if (!own) add(found, file, "impure", n, trimmed(line));
      }
    }
  }
  return found;
}

findings check_headers(const source& file) {
  findings found;
  if (!is_header(file.path)) return found;
  const std::string code = code_only(file.text);
  std::size_t n = 0;
  bool guarded = false;
  for (const std::string_view line : lines_of(code)) {
    ++n;
    guarded = guarded || line.starts_with("#pragma once");
    const std::size_t at = find_word(line, "using");
    if (at != std::string_view::npos && trimmed(line.substr(at + 5)).starts_with("namespace")) {
      add(found, file, "using namespace", n, trimmed(line));
    }
  }
  if (!guarded) add(found, file, "include guard", 0, "#pragma once is missing");
  return found;
}

findings check_tests(const source& file) {
  findings found;
  if (folder_of(file.path) != "tests") return found;
  const std::string code = code_only(file.text);
  const auto starts = test_cases(code);
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const std::size_t end = i + 1 < starts.size() ? starts[i + 1] : code.size();
    // From the body on: the macro's own name is no assertion.
    const std::string_view body = std::string_view(code).substr(starts[i], end - starts[i]);
    const auto line = 1 + std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(starts[i]), '\n');
    if (!has_assertion(body)) {
      add(found, file, "empty test", static_cast<std::size_t>(line), "a test case without an assertion");
    }
  }
  std::size_t n = 0;
  for (const std::string_view text : lines_of(code)) {
    ++n;
    for (const std::string_view always : {"CHECK(true)", "REQUIRE(true)"}) {
      if (find_word(text, always) != std::string_view::npos) add(found, file, "empty test", n, trimmed(text));
    }
  }
  return found;
}

findings check(const source& file) {
  findings found = check_leftovers(file);
  append(found, check_machine_paths(file));
  const std::string folder = folder_of(file.path);
  // bench/README.md holds the reference workload and its figures, so it may be long.
  if (!folder.empty() && folder != "bench" && file.path == folder + "/README.md" &&
      lines_of(file.text).size() > readme_lines_max) {
    add(found, file, "long file", 0, "a folder's README has at most 15 lines");
  }
  if (!is_cpp(file.path)) return found;
  for (const auto rule : {check_includes, check_sizes, check_purity, check_headers, check_tests}) {
    append(found, rule(file));
  }
  return found;
}

}  // namespace tally::tidy
