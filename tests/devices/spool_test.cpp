#include "devices/spool.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

using namespace tally;
using namespace std::string_literals;

namespace {

/// What lies on the disk, and what lies on the counter.
struct shop {
  explicit shop(spool_options o) : options(std::move(o)), spool(options) {}

  void carry(const spool_effects& effects) {
    for (const auto& e : effects) {
      if (const auto* w = std::get_if<spool_write>(&e)) write(*w);
      if (const auto* p = std::get_if<spool_print>(&e)) printing = *p;
      if (const auto* s = std::get_if<spool_submit>(&e)) submitted = *s;
      if (const auto* t = std::get_if<spool_told>(&e)) told[t->receipt] = t->state;
    }
  }
  void write(const spool_write& w) {
    for (const auto& j : w.keep)
      jobs[j.id] = j;
    for (const auto id : w.forget)
      jobs.erase(id);
    for (const auto& m : w.mark)
      marks[m.receipt] = m.last;
    for (const auto& receipt : w.unmark)
      marks.erase(receipt);
    if (w.begun != 0) begun = w.begun;
  }
  /// The node dies and comes back on what is on the disk.
  void crash() {
    spool = spool_machine(options);
    std::vector<spool_job> j;
    std::vector<spool_mark> m;
    for (const auto& [id, job] : jobs)
      j.push_back(job);
    for (const auto& [receipt, last] : marks)
      m.push_back({receipt, last});
    spool.load(std::move(j), std::move(m));
    printing.reset();
    submitted.reset();
    begun = 0;
  }
  void durable() {
    if (const auto id = std::exchange(begun, 0)) carry(spool.durable(id));
  }
  void print_all() {
    carry(spool.able(true));
    for (int n = 0; n < 3'000 && spool.waiting() > 0; ++n) {
      durable();
      if (auto p = std::exchange(printing, std::nullopt)) {
        paper.push_back(p->data);
        carry(spool.printed(p->job));
      }
    }
  }

  spool_options options;
  spool_machine spool;
  std::map<std::uint64_t, spool_job> jobs;
  std::map<std::string, std::uint64_t> marks;
  std::map<std::string, std::string> told;
  std::optional<spool_print> printing;
  std::optional<spool_submit> submitted;
  std::uint64_t begun = 0;
  std::vector<bytes> paper;
};

}  // namespace

TEST_CASE("a job begins on the disk before a byte of it goes out", "[devices][spool]") {
  shop s({false, "TWICE "});
  s.carry(s.spool.add("r1", {"one", "copy"}));
  CHECK(s.jobs.size() == 2);
  CHECK(s.marks == std::map<std::string, std::uint64_t>{{"r1", 2}});
  CHECK(s.begun == 0);  // the printer is not able yet
  s.carry(s.spool.able(true));
  CHECK(s.begun == 1);
  CHECK(s.jobs[1].begun);
  CHECK_FALSE(s.printing);
  CHECK(s.spool.printed(1).empty());  // a word about a job of that number from before
  shop t({false, "TWICE "});
  t.carry(t.spool.add("r1", {"one", "copy"}));
  t.print_all();
  CHECK(t.paper == std::vector<bytes>{"one", "copy"});
  CHECK(t.jobs.empty());
  CHECK(t.told["r1"] == "printed");
}

TEST_CASE("what a print server printed of its own accord is told as it is on paper", "[devices][spool]") {
  for (const bool again : {false, true}) {
    shop s({true, "TWICE "});
    s.carry(s.spool.add("r", {"t"}));
    s.carry(s.spool.durable(s.begun));
    REQUIRE(s.submitted);
    s.carry(s.spool.printed(s.submitted->job, again));
    CHECK(s.told["r"] == (again ? "possible_duplicate" : "printed"));
  }
}

