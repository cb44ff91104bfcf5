#include "devices/escpos_render.hpp"

#include "devices/escpos_skip.hpp"
#include "devices/fuzz.hpp"

using namespace tally;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

using lines = std::vector<std::string>;

// Not lines{…}: g++ 12 reports array bounds inside inlined lists of strings (GCC PR 105651).
lines list(std::initializer_list<std::string_view> texts) { return {texts.begin(), texts.end()}; }

/// What one ticket of these bytes looks like, fed at once; and the same byte by byte.
lines drawn(const bytes& data) {
  printer_emulator whole;
  printer_emulator bitwise;
  const bytes a = whole.feed(data + "\x1DV\x01"s);
  bytes b;
  for (const char c : data + "\x1DV\x01"s)
    b += bitwise.feed({&c, 1});
  CHECK(a == b);
  REQUIRE(whole.tickets().size() == 1);
  REQUIRE(bitwise.tickets().size() == 1);
  CHECK(whole.tickets()[0].lines == bitwise.tickets()[0].lines);
  return whole.tickets()[0].lines;
}

}  // namespace

TEST_CASE("our encoder's ticket looks as meant", "[devices][render]") {
  escpos::ticket t;
  escpos::line shop("Store A");
  shop.centre = shop.double_size = true;
  t.lines = {shop, "Bread", "", "Caf\u00E9"};
  t.copy_mark = "** COPY **";
  t.kick_drawer = true;
  t.qr = "tally:1";
  printer_emulator p;
  CHECK(p.feed(escpos::encode(t).value()).empty());
  REQUIRE(p.tickets().size() == 1);
  CHECK(p.tickets()[0].lines == list({"           ** COPY **", "              Store A", "Bread", "", "Caf\u00E9",
                                      "               [QR] tally:1"}));
  CHECK(p.tickets()[0].qr == "tally:1");
  CHECK(p.tickets()[0].cut);
  CHECK(p.drawer_kicks() == 1);
}

TEST_CASE("common commands leave no trace in the text", "[devices][render]") {
  const lines ab = list({"AB"});
  for (const byte_view command : {"\x1B!\x08"sv,
                                  "\x1B-\x01"sv,
                                  "\x1B"
                                  "2"sv,
                                  "\x1B"
                                  "3\x20"sv,
                                  "\x1BM\x01"sv,
                                  "\x1B{\x01"sv,
                                  "\x1BR\x0F"sv,
                                  "\x1BV\x01"sv,
                                  "\x1B\x20\x05"sv,
                                  "\x1B$\x10\x00"sv,
                                  "\x1B\\\x10\x00"sv,
                                  "\x1B"
                                  "D\x08\x10\x18\x00"sv,
                                  "\x1Bp\x00\x19\xFA"sv,
                                  "\x1Bt\x10"sv,
                                  "\x1B"
                                  "c5\x00"sv,
                                  "\x1BW\1\2\3\4\5\6\7\x08"sv,
                                  "\x1D"
                                  "B\x01"sv,
                                  "\x1DL\x10\x00"sv,
                                  "\x1DW\x10\x00"sv,
                                  "\x1Dh\x50"sv,
                                  "\x1Dw\x02"sv,
                                  "\x1DH\x02"sv,
                                  "\x1D"
                                  "f\x00"sv,
                                  "\x1DP\x10\x10"sv,
                                  "\x1D/\x00"sv,
                                  "\x1D^\1\2\3"sv,
                                  "\x1Dk\x04"
                                  "12345\x00"sv,
                                  "\x1Dk\x49\x05"
                                  "12345"sv,
                                  "\x1B*\x00\x03\x00XXX"sv,
                                  "\x1B*\x21\x02\x00XXXXXX"sv,
                                  "\x1D*\x01\x01XXXXXXXX"sv,
                                  "\x1D(A\x02\x00XX"sv,
                                  "\x1D(L\x03\x00XXX"sv,
                                  "\x1D(E\x03\x00XXX"sv,
                                  "\x1D"
                                  "8L\x04\x00\x00\x00XXXX"sv,
                                  "\x1C."sv,
                                  "\x1C&"sv,
                                  "\x1CS\1\2"sv,
                                  "\x1C"
                                  "2\x77\x21"
                                  "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"
                                  "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"sv,
                                  "\x1Cp\x01\x00"sv,
                                  "\x1Cq\x01\x01\x00\x01\x00XXXXXXXX"sv,
                                  "\x1B&\x03"
                                  "ab"
                                  "\x01XXX\x02XXXXXX"sv,
                                  "\x10\x05\x01"sv,
                                  "\x10\x14\x01\x00\x01"sv,
                                  "\x1D"
                                  "C0\x04\x00"sv,
                                  "\x1D"
                                  "C;1;2;3;4;5;"sv,
                                  "\x1Dg2\x00\x50\x00"sv,
                                  "\r"sv,
                                  "\x18"sv,
                                  "\x7F"sv}) {
    INFO("command " << to_hex(command));
    CHECK(escpos::command_length(command) == (command.size() == 1 ? 1 : command.size()));
    for (std::size_t i = 1; i < command.size(); ++i) {
      const auto length = escpos::command_length(command.substr(0, i));
      CHECK((!length || *length == command.size()));
    }
    CHECK(drawn("A" + bytes(command) + "B\n") == ab);
  }
}

