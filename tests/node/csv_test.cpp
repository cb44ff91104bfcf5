#include "node/csv.hpp"

#include <catch2/catch.hpp>

using namespace tally;

TEST_CASE("a field of a list is text to a spreadsheet, whatever it begins with", "[node]") {
  CHECK(csv_field("") == "\"\"");
  CHECK(csv_field("Wang \"Bo\", 8\n2") == "\"Wang \"\"Bo\"\", 8\n2\"");
  for (std::string sign : {"=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"})
    CHECK(csv_field(sign + "1") == "\"'" + sign + "1\"");
  CHECK(csv_field("王＝1") == "\"王＝1\"");
}
