#include <signal.h>
#include <termios.h>
#include <unistd.h>

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

}  // namespace

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

}  // namespace tally::cmd