TEST_CASE("text is aligned, tabbed and wrapped at 42 columns", "[devices][render]") {
  CHECK(drawn("\x1B"
              "a\x01mid\n\x1B"
              "a2right\n\x1B"
              "a0left\n") == list({"                   mid", "                                     right", "left"}));
  CHECK(drawn("a\tb\n") == list({"a       b"}));
  CHECK(drawn("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n") ==
        list({"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxx"}));
  CHECK(drawn("\x1D!\x10xxxxxxxxxxxxxxxxxxxxxx\n") == list({"xxxxxxxxxxxxxxxxxxxxx", "x"}));
  CHECK(drawn("a\x1B"
              "d\x03"
              "b\n") == list({"a", "", "", "b"}));
}

TEST_CASE("status is answered as the reference says", "[devices][render]") {
  printer_emulator p;
  const auto all = "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04"s;
  CHECK(p.feed(all) == "\x12\x12\x12\x12"s);
  CHECK(p.set_paper(paper_state::low).empty());
  CHECK(p.feed(all) == "\x12\x12\x12\x1E"s);
  CHECK(p.set_paper(paper_state::out).empty());
  CHECK(p.feed(all) == "\x1A\x32\x12\x7E"s);
  CHECK(p.set_paper(paper_state::ok).empty());
  CHECK(p.set_cover_open(true).empty());
  CHECK(p.feed(all) == "\x1A\x16\x12\x12"s);
  CHECK(p.set_cover_open(false).empty());
  CHECK(p.set_error(true).empty());
  CHECK(p.feed(all) == "\x1A\x52\x1A\x12"s);
  CHECK(p.set_error(false).empty());
  CHECK(p.feed("\x1D"
               "a\x0E") == "\x10\x00\x00\x00"s);
  CHECK(p.set_paper(paper_state::low) == "\x10\x00\x03\x00"s);
  CHECK(p.feed("\x1Dr\x01\x1Dr\x02") == "\x03\x00"s);
  CHECK(p.set_paper(paper_state::low).empty());
  CHECK(p.set_cover_open(true) == "\x38\x00\x03\x00"s);
  CHECK(p.set_cover_open(false) == "\x10\x00\x03\x00"s);
  CHECK(p.set_offline(true) == "\x18\x00\x03\x00"s);
  p.power_cycle();
  CHECK(p.set_offline(false).empty());
  CHECK(p.feed("\x1D(H\x06\x00"
               "001234"s) ==
        "\x37\x22"
        "1234\x00"s);
  CHECK(p.feed("\x1D(H\x06\x00"
               "111234"s)
            .empty());
}

TEST_CASE("without paper everything but status waits, and then goes on", "[devices][render]") {
  printer_emulator p;
  CHECK(p.feed("\x1D"
               "a\x0E")
            .size() == 4);
  p.set_lines_left(2);
  CHECK(p.feed("one\ntwo\nthree\n\x1DV\x01\x1D(H\x06\x00"
               "00abcd"s) == "\x18\x00\x0F\x00"s);
  CHECK(p.tickets().empty());
  CHECK(p.uncut_lines() == list({"one", "two"}));
  CHECK(p.feed("\x10\x04\x04") == "\x7E");
  CHECK(p.set_paper(paper_state::ok) ==
        "\x10\x00\x00\x00\x37\x22"
        "abcd\x00"s);
  REQUIRE(p.tickets().size() == 1);
  CHECK(p.tickets()[0].lines == list({"one", "two", "three"}));
  CHECK(p.buffered() == 0);
}

