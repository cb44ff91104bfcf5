#include "devices/charset.hpp"

#include <catch2/catch.hpp>

#include "devices/fuzz.hpp"

using namespace tally;
using namespace std::string_literals;

TEST_CASE("code pages hold some of the world's letters", "[devices][charset]") {
  const text_codec us(charset::cp437), euro(charset::cp858), latin(charset::cp1252);
  CHECK(us.encode("Caf\u00E9 \u00A35 \u00FC \u00DF") == "Caf\x82 \x9C"s + "5 \x81 \xE1");
  CHECK(us.encode("\u9762\u5305 \u20AC1") == "?? ?1");
  CHECK(euro.encode("\u20AC1") == "\xD5"s + "1");
  CHECK(latin.encode("\u20AC\u201C") == "\x80\x93");
  CHECK(text_codec(charset::cp866).encode("\u0425\u043B\u0435\u0431") == "\x95\xAB\xA5\xA1");
  CHECK(us.decode("A\x82") == "A\u00E9");
}

TEST_CASE("wide codes hold the languages of their shops", "[devices][charset]") {
  const text_codec gb(charset::gb18030), big5(charset::big5), kr(charset::euc_kr);
  CHECK(gb.encode("面包 1") == "\xC3\xE6\xB0\xFC 1");
  CHECK(big5.encode("麵包") == "\xC4\xD1\xA5\x5D");
  CHECK(kr.encode("식빵") == "\xBD\xC4\xBB\xA7");
  // GB18030 holds everything, what is not in GBK in four octets.
  CHECK(gb.encode("식") == "\x83\x32\xA2\x38");
  CHECK(gb.columns("식") == 2);
  CHECK(big5.encode("식") == "?");
  CHECK(kr.encode("面包") == "\xD8\xFC\xF8\xD0");  // Hanja
  CHECK(kr.encode("生日蛋挞") == "\xDF\xE6\xEC\xED\xD3\xB1?");
  for (const auto* codec : {&gb, &big5, &kr}) {
    const std::string text = codec == &kr ? "카드 잔액 1,250" : codec == &gb ? "会员卡余额 1,250" : "會員卡餘額 1,250";
    CHECK(codec->decode(codec->encode(text)) == text);
    CHECK(codec->shown(text) == text);
  }
}

TEST_CASE("width is what the printer gives a character, and no character is cut in half", "[devices][charset]") {
  const text_codec gb(charset::gb18030), us(charset::cp437);
  CHECK(gb.columns("面包 1") == 6);
  CHECK(us.columns("面包 1") == 4);  // two marks
  CHECK(gb.columns("\u00D7") == 2);  // a multiplication sign is a wide character in China
  CHECK(us.columns("\u00E9") == 1);
  CHECK(gb.fit("面包", 3) == "面");
  CHECK(gb.fit("面包", 4) == "面包");
  CHECK(gb.fit("a面", 1) == "a");
  CHECK(gb.fit("面", 0).empty());
}

TEST_CASE("what a code lacks has a plain form, or is a mark", "[devices][charset]") {
  const text_codec us(charset::cp437), big5(charset::big5);
  CHECK(us.encode("\u201CA\u201D \u2018b\u2019 \u2013 \u2014 \u00D7") == "\"A\" 'b' - - x");
  CHECK(us.shown("\u9762 \u2014") == "? -");
  CHECK(big5.encode("\U0001F35E") == "?");
}

TEST_CASE("octets that are not UTF-8 and controls become one mark each", "[devices][charset]") {
  for (const auto set : {charset::cp437, charset::gb18030, charset::big5, charset::euc_kr}) {
    const text_codec c(set);
    CHECK(c.encode("\xFF\xC3") == "??");
    CHECK(c.encode("\xC0\xAF") == "??");            // overlong
    CHECK(c.encode("\xE0\x80\xAF") == "???");       // overlong
    CHECK(c.encode("\xED\xA0\x80") == "???");       // surrogate
    CHECK(c.encode("\xF4\x90\x80\x80") == "????");  // above U+10FFFF
    CHECK(c.encode("\xE9\x9D") == "??");            // cut off
    CHECK(c.encode("a\x1B\x00\x7F\u0085\n"s) == "a?????");
  }
}

TEST_CASE("no text makes an octet below 0x20, and layout agrees with code", "[devices][charset]") {
  std::mt19937 random(20261125);
  for (const auto set : {charset::cp437, charset::cp852, charset::gb18030, charset::big5, charset::euc_kr}) {
    const text_codec c(set);
    for (int round = 0; round < 300; ++round) {
      std::string text;
      for (int i = 0; i < 40; ++i)
        text.push_back(static_cast<char>(random()));
      for (int i = 0; i < 10; ++i) {  // and characters that exist
        const auto code = static_cast<unsigned>(0x3000 + random() % 0xA000);
        text += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (code & 0x3F))};
      }
      const auto coded = c.encode(text);
      CHECK(std::none_of(coded.begin(), coded.end(), [](char b) { return static_cast<unsigned char>(b) < 0x20; }));
      CHECK(c.columns(c.shown(text)) == c.columns(text));
      CHECK(c.columns(c.fit(text, 20)) <= 20);
    }
  }
}

TEST_CASE("names of codes are those of the configuration", "[devices][charset]") {
  for (const char* name : {"cp437", "cp858", "cp852", "cp866", "cp1252", "gb18030", "big5", "euc-kr"}) {
    const auto set = charset_named(name);
    REQUIRE(set.has_value());
    CHECK(charset_name(*set) == name);
  }
  CHECK_FALSE(charset_named("utf-8").has_value());
}

TEST_CASE("signs of currencies are printed in full width where a code has no other", "[devices][charset]") {
  CHECK(text_codec(charset::euc_kr).encode("\u20A9") == "\xA3\xDC");
  CHECK(text_codec(charset::euc_kr).shown("\u20A9 1") == "\uFFE6 1");
  CHECK(text_codec(charset::big5).encode("\u00A5") == "\xA2\x44");
  CHECK(text_codec(charset::cp866).encode("\u20A9") == "?");
}
