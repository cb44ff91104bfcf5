#include "devices/escpos.hpp"

using namespace tally;
using namespace std::string_literals;

namespace {

bytes encoded(const escpos::ticket& t, const printer_profile& profile = {}) {
  const auto r = escpos::encode(t, profile);
  REQUIRE(r.ok());
  return *r;
}

/// Reset, ESC R 0, single octets, code page 437.
const bytes start = "\x1B\x40\x1B\x52\x00\x1C\x2E\x1B\x74\x00"s;

}  // namespace

TEST_CASE("a plain ticket is reset, code page, lines, cut", "[devices][escpos]") {
  escpos::ticket t;
  t.lines = {"Bread", "", "Milk  2 x 1.00"};
  CHECK(encoded(t) == start +
                          "Bread\n\nMilk  2 x 1.00\n"
                          "\x1D\x56\x42\x00"s);
  printer_profile tear_bar;
  tear_bar.cutter = false;
  CHECK(encoded(t, tear_bar) == start +
                                    "Bread\n\nMilk  2 x 1.00\n"
                                    "\x1B\x64\x04"s);
  t.cut = false;
  CHECK(encoded(t) == start + "Bread\n\nMilk  2 x 1.00\n");
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
  CHECK(encoded(t) == start +
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
  t.kick_drawer = true;
  t.copy_mark = "** COPY **";
  t.duplicate_mark = "POSSIBLE DUPLICATE";
  const auto on = "\x1B\x61\x01\x1B\x45\x01\x1D\x21\x11"s;
  const auto off = "\x1D\x21\x00\x1B\x45\x00\x1B\x61\x00"s;
  CHECK(encoded(t) == start + "\x1B\x70\x00\x19\xFA"s + on + "** COPY **\n" + off + on + "POSSIBLE DUPLICATE\n" + off +
                          "\x1D\x56\x42\x00"s);
}

TEST_CASE("a QR code is model, size, level, store, print", "[devices][escpos]") {
  escpos::ticket t;
  t.qr = "AB";
  CHECK(encoded(t) == start +
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

TEST_CASE("a basket of 200 lines on narrow paper is no ticket too long", "[devices][escpos]") {
  escpos::ticket t;
  for (int n = 0; n < 200; ++n)
    for (const char* l :
         {"A name of a product on 58 mm", "     2 x 12.50         25.00 A", "  Gold 10 %             -2.50"})
      t.lines.emplace_back(l);
  CHECK(encoded(t).size() < escpos::ticket_bytes_max);
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
  CHECK(encoded(t) == start +
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

TEST_CASE("each code page and each wide code is switched on by its own commands", "[devices][escpos]") {
  escpos::ticket t;
  t.cut = false;
  const auto with = [&](charset set, const char* text) {
    printer_profile p;
    p.text = set;
    t.lines = {text};
    return encoded(t, p);
  };
  const auto reset = "\x1B\x40\x1B\x52\x00"s;
  CHECK(with(charset::cp858, "\u20AC") == reset + "\x1C\x2E\x1B\x74\x13\xD5\n"s);
  CHECK(with(charset::cp866, "\u0434") == reset + "\x1C\x2E\x1B\x74\x11\xA4\n"s);
  CHECK(with(charset::gb18030, "\u9762\u5305") == reset + "\x1C\x26\xC3\xE6\xB0\xFC\n"s);
  CHECK(with(charset::big5, "\u9EB5\u5305") == reset + "\x1C\x26\xC4\xD1\xA5\x5D\n"s);
  CHECK(with(charset::euc_kr, "\uC2DD\uBE75") == reset + "\x1C\x26\xBD\xC4\xBB\xA7\n"s);
}

TEST_CASE("the drawer has two pins, or none", "[devices][escpos]") {
  printer_profile p;
  CHECK(escpos::kick_drawer(p) == "\x1B\x70\x00\x19\xFA"s);
  p.drawer = drawer_pin::pin_5;
  CHECK(escpos::kick_drawer(p) == "\x1B\x70\x01\x19\xFA"s);
  CHECK(escpos::open_drawer_now(p) == "\x10\x14\x01\x01\x02"s);
  p.opens_by = drawer_command::pulse;
  CHECK(escpos::open_drawer_now(p) == escpos::kick_drawer(p));
  p.drawer = drawer_pin::none;
  CHECK(escpos::kick_drawer(p).empty());
  CHECK(escpos::open_drawer_now(p).empty());
}

TEST_CASE("a barcode is Code 128, subset B, a brace doubled", "[devices][escpos]") {
  escpos::ticket t;
  t.cut = false;
  t.barcode = "A{1";
  CHECK(encoded(t) == start +
                          "\x1B\x61\x01\x1D\x68\x50\x1D\x77\x02\x1D\x48\x00\x1D\x6B\x49\x06{BA{{1"
                          "\x1B\x61\x00"s);
  t.barcode = std::string(escpos::barcode_bytes_max + 1, '1');
  CHECK(escpos::encode(t).code() == errc::malformed);
  t.barcode = "\n";
  CHECK(escpos::encode(t).code() == errc::malformed);
}

TEST_CASE("a logo comes before the lines, and never holds a real-time command", "[devices][escpos]") {
  printer_profile p;
  p.logo = {16, 2, "\x10\x04\xFF\x10"s};
  escpos::ticket t;
  t.logo = true;
  t.cut = false;
  t.lines = {"x"};
  CHECK(encoded(t, p) == start + "\x1B\x61\x01\x1D\x76\x30\x00\x02\x00\x02\x00\x18\x04\xFF\x10\x1B\x61\x00x\n"s);
  t.logo = false;
  CHECK(encoded(t, p) == start + "x\n");
}