TEST_CASE("buffer, tickets and lines are bounded", "[devices][render]") {
  printer_emulator p;
  CHECK(p.set_offline(true).empty());
  CHECK(p.feed(std::string(100'000, 'x')).empty());
  CHECK(p.buffered() == printer_emulator::buffer_bytes_max);
  CHECK_FALSE(p.accepting());
  p.power_cycle();
  CHECK(p.accepting());
  CHECK(p.set_offline(false).empty());
  for (int i = 0; i < 60; ++i)
    CHECK(p.feed(std::to_string(i) + "\n\x1DV\x01").empty());
  CHECK(p.tickets().size() == printer_emulator::tickets_max);
  CHECK(p.tickets().back().lines == list({"59"}));
  std::string many;
  for (int i = 0; i < 4500; ++i)
    many += "x\n";
  CHECK(p.feed(many).empty());
  CHECK_FALSE(p.tickets().back().cut);
  CHECK(p.tickets().back().lines.size() == printer_emulator::ticket_lines_max);
  CHECK(p.uncut_lines().size() == 500);
}

TEST_CASE("a picture larger than the buffer is skipped as it comes", "[devices][render]") {
  printer_emulator p;
  CHECK(p.feed("A\x1Dv0\x00\x80\x00\x00\x04"s).empty());  // 128 x 1024 bytes
  std::size_t most = 0;
  for (int i = 0; i < 128; ++i) {
    CHECK(p.feed(std::string(1024, 'X')).empty());
    most = std::max(most, p.buffered());
  }
  CHECK(most < 16 * 1024);
  CHECK(p.feed("B\n\x1DV\x01").empty());
  REQUIRE(p.tickets().size() == 1);
  CHECK(p.tickets()[0].lines == list({"AB"}));
}

TEST_CASE("random bytes never break the printer", "[devices][render][fuzz]") {
  const std::string_view pieces[] = {"\x1B",
                                     "\x1D",
                                     "\x1C",
                                     "\x10",
                                     "\x10\x04",
                                     "\x10\x04\x01",
                                     "\x1B@",
                                     "\x1D(k",
                                     "\x1D(H\x06\x00"
                                     "00"sv,
                                     "\x1DV\x01",
                                     "\x1Dv0",
                                     "\x1D"
                                     "8L",
                                     "text\n",
                                     "\x1B&\x03",
                                     "\x1Cq",
                                     "\x1B"
                                     "D",
                                     "\x1D"
                                     "a\x0E",
                                     "\x1D(k\x06\x00\x31\x50\x30"
                                     "abc"sv,
                                     "\x1D(k\x03\x00\x31\x51\x30"sv};
  for (const std::uint64_t seed : {21U, 22U, 23U, 24U}) {
    INFO("seed " << seed);
    test::fuzz_source fuzz(seed);
    printer_emulator p;
    std::size_t fed = 0;
    std::size_t answered = 0;
    bool sound = true;
    while (fed < 100'000) {
      const std::string data = fuzz.next(pieces);
      fed += data.size();
      answered += p.feed(data).size();
      if (fuzz.below(40) == 0) answered += p.set_paper(static_cast<paper_state>(fuzz.below(3))).size();
      if (fuzz.below(60) == 0) answered += p.set_cover_open(fuzz.below(2) == 0).size();
      if (fuzz.below(200) == 0) p.power_cycle();
      sound = sound && p.buffered() <= printer_emulator::buffer_bytes_max && p.tickets().size() <= 50 &&
              p.uncut_lines().size() < printer_emulator::ticket_lines_max;
    }
    CHECK(sound);
    CHECK(answered > 100);
  }
}

TEST_CASE("a command put in at any place of a ticket changes nothing of it", "[devices][escpos]") {
  printer_profile p;
  p.text = charset::gb18030;
  p.logo = {16, 2, "\x10\x1B\xFF\x10"s};
  escpos::ticket t;
  t.logo = true;
  t.copy_mark = "\u526F\u672C";
  t.lines = {"\u9762\u5305 2 x 1.00", "Milk", "\u9762", ""};
  t.qr = "QR";
  t.barcode = "B1";
  const auto whole = *escpos::encode(t, p);
  printer_emulator plain;
  (void)plain.feed(whole);
  REQUIRE(plain.tickets().size() == 1);
  std::size_t places = 0;
  for (std::size_t at = 0; at < whole.size(); at += escpos::to_next_place(byte_view(whole).substr(at))) {
    printer_emulator printer;
    (void)printer.feed(whole.substr(0, at) + escpos::open_drawer_now(p) + whole.substr(at));
    REQUIRE(printer.tickets().size() == 1);
    CHECK(printer.tickets()[0].lines == plain.tickets()[0].lines);
    CHECK(printer.drawer_kicks() == 1);
    ++places;
  }
  CHECK(places > 20);
  CHECK(escpos::to_next_place("text") == 4);
  CHECK(escpos::to_next_place("\x1D") == 1);
  CHECK(escpos::to_next_place("te\nxt\n") == 3);
}
