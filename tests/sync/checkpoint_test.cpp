#include "sync/checkpoint.hpp"

#include <catch2/catch.hpp>

#include "sync/keys_fake.hpp"
#include "sync/seeded.hpp"

using namespace tally;
using tally::test::seeded_entropy;

namespace {

// Go's golang.org/x/mod/sumdb/note tests.
const std::string peter_key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string enoch_key = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const char* peter_seed = "810a1402d5146c8d84f2443330f54080ebf98ee17d9c74f6252fc5d5c7283173";
const std::string wisdom =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
const std::string peter_line =
    "\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const std::string enoch_line =
    "\u2014 EnochRoot "
    "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

// A checkpoint that Go's checksum database published.
const std::string sumdb_key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
const std::string sumdb_body = "go.sum database tree\n6476701\nmb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=\n";
const std::string sumdb_line =
    "\u2014 sum.golang.org "
    "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=\n";

// The checkpoint of the tlog-checkpoint text, cosigned with Peter's key by another implementation (Python).
const std::string sofa_body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const std::string witness_key = "witness.example.com/w1+d46a2b1b+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const std::string witness_line =
    "\u2014 witness.example.com/w1 "
    "1GorGwAAAABkGFDLJeR//pqzhnEKVvEm2wWbh2RJ6oru5+cUUfm5X9NnlaGr8aSH9QE5RVZD4QGlxl2F5UpVIIi94p178KLfqPPsAA==\n";

note_key key_of(const std::string& text) {
  auto key = parse_verifier_key(text);
  REQUIRE(key.ok());
  return *key;
}

signing_key peter() {
  std::array<std::uint8_t, 32> seed{};
  REQUIRE(from_hex(peter_seed, seed));
  return signing_key_from_seed(seed);
}

checkpoint some_head() {
  checkpoint head{"shop.example/7/00112233aabbccdd/journal", 4711, {}, {}};
  head.root.fill(0x5a);
  return head;
}

}  // namespace

TEST_CASE("verifier keys agree with other implementations", "[sync][checkpoint]") {
  for (const auto& text : {peter_key, enoch_key, sumdb_key, witness_key,
                           std::string("remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2")})
    CHECK(verifier_key(key_of(text)) == text);
  CHECK(key_id(key_of(peter_key)) == 0xc74f20a3);
  CHECK(key_of(peter_key).key == peter().pub);
  CHECK(key_of(witness_key).algorithm == note_algorithm::cosignature_v1);

  // As Go's TestNewVerifier: every cut and every raised byte is refused.
  for (std::size_t i = 0; i <= peter_key.size(); ++i)
    for (std::size_t j = i; j <= peter_key.size(); ++j)
      if (i != 0 || j != peter_key.size()) CHECK_FALSE(parse_verifier_key(peter_key.substr(i, j - i)).ok());
  for (std::size_t i = 0; i < peter_key.size(); ++i) {
    auto bad = peter_key;
    ++bad[i];
    CHECK_FALSE(parse_verifier_key(bad).ok());
  }
  CHECK_FALSE(parse_verifier_key("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==").ok());
  CHECK_FALSE(parse_verifier_key("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").ok());
}

TEST_CASE("notes of other implementations verify, and ours equal theirs", "[sync][checkpoint]") {
  ed25519_verifier with;
  auto parsed = parse_note(wisdom + "\n" + peter_line + enoch_line);
  REQUIRE(parsed.ok());
  CHECK(parsed->body == wisdom);
  REQUIRE(parsed->signatures.size() == 2);
  std::vector<note_key> keys{key_of(peter_key), key_of(enoch_key)};
  CHECK(verify_note(*parsed, keys, with).value().size() == 2);
  keys.pop_back();
  CHECK(verify_note(*parsed, keys, with).value().size() == 1);
  CHECK(verify_note(*parsed, {}, with).code() == errc::bad_signature);

  ed25519_signer signer(peter());
  CHECK(signature_line("PeterNeumann", signer.key(), signer.sign(wisdom)) == peter_line);
  CHECK(make_note(wisdom, std::vector{peter_line, enoch_line}) == wisdom + "\n" + peter_line + enoch_line);

  auto sumdb = parse_note(sumdb_body + "\n" + sumdb_line);
  REQUIRE(sumdb.ok());
  CHECK(verify_note(*sumdb, std::vector{key_of(sumdb_key)}, with).ok());
  auto head = parse_checkpoint_body(sumdb->body);
  REQUIRE(head.ok());
  CHECK(head->origin == "go.sum database tree");
  CHECK(head->size == 6476701);
  CHECK(checkpoint_body(*head) == sumdb_body);
}

TEST_CASE("cosignatures agree with another implementation", "[sync][checkpoint]") {
  ed25519_verifier with;
  ed25519_signer signer(peter());
  auto head = parse_checkpoint_body(sofa_body).value();
  auto sig = sign_cosignature(signer, head, 1679315147);
  CHECK(cosignature_line("witness.example.com/w1", signer.key(), 1679315147, sig) == witness_line);
  auto held = verify_note(parse_note(sofa_body + "\n" + witness_line).value(), std::vector{key_of(witness_key)}, with);
  REQUIRE(held.ok());
  REQUIRE(held->size() == 1);
  CHECK((*held)[0].time == 1679315147);
  CHECK(verify_cosignature(with, signer.key(), head, 1679315147, sig));
  CHECK_FALSE(verify_cosignature(with, signer.key(), head, 1679315148, sig));
  CHECK_FALSE(verify_cosignature(with, signer.key(), head, 0, sig));
  // A head's signature is no cosignature, nor the other way round.
  CHECK_FALSE(verify_checkpoint(with, signer.key(), head, sig));
  CHECK_FALSE(verify_cosignature(with, signer.key(), head, 1679315147, sign_checkpoint(signer, head)));
  // A plain key of the same name does not take the cosignature's line for its own.
  note_key plain{"witness.example.com/w1", note_algorithm::ed25519, signer.key()};
  CHECK_FALSE(verify_note(parse_note(sofa_body + "\n" + witness_line).value(), std::vector{plain}, with).ok());
}

