#include "devices/printer.hpp"

#include <map>

#include "devices/fuzz.hpp"
#include "devices/wired_printer.hpp"

using namespace tally;
using namespace tally::test;
using namespace std::string_literals;

TEST_CASE("a ready printer prints a job and proves it", "[devices][printer]") {
  wired_printer w;
  CHECK(w.machine.state() == printer_state::offline);
  w.connect();
  CHECK(
      w.sent.starts_with("\x1D"
                         "a\x0E\x10\x04\x01"));
  CHECK(w.told() == texts{"ready"});
  CHECK(w.start(7));
  CHECK(w.told() == texts{"printed 7"});
  CHECK(w.machine.idle());
  CHECK(w.printer.tickets().size() == 1);
  CHECK(w.start(8));
  CHECK(w.told() == texts{"printed 8"});
}

TEST_CASE("a job waits for a connection", "[devices][printer]") {
  wired_printer w;
  CHECK(w.start(1));
  CHECK_FALSE(w.start(2));
  CHECK(w.machine.start(2, "x", w.now).code() == errc::busy);
  CHECK(w.sent.empty());
  CHECK(w.told().empty());
  w.connect();
  CHECK(w.told() == texts{"ready", "printed 1"});
}

TEST_CASE("a job waits for paper and cover, and low paper is enough", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  w.change(w.printer.set_paper(paper_state::out));
  CHECK(w.told() == texts{"paper_out"});
  w.sent.clear();
  CHECK(w.start(1));
  CHECK(w.sent.empty());
  w.change(w.printer.set_cover_open(true));
  w.run(600'000);
  CHECK(w.told() == texts{"cover_open"});
  w.change(w.printer.set_paper(paper_state::low));
  w.change(w.printer.set_cover_open(false));
  CHECK(w.told() == texts{"paper_low", "printed 1"});
  CHECK(w.printer.tickets().size() == 1);
}

TEST_CASE("status is polled when the printer tells nothing by itself", "[devices][printer]") {
  wired_printer w;
  w.connect();
  CHECK(w.printer
            .feed("\x1D"
                  "a\x00"s)
            .empty());  // as a printer without Automatic Status Back
  w.told();
  w.change(w.printer.set_cover_open(true));
  CHECK(w.told().empty());
  w.run(2500);
  CHECK(w.told().back() == "cover_open");
  w.change(w.printer.set_cover_open(false));
  w.run(2500);
  CHECK(w.told().back() == "ready");
  w.change(w.printer.set_error(true));
  w.run(2500);
  CHECK(w.told().back() == "error");
  w.change(w.printer.set_error(false));
  w.change(w.printer.set_offline(true));
  w.run(2500);
  CHECK(w.told().back() == "offline");
}

TEST_CASE("paper that ends in the ticket: it goes on and is proved", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  w.printer.set_lines_left(1);
  CHECK(w.start(1, "one\ntwo\n\x1DV\x01"));
  CHECK(w.told() == texts{"paper_out"});
  w.run(3'600'000);
  CHECK(w.told().empty());
  w.change(w.printer.set_paper(paper_state::ok));
  CHECK(w.told() == texts{"printed 1", "ready"});
}

TEST_CASE("a connection lost after bytes were sent is uncertain, before that it is not", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  w.mute = true;
  CHECK(w.start(1));
  w.apply(w.machine.on_disconnected());
  CHECK(w.told() == texts{"uncertain 1", "offline"});
  CHECK(w.machine.idle());
  CHECK_FALSE(w.machine.deadline().has_value());
  CHECK(w.start(2));
  w.apply(w.machine.on_disconnected());
  CHECK(w.told().empty());
  w.mute = false;
  w.connect();
  CHECK(w.told() == texts{"ready", "printed 2"});
}

TEST_CASE("a printer that falls silent is offline, its job uncertain, the connection dropped", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  w.deaf = true;
  CHECK(w.start(1));
  w.run(29'999);
  CHECK(w.told() == texts{"offline"});
  w.run(1);
  CHECK(w.told() == texts{"uncertain 1", "drop"});
  w.run(600'000);
  CHECK(w.told().empty());
  w.apply(w.machine.on_disconnected());
  w.deaf = false;
  w.connect();
  CHECK(w.told() == texts{"ready"});
}

TEST_CASE("a printer that never answers is offline and holds nothing up for ever", "[devices][printer]") {
  wired_printer w;
  w.deaf = true;
  w.connect();
  CHECK(w.start(1));
  w.run(9'999);
  CHECK(w.told().empty());
  CHECK(w.machine.state() == printer_state::offline);
  w.run(1);
  CHECK(w.told() == texts{"drop"});
  w.apply(w.machine.on_disconnected());
  CHECK_FALSE(w.machine.idle());  // not a byte was sent: the job is still to be printed
}

TEST_CASE("a printer that answers status but gives no proof leaves the job uncertain", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  auto r = w.machine.start(1, "x", w.now);
  REQUIRE(r.ok());
  REQUIRE(r->size() == 1);
  CHECK(std::get<printer_send>(r->front()).data ==
        "x\x1D"
        "a\x0E\x1D(H\x06\x00"
        "000000"s);
  w.run(26'999);
  CHECK(w.told().empty());
  w.run(1);  // asked again, it answers that question, and the ticket's is lost
  CHECK(w.told() == texts{"uncertain 1"});
  CHECK(w.start(2));
  CHECK(w.told() == texts{"printed 2"});
}

TEST_CASE("a late proof does not prove the next job", "[devices][printer]") {
  for (const auto proof : {print_proof::process_id, print_proof::taken}) {
    wired_printer w{{.proof = proof, .first_process = 5}};
    w.connect();
    CHECK(w.machine.start(1, "a", w.now).ok());
    w.run(30'000);
    CHECK(w.told().back() == "uncertain 1");
    CHECK(w.machine.start(2, "b", w.now).ok());
    const bytes late = proof == print_proof::taken ? "\0"s
                                                   : "\x37\x22"
                                                     "0005\0"s;
    const bytes ours = proof == print_proof::taken ? "\0"s
                                                   : "\x37\x22"
                                                     "0006\0"s;
    w.change(late);
    CHECK(w.told().empty());
    w.change(ours);
    CHECK(w.told() == texts{"printed 2"});
    w.change(ours);
    CHECK(w.told().empty());
  }
}

TEST_CASE("a printer that hangs in a foreign command is freed, and the ticket comes with the next try",
          "[devices][printer]") {
  wired_printer w;
  // Somebody sent half a picture of 60 kB to the printer's port and left.
  (void)w.printer.feed("\x1Dv0\x00\xFF\x00\xFF\x00half a picture"s);
  w.connect();
  CHECK(w.told() == std::vector<std::string>{"ready"});
  REQUIRE(w.start(1));
  w.run(29'000);
  CHECK(w.told().empty());
  CHECK(w.printer.tickets().empty());
  w.run(2'000);
  CHECK(w.told() == std::vector<std::string>{"uncertain 1"});
  REQUIRE(w.start(2));
  CHECK(w.told() == std::vector<std::string>{"printed 2"});
  CHECK(w.printer.tickets().size() == 1);
  // One that does not know the command is not waited for for ever.
  wired_printer old({}, {.clears = false});
  (void)old.printer.feed("\x1Dv0\x00\xFF\x00\xFF\x00half a picture"s);
  old.connect();
  REQUIRE(old.start(1));
  (void)old.told();
  old.run(30'000);
  CHECK(old.told() == std::vector<std::string>{"uncertain 1"});
  CHECK_FALSE(old.machine.able());
  old.run(4'000);
  CHECK(old.machine.able());
}

TEST_CASE("a printer without process ids proves by its paper sensor", "[devices][printer]") {
  wired_printer w{{.proof = print_proof::taken}};
  w.connect();
  w.told();
  CHECK(w.start(1));
  CHECK(w.sent.ends_with("\x1Dr\x01"));
  CHECK(w.told() == texts{"printed 1"});
}

TEST_CASE("answers that come late and together are not taken for others", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  w.mute = true;
  w.run(2000);
  w.run(3000);  // asked once, repeated once
  CHECK(w.told() == texts{"offline"});
  w.mute = false;
  w.change("\x12\x12");
  CHECK(w.told() == texts{"ready"});
  w.run(3000);
  CHECK(w.told().empty());
}

TEST_CASE("tickets are bounded", "[devices][printer]") {
  printer_machine m;
  CHECK(m.start(1, "", 0).code() == errc::malformed);
  CHECK(m.start(1, std::string(printer_machine::job_bytes_max + 1, 'x'), 0).code() == errc::malformed);
  CHECK(m.idle());
  CHECK(m.start(1, std::string(printer_machine::job_bytes_max, 'x'), 0).ok());
}

TEST_CASE("whatever happens, each job ends once", "[devices][printer][fuzz]") {
  const std::string_view pieces[] = {"\x12", "\x37\x22", "0000", "\x10", "\x7E", "\x16"};
  for (std::uint64_t seed = 31; seed < 51; ++seed) {
    INFO("seed " << seed);
    test::fuzz_source fuzz(seed);
    wired_printer w;
    std::map<std::string, int> ended;
    std::uint64_t job = 0;
    const auto count = [&] {
      for (const auto& t : w.told()) {
        if (t.starts_with("printed ")) ++ended[t.substr(8)];
        if (t.starts_with("uncertain ")) ++ended[t.substr(10)];
        if (t == "drop") {
          w.apply(w.machine.on_disconnected());
        }
      }
    };
    for (int step = 0; step < 3000; ++step) {
      switch (fuzz.below(10)) {
        case 0: w.connect(); break;
        case 1: w.apply(w.machine.on_disconnected()); break;
        case 2: w.change(w.printer.set_paper(static_cast<paper_state>(fuzz.below(3)))); break;
        case 3: w.change(w.printer.set_cover_open(fuzz.below(2) == 0)); break;
        case 4: w.apply(w.machine.on_bytes(fuzz.next(pieces), w.now)); break;
        case 5:
          w.mute = fuzz.below(4) == 0;
          w.deaf = fuzz.below(4) == 0;
          break;
        default:
          if (w.machine.idle()) CHECK(w.start(++job));
          w.run(static_cast<tick_ms>(fuzz.below(20'000)));
      }
      count();
    }
    w.mute = w.deaf = false;
    w.apply(w.machine.on_disconnected());
    w.printer.power_cycle();
    CHECK(w.printer.set_paper(paper_state::ok).empty());
    CHECK(w.printer.set_cover_open(false).empty());
    w.connect();
    count();
    CHECK(w.machine.idle());
    CHECK(ended.size() == job);
    CHECK(std::all_of(ended.begin(), ended.end(), [](const auto& e) { return e.second == 1; }));
    CHECK(job > 100);
  }
}

TEST_CASE("a slow printer has the time that its bytes take, and says nothing meanwhile", "[devices][printer]") {
  wired_printer w({.slowest_bytes_per_s = 100});
  w.connect();
  w.told();
  const bytes ticket(20'000, 'x');
  w.mute = w.deaf = true;  // it prints, and hears no request before it is done
  CHECK(w.start(1, ticket));
  w.run(200'000);
  CHECK(w.told() == texts{"offline"});  // 20,000 bytes take 200 s, and the proof 30 s more
  w.mute = w.deaf = false;
  w.change(w.printer.feed(ticket + "\n" + escpos::process_id_request(escpos::make_process_id(0))));
  w.run(4'000);
  CHECK(w.told() == texts{"printed 1", "ready"});
}

TEST_CASE("an overheated head is a state of its own, and the ticket goes on by itself", "[devices][printer]") {
  wired_printer w;
  w.connect();
  w.told();
  w.change(w.printer.set_overheated(true));
  CHECK(w.told() == texts{"overheated"});
  CHECK(w.start(1));
  w.run(60'000);
  CHECK(w.told().empty());
  w.change(w.printer.set_overheated(false));
  CHECK(w.told() == texts{"ready", "printed 1"});
}

TEST_CASE("a slow printer is not off-line while its ticket is on the way to it", "[devices][printer]") {
  wired_printer w;
  w.connect();
  (void)w.told();
  w.deaf = true;
  REQUIRE(w.start(1));
  // Half a minute of octets that leave slowly: requests wait behind them.
  for (std::size_t left = 3000; left > 0; left -= 100) {
    w.machine.sending(left, w.now);
    w.run(900);
  }
  CHECK(w.told().empty());
  // All has left, and no answer: now it counts.
  w.machine.sending(0, w.now);
  w.run(4'000);
  CHECK(w.told().front() == "offline");
}

TEST_CASE("a slow printer has as long to answer as it takes to print what is in front", "[devices][printer]") {
  wired_printer w{{.slowest_bytes_per_s = 100}};
  w.connect();
  (void)w.told();
  w.deaf = true;
  REQUIRE(w.start(1, bytes(1000, 'x') + "\n"));
  w.run(12'000);
  CHECK(w.told().empty());
  w.run(4'000);
  CHECK(w.told() == texts{"offline"});
}

TEST_CASE("what talks like another device is no printer with its cover open", "[devices][printer]") {
  wired_printer w;
  w.apply(w.machine.on_connected(w.now));
  w.apply(w.machine.on_bytes("HTTP/1.1 400 Bad Request\r\nServer: x\r\nContent-Length: 0\r\n\r\n", w.now));
  CHECK(w.told().empty());
  CHECK(w.machine.state() == printer_state::offline);
  w.talk();  // the printer itself
  CHECK(w.told() == texts{"ready"});
}
