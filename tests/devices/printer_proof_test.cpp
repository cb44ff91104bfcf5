// What it costs when a printer cannot prove its tickets, or an answer is lost: none twice without mark, none for ever.
#include "devices/escpos_skip.hpp"
#include "devices/printer.hpp"
#include "devices/wired_printer.hpp"

using namespace tally;
using namespace tally::test;
using namespace std::string_literals;

TEST_CASE("a printer that lacks process ids is found out with its first ticket, which is printed once",
          "[devices][printer]") {
  wired_printer w({}, {.process_ids = false, .clears = false});
  w.connect();
  CHECK(w.told() == texts{"ready"});
  REQUIRE(w.start(1));
  w.run(26'000);
  CHECK(w.told().empty());
  w.run(4'000);
  CHECK(w.told() == texts{"no ids", "printed 1"});
  CHECK(w.printer.tickets().size() == 1);
  REQUIRE(w.start(2));
  CHECK(w.told() == texts{"printed 2"});
  CHECK(w.printer.tickets().size() == 2);
  // The next connection is to the same printer.
  w.apply(w.machine.on_disconnected());
  w.connect();
  REQUIRE(w.start(3));
  CHECK(w.told() == texts{"offline", "ready", "printed 3"});
}

TEST_CASE("a lost ticket is not taken for a printer without process ids", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.deaf = true;  // a serial line without flow control dropped it all
  REQUIRE(w.start(1));
  w.deaf = false;
  (void)w.told();
  w.run(30'000);
  CHECK(w.told() == texts{"uncertain 1"});
  REQUIRE(w.start(2));
  CHECK(w.told() == texts{"printed 2"});
}

TEST_CASE("a printer that proves nothing in any way is not given one ticket for ever", "[devices][printer]") {
  for (const auto proof : {print_proof::process_id, print_proof::taken}) {
    wired_printer w({.proof = proof}, {.process_ids = false, .clears = false, .sensor = false});
    w.connect();
    (void)w.told();
    std::vector<std::string> all;
    for (std::uint64_t job = 1; job <= 4; ++job) {
      REQUIRE(w.start(job));
      w.run(34'000);
      for (auto& t : w.told())
        all.push_back(std::move(t));
    }
    CHECK(all == texts{"uncertain 1", "uncertain 2", "printed 3", "printed 4"});
  }
}

TEST_CASE("by the paper sensor, an answer that never came is not waited for twice", "[devices][printer]") {
  wired_printer w{{.proof = print_proof::taken}};
  // The first ticket ends in what somebody left open: its request for the sensor is lost with it.
  (void)w.printer.feed("\x1D(k\x20\x00\x31\x50\x30"s);
  w.connect();
  REQUIRE(w.start(1));
  w.run(30'000);
  CHECK(w.told().back() == "uncertain 1");
  REQUIRE(w.start(2));
  w.run(30'000);
  CHECK(w.told() == texts{"uncertain 2"});  // its answer was taken for that to the first
  REQUIRE(w.start(3));
  CHECK(w.told() == texts{"printed 3"});
}

TEST_CASE("a connection that broke in a ticket is followed by clear buffers", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.printer.set_lines_left(1);
  REQUIRE(w.start(1, "one\ntwo\n\x1DV\x01"));
  w.apply(w.machine.on_disconnected());
  (void)w.told();
  w.sent.clear();
  w.connect();
  CHECK(w.sent.starts_with(escpos::clear_buffers()));
  CHECK(w.told() == texts{"paper_out"});
  w.change(w.printer.set_paper(paper_state::ok));
  REQUIRE(w.start(2));
  CHECK(w.told() == texts{"ready", "printed 2"});
  CHECK(w.printer.tickets().size() == 1);
  // Not after one that was proved; and where nothing is answered it goes on.
  w.apply(w.machine.on_disconnected());
  w.sent.clear();
  w.connect();
  CHECK(w.sent.starts_with(escpos::enable_asb()));
  wired_printer old({}, {.clears = false});
  old.connect();
  old.mute = true;
  REQUIRE(old.start(1));
  old.apply(old.machine.on_disconnected());
  old.mute = false;
  (void)old.told();
  old.connect();
  CHECK(old.told().empty());
  old.run(3'000);
  CHECK(old.told() == texts{"ready"});
}

TEST_CASE("one stray octet costs no more than a repeated question", "[devices][printer]") {
  for (const auto* stray : {"\x37", "\x5F", "\x10"}) {
    wired_printer w;
    w.connect();
    (void)w.told();
    w.apply(w.machine.on_bytes(stray, w.now));
    w.run(20'000);
    CHECK(w.told().empty());
    REQUIRE(w.start(1));
    CHECK(w.told() == texts{"printed 1"});
    // Right before the proof it takes nothing of it.
    w.apply(w.machine.on_bytes(stray, w.now));
    REQUIRE(w.start(2));
    CHECK(w.told() == texts{"printed 2"});
  }
}

TEST_CASE("a ticket that begins with a reset leaves the printer telling of itself", "[devices][printer]") {
  wired_printer w;
  w.connect();
  REQUIRE(w.start(1,
                  "\x1B@"
                  "ticket\n"));
  CHECK(w.sent.ends_with(escpos::enable_asb() + escpos::process_id_request(escpos::make_process_id(0))));
}

TEST_CASE("no stray octet proves a ticket, nor any answer while the ticket waits", "[devices][printer]") {
  wired_printer w{{.proof = print_proof::taken}};
  w.connect();
  (void)w.told();
  w.deaf = true;  // the printer's answers are made up here
  REQUIRE(w.start(1));
  for (const char c : "\x01\x02\x08\x20\x2F\x48\x80\xFF"s)  // of more than eight none would count
    w.apply(w.machine.on_bytes(std::string(1, c), w.now));
  CHECK(w.told().empty());
  w.machine.sending(40, w.now);
  w.apply(w.machine.on_bytes("\0"s, w.now));
  CHECK(w.told().empty());
  // A request for its status behind it may wait; the ticket itself has left.
  w.machine.sending(0, w.now);
  w.apply(w.machine.on_bytes("\0"s, w.now));
  CHECK(w.told() == texts{"printed 1"});
}

TEST_CASE("what waits behind the ticket, or was put in front, does not hold its proof back", "[devices][printer]") {
  wired_printer w{{.proof = print_proof::taken}};
  w.connect();
  (void)w.told();
  w.deaf = true;
  REQUIRE(w.start(1));
  w.machine.sending(45, w.now);  // a command of 5 octets for the drawer stands in front
  w.machine.sending(3, w.now);   // of a question, which the ticket's end may be as well
  w.apply(w.machine.on_bytes("\0"s, w.now));
  CHECK(w.told().empty());
  w.machine.sending(0, w.now);
  w.apply(w.machine.on_bytes("\0"s, w.now));
  CHECK(w.told() == texts{"printed 1"});
}

namespace {

std::string long_ticket(int lines) {
  std::string t;
  for (int i = 0; i < lines; ++i)
    t += "line " + std::to_string(i) + " of a long receipt\n";
  return t + "\x1DV\x01";
}

}  // namespace

TEST_CASE("a printer on a line that was off for a moment in mid-ticket does not count as printed",
          "[devices][printer]") {
  wired_printer w{{.mark_every = 400}};
  w.connect();
  REQUIRE(w.start(1));  // from now on it is known to have process IDs
  (void)w.told();
  // Undisturbed: marks at ends of lines, and nothing else is changed on paper.
  REQUIRE(w.start(2, long_ticket(100)));
  CHECK(w.told() == texts{"printed 2"});
  REQUIRE(w.printer.tickets().size() == 2);
  CHECK(w.printer.tickets().back().lines.size() == 100);
  w.sent.clear();
  // Octets in the middle are lost, a mark among them; what comes afterwards is printed and proved.
  w.deaf = true;
  w.sent.clear();
  REQUIRE(w.start(3, long_ticket(100)));
  const auto first = w.sent.find("\x1D(H"), second = w.sent.find("\x1D(H", first + 1);
  REQUIRE(second != std::string::npos);
  CHECK(w.sent[first - 1] == '\n');
  w.answers += w.printer.feed(w.sent.substr(0, first - 20));
  w.answers += w.printer.feed(w.sent.substr(second - 20));
  w.talk();
  CHECK(w.told() == texts{"uncertain 3"});
}

TEST_CASE("marks stand around each long command, and a picture comes in bands", "[devices][printer]") {
  escpos::ticket t;
  t.lines = {"one", "two"};
  t.qr = "https://example.com/a-code-that-is-long-enough-to-be-some-hundreds-of-octets-as-a-picture";
  wired_printer w{{.mark_every = 256}};
  w.connect();
  REQUIRE(w.start(1));
  for (const auto qr : {qr_printing::native, qr_printing::dots}) {
    printer_profile profile;
    profile.qr = qr;
    const auto plain = *escpos::encode(t, profile);
    w.sent.clear();
    REQUIRE(w.start(2, plain));
    CHECK(w.told().back() == "printed 2");
    // Nothing between two marks takes longer than a moment without power, but a row of dots has to be whole.
    const auto& paper = w.printer.tickets();
    std::size_t longest = 0, last = 0;
    for (auto at = w.sent.find("\x1D(H"); at != std::string::npos; at = w.sent.find("\x1D(H", at + 1)) {
      longest = std::max(longest, at - last);
      last = at;
    }
    CHECK(longest < 400);
    // The same on paper as without marks.
    printer_emulator other;
    (void)other.feed(plain);
    REQUIRE(!other.tickets().empty());
    auto with = paper.back().lines, without = other.tickets().back().lines;
    for (auto* lines : {&with, &without})
      std::erase_if(*lines, [](const std::string& l) { return l.find("PICTURE") != std::string::npos; });
    CHECK(with == without);
    CHECK((qr == qr_printing::native) == (paper.back().lines.size() == other.tickets().back().lines.size()));
  }
}

TEST_CASE("what fills a command that was left open has no mark in it", "[devices][printer]") {
  wired_printer w{{.mark_every = 256}};
  w.connect();
  REQUIRE(w.start(1));
  w.sent.clear();
  REQUIRE(w.start(2, std::string(600, '\0') + long_ticket(30)));
  CHECK(w.sent.find_first_not_of('\0') == 600);
  CHECK(w.told().back() == "printed 2");
}

TEST_CASE("a picture in bands is the same picture", "[devices][printer]") {
  using namespace std::string_literals;
  const std::string dots = "abcdefghijklmnopqrst";
  const auto cut = escpos::bands("\x1D\x76\x30\x00\x04\x00\x05\x00"s + dots, 8);
  REQUIRE(cut.size() == 3);
  CHECK(cut[0] == "\x1D\x76\x30\x00\x04\x00\x02\x00"s + dots.substr(0, 8));
  CHECK(cut[2] == "\x1D\x76\x30\x00\x04\x00\x01\x00"s + dots.substr(16));
  CHECK(escpos::bands("\x1D\x76\x30\x00\x04\x00\x05\x00"s + "abc", 8).size() == 1);  // torn
  CHECK(escpos::bands("text", 1) == std::vector<bytes>{"text"});
}

TEST_CASE("a printer that does not return each mark gets none any more, and its copies end", "[devices][printer]") {
  wired_printer w{{.mark_every = 256}};
  w.connect();
  REQUIRE(w.start(1));
  (void)w.told();
  int tickets = 0;
  for (bool printed = false; !printed && tickets < 10; ++tickets) {
    w.deaf = true;
    w.sent.clear();
    REQUIRE(w.start(2, long_ticket(100)));
    w.deaf = false;
    // Of all IDs it answers the last alone.
    const auto last = w.sent.rfind("\x1D(H");
    w.change("\x37\x22" + w.sent.substr(last + 7, 4) + '\0');
    const auto told = w.told();
    printed = std::ranges::find(told, "printed 2") != told.end();
  }
  CHECK(tickets == 4);
}

TEST_CASE("only a printer that has process IDs is given marks", "[devices][printer]") {
  wired_printer fresh{{.mark_every = 400}};
  fresh.connect();
  fresh.sent.clear();
  REQUIRE(fresh.start(1, long_ticket(100)));
  CHECK(fresh.sent.find("\x1D(H") > fresh.sent.rfind("line 99"));
  wired_printer without{{.proof = print_proof::taken, .mark_every = 400}};
  without.connect();
  REQUIRE(without.start(1, long_ticket(100)));
  REQUIRE(without.start(2, long_ticket(100)));
  CHECK(without.sent.find("\x1D(H") == std::string::npos);
}

TEST_CASE("a start after a broken one clears the printer's buffers first", "[devices][printer]") {
  wired_printer w{{.doubtful = true}};
  w.connect();
  CHECK(w.sent.starts_with(escpos::clear_buffers()));
  // Without process IDs it is asked for its sensor, which it answers behind what it has; and nothing is sent before.
  wired_printer old{{.proof = print_proof::taken, .doubtful = true}};
  old.deaf = true;
  old.connect();
  CHECK(old.sent == escpos::paper_request());
  old.run(20'000);  // a printer that is full may take its time
  CHECK(old.told().empty());
  CHECK(old.sent == escpos::paper_request());
  old.deaf = false;
  old.change("\0"s);
  CHECK(old.sent.starts_with(escpos::paper_request() + escpos::enable_asb()));
  CHECK(old.machine.state() == printer_state::ready);
}

TEST_CASE("what another device says in single octets is no state of a printer", "[devices][printer]") {
  wired_printer w;
  w.deaf = true;
  w.apply(w.machine.on_connected(w.now));
  for (int again = 0; again < 3; ++again)
    for (const char c : "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\nready\r\n"s) {
      w.now += 50;
      w.apply(w.machine.on_bytes(std::string(1, c), w.now));
      w.apply(w.machine.tick(w.now));
    }
  w.run(15'000);
  const auto told = w.told();
  CHECK(std::ranges::find(told, "drop") != told.end());
  for (const auto& t : told)
    CHECK((t == "drop" || t == "offline"));
}

TEST_CASE("what another device says at once is no state of a printer", "[devices][printer]") {
  for (const auto& talk :
       {"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n"s, "220 mail.example.com ESMTP Postfix\r\n"s,
        "HTTP/1.1 400 Bad Request\r\nDate: Thu, 26 Nov 2026 12:22:22 GMT\r\n\r\n"s, "0000"s, "2222"s}) {
    wired_printer w;
    w.deaf = true;
    w.apply(w.machine.on_connected(w.now));
    w.apply(w.machine.on_bytes(talk, w.now));
    w.run(15'000);
    for (const auto& t : w.told())
      CHECK((t == "drop" || t == "offline"));
  }
}