TEST_CASE("a head is signed by origin, size and root", "[sync][checkpoint]") {
  seeded_entropy source(7);
  fake_keys keys(source);
  auto signer = keys.make_signer(source);
  const auto head = some_head();
  auto sig = sign_checkpoint(*signer, head);
  CHECK(verify_checkpoint(keys, signer->key(), head, sig));
  auto other = head;
  other.size += 1;
  CHECK_FALSE(verify_checkpoint(keys, signer->key(), other, sig));
  other = head;
  other.root[31] ^= 1;
  CHECK_FALSE(verify_checkpoint(keys, signer->key(), other, sig));
  other = head;
  other.origin.back() = 'm';
  CHECK_FALSE(verify_checkpoint(keys, signer->key(), other, sig));
  other = head;
  other.origin = "a b";
  CHECK_FALSE(verify_checkpoint(keys, signer->key(), other, sig));
  other.origin = "cosignature/v1";
  CHECK_FALSE(verify_checkpoint(keys, signer->key(), other, signer->sign(checkpoint_body(other))));
}

TEST_CASE("a checkpoint body has one reading", "[sync][checkpoint]") {
  auto head = some_head();
  head.size = 0xffffffffffffffff;
  CHECK(parse_checkpoint_body(checkpoint_body(head)).value() == head);
  head.size = 0;
  head.extensions = {"one", "two"};
  CHECK(parse_checkpoint_body(checkpoint_body(head)).value() == head);

  const std::string root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
  for (const std::string& bad :
       {std::string(), std::string("\n"), "a\n1\n" + root.substr(0, root.size() - 1), "\n1\n" + root, "a\n01\n" + root,
        "a\n-1\n" + root, "a\n+1\n" + root, "a\n1 \n" + root, "a\n18446744073709551616\n" + root, "a\n\n" + root,
        std::string("a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n"), std::string("a\n1\nCsUYag==\n"),
        "a\n1\n" + root + "\n", "a\n1\n" + root + "x", "a\r\n1\n" + root, "a\n0x1\n" + root})
    CHECK(parse_checkpoint_body(bad).code() == errc::malformed);
  std::string wide(300, 'a');
  CHECK(parse_checkpoint_body(wide.append("\n1\n").append(root)).code() == errc::malformed);
  std::string many = "a\n1\n" + root;
  for (int i = 0; i < 17; ++i)
    many += "x\n";
  CHECK_FALSE(parse_checkpoint_body(many).ok());
  const auto body = checkpoint_body(some_head());
  for (std::size_t n = 0; n < body.size(); ++n)
    CHECK_FALSE(parse_checkpoint_body(body.substr(0, n)).ok());
}

TEST_CASE("malformed notes are refused", "[sync][checkpoint]") {
  const auto good = wisdom + "\n" + peter_line;
  REQUIRE(parse_note(good).ok());
  for (const std::string& bad :
       {wisdom, wisdom + "\n", good.substr(0, good.size() - 1), "\x01" + good, "\xff" + good,
        wisdom + "\n\u2014 Bad Name x08go/ZJkuBS9UG/Sffc\n", good + "Unexpected line.\n", good + "\n",
        wisdom + "\n\u2014 a+b x08go/ZJkuBS9UG/Sffc\n", wisdom + "\n\u2014  x08go/ZJkuBS9UG/Sffc\n",
        wisdom + "\n- PeterNeumann x08go/ZJkuBS9UG/Sffc\n", wisdom + "\n\u2014 PeterNeumann x08gow==\n",
        wisdom + "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/Sff\n", wisdom + "\n\u2014 a\u00a0b x08go/ZJkuBS9UG/Sffc\n",
        std::string()})
    CHECK(parse_note(bad).code() == errc::malformed);
  std::string vast(70'000, 'a');
  CHECK(parse_note(vast.append("\n\n").append(peter_line)).code() == errc::malformed);
  std::string lines;
  for (int i = 0; i < 100; ++i)
    lines += peter_line;
  CHECK(parse_note(wisdom + "\n" + lines).ok());
  CHECK(parse_note(wisdom + "\n" + lines + peter_line).code() == errc::malformed);
}

TEST_CASE("a bad signature of a known key condemns the note", "[sync][checkpoint]") {
  ed25519_verifier with;
  std::vector<note_key> keys{key_of(peter_key), key_of(enoch_key)};
  auto parsed = parse_note(wisdom + "\n" + peter_line + enoch_line).value();
  parsed.signatures[1].blob[10] ^= 1;
  CHECK(verify_note(parsed, keys, with).code() == errc::bad_signature);
  keys.pop_back();
  CHECK(verify_note(parsed, keys, with).ok());
  parsed.signatures[0].blob.resize(63);
  CHECK(verify_note(parsed, keys, with).code() == errc::bad_signature);
  auto changed = parse_note(wisdom + "\n" + peter_line).value();
  changed.body[0] = 'i';
  CHECK(verify_note(changed, keys, with).code() == errc::bad_signature);
  auto twice = parse_note(wisdom + "\n" + peter_line + peter_line).value();
  CHECK(verify_note(twice, keys, with).value().size() == 1);
}
