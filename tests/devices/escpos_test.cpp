#include "devices/escpos.hpp"

#include "devices/cp437.hpp"

using namespace tally;
using namespace std::string_literals;

namespace {

bytes encoded(const escpos::ticket& t) {
  const auto r = escpos::encode(t);
  REQUIRE(r.ok());
  return *r;
}

}  // namespace

TEST_CASE("a plain ticket is reset, code page, lines, cut", "[devices][escpos]") {
  escpos::ticket t;
  t.lines = {"Bread", "", "Milk  2 x 1.00"};
  CHECK(encoded(t) ==
        "\x1B\x40"s
        "\x1B\x74\x00"s
        "Bread\n\nMilk  2 x 1.00\n"
        "\x1D\x56\x42\x00"s);
  t.cut = false;
  CHECK(encoded(t) ==
        "\x1B\x40"s
        "\x1B\x74\x00"s
        "Bread\n\nMilk  2 x 1.00\n"
        "\x1B\x64\x04"s);
}

TEST_CASE("each style is switched on before its line and off after it", "[devices][escpos]") {
  escpos::ticket t;
  escpos::line bold("B");
  bold.bold = true;
  escpos::line large("D");
  large.double_size = true;
  escpos::line middle("C");
  middle.centre = true;
  t.lines = {bold, large, middle};
  CHECK(encoded(t) ==
        "\x1B\x40"s
        "\x1B\x74\x00"s
        "\x1B\x45\x01"
        "B\n"
        "\x1B\x45\x00"s
        "\x1D\x21\x11"
        "D\n"
        "\x1D\x21\x00"s
        "\x1B\x61\x01"
        "C\n"
        "\x1B\x61\x00"s
        "\x1D\x56\x42\x00"s);
}

TEST_CASE("the drawer opens first, then the marks, then the lines", "[devices][escpos]") {
  escpos::ticket t;
  t.kick_drawer = t.copy = t.possible_duplicate = true;
  const auto on = "\x1B\x61\x01\x1B\x45\x01\x1D\x21\x11"s;
  const auto off = "\x1D\x21\x00\x1B\x45\x00\x1B\x61\x00"s;
  CHECK(encoded(t) ==
        "\x1B\x40"s
        "\x1B\x74\x00"s
        "\x1B\x70\x00\x19\xFA"s +
            on + "** COPY **\n" + off + on + "POSSIBLE DUPLICATE\n" + off + "\x1D\x56\x42\x00"s);
}

TEST_CASE("a QR code is model, size, level, store, print", "[devices][escpos]") {
  escpos::ticket t;
  t.qr = "AB";
  CHECK(encoded(t) ==
        "\x1B\x40"s
        "\x1B\x74\x00"s
        "\x1B\x61\x01"
        "\x1D\x28\x6B\x04\x00\x31\x41\x32\x00"s
        "\x1D\x28\x6B\x03\x00\x31\x43\x06"s
        "\x1D\x28\x6B\x03\x00\x31\x45\x31"s
        "\x1D\x28\x6B\x05\x00\x31\x50\x30"s
        "AB"
        "\x1D\x28\x6B\x03\x00\x31\x51\x30"s
        "\x1B\x61\x00"s
        "\x1D\x56\x42\x00"s);
  t.qr = std::string(1024, 'x');
  CHECK(encoded(t).find("\x1D\x28\x6B\x03\x04\x31\x50\x30xxx"s) != std::string::npos);
}

TEST_CASE("requests are the bytes of the reference", "[devices][escpos]") {
  CHECK(escpos::status_request(1) == "\x10\x04\x01"s);
  CHECK(escpos::status_request(4) == "\x10\x04\x04"s);
  CHECK(escpos::enable_asb() == "\x1D\x61\x0E"s);
  CHECK(escpos::paper_request() == "\x1D\x72\x01"s);
  CHECK(escpos::process_id_request({'0', '0', 'A', 'Z'}) ==
        "\x1D\x28\x48\x06\x00\x30\x30"
        "00AZ"s);
}

TEST_CASE("process ids are four printable characters and follow one another", "[devices][escpos]") {
  CHECK(escpos::make_process_id(0) == escpos::process_id{'0', '0', '0', '0'});
  CHECK(escpos::make_process_id(37) == escpos::process_id{'0', '0', '1', '1'});
  CHECK(escpos::make_process_id(36ULL * 36 * 36 * 36) == escpos::make_process_id(0));
  CHECK(escpos::make_process_id(~0ULL)[0] >= '0');
}

TEST_CASE("no text can carry a printer command", "[devices][escpos]") {
  escpos::ticket t;
  t.lines = {"a\x1B\x40\x1D\x56\x00\x10\x04\x01\r\nb\x7F"s};
  CHECK(encoded(t) ==
        "\x1B\x40"s
        "\x1B\x74\x00"s
        "a?@?V??????b?\n"
        "\x1D\x56\x42\x00"s);
  t.lines.clear();
  for (const auto& qr : {"a\x10\x04\x01"s, "\x00"s, "\n"s, "\xC3\xA9"s}) {
    t.qr = qr;
    CHECK(escpos::encode(t).code() == errc::malformed);
  }
}

TEST_CASE("what is too large is refused with its limit", "[devices][escpos]") {
  escpos::ticket t;
  t.lines.assign(escpos::lines_max, escpos::line("x"));
  CHECK(escpos::encode(t).ok());
  t.lines.emplace_back("x");
  CHECK(escpos::encode(t).code() == errc::malformed);
  t.lines.assign(1, escpos::line(std::string(escpos::line_bytes_max, 'x')));
  CHECK(escpos::encode(t).ok());
  t.lines[0].text += 'x';
  CHECK(escpos::encode(t).code() == errc::malformed);
  t.lines.assign(70, escpos::line(std::string(1000, 'x')));
  CHECK(escpos::encode(t).code() == errc::malformed);
  t.lines.clear();
  t.qr = std::string(escpos::qr_bytes_max + 1, 'x');
  CHECK(escpos::encode(t).code() == errc::malformed);
}

TEST_CASE("code page 437 holds some of the world's letters", "[devices][cp437]") {
  CHECK(cp437_from_utf8("Caf\u00E9 \u00A35 \u00FC \u00DF") ==
        "Caf\x82 \x9C"
        "5 \x81 \xE1");
  CHECK(cp437_from_utf8("\u9762\u5305 \u20AC1") == "?? ?1");
  CHECK(cp437_from_utf8("\u2550\u00A0") == "\xCD\xFF");
  std::string all;
  for (int b = 0x80; b <= 0xFF; ++b)
    all.push_back(static_cast<char>(b));
  CHECK(cp437_from_utf8(utf8_from_cp437(all)) == all);
  CHECK(utf8_from_cp437("A\x82") == "A\u00E9");
}

TEST_CASE("bytes that are not UTF-8 become one mark each", "[devices][cp437]") {
  CHECK(cp437_from_utf8("\xFF\xC3") == "??");
  CHECK(cp437_from_utf8("\xC0\xAF") == "??");            // overlong
  CHECK(cp437_from_utf8("\xE0\x80\xAF") == "???");       // overlong
  CHECK(cp437_from_utf8("\xED\xA0\x80") == "???");       // surrogate
  CHECK(cp437_from_utf8("\xF4\x90\x80\x80") == "????");  // above U+10FFFF
  CHECK(cp437_from_utf8("\xE9\x9D"
                        "a") == "??a");  // cut short
  CHECK(cp437_from_utf8("\xF0\x9F\x8D\x9E") == "?");
}
