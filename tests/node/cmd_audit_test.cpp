#include "node/cmd_audit.hpp"

#include <catch2/catch.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "node/audit_text.hpp"
#include "node/cmd_export.hpp"
#include "node/identity.hpp"
#include "node/snapshot_store.hpp"
#include "storage/kv_state.hpp"
#include "storage/rocks_kv.hpp"
#include "sync/audit_chain.hpp"

using namespace tally;
using tally::test::audit_chain;
namespace fs = std::filesystem;

namespace {

struct data_dir {
  fs::path path;
  data_dir() {
    auto name = (fs::temp_directory_path() / "tally-audit-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    path = name;
  }
  ~data_dir() {
    std::error_code ec;
    fs::remove_all(path, ec);
  }
  data_dir(const data_dir&) = delete;
  data_dir& operator=(const data_dir&) = delete;
};

void identify(const fs::path& dir, audit_chain& c, std::uint32_t id) {
  auto t = c.trust();
  REQUIRE(write_identity(dir,
                         {{t.chain, t.root}, node_id{id}, c.node(id).role, c.node(id).cert.name, c.node(id).cert.epoch})
              .ok());
}

/// What changed from one image to the next.
kv_batch difference(const kv_image& before, const kv_image& after) {
  kv_batch out;
  for (std::size_t i = 0; i < family_count; ++i) {
    auto f = static_cast<family>(i);
    const auto &a = before.of(f), &b = after.of(f);
    for (auto at = b.lower_bound({}); at != b.end(); at = b.next(at))
      if (a.find(b.key(at)) != b.value(at)) out.put(f, b.key(at), b.value(at));
    for (auto at = a.lower_bound({}); at != a.end(); at = a.next(at))
      if (!b.find(a.key(at))) out.erase(f, a.key(at));
  }
  return out;
}

void copy_into(kv_store& store, const kv_image& image) { REQUIRE(store.commit(difference({}, image), true).ok()); }

/// Takes standard output and error for its life.
struct captured {
  std::ostringstream out, err;
  std::streambuf *old_out = std::cout.rdbuf(out.rdbuf()), *old_err = std::cerr.rdbuf(err.rdbuf());
  ~captured() {
    std::cout.rdbuf(old_out);
    std::cerr.rdbuf(old_err);
  }
};

struct outcome {
  int status = -1;
  std::string out, err;
};
outcome audit_of(const fs::path& dir, bool json = false, bool quiet = false) {
  captured c;
  auto status = cmd_audit(dir, json, quiet);
  return {status, c.out.str(), c.err.str()};
}

std::size_t widest(const std::string& text) {
  std::size_t most = 0, line = 0;
  for (char c : text) {
    if (c == '\n')
      line = 0;
    else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      most = std::max(most, ++line);
  }
  return most;
}

bool wait_for(const fs::path& file) {
  for (int i = 0; i < 6'000 && !fs::exists(file); ++i)
    ::usleep(10'000);
  return fs::exists(file);
}

}  // namespace

TEST_CASE("the audit's exit status and text say whether all holds", "[node][audit]") {
  audit_chain c;
  c.history();
  for (std::uint32_t id : {1U, 2U, 3U}) {
    data_dir dir;
    identify(dir.path, c, id);
    auto db = data_layout{dir.path}.db();
    copy_into(**open_rocks(db, {.create = true}), c.node(id).store.image());
    auto good = audit_of(dir.path);
    INFO(good.out << good.err);
    CHECK(good.status == 0);
    CHECK(good.out.find("All checks hold.") != std::string::npos);
    CHECK(good.out.find("The node is running") == std::string::npos);
    CHECK(widest(good.out) <= 80);
    CHECK(good.err.empty());
    CHECK(audit_of(dir.path, false, true).out == "All checks hold.\n");

    auto hold = balance_key(hold_account(c.node(3).writer(), audit_chain::card, purse_paid, 0, main_unit));
    {
      auto store = *open_rocks(db, {});
      kv_batch b;
      b.put(family::state, (id == 3 ? "" : "o") + hold, encode_balance(-77));
      REQUIRE(store->commit(b, true).ok());
    }
    for (bool quiet : {false, true}) {
      auto bad = audit_of(dir.path, false, quiet);
      INFO(bad.out << bad.err);
      CHECK(bad.status == 1);
      CHECK(bad.out.find("NOT IN ORDER: 1 problem in 1 of 16 checks.") != std::string::npos);
      CHECK(bad.out.find("  found     -77\n") != std::string::npos);
      CHECK(widest(bad.out) <= 80);
    }
    auto j = nlohmann::json::parse(audit_of(dir.path, true).out);
    CHECK(j["ok"] == false);
    CHECK(j["node"] == id);
    CHECK(j["checks"].size() == 16);
    CHECK(j["totals"][0]["unit"] == "CNY");
  }
}

TEST_CASE("an identity.toml that was edited is a problem", "[node][audit]") {
  audit_chain c;
  c.history();
  data_dir dir;
  identify(dir.path, c, 3);
  copy_into(**open_rocks(data_layout{dir.path}.db(), {.create = true}), c.node(3).store.image());
  CHECK(audit_of(dir.path).status == 0);
  auto good = *read_identity(dir.path);
  auto other_name = good, other_role = good, other_node = good;
  other_name.name = "Another name";
  other_role.role = node_role::region;
  other_node.node.value = 4;
  for (const auto& edited : {other_name, other_role, other_node}) {
    fs::remove(data_layout{dir.path}.identity());
    REQUIRE(write_identity(dir.path, edited).ok());
    auto bad = audit_of(dir.path);
    INFO(bad.out << bad.err);
    CHECK(bad.status == 1);
    CHECK(bad.out.find("identity.toml") != std::string::npos);
    CHECK(bad.out.find("NOT IN ORDER: 1 problem") != std::string::npos);
    CHECK(nlohmann::json::parse(audit_of(dir.path, true).out)["ok"] == false);
  }
}

TEST_CASE("a database whose node never ran", "[node][audit]") {
  audit_chain c;
  data_dir dir;
  identify(dir.path, c, 3);
  { auto made = open_rocks(data_layout{dir.path}.db(), {.create = true}); }
  auto none = audit_of(dir.path);
  CHECK(none.status == 2);
  CHECK(none.err.find("never ran") != std::string::npos);
  CHECK(none.err.find("start it once") != std::string::npos);
}

TEST_CASE("an audit that cannot read says why and exits with 2", "[node][audit]") {
  data_dir dir;
  auto none = audit_of(dir.path);
  CHECK(none.status == 2);
  CHECK(none.err.find("not a data directory") != std::string::npos);
  audit_chain c;
  identify(dir.path, c, 3);
  auto empty = audit_of(dir.path);
  CHECK(empty.status == 2);
  CHECK(empty.err.find("no database") != std::string::npos);
  CHECK(empty.out.empty());
  fs::create_directories(data_layout{dir.path}.db());
  std::ofstream(data_layout{dir.path}.db() / "CURRENT") << "rubbish\n";
  CHECK(audit_of(dir.path).status == 2);
  captured hush;
  std::ostringstream out;
  CHECK(cmd_export_hledger(dir.path, out) == 2);
  CHECK(out.str().empty());
}

TEST_CASE("an export of a data directory is a journal", "[node][hledger]") {
  audit_chain c;
  c.history();
  data_dir dir;
  identify(dir.path, c, 4);
  copy_into(**open_rocks(data_layout{dir.path}.db(), {.create = true}), c.node(4).store.image());
  captured hush;
  std::ostringstream out;
  CHECK(cmd_export_hledger(dir.path, out) == 0);
  CHECK(out.str().find("commodity 1000.00 CNY\n") != std::string::npos);
  CHECK(out.str().find("account hold:17:paid:" + writer_name(c.node(4).writer()) + "\n") != std::string::npos);
  CHECK(hush.err.str().find("1 journal,") != std::string::npos);
}

TEST_CASE("a report with much in it keeps within 80 columns", "[node][audit]") {
  audit_report r;
  r.currency = "CNY";
  r.exponent = 2;
  r.lines.push_back({"streams", 9'999'999'999U, 1'000'000, {}});
  r.lines[0].problems.push_back(
      {std::string(200, 'x'), 18'446'744'073'709'551'615U, "a \xe2\x80\xa6 " + std::string(300, 'y'), ""});
  r.totals.push_back({.unit = main_unit, .loaded = INT64_MAX, .held = INT64_MIN});
  r.in_transit.assign(20, {.from = {node_id{4'000'000'000}, {}},
                           .to = {node_id{4'000'000'000}, {}},
                           .number = UINT64_MAX,
                           .account = {UINT64_MAX},
                           .amounts = {{main_unit, INT64_MAX}, {quota_of(main_unit), INT64_MAX}},
                           .days = 99});
  r.in_transit_count = 2'000;
  r.unsigned_tail = 5;
  r.unknown_kinds = 6;
  r.ruled = 8;
  r.heads_elsewhere = 7;
  auto text = audit_text(r, std::string(40, 'c'), false);
  CHECK(widest(text) <= 80);
  CHECK(text.find("streams: and 999999 more") != std::string::npos);
  CHECK(text.find("8 contested entries") != std::string::npos);
  CHECK(text.find("  and 1990 more") != std::string::npos);
  CHECK(text.find("92233720368547758.07 CNY") != std::string::npos);
  r.currency = "\xff";
  CHECK(nlohmann::json::accept(audit_json(r, "c")));
}

// -- beside a running node ------------------------------------------------------

// Runs in a process of its own: a store that sells, and whose database makes and merges tables every second.
TEST_CASE("writer", "[.writer]") {
  const char* given = std::getenv("TALLY_AUDIT_WRITER_DIR");
  REQUIRE(given);
  fs::path dir = given;
  audit_chain c;
  c.history();
  identify(dir, c, 3);
  auto store = *open_rocks(data_layout{dir}.db(), {.create = true});
  auto before = c.node(3).store.image();
  copy_into(*store, before);
  std::ofstream(dir / "ready") << "1";
  std::mt19937_64 random(3);
  bytes junk(20'000, ' ');
  for (int i = 0; i < 20'000 && !fs::exists(dir / "stop"); ++i) {
    c.sell(3, 1);
    auto after = c.node(3).store.image();
    auto batch = difference(before, after);
    for (auto& ch : junk)
      ch = static_cast<char>(random());
    batch.put(family::spool, std::to_string(i % 2'000), junk);
    REQUIRE(store->commit(batch, false).ok());
    before = after;
  }
}

TEST_CASE("an audit beside the running node sees a whole prefix every time", "[node][audit]") {
  data_dir dir;
  ::setenv("TALLY_AUDIT_WRITER_DIR", dir.path.c_str(), 1);
  std::string self = fs::read_symlink("/proc/self/exe").string(), tag = "[.writer]";
  char* argv[] = {self.data(), tag.data(), nullptr};
  pid_t child = 0;
  REQUIRE(::posix_spawn(&child, self.c_str(), nullptr, nullptr, argv, environ) == 0);
  REQUIRE(wait_for(dir.path / "ready"));
  std::uint64_t last = 0;
  for (int i = 0; i < 25; ++i) {
    auto r = audit_of(dir.path, true);
    INFO(r.out << r.err);
    REQUIRE(r.status == 0);
    auto entries = nlohmann::json::parse(r.out)["entries"].get<std::uint64_t>();
    CHECK(entries >= last);
    last = entries;
  }
  CHECK(node_runs(dir.path));
  CHECK(audit_of(dir.path).out.find("The node is running") == 0);
  std::ofstream(dir.path / "stop") << "1";
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK_FALSE(node_runs(dir.path));
  CHECK(audit_of(dir.path).status == 0);
}
