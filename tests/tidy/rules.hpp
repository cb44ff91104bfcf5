#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The house rules of CONTRIBUTING.md that a program can check. Pure: text in, findings out; nothing reads a file here.
namespace tally::tidy {

/// One thing to mend.
struct finding {
  std::string rule;  ///< "arrow", "adapter", "leftover", …: the name of the rule that fired
  std::string path;  ///< relative to the project's root
  std::size_t line;  ///< from 1; 0 when it concerns the whole file
  std::string text;  ///< what was found
};

using findings = std::vector<finding>;

/// A file of the project: its path relative to the root with '/' between folders, and its text.
struct source {
  std::string path;
  std::string text;
};

/// Every rule that applies to such a path. Files that are no C++ get only the rules for text.
findings check(const source& file);

/// Each rule on its own, for its tests. Those of C++ take the path into account as CONTRIBUTING.md says.
findings check_leftovers(const source& file);      ///< notes to self that nobody came back to
findings check_machine_paths(const source& file);  ///< paths that exist on one developer's machine only
findings check_includes(const source& file);       ///< arrows between folders, third parties outside their adapter
findings check_sizes(const source& file);          ///< columns, lines of a file, lines of a function
findings check_purity(const source& file);         ///< clocks and random sources outside the adapters
findings check_headers(const source& file);        ///< `using namespace` in a header, a missing include guard
findings check_tests(const source& file);          ///< test cases that cannot fail

/// `text` with comments and the insides of string and character literals replaced by spaces; lines stay lines.
std::string code_only(std::string_view text);
/// A character of a C++ name?
bool is_word(char c);

}  // namespace tally::tidy
