#include "node/enrolment.hpp"

#include <catch2/catch.hpp>

#include "node/fake_office.hpp"
#include "sync/seeded.hpp"

using namespace tally;

namespace {

constexpr unix_seconds now = 1'795'355'000;

/// Head office with its desk, one region, and an open invitation for a store below it.
struct office {
  test::seeded_entropy random{7};
  ed25519_verifier with;
  signing_key root = make_signing_key(random);
  ed25519_signer hq{make_signing_key(random)}, region{make_signing_key(random)};
  curve_key door = make_curve_key(random);
  test::fake_office node;
  unix_seconds clock = now;
  std::vector<std::string> told;
  enrolment_desk desk{
      {node,
       hq,
       with,
       {"bakery", root.pub},
       [this] { return clock; },
       50,
       365 * 86'400,
       [this](errc code, const std::string& text) { told.push_back(std::string(errc_name(code)) + " " + text); }}};
  enrolment_token token{"bakery", {"tcp://127.0.0.1:1"}, door.pub, hq.key(), {}, {}, now + 3600};
  invitation what{node_id{3}, "Store A", node_role::store, {node_id{2}, head_office}, {100, 200, 300, 400}, now + 3600};

  certificate body(node_id id, const char* name, node_role role, const public_key& key) {
    certificate c{"bakery", id, name, role, {}, 1, 0, key, make_curve_key(random).pub, {}, 1, now - 10, now + 999, 1};
    random.fill(c.epoch.value);
    return c;
  }
  office() {
    node.put_certificate(
        sign_certificate(body(head_office, "HQ", node_role::hq, hq.key()), root_issuer, ed25519_signer(root.clone())));
    auto r = body(node_id{2}, "North", node_role::region, region.key());
    r.parents = {head_office};
    node.put_certificate(sign_certificate(r, head_office, hq));
    draw(token, random);
    node.notes[invitation_key(token.id)] =
        encode(invitation_record{what, hash_enrolment_secret(token.id, view_of(token.secret)), false, {}, {}});
  }
};

/// A machine that wants to become the store.
struct machine {
  ed25519_signer key;
  curve_key curve;
  epoch_id epoch;
  explicit machine(entropy& random) : key(make_signing_key(random)), curve(make_curve_key(random)) {
    random.fill(epoch.value);
  }
  bytes ask(const enrolment_token& t) const { return make_enrolment_request(t, key, curve.pub, epoch); }
};

std::size_t count(const std::vector<entry>& list, entry_kind kind) {
  return static_cast<std::size_t>(std::ranges::count(list, kind, &entry::kind));
}

}  // namespace

TEST_CASE("a store enrols with a token", "[enrolment]") {
  office o;
  machine m(o.random);
  auto question = m.ask(o.token);
  auto made = read_enrolment_answer(o.desk.answer(question), question, o.token, o.with);
  REQUIRE(made);
  CHECK(made->identity.node == node_id{3});
  CHECK(made->identity.role == node_role::store);
  CHECK(made->identity.name == "Store A");
  CHECK(made->identity.believes.root == o.root.pub);
  CHECK(made->identity.first_epoch == m.epoch);
  CHECK(made->certificates.size() == 3);
  REQUIRE(o.node.written.size() == 2);
  CHECK(o.node.written[0].kind == entry_kind::certify);
  CHECK(o.node.written[1].subject == writer_id{node_id{3}, m.epoch});
  CHECK(o.node.written[1].limits == o.what.limits);
  CHECK(o.node.notes.begin()->second.find(bytes(view_of(o.token.secret))) == bytes::npos);
}