TEST_CASE("what may be on paper comes again with a mark, what cannot be without", "[devices][spool]") {
  shop s({false, "TWICE "});
  s.carry(s.spool.able(true));
  s.carry(s.spool.add("r", {"t"}));
  s.durable();
  REQUIRE(s.printing->data == "t");
  SECTION("the link took nothing") {
    s.printing.reset();
    s.carry(s.spool.uncertain(1, false));
    s.print_all();
    CHECK(s.paper == std::vector<bytes>{"t"});
    CHECK(s.told["r"] == "printed");
  }
  SECTION("the connection broke") {
    s.printing.reset();
    s.carry(s.spool.uncertain(1, true));
    CHECK(s.told["r"] == "waiting");
    s.print_all();
    CHECK(s.paper == std::vector<bytes>{"\0TWICE t"s});
    CHECK(s.told["r"] == "possible_duplicate");
  }
  SECTION("the node died") {
    s.crash();
    s.print_all();
    CHECK(s.paper == std::vector<bytes>{"\0TWICE t"s});
  }
  SECTION("the printer takes no such ticket") {
    s.carry(s.spool.refused(1));
    CHECK(s.told["r"] == "refused");
    CHECK(s.jobs.empty());
  }
  SECTION("words about other jobs") {
    CHECK(s.spool.printed(7).empty());
    CHECK(s.spool.uncertain(0, true).empty());
    CHECK(s.spool.durable(1).empty());
    CHECK(s.spool.busy());
  }
}

TEST_CASE("waiting for paper is no doubt", "[devices][spool]") {
  shop s({false, "TWICE "});
  s.carry(s.spool.able(true));
  s.carry(s.spool.able(false));
  s.carry(s.spool.add("r", {"t"}));
  s.crash();
  s.print_all();
  CHECK(s.paper == std::vector<bytes>{"t"});
}

TEST_CASE("a print server is asked whether it has the job, and a try that failed there is marked", "[devices][spool]") {
  shop s({true, "TWICE "});
  s.carry(s.spool.add("r", {"t"}));
  s.durable();
  REQUIRE(s.submitted);
  CHECK_FALSE(s.submitted->maybe_there);
  CHECK(s.submitted->data == "t");
  s.crash();
  s.carry(s.spool.able(true));
  s.durable();
  REQUIRE(s.submitted);
  CHECK(s.submitted->maybe_there);
  CHECK(s.submitted->data == "t");
  CHECK(s.submitted->again == "\0TWICE t"s);
  CHECK(s.submitted->attempt == 0);
  s.carry(s.spool.uncertain(1, true));
  s.durable();
  CHECK(s.submitted->attempt == 1);
  CHECK(s.submitted->data == "\0TWICE t"s);
  CHECK_FALSE(s.submitted->maybe_there);
  s.carry(s.spool.printed(1));
  CHECK(s.told["r"] == "possible_duplicate");
}

TEST_CASE("a full spool refuses a receipt whole, and marks stay few", "[devices][spool]") {
  shop s({false, {}});
  for (std::size_t n = 0; n < spool_max; ++n)
    s.carry(s.spool.add("r" + std::to_string(n), {"t"}));
  CHECK(s.marks.size() == spooled_kept);
  CHECK(s.marks.contains("r999"));
  s.carry(s.spool.add("late", {"a", "b"}));
  CHECK(s.told["late"] == "refused");
  CHECK(s.jobs.size() == spool_max);
  CHECK_FALSE(s.marks.contains("late"));
  s.crash();
  s.print_all();
  CHECK(s.paper.size() == spool_max);
}

TEST_CASE("whatever fails and whenever, each ticket is on paper once, or again with a mark", "[devices][spool]") {
  const auto seed = GENERATE(range(1U, 200U));
  std::mt19937 random(seed);
  auto chance = [&](unsigned of) { return random() % of == 0; };
  shop s({false, "!"});
  unsigned sold = 0;
  for (int step = 0; step < 400; ++step) {
    if (chance(6)) {
      s.carry(s.spool.add("r" + std::to_string(sold), {"t" + std::to_string(sold)}));
      ++sold;
    }
    if (chance(5)) s.carry(s.spool.able(!chance(3)));
    if (chance(2)) s.durable();
    if (chance(40)) s.crash();
    if (s.printing && chance(2)) {
      const auto p = *std::exchange(s.printing, std::nullopt);
      const auto fate = random() % 4;  // printed and told; printed, then cut off; cut off before; nothing was taken
      if (fate <= 1) s.paper.push_back(p.data);
      s.carry(fate == 0 ? s.spool.printed(p.job) : s.spool.uncertain(p.job, fate != 3));
    }
  }
  s.print_all();
  INFO("seed " << seed);
  std::map<std::string, int> plain;
  std::map<std::string, int> all;
  for (const auto& p : s.paper) {
    const bool marked = p.starts_with('\0');
    const auto ticket = marked ? p.substr(p.find('!') + 1) : p;
    if (!marked) ++plain[ticket];
    if (!marked) CHECK(all[ticket] == 0);  // the first is the one without a mark
    ++all[ticket];
  }
  CHECK(all.size() == sold);
  for (const auto& [ticket, n] : plain)
    CHECK(n == 1);
}
