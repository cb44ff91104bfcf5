#include "sync/token.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "sync/seeded.hpp"

using namespace tally;
using tally::test::seeded_entropy;

namespace {

enrolment_token some_token(seeded_entropy& source) {
  enrolment_token t;
  t.chain = "cafe-42";
  t.endpoints = {"tcp://hq.example:7001", "tcp://192.0.2.1:7001"};
  source.fill(t.door);
  source.fill(t.hq);
  draw(t, source);
  t.expiry = 1'800'000'000;
  return t;
}

}  // namespace

TEST_CASE("an enrolment token is text and back", "[sync][token]") {
  seeded_entropy source(5);
  auto t = some_token(source);
  auto text = to_text(t);
  CHECK(text.starts_with("tally1."));
  CHECK(parse_enrolment_token(text).value() == t);
  CHECK(parse_enrolment_token("  " + text + "\r\n").value() == t);
  t.endpoints = {std::string(200, 'e'), std::string(200, 'f'), std::string(200, 'g'), std::string(200, 'h')};
  t.chain = std::string(40, 'c');
  CHECK(parse_enrolment_token(to_text(t)).value() == t);
}

TEST_CASE("typing errors in an enrolment token are named", "[sync][token]") {
  seeded_entropy source(6);
  const auto text = to_text(some_token(source));
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK(parse_enrolment_token(text.substr(0, n)).code() == errc::bad_token);
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto bad = text;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    CHECK(parse_enrolment_token(bad).code() == errc::bad_token);
    if (i > 7 && text[i] != text[i - 1]) {
      bad = text;
      std::swap(bad[i], bad[i - 1]);
      auto swapped = parse_enrolment_token(bad);
      CHECK(swapped.code() == errc::bad_token);
    }
  }
  CHECK(parse_enrolment_token("hello").error().detail.find("tally1.") != std::string::npos);
  auto mistyped = text;
  mistyped[20] = mistyped[20] == 'x' ? 'y' : 'x';
  CHECK(parse_enrolment_token(mistyped).error().detail.find("check sum") != std::string::npos);
  CHECK(parse_enrolment_token(text + "A").code() == errc::bad_token);
  CHECK(parse_enrolment_token("tally1." + std::string(100'000, 'A')).code() == errc::bad_token);
}

TEST_CASE("an enrolment token expires", "[sync][token]") {
  seeded_entropy source(7);
  auto t = some_token(source);
  CHECK(check_expiry(t, t.expiry - 1).ok());
  CHECK(check_expiry(t, t.expiry).code() == errc::bad_token);
  auto other = some_token(source);
  CHECK(other.secret != t.secret);
  CHECK(hash_enrolment_secret(t.id, view_of(t.secret)) == hash_enrolment_secret(t.id, view_of(t.secret)));
  CHECK(hash_enrolment_secret(t.id, view_of(t.secret)) != hash_enrolment_secret(other.id, view_of(t.secret)));
  CHECK(hash_enrolment_secret(t.id, view_of(t.secret)) != hash_enrolment_secret(t.id, view_of(other.secret)));
}

TEST_CASE("a rollback token is believed only by the node that made it", "[sync][token]") {
  seeded_entropy source(8);
  auto secret = make_node_secret(source), other = make_node_secret(source);
  rollback_mark mark{{{1, 2, 3, 4, 5, 6, 7, 8}}, 0x1122334455667788};
  auto token = make_rollback_token(secret, mark);
  CHECK(token.size() == 43);
  CHECK(verify_rollback_token(secret, token) == mark);
  CHECK_FALSE(verify_rollback_token(other, token));
  CHECK_FALSE(verify_rollback_token(secret, ""));
  CHECK_FALSE(verify_rollback_token(secret, token + "A"));
  CHECK_FALSE(verify_rollback_token(secret, std::string(1'000'000, 'A')));
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto bad = token;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(verify_rollback_token(secret, bad));
    CHECK_FALSE(verify_rollback_token(secret, token.substr(0, i)));
  }
  ++mark.seq;
  CHECK(make_rollback_token(secret, mark) != token);
}

TEST_CASE("pairing codes are six even digits and hashed under the node", "[sync][token]") {
  seeded_entropy source(9);
  auto secret = make_node_secret(source), other = make_node_secret(source);
  std::array<int, 10> first{};
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    auto code = make_pairing_code(source);
    REQUIRE(code.size() == 7);
    REQUIRE(code[3] == '-');
    ++first[static_cast<std::size_t>(code[0] - '0')];
    seen.insert(code);
  }
  CHECK(seen.size() > 1980);
  for (int n : first)
    CHECK(n > 100);
  auto hash = hash_pairing_code(secret, "482-913");
  REQUIRE(hash);
  CHECK(hash == hash_pairing_code(secret, " 482 913"));
  CHECK(hash == hash_pairing_code(secret, "482913"));
  CHECK(hash != hash_pairing_code(other, "482-913"));
  CHECK(hash != hash_pairing_code(secret, "482-914"));
  for (const char* bad : {"", "48291", "4829130", "482-91a", "482_913",
                          "\xd9\xa4"
                          "82913"})
    CHECK_FALSE(hash_pairing_code(secret, bad));
  CHECK_FALSE(hash_pairing_code(secret, "482913" + std::string(1000, ' ')));
}

TEST_CASE("bearer tokens are random and stored hashed", "[sync][token]") {
  seeded_entropy source(10);
  auto a = make_bearer_token(source), b = make_bearer_token(source);
  CHECK(a.size() == 32);
  CHECK(a != b);
  CHECK(hash_bearer_token(a) == hash_bearer_token(a));
  CHECK(hash_bearer_token(a) != hash_bearer_token(b));
}
