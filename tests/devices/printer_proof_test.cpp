// What it costs when a printer cannot prove its tickets, or an answer is lost: none twice without mark, none for ever.
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
  for (const char c : "\x01\x02\x04\x08\x20\x21\x2F\x40\x48\x60\x80\xFF"s)
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
  w.machine.sending(40, w.now);
  w.machine.sent_aside(5);
  w.machine.sending(5, w.now);
  w.apply(w.machine.on_bytes("\0"s, w.now));
  CHECK(w.told() == texts{"printed 1"});
}
