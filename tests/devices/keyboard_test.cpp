#include "devices/keyboard.hpp"

#include "devices/trace.hpp"

using namespace tally;
using namespace tally::test;

namespace {

struct wedge {
  keyboard_decoder keys;
  mixed_reader reader{{.card_prefixes = {"9704"}}};

  std::vector<std::string> feed(const input_key& key, tick_ms now) {
    const auto typed = keys.feed(key);
    if (typed.lost) reader.reset();
    return to_texts(reader.feed(typed.text, now));
  }
};

std::string type(keyboard_decoder& k, std::initializer_list<input_key> keys) {
  std::string out;
  for (const auto& key : keys)
    out += k.feed(key).text;
  return out;
}

}  // namespace

TEST_CASE("recorded keyboard events give what is written under them", "[devices][keyboard][trace]") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TALLY_KEY_TRACES)) {
    ++files;
    std::ifstream in(entry.path());
    wedge w;
    std::vector<std::string> got;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      if (line.empty() || line.front() == '#') continue;
      INFO(entry.path().filename() << ":" << number << ": " << line);
      if (line.front() == '=') {
        REQUIRE_FALSE(got.empty());
        CHECK("= " + got.front() == line);
        got.erase(got.begin());
        continue;
      }
      std::istringstream words(line);
      double seconds = 0;
      input_key key;
      words >> seconds >> key.type >> key.code >> key.value;
      REQUIRE(words);
      for (auto& text : w.feed(key, static_cast<tick_ms>(seconds * 1000)))
        got.push_back(text);
    }
    CHECK(got.empty());
  }
  CHECK(files == 3);
}

TEST_CASE("each of the two shift keys counts, and caps lock turns letters only", "[devices][keyboard]") {
  keyboard_decoder k;
  CHECK(type(k, {{1, 42, 1}, {1, 54, 1}, {1, 42, 0}, {1, 30, 1}, {1, 54, 0}, {1, 30, 1}}) == "Aa");
  CHECK(type(k, {{1, 58, 1}, {1, 58, 0}, {1, 30, 1}, {1, 2, 1}, {1, 42, 1}, {1, 30, 1}, {1, 2, 1}, {1, 42, 0}}) ==
        "A1a!");
  CHECK(type(k, {{1, 58, 1}, {1, 30, 1}}) == "a");
  CHECK(type(k, {{1, 29, 1}, {1, 50, 1}, {1, 29, 0}}) == "\x0D");               // control+M
  CHECK(type(k, {{1, 29, 1}, {1, 27, 1}, {1, 29, 0}, {1, 27, 1}}) == "\x1D]");  // control+], the FNC1 of a GS1 code
}

TEST_CASE("held keys, other keys and other events give nothing", "[devices][keyboard]") {
  keyboard_decoder k;
  CHECK(type(k, {{1, 30, 2}, {1, 30, 0}, {1, 1, 1}, {1, 103, 1}, {1, 700, 1}, {4, 4, 458756}, {17, 1, 1}, {1, 30, -5}})
            .empty());
}

TEST_CASE("what the kernel dropped is told once, and no shift key stays down", "[devices][keyboard]") {
  keyboard_decoder k;
  CHECK(type(k, {{1, 42, 1}}).empty());
  CHECK(k.feed({0, 3, 0}).lost);
  CHECK(type(k, {{1, 30, 1}, {1, 30, 0}}).empty());  // up to the next report
  CHECK_FALSE(k.feed({0, 0, 0}).lost);
  CHECK(type(k, {{1, 30, 1}}) == "a");
}

TEST_CASE("what is left of a code that was cut is no other code", "[devices][keyboard]") {
  mixed_reader reader{{.card_prefixes = {"9704"}}};
  CHECK(reader.feed("97040000", 0).empty());
  const auto told = reader.lose(1);
  REQUIRE(told.size() == 1);
  CHECK(std::get<misread>(told.front()).reason == misread_reason::incomplete);
  // The tail would be an EAN-8 with a right check digit.
  CHECK(reader.feed("96385074\r", 2).empty());
  CHECK(std::get<product_scanned>(reader.feed("96385074\r", 3).at(0)).ean == "96385074");
  // Where the line end was lost as well, silence ends it.
  CHECK(reader.lose(10).size() == 1);
  CHECK(reader.feed("9638", 11).empty());
  CHECK(reader.tick(11 + track_reader::idle_ms_max).empty());
  CHECK(reader.feed("96385074\r", 12 + track_reader::idle_ms_max).size() == 1);
  CHECK(reader.buffered() == 0);
}
