#include "node/ticket.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "devices/escpos_render.hpp"
#include "node/receipt_template.hpp"

using namespace tally;

namespace {

receipt sample() {
  receipt r;
  r.kind = "sale";
  r.id = "3.5f0c1a2b3c4d5e6f.41";
  r.terminal = 201;
  r.counter = 8;
  r.store = "Store A";
  r.lines = {{1, "白面包", 2, 1'250, 2'500, "A"}, {2, "Milk, 250 ml", 1, 650, 650, "B"}};
  r.total = 3'150;
  r.tenders = {{"card", 2'500}, {"cash", 650}};
  r.taxes = {{"A", "13.00", 288}};
  r.masked = "**** 3931";
  r.here = 2'500;
  return r;
}

receipt_layout layout_of(language l, charset set, std::size_t columns) {
  receipt_layout out;
  out.lang = l;
  out.printer.text = set;
  out.printer.columns = columns;
  return out;
}

}  // namespace

TEST_CASE("each language has its words, and each sum stands at the right edge", "[node][ticket]") {
  struct row {
    language l;
    charset set;
    std::size_t columns;
    const char *total, *copy;
  };
  for (const auto& r : {row{language::en, charset::cp437, 42, "TOTAL CNY", "** COPY **"},
                        row{language::zh_hans, charset::gb18030, 32, "合计 CNY", "** 副本 **"},
                        row{language::zh_hant, charset::big5, 48, "合計 CNY", "** 副本 **"},
                        row{language::ko, charset::euc_kr, 42, "합계 CNY", "** 재발행 **"}}) {
    const auto layout = layout_of(r.l, r.set, r.columns);
    const auto text = receipt_text(sample(), ticket_balance::printed, layout);
    const text_codec codec(r.set);
    int sums = 0;
    for (const auto& l : text) {
      INFO(l);
      CHECK(codec.columns(l) <= r.columns);
      if (l.ends_with("25.00 A") || l.ends_with("31.50") || l.ends_with("6.50")) {
        CHECK(codec.columns(l) == r.columns);
        ++sums;
      }
    }
    CHECK(sums == 3);
    CHECK(std::any_of(text.begin(), text.end(), [&](const auto& l) { return l.starts_with(r.total); }));
    // From the preview to paper and back.
    const auto data = receipt_ticket(sample().id, text, true, layout);
    REQUIRE(data.ok());
    printer_emulator printer({.columns = r.columns, .wide = is_wide(r.set) ? r.set : charset::gb18030});
    (void)printer.feed(*data);
    REQUIRE(printer.tickets().size() == 1);
    auto paper = printer.tickets().front().lines;
    CHECK(paper.front().find(r.copy) != std::string::npos);
    paper.erase(paper.begin());
    CHECK(paper == text);
  }
}

TEST_CASE("the level is under the card, in each language", "[node][ticket]") {
  for (const auto& [l, set, plain, fresh] :
       {std::tuple(language::en, charset::cp437, "  level: Gold", "  new level: Gold"),
        std::tuple(language::zh_hans, charset::gb18030, "  等级: Gold", "  新等级: Gold"),
        std::tuple(language::zh_hant, charset::big5, "  等級: Gold", "  新等級: Gold"),
        std::tuple(language::ko, charset::euc_kr, "  등급: Gold", "  새 등급: Gold")}) {
    auto r = sample();
    auto has = [&, l = l, set = set](const char* row) {
      auto text = receipt_text(r, ticket_balance::printed, layout_of(l, set, 32));
      return std::ranges::find(text, std::string(row)) != text.end();
    };
    r.new_level = true;
    CHECK_FALSE(has(fresh));
    r.level = "Gold";
    CHECK(has(fresh));
    r.new_level = false;
    CHECK(has(plain));
  }
}

TEST_CASE("a ticket is 42 columns wide whatever is on it", "[node][ticket]") {
  receipt r;
  r.kind = "sale";
  r.id = "3.5f0c1a2b3c4d5e6f.18446744073709551615";
  r.store = std::string(60, 'S');
  r.header = "超市超市超市超市超市超市超市超市超市超市超市超市超市\n\n" + std::string(100, 'h');
  r.lines = {{1, "Bread", 2, 1'250, 2'500, "A"},
             {2, "面包面包面包面包面包面包面包面包面包面包面包面包面包", 9'999, 1'250, 12'498'750, "A"}};
  r.total = 12'501'250;
  r.tenders = {{"card", 12'501'250}};
  r.masked = "**** 3931";
  r.here = 0;
  receipt_layout layout;
  layout.printer.text = charset::gb18030;
  auto text = receipt_text(r, ticket_balance::printed, layout);
  for (const auto& l : text) {
    std::size_t columns = 0;
    for (char c : l)
      if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) columns += static_cast<unsigned char>(c) >= 0xe3 ? 2 : 1;
    CHECK(columns <= 42);
  }
  CHECK(std::find(text.begin(), text.end(), "Bread                   2 x 12.50  25.00 A") != text.end());
  CHECK(receipt_ticket(r.id, text, true).ok());
}

TEST_CASE("what is too wide goes on in the next line, and nothing is cut", "[node][ticket]") {
  auto r = sample();
  r.store = "A very long name of a shop";
  r.header = "Number 12, Long Street, at the corner\nsecond";
  r.form.layout = "{header}\n{centre}Open from 8:00 to 20:00 every day\nid{right}on {store} today\n{total}\n{id}\n";
  const auto layout = layout_of(language::en, charset::cp437, 24);
  const auto text = receipt_text(r, ticket_balance::printed, layout);
  REQUIRE(text.size() > 8);
  CHECK(std::vector<std::string>(text.begin(), text.begin() + 8) ==
        std::vector<std::string>{"Number 12, Long Street,", "     at the corner", "         second",
                                 "Open from 8:00 to 20:00", "       every day", "id", "on A very long name of a",
                                 "              shop today"});
}

TEST_CASE("a large basket on the narrowest paper is one ticket", "[node][ticket]") {
  auto r = sample();
  r.lines.clear();
  for (int n = 0; n < 200; ++n) {
    receipt::line l{1, "Whole grain bread with sunflower seeds, sliced, 750 g", 2, 1'250, 2'250, "A"};
    l.discount = 250;
    l.discount_name = "Ten per cent for gold cards";
    r.lines.push_back(l);
  }
  const auto layout = layout_of(language::en, charset::cp437, 24);
  const auto text = receipt_text(r, ticket_balance::printed, layout);
  CHECK(text.size() > 1'000);
  const auto data = receipt_ticket(r.id, text, false, layout);
  REQUIRE(data.ok());
  printer_emulator printer({.columns = 24});
  (void)printer.feed(*data);
  REQUIRE(printer.tickets().size() == 1);
  CHECK(printer.tickets().front().lines == text);
}

TEST_CASE("what the printer's code lacks is a mark on the screen too", "[node][ticket]") {
  const auto text = receipt_text(sample(), ticket_balance::printed, layout_of(language::en, charset::cp437, 42));
  CHECK(std::any_of(text.begin(), text.end(), [](const auto& l) { return l.starts_with("???  "); }));
}

TEST_CASE("narrow paper takes two lines where one is too short, and breaks a long number", "[node][ticket]") {
  auto r = sample();
  r.id = "3.5f0c1a2b3c4d5e6f.18446744073709551615";
  r.lines[0].name = "全麦面包全麦面包全麦面包";
  const auto text = receipt_text(r, ticket_balance::printed, layout_of(language::zh_hans, charset::gb18030, 32));
  const auto at = std::find(text.begin(), text.end(), "全麦面包全麦面包全麦面包");
  REQUIRE(at != text.end());
  CHECK(*(at + 1) == "              2 x 12.50  25.00 A");
  const auto id = std::find(text.begin(), text.end(), r.id.substr(0, 32));
  REQUIRE(id != text.end());
  CHECK(*(id + 1) == r.id.substr(32));
}

TEST_CASE("a receipt is laid out as its rules say", "[node][ticket]") {
  auto r = sample();
  r.header = "Bakery";
  r.form.layout =
      "{centre}** {store} **\n"
      "{lines}\n"
      "{total}\n"
      "Card {right}{card_number}\n"
      "\n"
      "Two loaves, one free: every Friday until noon\n"
      "{id}\n";
  const auto layout = layout_of(language::en, charset::gb18030, 32);
  CHECK(receipt_text(r, ticket_balance::printed, layout) ==
        std::vector<std::string>{"         ** Store A **", "白面包        2 x 12.50  25.00 A",
                                 "Milk, 250 ml    1 x 6.50  6.50 B", std::string(32, '-'),
                                 "TOTAL CNY                  31.50", "Card                   **** 3931", "",
                                 "Two loaves, one free: every", "Friday until noon", r.id});
  // A line whose fields are all empty is left out.
  r.masked.clear();
  r.form.layout = "{card_number}\n{total}\n{id}\n";
  CHECK(receipt_text(r, ticket_balance::printed, layout).size() == 2);
  // One that this program cannot read gives the usual receipt.
  r.form.layout = "{from_the_future}";
  const auto usual = receipt_text(r, ticket_balance::printed, layout);
  r.form.layout = usual_layout;
  CHECK(receipt_text(r, ticket_balance::printed, layout) == usual);
  CHECK(usual.size() > 8);
}

TEST_CASE("whatever a layout holds, it is refused or fits on the paper", "[node][ticket]") {
  const std::vector<std::string> pieces{"{total}\n", "{id}\n",  "{",         "}",        "{store}",
                                        "{centre}",  "{right}", "{lines}\n", "{card}\n", "\n",
                                        "面包",      " word",   "{sum}",     "{time}",   "\r\n"};
  std::mt19937_64 random(7);
  const auto layout = layout_of(language::ko, charset::euc_kr, 32);
  const text_codec codec(charset::euc_kr);
  auto r = sample();
  int accepted = 0;
  for (int i = 0; i < 3'000; ++i) {
    r.form.layout = i % 2 == 0 ? "{total}\n{id}\n" : "";
    for (auto n = random() % 12; n > 0; --n)
      r.form.layout += pieces[random() % pieces.size()];
    accepted += parse_layout(r.form.layout).ok() ? 1 : 0;
    for (const auto& l : receipt_text(r, ticket_balance::printed, layout))
      REQUIRE(codec.columns(l) <= 32);
  }
  CHECK(accepted > 100);
}

TEST_CASE("a receipt is printed as often as its rules say, once unmarked", "[node][ticket]") {
  auto r = sample();
  r.form.copies = 3;
  const auto layout = layout_of(language::en, charset::cp437, 42);
  const auto text = receipt_text(r, ticket_balance::printed, layout);
  const auto tickets = receipt_tickets(r, text, layout);
  REQUIRE(tickets.ok());
  REQUIRE(tickets->size() == 3);
  CHECK((*tickets)[0] == *receipt_ticket(r.id, text, false, layout));
  CHECK((*tickets)[1] == *receipt_ticket(r.id, text, true, layout));
  CHECK((*tickets)[2] == (*tickets)[1]);
}

TEST_CASE("a receipt's QR code says its id, when it is asked for", "[node][ticket]") {
  auto layout = layout_of(language::en, charset::cp437, 42);
  const auto printed = [&] {
    printer_emulator printer;
    (void)printer.feed(
        *receipt_ticket(sample().id, receipt_text(sample(), ticket_balance::printed, layout), false, layout));
    return printer.tickets().at(0).qr;
  };
  CHECK(printed().empty());
  layout.qr = true;
  CHECK(printed() == "TALLYR1:" + sample().id);
}

TEST_CASE("the code that proves a receipt stands under it where its layout says so", "[node][ticket]") {
  auto r = sample();
  const auto without = receipt_text(r, ticket_balance::printed, layout_of(language::en, charset::cp437, 42));
  r.proof = "TALLYR2." + std::string(300, 'x');
  struct row {
    language l;
    charset set;
    std::size_t columns;
    qr_printing qr;
  };
  for (const auto& it : {row{language::en, charset::cp437, 24, qr_printing::native},
                         row{language::zh_hans, charset::gb18030, 32, qr_printing::dots},
                         row{language::zh_hant, charset::big5, 42, qr_printing::native},
                         row{language::ko, charset::euc_kr, 48, qr_printing::dots}}) {
    auto layout = layout_of(it.l, it.set, it.columns);
    layout.qr = true;  // the number alone is for receipts without proof
    layout.printer.qr = it.qr;
    const auto text = receipt_text(r, ticket_balance::printed, layout);
    INFO(text.back());
    CHECK(text.back().find_first_not_of(' ') != text.back().npos);
    CHECK(text.back().find('?') == text.back().npos);
    printer_emulator printer({.columns = it.columns, .wide = is_wide(it.set) ? it.set : charset::gb18030});
    (void)printer.feed(*receipt_ticket(r.id, text, false, layout, r.proof));
    REQUIRE(printer.tickets().size() == 1);
    const auto& ticket = printer.tickets().front();
    if (it.qr == qr_printing::native) {
      CHECK(ticket.qr == r.proof);
    } else {
      REQUIRE(ticket.pictures.size() == 1);
      CHECK(ticket.pictures.front().width <= layout.printer.dots());
      CHECK(ticket.pictures.front().height >= 3 * 53);
    }
  }
  // A layout of its own shows it only where it asks for it.
  r.form.layout = "{total}\n{id}\n";
  CHECK_FALSE(layout_proves(r.form.layout));
  CHECK(layout_proves(""));
  CHECK(layout_proves("{total}\n{id}\n{proof}\n"));
  CHECK(parse_layout("{proof}\n{total}\n{id}\n").code() == errc::bad_rules);
  CHECK(parse_layout("{total}\n{id}\n{proof}\n\n").code() == errc::bad_rules);
  r.form.layout.clear();
  r.proof.clear();
  CHECK(receipt_text(r, ticket_balance::printed, layout_of(language::en, charset::cp437, 42)) == without);
}

TEST_CASE("the head of a possible duplicate cuts nothing", "[node][ticket]") {
  const auto layout = layout_of(language::ko, charset::euc_kr, 42);
  printer_emulator printer({.columns = 42, .wide = charset::euc_kr});
  (void)printer.feed(duplicate_head(layout));
  CHECK(printer.tickets().empty());
  REQUIRE(printer.uncut_lines().size() == 1);
  CHECK(printer.uncut_lines()[0].find("중복 인쇄 가능") != std::string::npos);
}
