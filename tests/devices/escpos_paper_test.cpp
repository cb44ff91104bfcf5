// From a ticket to paper: what is encoded for a printer comes out of one.
#include <catch2/catch.hpp>

#include "devices/escpos.hpp"
#include "devices/escpos_render.hpp"
#include "devices/spool.hpp"

using namespace tally;

namespace {

rendered_ticket print(const escpos::ticket& t, const printer_profile& profile, const printer_model& model) {
  const auto data = escpos::encode(t, profile);
  REQUIRE(data.ok());
  printer_emulator p(model);
  // Octet by octet: a wide character may arrive in two pieces.
  for (const char c : *data)
    (void)p.feed({&c, 1});
  REQUIRE(p.tickets().size() == 1);
  return p.tickets().front();
}

}  // namespace

TEST_CASE("each wide code comes out of its printer, right-aligned figures in one column", "[devices][paper]") {
  struct language {
    charset set;
    std::vector<std::string> lines;
  };
  const std::vector<language> languages{
      {charset::gb18030,
       {"白面包          2 x 12.50  25.00 A", "生日蛋糕（6寸）           168.00 A", "合计 CNY 193.00"}},
      {charset::big5, {"白吐司          2 x 12.50  25.00 A", "生日蛋糕（6吋）           168.00 A", "合計 TWD 193.00"}},
      {charset::euc_kr, {"식빵            2 x 12.50  25.00 A", "생일 케이크 6인치         168.00 A", "합계 KRW 193"}}};
  for (const auto& l : languages) {
    printer_profile p;
    p.text = l.set;
    escpos::ticket t;
    for (const auto& text : l.lines)
      t.lines.emplace_back(text);
    t.lines.back().bold = true;
    CHECK(print(t, p, {.columns = 42, .wide = l.set}).lines == l.lines);
  }
}

TEST_CASE("wherever a ticket was torn, the next try shows its mark", "[devices][paper]") {
  printer_profile drawn;
  drawn.qr = qr_printing::dots;
  drawn.text = charset::gb18030;
  drawn.logo = {16, 8, bytes(16, '\x55')};
  for (const auto& profile : {printer_profile{}, drawn}) {
    escpos::ticket t;
    t.logo = true;
    t.lines = {"Bread  1.00", "3.5f0c1a2b3c4d5e6f.41"};
    t.qr = "TALLYR2." + std::string(180, 'q');
    t.barcode = "41";
    const auto ticket = escpos::encode(t, profile);
    escpos::ticket head;
    head.duplicate_mark = "TWICE?";
    head.cut = false;
    const auto mark = escpos::encode(head, profile);
    REQUIRE(ticket.ok());
    REQUIRE(mark.ok());
    for (std::size_t cut = 0; cut < ticket->size(); ++cut) {
      spool_machine spool({false, *mark});
      (void)spool.able(true);
      (void)spool.add("r", {*ticket});
      (void)spool.durable(1);
      (void)spool.uncertain(1, true);
      const auto again = spool.durable(1);
      REQUIRE(again.size() == 1);
      printer_emulator p;
      (void)p.feed(byte_view(*ticket).substr(0, cut));
      (void)p.feed(std::get<spool_print>(again.front()).data);
      INFO("torn after " << cut << " of " << ticket->size());
      REQUIRE_FALSE(p.tickets().empty());
      std::string paper;
      for (const auto& l : p.tickets().back().lines)
        paper += l + "\n";
      CHECK(paper.find("TWICE?") != std::string::npos);
      CHECK(paper.find("3.5f0c1a2b3c4d5e6f.41", paper.find("TWICE?")) != std::string::npos);
    }
  }
}

TEST_CASE("a heading that is too wide in double size is only as high", "[devices][paper]") {
  printer_profile p;
  p.columns = 32;
  escpos::ticket t;
  t.copy_mark = "SIXTEEN LETTERS.";
  t.duplicate_mark = "POSSIBLE DUPLICATE";
  CHECK(print(t, p, {.columns = 32}).lines ==
        std::vector<std::string>{"SIXTEEN LETTERS.", "       POSSIBLE DUPLICATE"});
}

TEST_CASE("a large heading of wide characters is centred as wide as it is", "[devices][paper]") {
  printer_profile p;
  p.text = charset::gb18030;
  p.columns = 32;
  escpos::ticket t;
  t.copy_mark = "** 副本 **";  // 10 columns, doubled 20 of 32
  t.lines = {"x"};
  CHECK(print(t, p, {.columns = 32, .wide = charset::gb18030}).lines ==
        std::vector<std::string>{"      ** 副本 **", "x"});
}

TEST_CASE("a code drawn in dots is the code that the printer would draw", "[devices][paper]") {
  escpos::ticket t;
  t.qr = "tallystick:receipt:3.5f0c1a2b3c4d5e6f.41";
  printer_profile p;
  const auto native = print(t, p, {});
  CHECK(native.qr == t.qr);
  CHECK(native.pictures.empty());
  p.qr = qr_printing::dots;
  p.columns = 32;
  const auto dots = print(t, p, {.columns = 32});
  CHECK(dots.qr.empty());
  REQUIRE(dots.pictures.size() == 1);
  const auto& picture = dots.pictures.front();
  CHECK(picture.width <= p.dots());
  const auto code = qr_raster(t.qr, 6);
  REQUIRE(code.ok());
  CHECK(picture.height == code->height);
  for (std::size_t y = 0; y < code->height; ++y)
    for (std::size_t x = 0; x < code->width; ++x)
      REQUIRE(picture.black(x, y) == code->black(x, y));
}

TEST_CASE("a barcode and a logo reach the paper", "[devices][paper]") {
  escpos::ticket t;
  t.barcode = "9704000000011239";
  t.logo = true;
  printer_profile p;
  p.logo = *parse_pbm("P1 16 2 1111111111111111 1000000000000001");
  const auto paper = print(t, p, {});
  CHECK(paper.lines.at(0).find("[PICTURE 16 x 2]") != std::string::npos);
  CHECK(paper.lines.at(1).find("[BARCODE] 9704000000011239") != std::string::npos);
  REQUIRE(paper.pictures.size() == 1);
  CHECK(paper.pictures.front() == p.logo);
}

TEST_CASE("an overheated head is told apart from a fault", "[devices][paper]") {
  printer_emulator p;
  escpos::status_reader r;
  (void)r.feed(p.feed(escpos::enable_asb()));
  CHECK(r.status().online);
  (void)r.feed(p.set_overheated(true));
  CHECK(r.status().overheated);
  CHECK_FALSE(r.status().error);
  (void)r.feed(p.set_error(true));
  CHECK(r.status().error);
  (void)r.feed(p.set_overheated(false));
  (void)r.feed(p.set_error(false));
  CHECK_FALSE(r.status().overheated);
  CHECK(r.status().online);
  // Asked for in turn, with the round that the machine makes.
  (void)p.set_overheated(true);
  escpos::status_reader asked;
  for (int n = 1; n <= 4; ++n) {
    asked.expect(n);
    (void)asked.feed(p.feed(escpos::status_request(n)));
  }
  CHECK(asked.status().overheated);
  CHECK_FALSE(asked.status().error);
  CHECK_FALSE(asked.status().online);
}
