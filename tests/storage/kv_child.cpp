// A process of its own around one RocksDB store, for tests that kill it, lock it out or take its disk away.
//   kv_child MODE DIR        exit status: 0 as expected, 1 not (reason on stdout), 77 this machine lacks the means
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "storage/rocks_kv.hpp"

using namespace tally;

namespace {

constexpr int skipped = 77;

void say(const std::string& line) {
  const auto text = line + "\n";
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) ::_exit(1);
}

int fail(const std::string& why) {
  say("FAILED: " + why);
  return 1;
}

/// Value number `i`: 0 to 40 KB, so that records begin and end everywhere in a block of the log.
bytes value_of(std::uint64_t i) {
  return bytes(static_cast<std::size_t>(i * 7919 % 40000), static_cast<char>('a' + i % 26));
}

bytes key_of(std::uint64_t i) { return "k" + std::to_string(i); }

status put(kv_store& kv, std::uint64_t i) {
  kv_batch b;
  b.put(family(i % family_count), key_of(i), value_of(i));
  b.put(family::meta, "last", std::to_string(i));
  return kv.commit(b, true);
}

bool there(const kv_store& kv, std::uint64_t i) {
  bytes out;
  return kv.get(family(i % family_count), key_of(i), out) == lookup::found && out == value_of(i);
}

/// Writes on from "last", telling each number once it is durable, until somebody kills it.
int write_for_ever(const std::filesystem::path& dir) {
  auto kv = open_rocks(dir, {.create = true});
  if (!kv) return fail(kv.error().detail);
  bytes last;
  std::uint64_t i = (*kv)->get(family::meta, "last", last) == lookup::found ? std::stoull(last) + 1 : 0;
  for (;; ++i) {
    if (auto s = put(**kv, i); !s) return fail(s.error().detail);
    say(std::to_string(i));
  }
}

/// Answers whether everything up to the number in `TALLY_UNTIL` is there.
int check(const std::filesystem::path& dir) {
  const char* until = ::getenv("TALLY_UNTIL");
  auto kv = open_rocks(dir, {});
  if (!kv) return fail(kv.error().detail);
  for (std::uint64_t i = 0; until != nullptr && i <= std::stoull(until); ++i)
    if (!there(**kv, i)) return fail("number " + std::to_string(i) + " is lost");
  return 0;
}

/// Has the directory until its input ends.
int hold(const std::filesystem::path& dir) {
  auto kv = open_rocks(dir, {.create = true});
  if (!kv) return fail(kv.error().detail);
  if (auto s = put(**kv, 0); !s) return fail(s.error().detail);
  say("open");
  char c;
  return ::read(STDIN_FILENO, &c, 1) == 0 ? 0 : 1;
}

/// Writes until a commit fails with `expected`, then looks at what the port promises of a failed store.
int until_it_fails(kv_store& kv, errc expected, std::uint64_t& good) {
  status s = done();
  for (good = 0; good < 4000; ++good)
    if (s = put(kv, good); !s) break;
  if (s.ok()) return fail("no commit failed");
  say(std::string(errc_name(s.code())) + ": " + s.error().detail);
  if (s.code() != expected) return fail("another error was expected");
  for (std::uint64_t i = 0; i < good; ++i)
    if (!there(kv, i)) return fail("number " + std::to_string(i) + " cannot be read any more");
  if (there(kv, good)) return fail("a failed commit is seen");
  return good > 0 ? 0 : fail("not one commit succeeded");
}

