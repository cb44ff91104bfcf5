#include "devices/display.hpp"

#include <catch2/catch.hpp>

using namespace tally;
using namespace std::string_literals;

TEST_CASE("two lines of twenty, filled up and cut", "[devices][display]") {
  const text_codec us(charset::cp437);
  CHECK(encode_display({"White loaf", display_row("TOTAL", "12.50", us)}, us) ==
        "\x1B\x40\x1B\x74\x00\x0CWhite loaf          TOTAL          12.50"s);
  CHECK(encode_display({std::string(50, 'x'), ""}, us) ==
        "\x1B\x40\x1B\x74\x00\x0Cxxxxxxxxxxxxxxxxxxxx                    "s);
  CHECK(display_row(std::string(30, 'n'), "12.50", us) == "nnnnnnnnnnnnnn 12.50");
  CHECK(display_row("", std::string(30, '9'), us) == std::string(20, '9'));
}

TEST_CASE("a display is told its code page", "[devices][display]") {
  const text_codec east(charset::cp866);
  CHECK(encode_display({"\u0434", ""}, east).starts_with("\x1B\x40\x1B\x74\x11\x0C\xA4 "s));
  CHECK(encode_display({"", ""}, text_codec(charset::cp858)).substr(2, 3) == "\x1B\x74\x13"s);
}

TEST_CASE("wide characters take two places, and none is cut in half", "[devices][display]") {
  const text_codec gb(charset::gb18030);
  CHECK(gb.columns(display_row("合计", "12.50", gb)) == 20);
  const auto data = encode_display({"面包面包面包面包面包面", "a面包面包面包面包面包"}, gb);
  CHECK(data.size() == 3 + 40);
  CHECK(gb.decode(data.substr(3, 20)) == "面包面包面包面包面包");
  CHECK(gb.decode(data.substr(23)) == "a面包面包面包面包面 ");
}

TEST_CASE("no text carries a command to the display", "[devices][display]") {
  const text_codec us(charset::cp437);
  const auto data = encode_display({"\x1B\x40\x0C\n", "\x1F"}, us);
  CHECK(data.substr(6, 4) == "?@??");
  CHECK(data.size() == 46);
}
