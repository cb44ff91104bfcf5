#include <catch2/catch.hpp>

#include <set>

#include "fixture.hpp"

using namespace tally;

TEST_CASE("hexadecimal is lower case and complete", "[types]") {
  std::array<std::uint8_t, 4> out{};
  CHECK(to_hex(byte_view("\x00\x7f\xff\x0a", 4)) == "007fff0a");
  CHECK(from_hex("007fff0a", out));
  CHECK(out == std::array<std::uint8_t, 4>{0, 0x7f, 0xff, 0x0a});
  for (const char* bad : {"007fff0", "007fff0a0", "007FFF0A", "007fff0g", "        ", ""})
    CHECK_FALSE(from_hex(bad, out));
}

TEST_CASE("every error has its own stable name and a sentence", "[types]") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(errc::internal); ++i) {
    auto code = static_cast<errc>(i);
    CHECK(names.insert(errc_name(code)).second);
    CHECK(errc_text(code).ends_with('.'));
  }
  // A number from a newer version, read off the wire, still has a text.
  CHECK(errc_name(static_cast<errc>(200)) == "internal");
}

TEST_CASE("business dates count from 2020 and never below it", "[types]") {
  CHECK(day_of(1'577'836'800) == 0);
  CHECK(day_of(1'577'836'799) == 0);
  CHECK(day_of(INT64_MIN) == 0);
  CHECK(day_of(1'577'836'800 + 86'399) == 0);
  CHECK(day_of(1'577'836'800 + 86'400) == 1);
  CHECK(day_of(test::noon) == 2517);
  CHECK(date_text(2517) == "2026-11-22");
  CHECK(date_text(0) == "2020-01-01");
  CHECK(date_text(59) == "2020-02-29");
  CHECK(day_of(INT64_MAX) == 1'000'000);  // a clock gone mad stays within the calendar
  for (std::uint32_t day : {0u, 1u, 2517u, 100'000u})
    CHECK(day_of(start_of_day(day)) == day);
}

TEST_CASE("kinds have one row, one name and no field twice", "[types]") {
  std::set<std::string_view> names;
  std::size_t rows = 0;
  for (int k = 0; k < 256; ++k) {
    const auto* row = row_of(static_cast<entry_kind>(k));
    if (!row) {
      CHECK(kind_name(static_cast<entry_kind>(k)) == "unknown");
      continue;
    }
    ++rows;
    CHECK(static_cast<int>(row->kind) == k);
    CHECK(names.insert(row->name).second);
    if (!row->broadcast) continue;
    CHECK((row->hq && !row->store && !row->region));  // only head office speaks to all
  }
  CHECK(rows == 55);
}
