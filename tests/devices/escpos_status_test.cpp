#include "devices/escpos_status.hpp"

#include "devices/fuzz.hpp"

using namespace tally;
using namespace tally::escpos;
using namespace std::string_literals;
using namespace std::string_view_literals;

TEST_CASE("each DLE EOT answer tells its part", "[devices][status]") {
  status_reader r;
  CHECK_FALSE(r.status().online);
  r.expect(1);
  auto got = r.feed("\x12");
  REQUIRE(got.size() == 1);
  CHECK(std::get<status_answer>(got[0]).request == 1);
  CHECK(r.status() == printer_status{true, false, paper_state::ok, false});
  CHECK(r.feed("\x1A").size() == 1);
  CHECK_FALSE(r.status().online);
  r.expect(2);
  CHECK(r.feed("\x16").size() == 1);
  CHECK(r.status() == printer_status{false, true, paper_state::ok, false});
  CHECK(r.feed("\x32").size() == 1);
  CHECK(r.status() == printer_status{false, false, paper_state::out, false});
  CHECK(r.feed("\x52").size() == 1);
  CHECK(r.status() == printer_status{false, false, paper_state::ok, true});
  CHECK(r.feed("\x12").size() == 1);
  r.expect(3);
  for (const char* error : {"\x16", "\x1A", "\x32"}) {
    CHECK(r.feed(error).size() == 1);
    CHECK(r.status().error);
    CHECK_FALSE(r.status().overheated);
  }
  CHECK(r.feed("\x52").size() == 1);
  CHECK(r.status().overheated);
  CHECK_FALSE(r.status().error);
  CHECK(r.feed("\x12").size() == 1);
  CHECK_FALSE(r.status().error);
  r.expect(4);
  CHECK(r.feed("\x1E").size() == 1);
  CHECK(r.status().paper == paper_state::low);
  CHECK(r.feed("\x7E").size() == 1);
  CHECK(r.status().paper == paper_state::out);
  CHECK(r.feed("\x12").size() == 1);
  CHECK(r.status().paper == paper_state::ok);
}

TEST_CASE("an answer that nobody asked for is dropped", "[devices][status]") {
  status_reader r;
  CHECK(r.feed("\x12\x16\x7E").empty());
  CHECK(r.status() == printer_status{});
}

TEST_CASE("automatic status back is four bytes, cut anywhere", "[devices][status]") {
  status_reader r;
  CHECK(r.feed("\x10").empty());
  CHECK(r.feed("\x00\x00"s).empty());
  REQUIRE(r.feed("\x00"s).size() == 1);
  CHECK(r.status() == printer_status{true, false, paper_state::ok, false});
  CHECK(r.feed("\x38\x00\x00\x00"s).size() == 1);
  CHECK(r.status() == printer_status{false, true, paper_state::ok, false});
  CHECK(r.feed("\x18\x00\x0F\x00"s).size() == 1);
  CHECK(r.status() == printer_status{false, false, paper_state::out, false});
  CHECK(r.feed("\x10\x00\x03\x00"s).size() == 1);
  CHECK(r.status() == printer_status{true, false, paper_state::low, false});
  CHECK(r.feed("\x18\x08\x00\x0F"s).size() == 1);
  CHECK(r.status() == printer_status{false, false, paper_state::ok, true});
}

TEST_CASE("a real-time answer and flow control may stand inside a status", "[devices][status]") {
  status_reader r;
  r.expect(4);
  const auto got = r.feed("\x10\x00\x12\x13\x00\x11\x00"s);
  REQUIRE(got.size() == 2);
  CHECK(std::holds_alternative<status_answer>(got[0]));
  CHECK(std::holds_alternative<asb_answer>(got[1]));
  CHECK(r.status().online);
}

TEST_CASE("a process id is read whole or not at all", "[devices][status]") {
  const auto answer =
      "\x37\x22"
      "00AZ\x00"s;
  status_reader r;
  for (std::size_t i = 0; i + 1 < answer.size(); ++i)
    CHECK(r.feed(answer.substr(i, 1)).empty());
  auto got = r.feed("\0"s);
  REQUIRE(got.size() == 1);
  CHECK(std::get<process_done>(got[0]).id == process_id{'0', '0', 'A', 'Z'});
  CHECK(r.feed("\x37\x22"
               "00A\x00"s)
            .empty());
  CHECK(r.feed("\x37\x22"
               "00AZ9\x00"s)
            .empty());
  CHECK(r.feed("\x37\x70\x40\x00"s).empty());
  CHECK(r.feed("\x5FTM-T88V\x00"s).empty());
  CHECK(r.feed("\x37\x22"
               "0\x13"
               "0\x11"
               "AZ\x00"s)
            .size() == 1);
}

TEST_CASE("GS r tells of paper, outside of other answers", "[devices][status]") {
  status_reader r;
  REQUIRE(r.feed("\x03").size() == 1);
  CHECK(r.status().paper == paper_state::low);
  CHECK(r.feed("\x0C").size() == 1);
  CHECK(r.status().paper == paper_state::out);
  const auto got = r.feed("\0"s);
  REQUIRE(got.size() == 1);
  CHECK(std::holds_alternative<paper_answer>(got[0]));
  CHECK(r.status().paper == paper_state::ok);
}

TEST_CASE("what is no answer is none, and no answer is XON or XOFF", "[devices][status]") {
  for (int b = 0; b < 256; ++b) {
    if (b == 0x37 || b == 0x5F || (b & 0x93) == 0x10) continue;  // longer answers
    status_reader r;
    r.expect(1);
    const auto got = r.feed(std::string(1, static_cast<char>(b)));
    const bool sensor = b == 0x00 || b == 0x03 || b == 0x0C || b == 0x0F;
    INFO("octet " << b);
    CHECK(got.size() == ((b & 0x93) == 0x12 || sensor ? 1 : 0));
    if (b == 0x11 || b == 0x13) CHECK(got.empty());
    CHECK(r.strange() == (got.empty() && b != 0x11 && b != 0x13 ? 1 : 0));
  }
  // Inside of Automatic Status Back all but the first have bit 4 clear, so they are none either.
  CHECK(((0x11 | 0x13) & 0x90) != 0);
}

TEST_CASE("a block that never ends is given up, and answers are read again", "[devices][status]") {
  status_reader r;
  r.expect(1);
  CHECK(r.feed("\x37" + std::string(status_reader::block_bytes_max - 1, 'x')).empty());
  CHECK(r.feed("\x12").size() == 1);
}

TEST_CASE("random bytes never break the status reader", "[devices][status][fuzz]") {
  const std::string_view pieces[] = {"\x12",
                                     "\x10",
                                     "\x37\x22",
                                     "00AZ",
                                     "\0"sv,
                                     "\x5F",
                                     "\x37\x22"
                                     "0000\x00"sv,
                                     "\x11",
                                     "\x13"};
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    INFO("seed " << seed);
    test::fuzz_source fuzz(seed);
    status_reader r;
    std::size_t fed = 0;
    std::size_t answers = 0;
    while (fed < 100'000) {
      const std::string data = fuzz.next(pieces);
      fed += data.size();
      r.expect(static_cast<int>(fuzz.below(5)));
      const auto got = r.feed(data);
      answers += got.size();
      CHECK(got.size() <= data.size());
    }
    CHECK(answers > 1000);
    r.reset();
    r.expect(1);
    CHECK(r.feed("\x12").size() == 1);
  }
}
