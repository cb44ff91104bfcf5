#include "devices/barcode.hpp"

#include "devices/fuzz.hpp"
#include "devices/trace.hpp"

using namespace tally;
using namespace tally::test;

TEST_CASE("the check digit finds every single wrong digit", "[devices][barcode]") {
  for (const std::string good : {"4006381333931", "0036000291452", "96385074", "5901234123457"}) {
    CHECK(ean_valid(good));
    for (std::size_t i = 0; i < good.size(); ++i)
      for (char d = '0'; d <= '9'; ++d) {
        std::string other = good;
        other[i] = d;
        CHECK(ean_valid(other) == (other == good));
      }
  }
  for (const char* bad : {"", "0", "400638133393", "40063813339310", "400638133393a", "9638507"})
    CHECK_FALSE(ean_valid(bad));
}

TEST_CASE("no barcode is a card unless prefixes are configured", "[devices][barcode]") {
  const std::string number = "9704003931234565";
  barcode_reader plain;
  CHECK(to_texts(plain.feed(number + "\r", 0)) == std::vector<std::string>{"misread unknown_code"});
  barcode_reader empty_prefix{{.card_prefixes = {""}}};
  CHECK(to_texts(empty_prefix.feed(number + "\r", 0)) == std::vector<std::string>{"misread unknown_code"});
  barcode_reader shorter{{.card_prefixes = {"9704"}, .digits_min = 8, .digits_max = 15}};
  CHECK(to_texts(shorter.feed(number + "\r", 0)) == std::vector<std::string>{"misread unknown_code"});
  barcode_reader cards{{.card_prefixes = {"88", "9704"}}};
  CHECK(to_texts(cards.feed(number + "\r", 0)) == std::vector<std::string>{"card 0 " + number});
}

TEST_CASE("other prefixes count from the next code on", "[devices][barcode]") {
  mixed_reader r;
  const std::string number = "9704003931234565";
  CHECK(to_texts(r.feed(number + "\r", 0)) == std::vector<std::string>{"misread unknown_code"});
  CHECK(r.feed("9704", 10).empty());
  r.set_card_prefixes({"9704"});
  CHECK(to_texts(r.feed(number.substr(4) + "\r", 20)) == std::vector<std::string>{"card 0 " + number});
}

TEST_CASE("a reader for stripes that scans as well takes both, and noise is none of them", "[devices][barcode]") {
  mixed_reader r({.card_prefixes = {"9704"}}, {}, true);
  CHECK(to_texts(r.feed("\xFF?noise;97040039=2912101?\r", 0)) == std::vector<std::string>{"card 2 97040039"});
  CHECK(to_texts(r.feed("\x02;97040039=2912101?\x03\r", 10)) == std::vector<std::string>{"card 2 97040039"});
  CHECK(to_texts(r.feed("%B97040039^A^2912101?\r;97040039=2912101?\r+0123456789?\r", 15)) ==
        std::vector<std::string>{"card 2 97040039"});
  CHECK(to_texts(r.feed("4006381333931\r", 20)) == std::vector<std::string>{"product 4006381333931"});
  CHECK(to_texts(r.feed("9704003931234565\r", 30)) == std::vector<std::string>{"card 0 9704003931234565"});
}

TEST_CASE("the configured suffix is the only one", "[devices][barcode]") {
  barcode_reader cr{{.suffix = scan_suffix::cr}};
  CHECK(cr.feed("96385074\n", 0).empty());
  CHECK(to_texts(cr.feed("\r", 0)) == std::vector<std::string>{"misread bad_character"});
  barcode_reader lf{{.suffix = scan_suffix::lf}};
  CHECK(to_texts(lf.feed("96385074\n", 0)) == std::vector<std::string>{"product 96385074"});
}

TEST_CASE("a flood is one misread per line", "[devices][barcode]") {
  for (const auto suffix : {scan_suffix::any, scan_suffix::crlf}) {
    barcode_reader r{{.suffix = suffix}};
    CHECK(to_texts(r.feed(std::string(1'000'000, '1'), 0)) == std::vector<std::string>{"misread too_long"});
    CHECK(r.buffered() == 0);
    CHECK(to_texts(r.feed("111\r\n96385074\r\n", 10)) == std::vector<std::string>{"product 96385074"});
  }
}

TEST_CASE("a flood that stops is forgotten without a second misread", "[devices][barcode]") {
  barcode_reader r;
  CHECK(r.feed(std::string(1000, '1'), 0).size() == 1);
  CHECK(r.deadline() == 500);
  CHECK(r.tick(500).empty());
  CHECK_FALSE(r.deadline().has_value());
  CHECK(to_texts(r.feed("96385074\r", 501)) == std::vector<std::string>{"product 96385074"});
}

TEST_CASE("unplugging forgets half a code", "[devices][barcode]") {
  barcode_reader r;
  CHECK(r.feed("9638", 0).empty());
  r.reset();
  CHECK(to_texts(r.feed("96385074\r", 1)) == std::vector<std::string>{"product 96385074"});
}

TEST_CASE("random bytes never break the scanner", "[devices][barcode][fuzz]") {
  const char* const pieces[] = {"\r",  "\n", "\r\n",        "4006381333931", "96385074", "9704003931234565",
                                "]E0", "]",  "036000291452"};
  for (const auto suffix : {scan_suffix::any, scan_suffix::cr, scan_suffix::lf, scan_suffix::crlf}) {
    const auto seed = static_cast<std::uint64_t>(suffix) + 1;
    INFO("seed " << seed);
    fuzz_source fuzz(seed);
    barcode_reader r{{.suffix = suffix, .card_prefixes = {"97"}}};
    std::size_t fed = 0;
    std::size_t events = 0;
    bool sound = true;
    for (tick_ms now = 0; fed < 100'000; now += static_cast<tick_ms>(fuzz.below(200))) {
      const std::string data = fuzz.next(pieces);
      fed += data.size();
      for (const auto& e : r.feed(data, now)) {
        ++events;
        if (const auto* p = std::get_if<product_scanned>(&e)) sound = sound && ean_valid(p->ean);
        if (const auto* c = std::get_if<card_read>(&e)) sound = sound && luhn_valid(c->number);
      }
      sound = sound && r.buffered() < barcode_reader::buffer_bytes_max;
    }
    CHECK(sound);
    CHECK(events > 100);
  }
}

TEST_CASE("the GTIN of a GS1 code need not be its first element", "[devices][scan]") {
  const auto product = [](const std::string& text) {
    const auto e = recognise_scan(text, {});
    const auto* p = std::get_if<product_scanned>(&e);
    return p != nullptr ? p->ean : std::string();
  };
  CHECK(product("]C10104006381333931") == "4006381333931");
  CHECK(product("]C1112601010104006381333931") == "4006381333931");
  CHECK(product("]C13103000250112601010104006381333931") == "4006381333931");
  CHECK(product("]C110LOT7\x1D"
                "0104006381333931") == "4006381333931");
  CHECK(product("]C110LOT70104006381333931").empty());
}
