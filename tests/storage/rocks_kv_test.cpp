// What only the RocksDB adapter promises: other processes, sudden ends, and damaged files.
#include "storage/rocks_kv.hpp"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "storage/rocks_wal.hpp"
#include "temp_dir.hpp"

using namespace tally;
namespace fs = std::filesystem;

namespace {

/// kv_child, with pipes from its output and to its input. Ends it at the end.
class child {
public:
  child(std::string mode, fs::path dir) {
    std::array<int, 2> out{}, in{};
    REQUIRE((::pipe2(out.data(), O_CLOEXEC) == 0 && ::pipe2(in.data(), O_CLOEXEC) == 0));
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    std::string program = TALLY_KV_CHILD, where = dir.string();
    std::array<char*, 4> args{program.data(), mode.data(), where.data(), nullptr};
    const int answer = ::posix_spawn(&pid_, program.c_str(), &actions, nullptr, args.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(out[1]);
    ::close(in[0]);
    out_ = out[0];
    in_ = in[1];
    REQUIRE(answer == 0);
  }
  ~child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
    ::close(out_);
    if (in_ >= 0) ::close(in_);
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  /// Next line; empty at the end of its output.
  std::string line() {
    std::string text;
    for (char c = 0; ::read(out_, &c, 1) == 1 && c != '\n';)
      text.push_back(c);
    return text;
  }
  void kill9() { ::kill(pid_, SIGKILL); }
  void end_input() { ::close(std::exchange(in_, -1)); }
  /// Exit status, or minus the signal.
  int wait() {
    int how = 0;
    REQUIRE(::waitpid(std::exchange(pid_, -1), &how, 0) > 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
  }

private:
  pid_t pid_ = -1;
  int out_ = -1, in_ = -1;
};

/// Runs a mode to its end. A machine without the means (mounts) is told of, loudly.
void expect_scene(const std::string& mode, const fs::path& dir) {
  child c(mode, dir);
  std::string said;
  for (auto text = c.line(); !text.empty(); text = c.line())
    said += text + "\n";
  const int code = c.wait();
  INFO(said);
  if (code == 77) {
    WARN("SKIPPED: this machine cannot do " << mode << " (mounts in a namespace need privileges)");
    return;
  }
  CHECK(code == 0);
}

std::unique_ptr<kv_store> open(const fs::path& dir, rocks_options how = {.create = true}) {
  auto kv = open_rocks(dir, how);
  if (!kv) FAIL(kv.error().detail);
  return std::move(*kv);
}

bytes numbered(int i) { return "k" + std::to_string(i); }

/// `n` synced puts by a process that is then killed, so that all of them lie in the log. Answers the log.
fs::path write_log(const fs::path& dir, int n) {
  child c("write", dir);
  for (int i = 0; i < n; ++i)
    REQUIRE(c.line() == std::to_string(i));
  c.kill9();
  CHECK(c.wait() == -SIGKILL);
  std::vector<fs::path> logs;
  for (const auto& e : fs::directory_iterator(dir))
    if (e.path().extension() == ".log" && e.file_size() > 0) logs.push_back(e.path());
  REQUIRE(logs.size() == 1);
  return logs[0];
}

bytes slurp(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void spew(const fs::path& file, byte_view data) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out.write(data.data(), static_cast<std::streamsize>(data.size()));
  REQUIRE(out.flush().good());
}

/// A store whose log holds `n` small synced puts, without a process to make it: the directory is copied while open.
struct small_log {
  test::temp_dir dir;
  fs::path copy = dir.path() / "copy";
  fs::path log;
  bytes good;
  int puts;

  explicit small_log(int n, std::size_t value_size = 30) : puts(n) {
    auto kv = open(dir.path() / "db");
    for (int i = 0; i < n; ++i) {
      kv_batch b;
      b.put(family::state, numbered(i), bytes(value_size, 'v'));
      REQUIRE(kv->commit(b, true).ok());
    }
    fs::copy(dir.path() / "db", dir.path() / "kept");
    for (const auto& e : fs::directory_iterator(dir.path() / "kept"))
      if (e.path().extension() == ".log" && e.file_size() > 0) log = e.path();
    good = slurp(log);
  }
  /// Opens a fresh copy whose log is `data`. -1: refused as corrupt; else the number of puts found, from the first on.
  int survivors(byte_view data) {
    fs::remove_all(copy);
    fs::copy(dir.path() / "kept", copy);
    spew(copy / log.filename(), data);
    auto kv = open_rocks(copy, {});
    if (!kv) {
      CHECK(kv.code() == errc::corrupt);
      return -1;
    }
    int n = 0;
    bytes out;
    while (n < puts && (*kv)->get(family::state, numbered(n), out) == lookup::found)
      ++n;
    return n;
  }
};

}  // namespace

TEST_CASE("what was answered survives kill -9, life after life", "[storage][rocks]") {
  test::temp_dir dir;
  std::uint64_t last = 0;
  for (int life = 0; life < 8; ++life) {
    child c("write", dir.path() / "db");
    for (int i = 0; i < 40 + 37 * life; ++i) {
      const auto line = c.line();
      INFO(line);
      REQUIRE((!line.empty() && line[0] >= '0' && line[0] <= '9'));
      last = std::stoull(line);
    }
    c.kill9();
    for (auto line = c.line(); !line.empty(); line = c.line())
      last = std::stoull(line);
    CHECK(c.wait() == -SIGKILL);
    REQUIRE(::setenv("TALLY_UNTIL", std::to_string(last).c_str(), 1) == 0);
    expect_scene("check", dir.path() / "db");
  }
  CHECK(last > 1000);  // enough for the log to be switched and tables to be written in between
}

TEST_CASE("a second process gets locked, and the directory again afterwards", "[storage][rocks]") {
  test::temp_dir dir;
  {
    child owner("hold", dir.path() / "db");
    REQUIRE(owner.line() == "open");
    auto second = open_rocks(dir.path() / "db", {.create = true});
    REQUIRE(second.code() == errc::locked);
    CHECK(second.error().detail == "another process has this data directory open: " + (dir.path() / "db").string());
    auto look = open(dir.path() / "db", {.read_only = true});  // for an audit beside a running node
    bytes out;
    CHECK(look->get(family::meta, "last", out) == lookup::found);
    owner.end_input();
    CHECK(owner.wait() == 0);
  }
  auto here = open(dir.path() / "db");
  CHECK(open_rocks(dir.path() / "db", {}).code() == errc::locked);
}

TEST_CASE("a disk that refuses a write stops the store, and loses nothing", "[storage][rocks]") {
  test::temp_dir dir;
  expect_scene("small_files", dir.path() / "db");
}

TEST_CASE("a disk without room answers full, and loses nothing", "[storage][rocks]") {
  test::temp_dir dir;
  expect_scene("full_disk", dir.path() / "mount");
}

TEST_CASE("a read-only medium is refused in plain words, and can be looked at", "[storage][rocks]") {
  test::temp_dir dir;
  expect_scene("read_only_medium", dir.path() / "db");
}

TEST_CASE("somebody else's directory is refused in plain words", "[storage][rocks]") {
  test::temp_dir dir;
  fs::permissions(dir.path(), fs::perms::all);
  expect_scene("no_permission", dir.path() / "db");
}

TEST_CASE("directories are made for their owner only", "[storage][rocks]") {
  test::temp_dir dir;
  auto kv = open(dir.path() / "a" / "b");
  for (auto name : {"a", "a/b"}) {
    struct stat s {};
    REQUIRE(::stat((dir.path() / name).c_str(), &s) == 0);
    CHECK((s.st_mode & 0777) == 0700);
  }
}

TEST_CASE("no store is made where none was asked for, or where one was", "[storage][rocks]") {
  test::temp_dir dir;
  const auto db = dir.path() / "db";
  CHECK(open_rocks(db, {}).code() == errc::not_found);
  CHECK(open_rocks(db, {.create = true, .read_only = true}).code() == errc::not_found);
  CHECK_FALSE(fs::exists(db));
  spew(dir.path() / "file", "not a directory");
  CHECK(open_rocks(dir.path() / "file", {.create = true}).code() == errc::io);
  write_log(db, 3);
  fs::remove(db / "CURRENT");
  CHECK(open_rocks(db, {}).code() == errc::corrupt);
  CHECK(open_rocks(db, {.create = true}).code() == errc::corrupt);
}

TEST_CASE("one rotten byte in the middle of a thousand synced puts is refused", "[storage][rocks]") {
  small_log s(1000, 100);
  REQUIRE(s.good.size() > 3 * 32768);
  REQUIRE(s.survivors(s.good) == 1000);
  for (std::size_t at : {s.good.size() / 2, s.good.size() / 3, s.good.size() - 5000, std::size_t{0}}) {
    INFO("byte " << at);
    auto bad = s.good;
    bad[at] = static_cast<char>(bad[at] ^ 0x04);
    CHECK(s.survivors(bad) == -1);
  }
}

TEST_CASE("no byte of the log can rot without being noticed", "[storage][rocks]") {
  // RocksDB alone opens, says OK and drops the rest if the byte is the upper half of a record's length.
  small_log s(3);
  const auto mask = GENERATE(0xff, 0x01);
  for (std::size_t at = 0; at < s.good.size(); ++at) {
    auto bad = s.good;
    bad[at] = static_cast<char>(bad[at] ^ mask);
    INFO("byte " << at << " of " << s.good.size());
    CHECK(s.survivors(bad) == -1);
  }
}

TEST_CASE("a sector of zeroes in the log is noticed", "[storage][rocks]") {
  small_log s(900, 100);
  const std::size_t sector = GENERATE(512u, 4096u);
  for (std::size_t at = 0; at + 2 * sector < s.good.size(); at += 7 * sector) {
    auto bad = s.good;
    std::fill_n(bad.begin() + static_cast<std::ptrdiff_t>(at), sector, '\0');
    INFO("zeroes from " << at);
    CHECK(s.survivors(bad) == -1);
  }
  // A whole block, so that records before and behind it are sound: only the numbers show the gap.
  auto bad = s.good;
  std::fill_n(bad.begin() + 32768, 32768, '\0');
  CHECK(s.survivors(bad) == -1);
  bad = s.good;
  bad.erase(32768, 32768);
  CHECK(s.survivors(bad) == -1);
}

TEST_CASE("a gap between two logs is noticed", "[storage][rocks]") {
  small_log s(6);
  std::vector<bytes> records;  // none of them meets the end of a block here
  for (std::size_t at = 0; at + 7 < s.good.size(); at += records.back().size())
    records.push_back(s.good.substr(at, 7 + static_cast<std::uint8_t>(s.good[at + 4])));
  REQUIRE(records.size() >= 6);
  const auto n = records.size();
  const auto join = [&](std::size_t from, std::size_t until) {
    bytes out;
    for (; from < until; ++from)
      out += records[from];
    return out;
  };
  test::temp_dir dir;
  const auto look = [&](const bytes& older, const bytes& newer) {
    spew(dir.path() / "000009.log", older);
    spew(dir.path() / "000010.log", newer);
    return check_write_ahead_logs(dir.path()).code();
  };
  CHECK(look(join(0, 3), join(3, n)) == errc::ok);
  CHECK(look(join(0, 3), "") == errc::ok);
  CHECK(look(join(0, 3), join(2, n)) == errc::ok);  // torn, dropped, written again
  CHECK(look(join(0, 3), join(4, n)) == errc::corrupt);
  CHECK(look(join(0, 3).substr(0, 140), join(3, n)) == errc::corrupt);
  CHECK(check_write_ahead_logs(dir.path() / "nowhere").ok());
}

TEST_CASE("a torn tail opens, with everything before it", "[storage][rocks]") {
  small_log s(4);
  std::size_t opened = 0;
  for (std::size_t size = 0; size <= s.good.size(); ++size) {
    INFO("cut to " << size << " of " << s.good.size());
    const int found = s.survivors(byte_view(s.good).substr(0, size));
    REQUIRE(found >= 0);
    CHECK(found <= 4);
    CHECK((found == 4) == (size == s.good.size()));
    CHECK(static_cast<std::size_t>(found) >= opened);
    opened = static_cast<std::size_t>(found);
  }
  // The file may have grown before its content came to the disk.
  CHECK(s.survivors(s.good + bytes(3000, '\0')) == 4);
}

TEST_CASE("a last record whose content never came is refused like rot", "[storage][rocks]") {
  // Its header is on the disk, its payload reads as zeroes: nothing tells this from rot in an answered record.
  small_log s(4);
  CHECK(s.survivors(s.good.substr(0, s.good.size() - 20) + bytes(20, '\0')) == -1);
  CHECK(s.survivors(s.good.substr(0, s.good.size() - 20) + bytes(40000, '\0')) == -1);
}

TEST_CASE("a log with large records opens after kill -9, and not after a flipped byte", "[storage][rocks]") {
  test::temp_dir dir;
  const auto log = write_log(dir.path() / "db", 60);
  fs::copy(dir.path() / "db", dir.path() / "copy");
  REQUIRE(::setenv("TALLY_UNTIL", "59", 1) == 0);
  expect_scene("check", dir.path() / "db");
  auto bad = slurp(dir.path() / "copy" / log.filename());
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  spew(dir.path() / "copy" / log.filename(), bad);
  const auto kv = open_rocks(dir.path() / "copy", {});
  REQUIRE(kv.code() == errc::corrupt);
  INFO(kv.error().detail);
  CHECK(kv.error().detail.find((dir.path() / "copy").string()) != std::string::npos);
}

TEST_CASE("a rotten table is corrupt or failed, never absent", "[storage][rocks]") {
  test::temp_dir dir;
  const auto db = dir.path() / "db";
  write_log(db, 60);
  open(db);  // recovery writes the log into tables
  std::vector<fs::path> tables;
  for (const auto& e : fs::directory_iterator(db))
    if (e.path().extension() == ".sst") tables.push_back(e.path());
  REQUIRE_FALSE(tables.empty());
  for (const auto& table : tables) {
    auto data = slurp(table);
    for (std::size_t at = 0; at < data.size(); at += 97)
      data[at] = static_cast<char>(data[at] ^ 0x10);
    spew(table, data);
  }
  auto kv = open_rocks(db, {});
  if (!kv) {
    CHECK(kv.code() == errc::corrupt);
    return;
  }
  bytes out;
  CHECK((*kv)->get(family::state, "k3", out) == lookup::failed);
  CHECK((*kv)->scan(family::state, "")->state().code() == errc::corrupt);
}
