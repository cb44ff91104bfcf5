// Lines for terminals.
#include "node/terminal.hpp"

#include <catch2/catch.hpp>

using namespace tally::cmd;

TEST_CASE("long lines are broken under their column, and say the same", "[node][terminal]") {
  CHECK(fold_lines("") == "");
  CHECK(fold_lines("short\n\n  lines\n") == "short\n\n  lines\n");
  CHECK(fold_lines("one two three four", 9) == "one two\nthree\nfour");
  CHECK(fold_lines("  one two three", 9) == "  one two\n  three");
  CHECK(fold_lines("key   one two three four", 16) == "key   one two\n      three four");
  CHECK(fold_lines("  --flag Excludes: --one --two\n", 20) == "  --flag Excludes:\n      --one --two\n");
  // A command can be pasted; what is quoted stays whole, if it must beyond the edge.
  CHECK(fold_lines("  tallystick card --data d --reason \"a b c\" --x", 40) ==
        "  tallystick card --data d --reason \\\n      \"a b c\" --x");
  CHECK(fold_lines("  tallystick \"one two three four five\"", 20) ==
        "  tallystick \\\n      \"one two three four five\"");
  // A word without an end: behind a comma, or not at all.
  CHECK(fold_lines("{one,two,three,four}", 12) == "{one,two,\nthree,four}");
  CHECK(fold_lines("abcdefghijklmnop", 8) == "abcdefghijklmnop");
  // Characters, not octets.
  CHECK(fold_lines("ééé ééé", 7) == "ééé ééé");
  CHECK(fold_lines("ééé ééé", 6) == "ééé\nééé");
}
