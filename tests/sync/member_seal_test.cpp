#include "sync/member_seal.hpp"

#include <catch2/catch.hpp>

#include "seeded.hpp"

using namespace tally;
using namespace tally::test;

namespace {

writer_id writer_of(std::uint32_t node) { return {node_id{node}, {{1, 2, 3, 4, 5, 6, 7, 8}}}; }

member_change whole() {
  member_change c;
  c.name = "王小明";
  c.born = birth_date{1990, 2, 28};
  c.phones = {"+8613800138000", "5550100"};
  c.emails = {"a@b.example"};
  c.address = "1 Main Street\nTown";
  c.children = {{{2015, 5, 1}, member_sex::female}, {{0, 12, 24}, member_sex::unknown}};
  c.photo = "\xFF\xD8\xFF" + bytes(1'000, 'p');
  c.consents = 5;
  c.cards = {account_id{17}, account_id{UINT64_MAX}};
  c.merged_into = account_id{0};
  card_application open{{17}, 3, application_state::open, 2'500, 0, {5}, "**** 9123", ""};
  c.applications = {open, {{UINT64_MAX}, UINT32_MAX, application_state::refused, 1, 2, {6}, "", "no address"}};
  return c;
}

}  // namespace

TEST_CASE("a member's record has one form", "[sync][member]") {
  for (const auto& c : {member_change{}, whole(), change_of({})}) {
    auto data = encode_change(c);
    CHECK(*decode_change(data) == c);
    CHECK(decode_change(data + '\0').code() == errc::malformed);
    for (std::size_t n = 0; n < data.size(); ++n)
      CHECK(decode_change(byte_view(data).substr(0, n)).code() == errc::malformed);
  }
  seeded_entropy dice(1);
  auto good = encode_change(whole());
  for (int i = 0; i < 20'000; ++i) {
    std::array<std::uint8_t, 4> r{};
    dice.fill(r);
    auto bad = good;
    bad[(r[0] << 8 | r[1]) % bad.size()] = static_cast<char>(r[2]);
    if (auto c = decode_change(bad)) CHECK(encode_change(*c) == bad);
  }
}

TEST_CASE("sealed data opens at its place only", "[sync][member]") {
  seeded_entropy random(2);
  auto key = make_member_key(random), other = make_member_key(random);
  const seal_place at{"chain", account_id{1201}, writer_of(3), 4};
  auto blob = seal_member(key, at, whole(), random);
  CHECK(*open_member(key, at, blob) == whole());
  CHECK(blob.find("13800138000") == bytes::npos);
  CHECK(blob.find("王") == bytes::npos);

  auto refused = [&](const member_key& k, seal_place p) { return open_member(k, p, blob).code() == errc::bad_proof; };
  CHECK(refused(other, at));
  auto p = at;
  p.chain = "another";
  CHECK(refused(key, p));
  p = at;
  p.member.value = 1202;
  CHECK(refused(key, p));
  p = at;
  p.writer = writer_of(4);  // a store says again what another one said
  CHECK(refused(key, p));
  p = at;
  p.number = 5;  // or what it said itself before
  CHECK(refused(key, p));

  for (std::size_t i = 0; i < blob.size(); ++i) {
    auto bad = blob;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK_FALSE(open_member(key, at, bad));
  }
  for (std::size_t n = 0; n < blob.size(); n += 7)
    CHECK_FALSE(open_member(key, at, byte_view(blob).substr(0, n)));
}

TEST_CASE("the length of what is sealed does not tell a short name from a shorter one", "[sync][member]") {
  seeded_entropy random(3);
  auto key = make_member_key(random);
  member_change a, b;
  a.name = "Li";
  b.name = "Wolfeschlegelsteinhausen";
  CHECK(seal_member(key, {}, a, random).size() == seal_member(key, {}, b, random).size());
  // Two seals of one thing have nothing in common but their form.
  CHECK(seal_member(key, {}, a, random) != seal_member(key, {}, a, random));
}

template <std::size_t Size>
std::array<std::uint8_t, Size> hex(std::string_view text) {
  std::array<std::uint8_t, Size> out{};
  REQUIRE(from_hex(text, out));
  return out;
}

TEST_CASE("a letter is NaCl's box", "[sync][member]") {
  // Of the paper "Cryptography in NaCl", sections 2 to 10: Alice writes to Bob.
  auto bob = curve_key_from_secret(hex<32>("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  auto alice = hex<32>("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  auto sealed = hex<24 + 147>(
      "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce"
      "48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8a"
      "b932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74"
      "e355a5");
  auto text = hex<131>(
      "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
      "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
      "f0a089bc76897040e082f937763848645e0705");
  for (int i = 0; i < 2; ++i)  // the second time with what is kept of the first
    CHECK(open_letter(bob, alice, view_of(sealed)) == view_of(text));
}

TEST_CASE("what two keys share is kept for a while, and never mistaken", "[sync][member]") {
  seeded_entropy random(5);
  auto office = make_curve_key(random), store = make_curve_key(random);
  for (const auto* text : {"one", "two", "three"}) {
    auto sealed = seal_letter(store, office.pub, text, random);
    CHECK(open_letter(office, store.pub, sealed) == text);
    CHECK(open_letter(office.clone(), store.pub, sealed) == text);
    CHECK(open_letter(curve_key_from_secret(office.secret.span()), store.pub, sealed) == text);
  }
  // More others than are kept.
  for (std::size_t i = 0; i < 2 * shared_keys::kept_max; ++i)
    (void)seal_letter(store, make_curve_key(random).pub, "x", random);
  CHECK(open_letter(office, store.pub, seal_letter(store, office.pub, "four", random)) == "four");
  // A point of small order shares no secret: nothing is sealed for it, and nothing comes from it.
  CHECK(seal_letter(store, public_key{}, "five", random).empty());
  CHECK_FALSE(open_letter(store, public_key{}, seal_letter(office, store.pub, "six", random)));
}

TEST_CASE("letters are read by the one to whom they are written", "[sync][member]") {
  seeded_entropy random(4);
  auto office = make_curve_key(random), store = make_curve_key(random), thief = make_curve_key(random);
  lease_question q{.id = UINT64_MAX, .card = account_id{17}, .member = {}, .open = true};
  auto sealed = seal_letter(store, office.pub, encode_question(q), random);
  CHECK(*decode_question(*open_letter(office, store.pub, sealed)) == q);
  CHECK_FALSE(open_letter(thief, store.pub, sealed));
  CHECK_FALSE(open_letter(office, thief.pub, sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    auto bad = sealed;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    CHECK_FALSE(open_letter(office, store.pub, bad));
    CHECK_FALSE(open_letter(office, store.pub, byte_view(sealed).substr(0, i)));
  }

  lease_answer a{.id = 7,
                 .code = errc::ok,
                 .member = account_id{1201},
                 .version = 3,
                 .published = 12,
                 .until = 9,
                 .now = 8,
                 .key = {},
                 .blob = "blob"};
  a.key[31] = 1;
  CHECK(*decode_answer(encode_answer(a)) == a);
  CHECK(decode_answer(encode_question(q)).code() == errc::malformed);
  CHECK(decode_question(encode_answer(a)).code() == errc::malformed);
  q.member.value = 1;  // a card or a member, not both
  CHECK(decode_question(encode_question(q)).code() == errc::malformed);
}
