#include "devices/cups.hpp"

#include <catch2/catch.hpp>

using namespace tally;

TEST_CASE("what a queue says is what a till shows, the worst first", "[devices][cups]") {
  const auto state = [](int s, std::vector<std::string> reasons) {
    return std::string(printer_state_name(cups_printer_state(s, reasons)));
  };
  CHECK(state(3, {"none"}) == "ready");
  CHECK(state(4, {}) == "ready");
  CHECK(state(3, {"media-low-warning"}) == "paper_low");
  CHECK(state(3, {"media-low-report"}) == "ready");
  CHECK(state(3, {"media-empty-error", "media-low-warning"}) == "paper_out");
  CHECK(state(5, {"cover-open-error", "media-empty"}) == "cover_open");
  CHECK(state(4, {"media-jam-error"}) == "error");
  CHECK(state(4, {"fuser-over-temp-warning"}) == "overheated");
  CHECK(state(4, {"connecting-to-device"}) == "offline");
  CHECK(state(5, {"paused"}) == "offline");
  CHECK(state(5, {}) == "offline");
  CHECK(state(3, {"something-new-warning"}) == "ready");
}

TEST_CASE("a queue that refuses jobs or is paused is not ready", "[devices][cups]") {
  CHECK(judge_cups_queue(3, {"none"}, true).state == printer_state::ready);
  const auto refusing = judge_cups_queue(3, {"none"}, false);
  CHECK(refusing.state == printer_state::offline);
  CHECK_FALSE(refusing.accepting);
  CHECK_FALSE(refusing.paused);
  CHECK(judge_cups_queue(3, {"media-empty"}, false).state == printer_state::paper_out);
  const auto paused = judge_cups_queue(5, {"paused"}, true);
  CHECK(paused.state == printer_state::offline);
  CHECK(paused.paused);
}

TEST_CASE("a job is printed only when it is completed", "[devices][cups]") {
  const auto judge = [](int state) { return judge_cups_job({state, {}, {}}, "ours"); };
  for (const int waiting : {3, 4, 5, 6})
    CHECK(judge(waiting) == cups_job::waiting);
  CHECK(judge(7) == cups_job::failed);
  CHECK(judge(8) == cups_job::failed);
  CHECK(judge(9) == cups_job::printed);
}

TEST_CASE("what a killed CUPS left of a job is not waited for", "[devices][cups]") {
  // Recorded: killed after the document had come and before its end was written down, then started again.
  CHECK(judge_cups_job({4, "no-hold", "ours"}, "ours") == cups_job::stuck);
  // Somebody holds it.
  CHECK(judge_cups_job({4, "indefinite", "ours"}, "ours") == cups_job::waiting);
  CHECK(judge_cups_job({4, "weekend", "ours"}, "ours") == cups_job::waiting);
  // Its number is another job's now.
  CHECK(judge_cups_job({3, "no-hold", "theirs"}, "ours") == cups_job::failed);
  CHECK(judge_cups_job({9, "no-hold", "theirs"}, "ours") == cups_job::failed);
  // In no list of those to print: a CUPS that was killed has it, and will not print it.
  CHECK(judge_cups_job({3, "no-hold", "ours", false}, "ours") == cups_job::stuck);
  CHECK(judge_cups_job({5, "no-hold", "ours", false}, "ours") == cups_job::stuck);
  CHECK(judge_cups_job({9, "no-hold", "ours", false}, "ours") == cups_job::printed);
  CHECK(judge_cups_job({7, "no-hold", "ours", false}, "ours") == cups_job::failed);
  CHECK(judge_cups_job({3, "no-hold", "ours"}, "ours") == cups_job::waiting);
}

TEST_CASE("a try of a ticket has one title, and no two have the same", "[devices][cups]") {
  CHECK(cups_title("3.5f0c1a2b3c4d5e6f.41", 7, 0) == "tallystick 7.0 3.5f0c1a2b3c4d5e6f.41");
  CHECK(cups_title("x", 7, 1) != cups_title("x", 7, 0));
  CHECK(cups_title("x", 71, 0) != cups_title("x", 7, 10));
  CHECK(cups_title(std::string(500, 'x'), ~std::uint64_t{0}, ~std::uint32_t{0}).size() == 127);
  CHECK(cups_title("a\n\xFF", 1, 0) == "tallystick 1.0 a??");
}

TEST_CASE("a queue's name, with its server or without", "[devices][cups]") {
  CHECK(parse_cups_name("receipts") == cups_name{"receipts", "localhost", 631});
  CHECK(parse_cups_name("r-1@print.local") == cups_name{"r-1", "print.local", 631});
  CHECK(parse_cups_name("r@127.0.0.1:8631") == cups_name{"r", "127.0.0.1", 8631});
  for (const char* bad : {"", "@x", "a b", "a@", "a@b:0", "a@b:70000", "a@b:x", "a/b", "a@b c"})
    CHECK_FALSE(parse_cups_name(bad).has_value());
}
