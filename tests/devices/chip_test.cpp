#include "devices/chip.hpp"

#include "devices/trace.hpp"

using namespace tally;
using namespace tally::test;

namespace {

std::string spaced_hex(byte_view data) {
  std::string out;
  for (const char c : data) {
    constexpr const char* digits = "0123456789ABCDEF";
    out += out.empty() ? "" : " ";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

bytes from_spaced_hex(const std::string& text) {
  std::istringstream words(text);
  bytes out;
  for (std::string w; words >> w;)
    out.push_back(static_cast<char>(std::stoi(w, nullptr, 16)));
  return out;
}

chip_failure failure_named(const std::string& name) {
  if (name == "removed") return chip_failure::removed;
  if (name == "silent") return chip_failure::silent;
  if (name == "occupied") return chip_failure::occupied;
  if (name == "away") return chip_failure::away;
  REQUIRE(name == "lost");
  return chip_failure::lost;
}

std::vector<std::string> lines_of(const chip_effects& effects) {
  std::vector<std::string> out;
  for (const auto& e : effects) {
    if (const auto* t = std::get_if<chip_transmit>(&e))
      out.push_back("> " + spaced_hex(t->apdu));
    else if (std::holds_alternative<chip_reset>(e))
      out.emplace_back("= reset");
    else
      out.push_back("= " + to_text(std::get<reader_event>(e)));
  }
  return out;
}

chip_effects step(chip_reader& m, const std::string& line) {
  const auto space = line.find(' ');
  const std::string word = line.substr(0, space);
  const std::string rest = space == line.npos ? "" : line.substr(space + 1);
  if (word == "atr") return m.on_inserted(from_spaced_hex(rest));
  if (word == "<") return m.on_answer(from_spaced_hex(rest));
  if (word == "fail") return m.on_failed(failure_named(rest));
  REQUIRE(word == "out");
  return m.on_removed();
}

}  // namespace

TEST_CASE("recorded chips give what is written under each step", "[devices][chip][trace]") {
  std::size_t files = 0, cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TALLY_CHIP_TRACES)) {
    ++files;
    std::ifstream in(entry.path());
    chip_reader m;
    std::vector<std::string> got;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      INFO(entry.path().filename() << ":" << number << ": " << line);
      if (line.empty() || line.front() == '#') continue;
      if (line.front() == '>' || line.front() == '=') {
        REQUIRE_FALSE(got.empty());
        CHECK(got.front() == line);
        got.erase(got.begin());
        continue;
      }
      REQUIRE(got.empty());  // an effect that the trace does not name
      got = lines_of(step(m, line));
      ++cases;
    }
    CHECK(got.empty());
    CHECK_FALSE(m.reading());
  }
  CHECK(files == 3);
  CHECK(cases > 60);
}

TEST_CASE("a chip that asks for ever is given up", "[devices][chip]") {
  for (const bytes& answer : {bytes("\x61\x10"), bytes("\x6C\x10")}) {
    chip_reader m;
    auto effects = m.on_inserted("\x3B");
    int exchanges = 0;
    while (std::holds_alternative<chip_transmit>(effects.at(0))) {
      REQUIRE(++exchanges <= chip_reader::exchanges_max);
      effects = m.on_answer(answer);
    }
    CHECK(exchanges == chip_reader::exchanges_max);
    CHECK(lines_of(effects) == std::vector<std::string>{"= misread bad_format"});
    CHECK(m.on_answer(answer).empty());
    CHECK_FALSE(m.reading());
  }
}

TEST_CASE("a lost exchange begins again, twice", "[devices][chip]") {
  chip_reader m;
  (void)m.on_inserted("\x3B");
  CHECK(lines_of(m.on_failed(chip_failure::lost)) == std::vector<std::string>{"= reset"});
  (void)m.on_inserted("\x3B");
  CHECK(lines_of(m.on_failed(chip_failure::lost)) == std::vector<std::string>{"= reset"});
  (void)m.on_inserted("\x3B");
  CHECK(lines_of(m.on_failed(chip_failure::lost)) == std::vector<std::string>{"= misread torn"});
  // The next card has its own tries.
  (void)m.on_removed();
  (void)m.on_inserted("\x3B");
  CHECK(lines_of(m.on_failed(chip_failure::lost)) == std::vector<std::string>{"= reset"});
}

TEST_CASE("types of chips are told by their ATR", "[devices][chip]") {
  const auto type = [](const std::string& atr) {
    return std::string(chip_type_name(chip_type_of(from_spaced_hex(atr))));
  };
  const std::string storage = "3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 ";
  CHECK(type(storage + "00 01 00 00 00 00 6A") == "mifare_1k");
  CHECK(type(storage + "00 02 00 00 00 00 69") == "mifare_4k");
  CHECK(type(storage + "00 03 00 00 00 00 68") == "ultralight");
  CHECK(type(storage + "00 26 00 00 00 00 4D") == "mifare_mini");
  CHECK(type("3B 8F 80 01 80 4F 0C A0 00 00 03 06 11 00 3B 00 00 00 00 42") == "other_contactless");
  CHECK(type("3B 8F 80 01 80 4F 0C A0 00 00 03 06 11 F0 11 00 00 00 00 00") == "felica");
  CHECK(type("3B 80 80 01 01") == "iso14443_4");
  CHECK(type("3B 81 80 01 80 80") == "iso14443_4");
  CHECK(type("3B 8F 80 01 80 4F") == "iso14443_4");  // cut short: no storage card that we know
  CHECK(type("3B 65 00 00 20 63 CB 68 00") == "contact");
  CHECK(type("") == "contact");
}

TEST_CASE("a UID as a medium has one spelling", "[devices][chip]") {
  CHECK(is_uid_medium("uid:04A1B2C3"));
  CHECK(is_uid_medium("uid:04A1B2C3D4E580"));
  CHECK(is_uid_medium("uid:04A1B2C3D4E580112233"));
  for (const char* bad : {"uid:04a1b2c3", "uid:04A1B2", "uid:04A1B2C3D", "uid:04A1B2C3D4E58011223344", "04A1B2C3",
                          "uid:", "uid:04A1B2G3", ""})
    CHECK_FALSE(is_uid_medium(bad));
}
