#include "devices/raster.hpp"

#include <catch2/catch.hpp>

using namespace tally;
using namespace std::string_literals;

TEST_CASE("portable bitmaps, plain and raw", "[devices][raster]") {
  const auto plain = parse_pbm("P1\n# a logo\n10 2\n1 0 1 0 1 0 1 0 1 1\n0101010100");
  REQUIRE(plain.ok());
  CHECK(plain->width == 10);
  CHECK(plain->rows == "\xAA\xC0\x55\x00"s);
  CHECK(plain->black(9, 0));
  CHECK_FALSE(plain->black(9, 1));
  // The filling of a row is white, whatever the file holds there.
  const auto raw = parse_pbm("P4 10 2\n\xAA\xFF\x55\x3F"s);
  REQUIRE(raw.ok());
  CHECK(raw->rows == "\xAA\xC0\x55\x00"s);
}

TEST_CASE("what is no bitmap, too large or cut off is refused", "[devices][raster]") {
  for (const auto& bad : {""s, "P5 1 1\n0"s, "P4"s, "P4 0 1\n"s, "P4 1 0\n"s, "P4 8 2\n\xFF"s, "P4 8 1"s, "P1 2 1\n1"s,
                          "P1 2 1\n1x"s, "P4 9999999999 1\n"s, "P4 833 1\n"s + bytes(200, 'x'),
                          "P4 8 513\n"s + bytes(600, 'x'), "P4 -8 1\n"s, "P1 # no end"s})
    CHECK(parse_pbm(bad).code() == errc::malformed);
}

TEST_CASE("a QR code has its three finders and its quiet zone", "[devices][raster]") {
  const auto small = qr_raster("tally", 1);
  REQUIRE(small.ok());
  CHECK(small->width == 21 + 8);
  CHECK(small->height == small->width);
  const auto finder = [&](std::size_t x0, std::size_t y0) {
    for (std::size_t i = 0; i < 7; ++i) {
      CHECK(small->black(x0 + i, y0));
      CHECK(small->black(x0 + i, y0 + 6));
      CHECK(small->black(x0, y0 + i));
      CHECK(small->black(x0 + 6, y0 + i));
    }
    CHECK_FALSE(small->black(x0 + 1, y0 + 1));
    CHECK(small->black(x0 + 3, y0 + 3));
  };
  finder(4, 4);
  finder(18, 4);
  finder(4, 18);
  for (std::size_t i = 0; i < small->width; ++i)
    CHECK_FALSE(small->black(i, 3));
  // Larger modules are the same code.
  const auto large = qr_raster("tally", 3);
  REQUIRE(large.ok());
  for (std::size_t y = 0; y < large->height; ++y)
    for (std::size_t x = 0; x < large->width; ++x)
      REQUIRE(large->black(x, y) == small->black(x / 3, y / 3));
  CHECK(qr_raster("", 1).code() == errc::malformed);
  CHECK(qr_raster("a\0b"s, 1).code() == errc::malformed);
  CHECK(qr_raster(std::string(2332, 'x'), 1).code() == errc::malformed);
  CHECK(qr_raster("x", 0).code() == errc::malformed);
  CHECK(qr_raster(std::string(2331, 'x'), 1).ok());
}

TEST_CASE("how large a code becomes is known without making it", "[devices][raster]") {
  for (std::size_t n = 1; n <= 2331; n += n < 500 ? 1 : 61) {
    const auto code = qr_raster(std::string(n, 'x'), 1);
    REQUIRE(code.ok());
    CHECK(code->width == qr_side_max(n));
  }
  CHECK(qr_side_max(2332) == 0);
}

TEST_CASE("a barcode as dots has its margins, its frame and one row many times", "[devices][raster]") {
  const auto code = barcode_raster("TALLYSTICK", 2, 80);
  REQUIRE(code.ok());
  CHECK(code->width == 2 * barcode_modules(10));
  CHECK(code->height == 80);
  std::string modules;
  for (std::size_t x = 0; x < code->width; x += 2)
    modules.push_back(code->black(x, 0) ? '1' : '0');
  // Margins, start B, 'T' (52), … the stop with its last bar.
  CHECK(
      modules.starts_with("0000000000"
                          "11010010000"
                          "11011100010"));
  CHECK(
      modules.ends_with("1100011101011"
                        "0000000000"));
  for (std::size_t y = 1; y < code->height; ++y)
    CHECK(byte_view(code->rows).substr(y * code->row_octets(), code->row_octets()) ==
          byte_view(code->rows).substr(0, code->row_octets()));
  for (const auto& bad : {""s, "\n"s, "é"s, std::string(41, 'x')})
    CHECK(barcode_raster(bad, 1, 10).code() == errc::malformed);
}