TEST_CASE("a node belongs to the owner that its invitation names, and else to the one before", "[enrolment]") {
  office o;
  auto enrolled_owner = [&](std::uint32_t owner) {
    o.what.owner = owner;
    o.node.notes[invitation_key(o.token.id)] =
        encode(invitation_record{o.what, hash_enrolment_secret(o.token.id, view_of(o.token.secret)), false, {}, {}});
    machine m(o.random);
    auto question = m.ask(o.token);
    auto made = read_enrolment_answer(o.desk.answer(question), question, o.token, o.with);
    REQUIRE(made);
    auto own = decode_certificate(made->certificates[1].body);
    REQUIRE(own);
    o.node.put_certificate(made->certificates[1]);
    return own->owner;
  };
  CHECK(enrolled_owner(0) == 1);
  CHECK(enrolled_owner(7) == 7);
  CHECK(enrolled_owner(0) == 7);
}

TEST_CASE("a token works once, and a lost answer can be asked for again", "[enrolment]") {
  office o;
  machine m(o.random), thief(o.random);
  auto question = m.ask(o.token);
  auto first = o.desk.answer(question);
  CHECK(o.desk.answer(question) == first);
  CHECK(count(o.node.written, entry_kind::certify) == 1);
  o.clock = now + 10'000;  // also after the token's time: it is the same enrolment
  CHECK(o.desk.answer(question) == first);

  auto theirs = thief.ask(o.token);
  auto refused = read_enrolment_answer(o.desk.answer(theirs), theirs, o.token, o.with);
  REQUIRE_FALSE(refused);
  CHECK(refused.code() == errc::bad_token);
  CHECK(refused.error().detail.find("used before") != std::string::npos);
  CHECK(count(o.node.written, entry_kind::certify) == 1);
}

TEST_CASE("expired, unknown and wrong tokens are refused", "[enrolment]") {
  office o;
  machine m(o.random);
  auto refusal = [&](const enrolment_token& t) {
    auto question = m.ask(t);
    auto a = read_enrolment_answer(o.desk.answer(question), question, t, o.with);
    REQUIRE_FALSE(a);
    CHECK(a.code() == errc::bad_token);
    return a.error().detail;
  };
  auto other = o.token;
  draw(other, o.random);
  auto unknown = refusal(other);
  auto guessed = o.token;
  guessed.secret[3] ^= 1;
  CHECK(refusal(guessed) == unknown);  // an id cannot be probed
  o.clock = o.what.expiry;
  CHECK(refusal(o.token).find("expired") != std::string::npos);
  CHECK(o.node.written.empty());
  // All three are told to the security log, with the node that was invited and never with the secret.
  REQUIRE(o.told.size() == 3);
  CHECK(o.told[0].find("of no invitation") != std::string::npos);
  for (std::size_t i : {1, 2})
    CHECK(o.told[i].starts_with("bad_token a refused enrolment with a token for node 3, by keys with digest "));
  CHECK(o.told[1].find(" by keys") == o.told[2].find(" by keys"));
  for (const auto& line : o.told)
    CHECK(line.find(to_hex(view_of(o.token.secret))) == std::string::npos);
}

TEST_CASE("a failed step leaves an enrolment that can be repeated", "[enrolment]") {
  office o;
  machine m(o.random), thief(o.random);
  auto question = m.ask(o.token);
  auto code = [&](const bytes& q) { return read_enrolment_answer(o.desk.answer(q), q, o.token, o.with).code(); };
  SECTION("the token's record could not be written: nothing happened") {
    o.node.remembers = false;
    CHECK(code(question) == errc::busy);
    o.node.remembers = true;
    o.node.notes[invitation_key(o.token.id)] =
        encode(invitation_record{o.what, hash_enrolment_secret(o.token.id, view_of(o.token.secret)), false, {}, {}});
    CHECK(code(question) == errc::ok);
  }
  SECTION("the certificate could not be published: the same one comes later") {
    o.node.writes = false;
    CHECK(code(question) == errc::io);
    auto record = decode_invitation(o.node.notes[invitation_key(o.token.id)]);
    REQUIRE(record);
    CHECK(record->used);
    o.node.writes = true;
    o.clock += 5;
    CHECK(code(thief.ask(o.token)) == errc::bad_token);
    CHECK(code(question) == errc::ok);
    CHECK(encode(*stored_certificate(o.node.store(), node_id{3})) == record->certificate);
  }
  SECTION("the node does not answer") {
    o.node.silent = true;
    CHECK(code(question) == errc::busy);
  }
}

