#include "sync/card_qr.hpp"

#include <catch2/catch.hpp>

#include "sync/seeded.hpp"
#include "sync/text.hpp"

using namespace tally;

namespace {

signing_key key_of(std::uint8_t n) {
  std::array<std::uint8_t, 32> seed{};
  seed.fill(n);
  return signing_key_from_seed(seed);
}

}  // namespace

TEST_CASE("a card's code is verified with nothing but head office's key", "[sync][card_qr]") {
  const ed25519_signer hq(key_of(1));
  const ed25519_verifier with;
  const card_code card{{17}, "3931"};
  const auto text = make_card_code(hq, "bakery", card);
  CHECK(text.starts_with("TALLYC1."));
  CHECK(text.size() <= card_code_text_max);
  CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
        std::string::npos);
  const auto read = verify_card_code(text, "bakery", hq.key(), with);
  REQUIRE(read.ok());
  CHECK(*read == card);
  const card_code large{{~std::uint64_t{0}}, ""};
  const auto longest = make_card_code(hq, "bakery", large);
  CHECK(*verify_card_code(longest, "bakery", hq.key(), with) == large);
}

TEST_CASE("a card has several codes, each with a medium of its own", "[sync][card_qr]") {
  const ed25519_signer hq(key_of(1));
  const ed25519_verifier with;
  const card_code first{{17}, "3931"}, third{{17}, "3931", 3};
  const auto text = make_card_code(hq, "bakery", third);
  CHECK(text.starts_with("TALLYC2."));
  CHECK(looks_like_card_code(text));
  REQUIRE(verify_card_code(text, "bakery", hq.key(), with).ok());
  CHECK(*verify_card_code(text, "bakery", hq.key(), with) == third);
  // Neither is the other with another beginning.
  auto as_first = text, as_third = make_card_code(hq, "bakery", first);
  as_first[6] = '1';
  as_third[6] = '2';
  CHECK_FALSE(verify_card_code(as_first, "bakery", hq.key(), with).ok());
  CHECK_FALSE(verify_card_code(as_third, "bakery", hq.key(), with).ok());
  CHECK(make_card_code(hq, "bakery", {{~std::uint64_t{0}}, "3931", UINT32_MAX}).size() <= card_code_text_max);
  CHECK(code_medium("bakery", {17}, 0).size() == 16);
  CHECK(code_medium("bakery", {17}, 0) != code_medium("bakery", {17}, 3));
  CHECK(code_medium("bakery", {17}, 3) != code_medium("other", {17}, 3));
}

TEST_CASE("another chain, another key and every changed character are refused", "[sync][card_qr]") {
  const ed25519_signer hq(key_of(1)), other(key_of(2));
  const ed25519_verifier with;
  const auto text = make_card_code(hq, "bakery", {{17}, "3931"});
  CHECK(verify_card_code(text, "other", hq.key(), with).code() == errc::bad_signature);
  CHECK(verify_card_code(text, "bakery", other.key(), with).code() == errc::bad_signature);
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const char c : {'A', 'B', '0', '-', '=', '\n', '\0'}) {
      auto changed = text;
      if (changed[i] == c) continue;
      changed[i] = c;
      CHECK_FALSE(verify_card_code(changed, "bakery", hq.key(), with).ok());
    }
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK_FALSE(verify_card_code(text.substr(0, n), "bakery", hq.key(), with).ok());
  CHECK_FALSE(verify_card_code(text + "A", "bakery", hq.key(), with).ok());
  CHECK_FALSE(verify_card_code(text + "AAAA", "bakery", hq.key(), with).ok());
  CHECK_FALSE(verify_card_code("TALLYC1." + std::string(10'000, 'A'), "bakery", hq.key(), with).ok());
}
