#include <catch2/catch.hpp>

#include "node/json_read.hpp"
#include "node/json_write.hpp"

using namespace tally;

namespace {
std::string why_not(std::string_view text) {
  auto j = parse_json(text);
  return j ? "" : j.error().detail;
}
}  // namespace

TEST_CASE("JSON is read strictly", "[node][json]") {
  CHECK(parse_json(R"({"a":1,"b":[true,null,"x",{"c":-5}]})").ok());
  CHECK(why_not("") != "");
  CHECK(why_not("{") != "");
  CHECK(why_not("{}x") != "");
  CHECK(why_not(std::string_view("{}\0", 3)) == "no JSON at octet 3");
  CHECK(why_not(std::string_view("{} \0{\"a\":1}", 11)) == "no JSON at octet 4");
  CHECK(why_not("{\"a\":\"\\u0000\"}") == "");
  CHECK(why_not("{'a':1}") != "");
  CHECK(why_not("{\"a\":01}") != "");
  CHECK(why_not("{\"a\":\"\xff\"}") != "");
  CHECK(why_not("{\"a\":1,\"a\":1}").find("comes twice") != std::string::npos);
  CHECK(why_not(R"({"o":{"a":1,"\u0061":1}})").find("comes twice") != std::string::npos);
  CHECK(why_not(std::string(17, '[') + std::string(17, ']')).find("nested") != std::string::npos);
  CHECK(why_not(std::string(16, '[') + std::string(16, ']')) == "");
  std::string wide = "{";
  for (int i = 0; i < 300; ++i)
    wide += "\"k" + std::to_string(i) + "\":0,";
  CHECK(why_not(wide + "\"z\":0}").find("256") != std::string::npos);
}

TEST_CASE("only integers that fit are integers", "[node][json]") {
  auto kind = [](std::string_view text) { return parse_json(text)->type; };
  CHECK(parse_json("9223372036854775807")->number == INT64_MAX);
  CHECK(parse_json("-9223372036854775808")->number == INT64_MIN);
  CHECK(kind("9223372036854775808") == json_value::kind::fraction);
  CHECK(kind("99999999999999999999999") == json_value::kind::fraction);
  CHECK(kind("1.0") == json_value::kind::fraction);
  CHECK(kind("1e3") == json_value::kind::fraction);
}

TEST_CASE("fields name what is wrong", "[node][json]") {
  auto j = parse_json(R"({"n":5,"t":"abc","f":1.5,"l":[1],"z":null})");
  REQUIRE(j);
  {
    json_fields f(*j);
    CHECK(f.integer("n", 0, 9) == 5);
    CHECK(f.text("t", 3) == "abc");
    CHECK(f.list("l").size() == 1);
    CHECK_FALSE(f.maybe_text("z", 3));
    CHECK_FALSE(f.maybe_integer("absent", 0, 1));
    CHECK(f.ok());
  }
  auto wrong = [&](auto&& use) {
    json_fields f(*j, "here.");
    use(f);
    return f.ok() ? std::string() : f.problem().detail;
  };
  CHECK(wrong([](auto& f) { (void)f.integer("n", 6, 9); }) == "here.n must be an integer from 6 to 9");
  CHECK(wrong([](auto& f) { (void)f.integer("f", 0, 9); }) == "here.f must be an integer from 0 to 9");
  CHECK(wrong([](auto& f) { (void)f.integer("q", 0, 9); }) == "here.q is missing");
  CHECK(wrong([](auto& f) { (void)f.text("t", 2); }) == "here.t must be text of at most 2 octets");
  CHECK(wrong([](auto& f) { (void)f.list("t"); }) == "here.t must be a list");
  json_fields none(j->items.front(), "x.");
  CHECK_FALSE(none.ok());
  CHECK(none.problem().detail == "x must be a JSON object");
}

TEST_CASE("what is written reads back", "[node][json]") {
  json_writer w;
  w.open('{');
  w.field("text", "quote \" back \\ line \n nul " + std::string(1, '\0') + " 面包 \xf0\x9f\x8d\x9e");
  w.field("n", std::int64_t{-7});
  w.field("none", std::optional<std::int64_t>{});
  w.key("list");
  w.open('[');
  w.value(true);
  w.open('{');
  w.close('}');
  w.value("x");
  w.close(']');
  w.close('}');
  auto j = parse_json(w.take());
  REQUIRE(j);
  CHECK(j->find("text")->text == "quote \" back \\ line \n nul " + std::string(1, '\0') + " 面包 \xf0\x9f\x8d\x9e");
  CHECK(j->find("n")->number == -7);
  CHECK(j->find("none")->type == json_value::kind::null);
  CHECK(j->find("list")->items.size() == 3);
}

TEST_CASE("wrong UTF-8 is replaced, octet by octet", "[node][json]") {
  for (std::string bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe9", "\xe4\xb8"}) {
    std::string out;
    append_json_text(out, "a" + bad + "b");
    auto j = parse_json(out);
    REQUIRE(j);
    CHECK(j->text.substr(0, 4) == "a\xef\xbf\xbd");
    CHECK(j->text.back() == 'b');
  }
}
