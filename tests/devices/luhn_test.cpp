#include "devices/luhn.hpp"

using namespace tally;

TEST_CASE("luhn accepts known numbers and no neighbour of theirs", "[devices][luhn]") {
  for (const char* good : {"4111111111111111", "5500005555555559", "79927398713", "00", "18"})
    CHECK(luhn_valid(good));
  for (const char* bad : {"4111111111111112", "79927398710", "", "0", "4111 1111", "7992739871a", "-18"})
    CHECK_FALSE(luhn_valid(bad));
  const std::string number = "4111111111111111";
  for (std::size_t i = 0; i < number.size(); ++i)
    for (char d = '0'; d <= '9'; ++d) {
      std::string other = number;
      other[i] = d;
      CHECK(luhn_valid(other) == (other == number));
    }
}

TEST_CASE("luhn_digit completes what luhn_valid accepts", "[devices][luhn]") {
  CHECK(luhn_digit("7992739871") == '3');
  CHECK(luhn_digit("411111111111111") == '1');
  CHECK(luhn_digit("0") == '0');
  CHECK_FALSE(luhn_digit("").has_value());
  CHECK_FALSE(luhn_digit("97o4").has_value());
  for (int n = 0; n < 1000; ++n) {
    const std::string payload = "9704" + std::to_string(n * 7919);
    CHECK(luhn_valid(payload + luhn_digit(payload).value()));
  }
}

TEST_CASE("a masked number shows four digits or none", "[devices][luhn]") {
  CHECK(mask_number("9704003912343931") == "**** 3931");  // fails Luhn: none of ours
  CHECK(mask_number("9704003912343930") == "**** 9123");
  CHECK(mask_number("12345678") == "**** 5678");
  CHECK(mask_number("1234567") == "****");
  CHECK(mask_number("") == "****");
}

TEST_CASE("a scratch-off number is a number, a full stop and what was covered", "[devices][luhn]") {
  const auto good = parse_scratch_number("9704003931234565.48291357");
  REQUIRE(good);
  CHECK(good->number == "9704003931234565");
  CHECK(good->covered == "48291357");
  CHECK(mask_number("9704003931234565.48291357") == "**** 9312");
  for (const char* bad : {"", ".", "9704003931234565", "9704003931234565.", "9704003931234565.4829135",
                          "9704003931234565.482913577", "9704003931234566.48291357", "9704003931234565.4829135x",
                          "970.48291357", "9704003931234565..48291357", "9704003931234565.48291357."})
    CHECK_FALSE(parse_scratch_number(bad));
}
