#include "node/demo_child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "devices/driver_fd.hpp"

namespace tally {
namespace {

// Between fork and exec, with other threads around: system calls only.
[[noreturn]] void become(const char* program, char* const* arguments, int out, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);  // Ctrl-C reaches the demo only, which stops its children in order
  int null = ::open("/dev/null", O_RDONLY);
  if (null >= 0) ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::close_range(3, ~0U, 0);  // what a library opened without O_CLOEXEC: listening sockets above all
  ::execv(program, arguments);
  ::_exit(127);
}

std::string how(int wait_status) {
  if (WIFSIGNALED(wait_status)) return "by signal " + std::to_string(WTERMSIG(wait_status));
  return "with status " + std::to_string(WEXITSTATUS(wait_status));
}

}  // namespace

status demo_child::start(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                         const std::filesystem::path& out) {
  invariant(!running(), "a child is started once");
  unique_fd log(::open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return error{errc::io, os_error("cannot write " + out.string(), errno)};
  std::string file = program.string();
  std::vector<std::string> copies = arguments;
  std::vector<char*> argv{file.data()};
  for (auto& a : copies)
    argv.push_back(a.data());
  argv.push_back(nullptr);
  auto self = ::getpid();
  auto pid = ::fork();
  if (pid < 0) return error{errc::io, os_error("cannot start a process", errno)};
  if (pid == 0) become(file.c_str(), argv.data(), log.get(), self);
  pid_ = pid;
  return done();
}

void demo_child::signal(int number) const {
  if (running()) ::kill(pid_, number);
}

std::optional<std::string> demo_child::reap() {
  if (!running()) return std::nullopt;
  int s = 0;
  auto got = ::waitpid(pid_, &s, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return std::nullopt;
  pid_ = -1;
  return how(s);
}

void demo_child::stop(std::chrono::milliseconds patience) {
  using clock = std::chrono::steady_clock;
  signal(SIGTERM);
  for (auto until = clock::now() + patience; running() && clock::now() < until;) {
    (void)reap();
    if (running()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  signal(SIGKILL);
  while (running()) {
    (void)reap();
    if (running()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace tally