TEST_CASE("questions that lie or are damaged", "[enrolment]") {
  office o;
  machine m(o.random);
  auto question = m.ask(o.token);
  for (std::size_t n = 0; n < question.size(); ++n) {
    CHECK_FALSE(read_enrolment_request(question.substr(0, n), o.with));
    auto changed = question;
    changed[n] = static_cast<char>(changed[n] ^ 4);
    CHECK_FALSE(read_enrolment_request(changed, o.with));
    CHECK(o.desk.answer(changed).size() > 64);
  }
  CHECK_FALSE(read_enrolment_request(question + "x", o.with));
  CHECK(o.node.written.empty());
  // Somebody shows a key that he does not hold.
  CHECK(read_enrolment_request(question, o.with)->signing == m.key.key());
}

TEST_CASE("answers that were tampered with are not believed", "[enrolment]") {
  office o;
  machine m(o.random), other(o.random);
  auto question = m.ask(o.token);
  auto answer = o.desk.answer(question);
  REQUIRE(read_enrolment_answer(answer, question, o.token, o.with));
  for (std::size_t n = 0; n < answer.size(); ++n) {
    auto changed = answer;
    changed[n] = static_cast<char>(changed[n] ^ 1);
    CHECK_FALSE(read_enrolment_answer(changed, question, o.token, o.with));
    CHECK_FALSE(read_enrolment_answer(answer.substr(0, n), question, o.token, o.with));
  }
  CHECK_FALSE(read_enrolment_answer(answer + "x", question, o.token, o.with));
  CHECK(read_enrolment_answer(answer, other.ask(o.token), o.token, o.with).code() == errc::bad_signature);
}

TEST_CASE("another chain, another head office", "[enrolment]") {
  office o, foreign;
  machine m(o.random);
  SECTION("the token pins another key than the one that answers") {
    auto token = o.token;
    token.hq = ed25519_signer(make_signing_key(o.random)).key();
    auto question = m.ask(token);
    CHECK(read_enrolment_answer(o.desk.answer(question), question, token, o.with).code() == errc::bad_signature);
  }
  SECTION("the token names another chain") {
    auto token = o.token;
    token.chain = "brewery";
    auto question = m.ask(token);
    CHECK(read_enrolment_answer(o.desk.answer(question), question, token, o.with).code() == errc::not_certified);
  }
  SECTION("head office claims a root that did not sign it") {
    enrolment_desk liar{{o.node, o.hq, o.with, {"bakery", make_signing_key(o.random).pub}, [] { return now; }, 50}};
    auto question = m.ask(o.token);
    CHECK(read_enrolment_answer(liar.answer(question), question, o.token, o.with).code() == errc::bad_signature);
  }
}

TEST_CASE("invitation records", "[enrolment]") {
  office o;
  invitation_record r{o.what, {}, true, {}, "certificate"};
  r.hash.fill(9);
  auto data = encode(r);
  CHECK(*decode_invitation(data) == r);
  for (std::size_t n = 0; n < data.size(); ++n)
    CHECK_FALSE(decode_invitation(data.substr(0, n)));
  CHECK_FALSE(decode_invitation(data + "x"));
}

TEST_CASE("the first facts of a chain", "[enrolment]") {
  office o;
  auto own = *stored_certificate(o.node.store(), head_office);
  auto facts = hq_first_facts(own);
  REQUIRE(facts.size() == 1);
  CHECK(facts[0].kind == entry_kind::certify);
  CHECK(*decode_signed_certificate(facts[0].blob) == own);
  CHECK_FALSE(stored_certificate(o.node.store(), node_id{77}));
}
