#include "devices/track.hpp"

#include "devices/fuzz.hpp"
#include "devices/trace.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("every recorded trace gives what is written under it", "[devices][trace]") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TALLY_TRACES)) {
    if (entry.path().extension() != ".txt") continue;
    ++files;
    const trace t = read_trace(entry.path());
    REQUIRE_FALSE(t.cases.empty());
    REQUIRE((t.machine == "track" || t.machine == "barcode" || t.machine == "mixed"));
    for (const bool bytewise : {false, true}) {
      track_reader track{t.track};
      barcode_reader barcode{t.barcode};
      mixed_reader mixed{t.barcode, t.track};
      for (const auto& c : t.cases) {
        INFO(entry.path().filename() << ":" << c.line << (bytewise ? " byte by byte" : ""));
        const auto got = t.machine == "track"     ? run_case(track, c, bytewise)
                         : t.machine == "barcode" ? run_case(barcode, c, bytewise)
                                                  : run_case(mixed, c, bytewise);
        CHECK(got == c.expected);
      }
    }
  }
  CHECK(files == 7);
}

TEST_CASE("a flood without an end is one misread, and the next swipe is read", "[devices][track]") {
  track_reader r;
  auto got = to_texts(r.feed(";" + std::string(1'000'000, '1'), 0));
  CHECK(got == std::vector<std::string>{"misread too_long"});
  CHECK(r.buffered() == 0);
  CHECK_FALSE(r.deadline().has_value());
  got = to_texts(r.feed("11111?\r;97040039=2912101?\r", 10));
  CHECK(got == std::vector<std::string>{"card 2 97040039"});
}

TEST_CASE("a track of exactly the buffer's size is dropped, one below is judged", "[devices][track]") {
  track_reader r;
  CHECK(r.feed(";" + std::string(254, '1'), 0).empty());
  CHECK(r.buffered() == 255);
  CHECK(to_texts(r.feed("?", 0)) == std::vector<std::string>{"misread too_long"});
  CHECK(r.feed(";" + std::string(254, '1'), 0).empty());
  CHECK(to_texts(r.feed("1", 0)) == std::vector<std::string>{"misread too_long"});
  CHECK(r.feed("?", 0).empty());
}

TEST_CASE("time runs out without a tick as well, and the deadline says when", "[devices][track]") {
  track_reader r;
  CHECK_FALSE(r.deadline().has_value());
  CHECK(r.feed(";9704", 1000).empty());
  CHECK(r.deadline() == 1500);
  CHECK(to_texts(r.feed(";97040039=2912101?", 1500)) ==
        std::vector<std::string>{"misread incomplete", "card 2 97040039"});
  CHECK(r.feed("%B97040039^A^2912101?", 3000).empty());
  CHECK(r.deadline() == 3100);
  CHECK(to_texts(r.feed(";97040047=2912101?", 3100)) == std::vector<std::string>{"card 1 97040039", "card 2 97040047"});
}

TEST_CASE("unplugging forgets half a swipe", "[devices][track]") {
  track_reader r;
  CHECK(r.feed("%B97040039^A^2912101?;9704", 0).empty());
  r.reset();
  CHECK_FALSE(r.deadline().has_value());
  CHECK(r.feed("0039=2912101?", 10).empty());
  CHECK(r.tick(10'000).empty());
}

TEST_CASE("a check character that looks like a sentinel makes no second event", "[devices][track]") {
  track_reader r;
  const std::string first = "%B9704003931234565^CARD/HOLDER^4912120000?", second = ";9704003931234565=4912120000?";
  CHECK(to_texts(r.feed(first + "%" + second + ";\r", 0)) == std::vector<std::string>{"card 2 9704003931234565"});
  CHECK(r.tick(5'000).empty());
  // Track 1 alone, and then a swipe of another card.
  CHECK(r.feed(first + "%\r", 6'000).empty());
  CHECK(to_texts(r.tick(6'100)) == std::vector<std::string>{"card 1 9704003931234565"});
  CHECK(to_texts(r.feed(first + "%%B97040039^A^2912101?;97040039=2912101?\r", 8'000)) ==
        std::vector<std::string>{"card 1 9704003931234565", "card 2 97040039"});
}

TEST_CASE("random bytes never break the stripe reader", "[devices][track][fuzz]") {
  const char* const pieces[] = {";",
                                "%",
                                "%B",
                                "?",
                                "=",
                                "^",
                                "97040039",
                                "4111111111111111",
                                "\r\n",
                                "A^",
                                ";97040039=2912101?",
                                "%B97040039^A^2912101?"};
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    INFO("seed " << seed);
    fuzz_source fuzz(seed);
    track_reader r{{.lrc_sent = seed % 2 == 0, .luhn_required = seed > 2}};
    std::size_t fed = 0;
    std::size_t events = 0;
    bool sound = true;
    for (tick_ms now = 0; fed < 100'000; now += static_cast<tick_ms>(fuzz.below(200))) {
      const std::string data = fuzz.next(pieces);
      fed += data.size();
      for (const auto& e : r.feed(data, now)) {
        ++events;
        const auto* card = std::get_if<card_read>(&e);
        if (card == nullptr) continue;
        sound = sound && all_digits(card->number) && card->number.size() >= 8 && card->number.size() <= 19;
      }
      sound = sound && r.buffered() < track_reader::buffer_bytes_max;
    }
    CHECK(sound);
    CHECK(events > 100);
    CHECK(events < fed);
  }
}
