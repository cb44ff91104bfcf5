#include <catch2/catch.hpp>

#include "sync/pin_seal.hpp"
#include "sync/seeded.hpp"

using namespace tally;

namespace {

struct fixture {
  test::seeded_entropy random{7};
  curve_key office = make_curve_key(random);
  pin_pepper pepper = pepper_of(make_node_secret(random));
  pin_place at{"chain", {17}, 3};
  argon2_pin_hasher hasher;
  pin_verifier make(std::string_view pin) {
    pin_verifier v{salt_of(pepper, at.account, 201, 5), {}};
    v.hash = hasher.hash(pin, v.salt).value();
    return v;
  }
};

}  // namespace

TEST_CASE("a verifier tells the PIN from others", "[sync][pin]") {
  fixture f;
  auto v = f.make("1234");
  CHECK(fits(v, "1234", f.hasher) == true);
  for (const char* other : {"1235", "12340", "", "0123456789012345678901234567890123456789"})
    CHECK(fits(v, other, f.hasher) == false);
  // The same request gives the same one, another request or card another.
  CHECK(f.make("1234") == v);
  CHECK(salt_of(f.pepper, {17}, 201, 6) != v.salt);
  CHECK(salt_of(f.pepper, {18}, 201, 5) != v.salt);
  CHECK(salt_of(f.pepper, {17}, 202, 5) != v.salt);
  CHECK(digest_of(f.pepper, v) == digest_of(f.pepper, f.make("1234")));
  CHECK(digest_of(f.pepper, v) != digest_of(f.pepper, f.make("1235")));
  CHECK(digest_of(f.pepper, v).size() == 16);
  CHECK(digest_of(pepper_of(make_node_secret(f.random)), v) != digest_of(f.pepper, v));
}

TEST_CASE("what is sealed of a PIN opens for head office and its writer, at its place, and for nobody else",
          "[sync][pin]") {
  fixture f;
  auto v = f.make("4711");
  auto blob = seal_pin(f.office.pub, f.pepper, f.at, v, f.random);
  CHECK(blob.size() <= 400);
  CHECK(blob.find("4711") == bytes::npos);
  auto office = open_pin_as_office(f.office, f.at, blob), own = open_pin_as_writer(f.pepper, f.at, blob);
  REQUIRE(office.ok());
  REQUIRE(own.ok());
  CHECK(*office == v);
  CHECK(*own == v);
  auto stranger = make_curve_key(f.random);
  CHECK(open_pin_as_office(stranger, f.at, blob).code() == errc::bad_proof);
  CHECK(open_pin_as_writer(pepper_of(make_node_secret(f.random)), f.at, blob).code() == errc::bad_proof);
  for (const auto& elsewhere :
       {pin_place{"chain", {18}, 3}, pin_place{"chain", {17}, 4}, pin_place{"other", {17}, 3}}) {
    CHECK(open_pin_as_office(f.office, elsewhere, blob).code() == errc::bad_proof);
    CHECK(open_pin_as_writer(f.pepper, elsewhere, blob).code() == errc::bad_proof);
  }
  for (std::size_t i = 0; i < blob.size(); ++i) {
    auto bad = blob;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK_FALSE((open_pin_as_office(f.office, f.at, bad).ok() && open_pin_as_writer(f.pepper, f.at, bad).ok()));
    auto cut = blob.substr(0, i);
    CHECK_FALSE(open_pin_as_office(f.office, f.at, cut).ok());
    CHECK_FALSE(open_pin_as_writer(f.pepper, f.at, cut).ok());
  }
}

TEST_CASE("letters about PINs: round trip, truncated, changed, too long", "[sync][pin]") {
  fixture f;
  pin_question q{0x0102030405060708, {17}, 3};
  pin_answer a{q.id, errc::ok, f.make("1234")};
  CHECK(decode_pin_question(encode_pin_question(q)).value() == q);
  CHECK(decode_pin_answer(encode_pin_answer(a)).value() == a);
  for (auto text : {encode_pin_question(q), encode_pin_answer(a)}) {
    for (std::size_t n = 0; n < text.size(); ++n) {
      CHECK_FALSE(decode_pin_question(byte_view(text).substr(0, n)).ok());
      CHECK_FALSE(decode_pin_answer(byte_view(text).substr(0, n)).ok());
    }
    CHECK_FALSE(decode_pin_question(text + "x").ok());
    CHECK_FALSE(decode_pin_answer(text + "x").ok());
  }
  CHECK(pin_letter(as_pin_letter("sealed")) == byte_view("sealed"));
  CHECK_FALSE(pin_letter("sealed"));
  CHECK_FALSE(pin_letter("tallypi"));
}
