#include "sync/hledger.hpp"

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "ledger/accounts.hpp"
#include "sync/audit_chain.hpp"
#include "sync/entry_walk.hpp"

using namespace tally;
using tally::test::audit_chain;

namespace {

namespace fs = std::filesystem;

struct temp_file {
  fs::path path = fs::temp_directory_path() / ("tally-hledger-" + std::to_string(::getpid()) + ".journal");
  ~temp_file() {
    std::error_code ec;
    fs::remove(path, ec);
  }
};

/// Output and exit status of a program; both streams.
std::pair<std::string, int> run(const std::string& command) {
  std::string out;
  auto* p = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(p);
  char buffer[4096];
  for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, p)) > 0;)
    out.append(buffer, n);
  return {out, ::pclose(p)};
}

bool have_hledger() { return run("hledger --version").second == 0; }

/// Account and unit → balance, by expand over every journal that is held.
std::map<std::pair<std::string, std::string>, amount> fold(const kv_store& store, node_id self) {
  std::map<std::pair<std::string, std::string>, amount> out;
  stream_reader reader(store);
  auto streams = reader.list();
  REQUIRE(streams.ok());
  for (const auto& id : *streams) {
    if (id.sub != sub_stream::journal) continue;
    entry_walk walk(store, id, self, 0, reader.size(id));
    while (auto item = walk.next()) {
      auto postings = expand(*decode_entry(item->data), id.writer);
      REQUIRE(postings.ok());
      for (const auto& p : *postings)
        out[{account_name(p.account), unit_name(p.account.unit, "CNY")}] += p.amount;
    }
    REQUIRE_FALSE(walk.damage());
  }
  return out;
}

}  // namespace

TEST_CASE("hledger accepts every node's export and comes to our balances", "[sync][hledger]") {
  if (!have_hledger()) {
    WARN("SKIPPED: hledger is not installed");
    return;
  }
  audit_chain chain;
  chain.history();
  for (std::uint32_t id : {1U, 2U, 3U, 4U}) {
    temp_file file;
    {
      std::ofstream out(file.path);
      auto sum = export_hledger(chain.node(id).store, out);
      REQUIRE(sum.ok());
      CHECK(sum->journals == (id == 1 ? 4 : id == 2 ? 3 : 1));
      CHECK(sum->transactions > sum->without_postings);
      CHECK(sum->not_understood == 0);
    }
    auto [text, status] = run("hledger -f " + file.path.string() + " check --strict ordereddates");
    INFO(text);
    REQUIRE(status == 0);

    auto [csv, exit] = run("hledger -f " + file.path.string() + " bal -N -E --flat -O csv --layout=bare");
    INFO(csv);
    REQUIRE(exit == 0);
    auto ours = fold(chain.node(id).store, node_id{id});
    std::istringstream lines(csv);
    std::size_t compared = 0;
    for (std::string line; std::getline(lines, line);) {
      // "account","commodity","balance"
      std::vector<std::string> cells;
      std::string cell;
      for (char ch : line + ",") {
        if (ch == ',')
          cells.push_back(std::exchange(cell, {}));
        else if (ch != '"')
          cell += ch;
      }
      REQUIRE(cells.size() == 3);
      if (cells[0] == "account") continue;
      auto theirs = parse_amount(cells[2] == "0" ? "0" : cells[2], 2);
      REQUIRE(theirs);
      if (cells[1].empty()) {
        CHECK(*theirs == 0);
        continue;
      }
      auto it = ours.find({cells[0], cells[1]});
      INFO(line);
      REQUIRE(it != ours.end());
      CHECK(it->second == *theirs);
      ++compared;
    }
    std::size_t nonzero = 0;
    for (const auto& [k, v] : ours)
      nonzero += v != 0 ? 1 : 0;
    CHECK(nonzero > 4);
    CHECK(compared >= nonzero);
  }
}

TEST_CASE("a changed amount is noticed by the assertions of the export", "[sync][hledger]") {
  if (!have_hledger()) {
    WARN("SKIPPED: hledger is not installed");
    return;
  }
  audit_chain chain;
  chain.history();
  std::ostringstream out;
  REQUIRE(export_hledger(chain.node(4).store, out).ok());
  auto text = out.str();
  auto at = text.find("200.00 CNY");
  REQUIRE(at != text.npos);
  auto to = text.find("-200.00 CNY");
  REQUIRE(to != text.npos);
  text[at] = '3';
  text[to + 1] = '3';
  temp_file file;
  std::ofstream(file.path) << text;
  CHECK(run("hledger -f " + file.path.string() + " check --strict").second != 0);
}

TEST_CASE("an export of damaged or empty data writes nothing", "[sync][hledger]") {
  memory_kv empty;
  std::ostringstream out;
  CHECK(export_hledger(empty, out).code() == errc::not_found);
  audit_chain chain;
  chain.history();
  auto id = chain.node(3).journal();
  memory_kv store(chain.node(1).store.image());
  kv_batch b;
  b.erase(family::segments, segment_key(id, 0));
  REQUIRE(store.commit(b, true).ok());
  auto r = export_hledger(store, out);
  CHECK(r.code() == errc::corrupt);
  CHECK(r.error().detail.find(stream_name(id) + " entry 0") != std::string::npos);
  CHECK(out.str().empty());
  out.setstate(std::ios::badbit);
  CHECK(export_hledger(chain.node(1).store, out).code() == errc::io);
}
