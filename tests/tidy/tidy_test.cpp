#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <set>
#include <string>

#include "project_files.hpp"
#include "rules.hpp"

using tally::tidy::check;
using tally::tidy::code_only;
using tally::tidy::findings;
using tally::tidy::project_files;
using tally::tidy::source;

namespace {

/// The rules that fired, as one string: "arrow adapter".
std::string fired(const std::string& path, const std::string& text) {
  std::string names;
  for (const auto& f : check(source{path, text}))
    names += (names.empty() ? "" : " ") + f.rule;
  return names;
}

std::string times(std::size_t count, const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

}  // namespace

TEST_CASE("the project keeps its own house rules", "[tidy]") {
  const auto files = project_files(TALLY_SOURCE_DIR);
  std::set<std::string> paths;
  std::size_t count = 0;
  for (const auto& file : files) {
    paths.insert(file.path);
    for (const auto& f : check(file)) {
      std::cerr << f.path << ":" << f.line << ": " << f.rule << ": " << f.text << "\n";
      ++count;
    }
  }
  CHECK(count == 0);  // what was found stands above, one line each
  // The walk itself works: an empty list would pass everything.
  CHECK(paths.count("CMakeLists.txt") == 1);
  CHECK(paths.count("ledger/errc.hpp") == 1);
  CHECK(paths.count("tests/main.cpp") == 1);
  CHECK(std::none_of(paths.begin(), paths.end(), [](const std::string& p) { return p.starts_with("build/"); }));
}

TEST_CASE("every folder has a short README", "[tidy]") {
  for (const std::string folder :
       {"ledger", "storage", "sync", "devices", "actors", "node", "web", "config", "tests", "bench"}) {
    INFO(folder);
    CHECK(std::filesystem::is_regular_file(std::filesystem::path(TALLY_SOURCE_DIR) / folder / "README.md"));
  }
  CHECK(fired("sync/README.md", times(15, "a line\n")).empty());
  CHECK(fired("sync/README.md", times(16, "a line\n")) == "long file");
  CHECK(fired("README.md", times(300, "a line\n")).empty());
}

TEST_CASE("arrows point down only", "[tidy]") {
  CHECK(fired("ledger/a.cpp", "#include \"storage/log.hpp\"\n") == "arrow");
  CHECK(fired("storage/a.cpp", "#include \"sync/session.hpp\"\n") == "arrow");
  CHECK(fired("sync/a.cpp", "#include \"devices/track.hpp\"\n") == "arrow");
  CHECK(fired("devices/a.cpp", "  #  include \"storage/log.hpp\"\n") == "arrow");
  CHECK(fired("actors/a.cpp", "#include <node/http.hpp>\n") == "arrow");
  CHECK(fired("node/a.cpp", "#include \"tests/support/fake.hpp\"\n") == "arrow");
  CHECK(fired("ledger/a.cpp", "#include \"../ledger/errc.hpp\"\n") == "arrow");
  CHECK(fired("tests/sim/a.cpp", "#include \"../../node/http.hpp\"\n") == "arrow");

  CHECK(fired("ledger/a.cpp", "#include \"ledger/errc.hpp\"\n#include <vector>\n").empty());
  CHECK(fired("sync/a.cpp", "#include \"storage/log.hpp\"\n#include \"ledger/errc.hpp\"\n").empty());
  CHECK(fired("node/a.cpp", "#include \"actors/ledger.hpp\"\n").empty());
  CHECK(fired("tests/sim/a.cpp", "#include \"node/http.hpp\"\n").empty());
  CHECK(fired("ledger/a.cpp", "// #include \"storage/log.hpp\"\n").empty());
}

TEST_CASE("third parties stay in their adapters", "[tidy]") {
  CHECK(fired("storage/log.cpp", "#include <rocksdb/db.h>\n") == "adapter");
  CHECK(fired("actors/store.cpp", "#include <rocksdb/db.h>\n") == "adapter");
  CHECK(fired("sync/session.cpp", "#include <zmq.hpp>\n") == "adapter");
  CHECK(fired("sync/session.cpp", "#include <caf/all.hpp>\n") == "adapter");
  CHECK(fired("devices/reader.cpp", "#include <winscard.h>\n") == "adapter");
  CHECK(fired("devices/scanner.cpp", "#include <libevdev/libevdev.h>\n") == "adapter");
  CHECK(fired("devices/scanner.cpp", "#include <linux/input.h>\n") == "adapter");
  CHECK(fired("devices/serial.cpp", "#include <termios.h>\n") == "adapter");
  CHECK(fired("devices/printer.cpp", "#include <cups/cups.h>\n") == "adapter");
  CHECK(fired("storage/log.cpp", "#include <sodium.h>\n") == "adapter");
  CHECK(fired("sync/keys.cpp", "#include <openssl/sha.h>\n") == "adapter");
  CHECK(fired("ledger/rules.cpp", "#include <nlohmann/json.hpp>\n") == "adapter");

  CHECK(fired("storage/rocks_store.cpp", "#include <rocksdb/db.h>\n").empty());
  CHECK(fired("sync/zmq_link.cpp", "#include <zmq.hpp>\n").empty());
  CHECK(fired("sync/keys.cpp", "#include <sodium.h>\n").empty());
  CHECK(fired("storage/merkle.cpp", "#include <openssl/evp.h>\n").empty());
  CHECK(fired("devices/driver_serial.cpp", "#include <termios.h>\n").empty());
  CHECK(fired("actors/ledger.cpp", "#include <caf/all.hpp>\n").empty());
  CHECK(fired("tests/storage/a_test.cpp", "#include <rocksdb/db.h>\n").empty());
}

TEST_CASE("leftovers are found in any text, whole words only", "[tidy]") {
  const std::string later =
                        "TO"
                        "DO",
                    broken =
                        "FIX"
                        "ME",
                    rough =
                        "HA"
                        "CK",
                    mark =
                        "X"
                        "XX";
  for (const std::string& word : {later, broken, rough, mark}) {
    INFO(word);
    CHECK(fired("ledger/a.cpp", "int x;  // " + word + ": later\n") == "leftover");
    CHECK(fired("docs/a.md", word + "\n") == "leftover");
    CHECK(fired("docs/a.md", word + "LIKE un" + word + "\n").empty());
  }
}

TEST_CASE("paths of one machine are found, paths of every system are not", "[tidy]") {
  for (const std::string path : {"/ro"
                                 "ot/x",
                                 "/ho"
                                 "me/jo/x",
                                 "/wo"
                                 "rk/x",
                                 "/t"
                                 "mp/x",
                                 "/ro"
                                 "ot"}) {
    INFO(path);
    CHECK(fired("ledger/a.cpp", "auto p = \"" + path + "\";\n") == "machine path");
    CHECK(fired("config/a.toml", "dir = \"" + path + "\"\n") == "machine path");
    CHECK(fired("docs/a.md", "see /var" + path + "\n").empty());
  }
  CHECK(fired("docs/a.md",
              "GET /api/v1/ro"
              "ot and ./wo"
              "rk and ${TMPDIR:-/t"
              "mp}/x\n")
            .empty());
  CHECK(fired("docs/a.md",
              "/wo"
              "rkload /homely\n")
            .empty());
}

TEST_CASE("lines, files and functions have a greatest size", "[tidy]") {
  CHECK(fired("ledger/a.cpp", "//" + std::string(118, 'x') + "\n").empty());
  CHECK(fired("ledger/a.cpp", "//" + std::string(119, 'x') + "\n") == "long line");
  CHECK(fired("ledger/a.cpp", "//" + times(118, "面") + "\n").empty());
  CHECK(fired("docs/a.md", std::string(400, 'x') + "\n").empty());

  CHECK(fired("ledger/a.hpp", "#pragma once\n" + times(249, "\n")).empty());
  CHECK(fired("ledger/a.hpp", "#pragma once\n" + times(250, "\n")) == "long file");
  CHECK(fired("ledger/a.cpp", times(500, "\n")).empty());
  CHECK(fired("ledger/a.cpp", times(501, "\n")) == "long file");

  const std::string body78 = times(78, "  f();\n");
  CHECK(fired("ledger/a.cpp", "int f(int x) {\n" + body78 + "}\n").empty());
  CHECK(fired("ledger/a.cpp", "int f(int x) {\n" + body78 + "  f();\n}\n") == "function");
  CHECK(fired("ledger/a.cpp", "int f(int x) const noexcept {\n" + body78 + "  f();\n}\n") == "function");
  CHECK(fired("ledger/a.cpp", "int f(int x,\n      int y)\n{\n" + body78 + "  f();\n}\n") == "function");
  CHECK(fired("ledger/a.cpp", "namespace tally {\n" + body78 + body78 + "}\n").empty());
  CHECK(fired("ledger/a.cpp", "struct s {\n" + body78 + body78 + "};\n").empty());
}

TEST_CASE("a function whose parameters take several lines is measured too", "[tidy]") {
  const std::string wrapped = "int f(int x,\n      int y) {\n";
  CHECK(fired("ledger/a.cpp", wrapped + times(90, "  f();\n") + "}\n") == "function");
  CHECK(fired("ledger/a.cpp", wrapped + times(20, "  f();\n") + "}\n").empty());
}

TEST_CASE("clocks and random sources stand in adapters only", "[tidy]") {
  for (const std::string call :
       {"std::chrono::system_clock::now()", "std::chrono::steady_clock::now()", "std::random_device{}()", "std::rand()",
        "rand()", "time(nullptr)", "std::time(nullptr)", "::time(NULL)", "gettimeofday(&t, nullptr)",
        "clock_gettime(0, &t)", "getrandom(p, 1, 0)", "randombytes_buf(p, 1)"}) {
    INFO(call);
    const std::string text = "void f() {\n  use(" + call + ");\n}\n";
    CHECK(fired("ledger/a.cpp", text) == "impure");
    CHECK(fired("storage/log.cpp", text) == "impure");
    CHECK(fired("sync/session.hpp", "#pragma once\n" + text) == "impure");
    CHECK(fired("devices/reader.cpp", text) == "impure");
    for (const std::string path : {"devices/driver_serial.cpp", "storage/rocks_store.cpp", "sync/zmq_link.cpp",
                                   "sync/entropy_sodium.cpp", "node/main.cpp", "actors/clock.cpp", "bench/sale.cpp"}) {
      INFO(path);
      CHECK(fired(path, text).empty());
    }
  }
  CHECK(fired("ledger/a.cpp", "// reads no std::chrono::system_clock::now()\nauto s = \"rand()\";\n").empty());
  CHECK(fired("ledger/a.cpp", "auto t = entry.time(0) + operand(x) + lifetime(0);\n").empty());
}

TEST_CASE("headers open no namespace and are guarded", "[tidy]") {
  CHECK(fired("ledger/a.hpp", "#pragma once\nusing namespace std;\n") == "using namespace");
  CHECK(fired("tests/support/a.hpp", "#pragma once\n  using  namespace tally;\n") == "using namespace");
  CHECK(fired("ledger/a.hpp", "int x();\n") == "include guard");
  CHECK(fired("ledger/a.hpp", "#pragma once\n// never write using namespace here\nusing bytes = int;\n").empty());
  CHECK(fired("ledger/a.cpp", "using namespace std;\n").empty());
}

TEST_CASE("a test case must be able to fail", "[tidy]") {
  const std::string good = "TEST_CASE(\"a\") {\n  CHECK(f() == 1);\n}\n";
  const std::string empty = "TEST_CASE(\"b\") {\n  f();\n}\n";
  CHECK(fired("tests/ledger/a_test.cpp", good).empty());
  CHECK(fired("tests/ledger/a_test.cpp", empty) == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", empty + good) == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", good + empty + empty) == "empty test empty test");
  CHECK(fired("tests/ledger/a_test.cpp", "TEST_CASE(\"c\") {\n  SUCCEED();\n}\n") == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", "TEST_CASE(\"d\") {\n  // CHECK(f());\n  f();\n}\n") == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", "TEST_CASE(\"e\") {\n  CHECK(true);\n}\n") == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", "SCENARIO(\"f\") {\n  f();\n}\n") == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", "TEST_CASE(\"CHECK(x)\") {\n  f();\n}\n") == "empty test");
  CHECK(fired("tests/ledger/a_test.cpp", "TEST_CASE(\"g\") {\n  expect_refused(f());\n}\n").empty());
  CHECK(fired("ledger/a.cpp", empty).empty());
}

TEST_CASE("comments and literals are no code", "[tidy]") {
  CHECK(code_only("a // b\nc") == "a     \nc");
  CHECK(code_only("a /* b\nc */ d") == "a     \n     d");
  CHECK(code_only("f(\"x\\\"y\", 'z')") == "f(\"    \", ' ')");
  CHECK(code_only("f(\"//\") // g") == "f(\"  \")     ");
  CHECK(code_only("n = 1'000'000; g('a');") == "n = 1'000'000; g(' ');");
  CHECK(code_only("R\"(a \" b)\" + c") == "R\"       \" + c");
  CHECK(code_only("R\"x(a )\" b)x\" + c").ends_with(" + c"));
  // Broken input ends where the text ends.
  CHECK(code_only("\"abc") == "\"   ");
  CHECK(code_only("\"abc\\") == "\"    ");
  CHECK(code_only("/* abc") == "      ");
  CHECK(code_only("R\"(abc") == "R\"    ");
  CHECK(code_only("R\"abc") == "R\"abc");
  CHECK(code_only("").empty());
}
