#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

#include "node/cmd.hpp"
#include "node/identity.hpp"
#include "sync/driver_keyfile.hpp"

namespace tally::cmd {
namespace {

// One process, one terminal; a signal handler reaches nothing else. Set before the handler is.
termios terminal_before{};

/// Gives the echo back, then lets the signal end the process as it would have. Only calls that a handler may make.
extern "C" void end_with_echo(int number) {
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_before);
  ::raise(number);  // the handler is gone already
}

/// Turns the echo of the terminal off for its life, also when a signal ends the process.
class silent_terminal {
public:
  silent_terminal() {
    if (::tcgetattr(STDIN_FILENO, &terminal_before) != 0) return;
    struct sigaction restoring {};
    restoring.sa_handler = end_with_echo;
    restoring.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &restoring, &before_[i]);
    auto quiet = terminal_before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    changed_ = true;
  }
  ~silent_terminal() {
    if (!changed_) return;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal_before);
    for (std::size_t i = 0; i < signals.size(); ++i)
      ::sigaction(signals[i], &before_[i], nullptr);
  }
  silent_terminal(const silent_terminal&) = delete;
  silent_terminal& operator=(const silent_terminal&) = delete;

private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, signals.size()> before_{};
  bool changed_ = false;
};

status check_length(const std::string& passphrase) {
  if (passphrase.size() >= passphrase_bytes_min) return done();
  return error{errc::bad_config, "the passphrase has " + std::to_string(passphrase.size()) +
                                     " characters and needs at least " + std::to_string(passphrase_bytes_min) +
                                     "; nothing was made"};
}

std::string ask(std::string_view prompt) {
  std::string line;
  {
    // First the silence, which throws away what was typed before; what follows the prompt is never lost.
    silent_terminal quiet;
    std::cerr << prompt << std::flush;
    std::getline(std::cin, line);
  }
  std::cerr << "\n";
  return line;
}

std::size_t width_of(std::string_view s) {
  return static_cast<std::size_t>(
      std::ranges::count_if(s, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

int fail(const error& e) {
  auto text = e.detail.empty() ? std::string(errc_text(e.code)) : e.detail;
  switch (e.code) {
    case errc::bad_config:
    case errc::bad_rules:
    case errc::malformed: return fail(exit_usage, text);
    case errc::offline:
    case errc::timeout: return fail(exit_offline, text);
    default: return fail(exit_refused, text);
  }
}

int fail(int status, std::string_view sentence) {
  bool ended = !sentence.empty() && (sentence.back() == '.' || sentence.back() == '\n');
  std::cerr << "tallystick: " << sentence << (ended ? "" : ".") << "\n";
  return status;
}

result<std::string> read_passphrase(const std::string& file, std::string_view what) {
  if (!file.empty()) {
    auto text = read_small_file(file, 4'096);
    if (!text) return error{errc::bad_config, text.error().detail};
    auto line = text->substr(0, text->find_first_of("\r\n"));
    TALLY_TRY(check_length(line));
    return line;
  }
  if (::isatty(STDIN_FILENO) != 1)
    return error{errc::not_allowed, "there is no terminal to type a passphrase on; use --passphrase-file"};
  auto first = ask("Passphrase for " + std::string(what) + " (" + std::to_string(passphrase_bytes_min) +
                   " characters or more): ");
  TALLY_TRY(check_length(first));
  if (ask("The same again: ") != first) return error{errc::not_allowed, "the two passphrases differ; nothing was made"};
  return first;
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
