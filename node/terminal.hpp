#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/result.hpp"

namespace tally::cmd {

// What every command shares with its terminal.

// The exit status; `tallystick --help` says the same. A node that lost its disk ends with 75.

inline constexpr int exit_ok = 0;
inline constexpr int exit_refused = 1;  ///< it was refused, does not hold, or failed; nothing half done unless said
inline constexpr int exit_usage = 2;    ///< wrong command line or configuration, or a file that cannot be used
inline constexpr int exit_offline = 3;  ///< the node that it needs does not run or does not answer

/// The status for an error that ends a command.
int exit_status_of(errc code);

/// What an error says to people: its detail, or else what its code means.
std::string sentence_of(const error& e);

/// Prints one sentence on standard error; answers the exit status for it.
int fail(const error& e);
int fail(int status, std::string_view sentence);
/// For a file or a value that the command line names: whatever is wrong with it, the status is `exit_usage`.
int fail_file(const error& e);

/// Columns, left aligned, as wide as needed; the first row is the heading. Widths count characters, not octets.
std::string table(const std::vector<std::vector<std::string>>& rows);

/// Width that the help of every command and `tallystick status` fit.
inline constexpr std::size_t terminal_columns = 80;
/// Breaks lines of more columns at blanks. What goes on stands under the second column of a line that has two, else
/// under its beginning; of a command ("  tallystick …") each broken line ends with " \" so that it can be pasted, and
/// quoted words stay whole. A word that is longer is broken behind a comma, or else stays.
std::string fold_lines(std::string_view text, std::size_t columns = terminal_columns);

/// "3 s ago", "2 h ago", "never" for 0.
std::string ago(std::int64_t moment, std::int64_t now);

/// A bar on standard error, when that is a terminal; a line for the last step otherwise.
void show_progress(std::string_view what, std::size_t done, std::size_t total);

}  // namespace tally::cmd