/// A store whose commit failed is opened anew by another process only. Answers the exit status of `life`.
int in_a_process(const std::function<int(std::uint64_t&)>& life, std::uint64_t& good) {
  auto* shared = static_cast<std::uint64_t*>(
      ::mmap(nullptr, sizeof good, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (shared == MAP_FAILED) return fail("mmap");
  const auto pid = ::fork();
  if (pid < 0) return fail("fork");
  if (pid == 0) ::_exit(life(*shared));
  int how = 0;
  if (::waitpid(pid, &how, 0) != pid || !WIFEXITED(how)) return fail("the store's process did not end by itself");
  good = *shared;
  return WEXITSTATUS(how);
}

/// The rest is told apart by what makes the disk fail and what mends it.
int failing_disk(const std::filesystem::path& dir, errc expected, const std::function<void()>& breaks,
                 const std::function<bool()>& mends) {
  const auto first_life = [&](std::uint64_t& good) {
    auto kv = open_rocks(dir, {.create = true});
    if (!kv) return fail(kv.error().detail);
    breaks();
    if (int code = until_it_fails(**kv, expected, good); code != 0) return code;
    if (!mends()) return fail("cannot mend the disk");
    return put(**kv, good + 1).code() == errc::io ? 0 : fail("a commit after a failed one must answer io");
  };
  std::uint64_t good = 0;
  if (int code = in_a_process(first_life, good); code != 0) return code;
  auto kv = open_rocks(dir, {});
  if (!kv) return fail(kv.error().detail);
  for (std::uint64_t i = 0; i < good; ++i)
    if (!there(**kv, i)) return fail("number " + std::to_string(i) + " is lost");
  if (there(**kv, good + 1)) return fail("a commit that was never tried is there");
  return put(**kv, good + 2).ok() ? 0 : fail("the store does not work after it was opened anew");
}

/// Every write beyond 1 MB into a file fails. The limit is the first process's own: it also closes the store under it.
int small_files(const std::filesystem::path& dir) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  if (::getrlimit(RLIMIT_FSIZE, &before) != 0) return skipped;
  return failing_disk(
      dir, errc::io,
      [&] {
        const rlimit small{rlim_t{1} << 20, before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
      },
      [&] { return true; });
}

/// Mounts of this process only; they vanish with it.
bool own_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

int full_disk(const std::filesystem::path& dir) {
  std::filesystem::create_directory(dir);
  if (!own_mounts() || ::mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=6m") != 0) return skipped;
  return failing_disk(
      dir / "db", errc::full, [] {},
      [&] { return ::mount("tmpfs", dir.c_str(), "tmpfs", MS_REMOUNT, "size=64m") == 0; });
}

int read_only_medium(const std::filesystem::path& dir) {
  {
    auto kv = open_rocks(dir, {.create = true});
    if (!kv) return fail(kv.error().detail);
    for (std::uint64_t i = 0; i < 20; ++i)
      if (!put(**kv, i)) return fail("put");
  }
  if (!own_mounts() || ::mount(dir.c_str(), dir.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
      ::mount(nullptr, dir.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) != 0)
    return skipped;
  auto kv = open_rocks(dir, {.create = true});
  if (kv) return fail("a read-only medium was opened for writing");
  say(std::string(errc_name(kv.code())) + ": " + kv.error().detail);
  if (kv.code() != errc::io || kv.error().detail.find("read-only medium") == std::string::npos) return fail("words");
  auto look = open_rocks(dir, {.read_only = true});
  if (!look) return fail(look.error().detail);
  for (std::uint64_t i = 0; i < 20; ++i)
    if (!there(**look, i)) return fail("number " + std::to_string(i) + " is not seen");
  return 0;
}

/// The directory belongs to somebody else.
int no_permission(const std::filesystem::path& dir) {
  { (void)open_rocks(dir, {.create = true}); }
  if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) return skipped;
  if (::access(dir.c_str(), W_OK) == 0) return skipped;
  auto kv = open_rocks(dir, {.create = true});
  if (kv) return fail("opened without permission");
  say(std::string(errc_name(kv.code())) + ": " + kv.error().detail);
  const bool plain = kv.error().detail.find("ermission") != std::string::npos;
  return kv.code() == errc::io && plain ? 0 : fail("words");
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, int (*)(const std::filesystem::path&)> modes{
      {"write", write_for_ever},       {"check", check},         {"hold", hold},
      {"small_files", small_files},    {"full_disk", full_disk}, {"read_only_medium", read_only_medium},
      {"no_permission", no_permission}};
  const auto mode = modes.find(argc == 3 ? argv[1] : "");
  return mode == modes.end() ? fail("kv_child MODE DIR") : mode->second(argv[2]);
}
