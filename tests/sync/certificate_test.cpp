#include "sync/certificate.hpp"

#include <catch2/catch.hpp>

#include "storage/varint.hpp"
#include "sync/keys_fake.hpp"
#include "sync/seeded.hpp"

using namespace tally;
using tally::test::seeded_entropy;

namespace {

struct chain {
  seeded_entropy source{11};
  fake_keys keys{source};
  std::unique_ptr<signer> root = keys.make_signer(source), hq = keys.make_signer(source);
  certificate_book book{"cafe-42", root->key(), keys};

  certificate make(std::uint32_t node, std::uint64_t serial) {
    certificate c;
    c.chain = "cafe-42";
    c.node = node_id{node};
    c.name = "Z\xc3\xbcrich " + std::to_string(node);
    c.role = node == 1 ? node_role::hq : node_role::store;
    if (node != 1) c.parents = {node_id{900}, head_office};
    c.owner = 3;
    c.powers = power::trade | power::load;
    source.fill(c.signing);
    source.fill(c.curve);
    source.fill(c.epoch.value);
    c.serial = serial;
    c.not_before = 1'700'000'000;
    c.not_after = 1'800'000'000;
    c.engine = 1;
    return c;
  }
  certificate make_hq(std::uint64_t serial, const signer& key) {
    auto c = make(1, serial);
    c.signing = key.key();
    return c;
  }
  void with_hq() { REQUIRE(book.add(sign_certificate(make_hq(1, *hq), root_issuer, *root)).ok()); }
  signed_certificate issue(const certificate& c) { return sign_certificate(c, head_office, *hq); }
};

}  // namespace

TEST_CASE("a certificate has one encoding", "[sync][certificate]") {
  chain net;
  auto c = net.make(7, 300);
  c.powers = 0xffffffff;
  auto body = encode(c);
  CHECK(decode_certificate(body).value() == c);
  CHECK(body.size() <= certificate_bytes_max);
  for (std::size_t n = 0; n < body.size(); ++n)
    CHECK_FALSE(decode_certificate(body.substr(0, n)).ok());
  CHECK(decode_certificate(body + '\0').code() == errc::malformed);
  CHECK(decode_certificate("\x02" + body.substr(1)).code() == errc::unsupported);
  // The length of the chain name in two bytes instead of one.
  CHECK_FALSE(decode_certificate(body.substr(0, 1) + "\x87" + '\0' + body.substr(2)).ok());

  // Whatever one changed byte decodes to, it encodes to itself again.
  for (std::size_t i = 0; i < body.size(); ++i)
    for (int v = 0; v < 256; ++v) {
      auto other = body;
      other[i] = static_cast<char>(v);
      if (auto decoded = decode_certificate(other)) REQUIRE(encode(*decoded) == other);
    }

  auto longest = net.make(0xffffffff, ~std::uint64_t{0});
  longest.chain = std::string(40, 'a');
  longest.name = std::string(60, 'n');
  longest.parents.clear();
  for (std::uint32_t i = 0; i < 7; ++i)
    longest.parents.push_back(node_id{0xf0000000 + i});
  longest.parents.push_back(head_office);
  longest.owner = longest.engine = 0xffffffff;
  longest.not_after = INT64_MAX;
  CHECK(encode(longest).size() <= certificate_bytes_max);
  CHECK(decode_certificate(encode(longest)).value() == longest);

  auto full = net.issue(longest);
  CHECK(decode_signed_certificate(encode(full)).value() == full);
  auto text = encode(full);
  for (std::size_t n = 0; n < text.size(); ++n)
    CHECK_FALSE(decode_signed_certificate(text.substr(0, n)).ok());
}

TEST_CASE("fields out of bounds are refused by name", "[sync][certificate]") {
  chain net;
  auto refused = [&](auto change) {
    auto c = net.make(7, 1);
    change(c);
    return check(c).code() == errc::malformed && !decode_certificate(encode(c)).ok();
  };
  CHECK(refused([](certificate& c) { c.chain = ""; }));
  CHECK(refused([](certificate& c) { c.chain = "Cafe"; }));
  CHECK(refused([](certificate& c) { c.chain = std::string(41, 'a'); }));
  CHECK(refused([](certificate& c) { c.node = node_id{0}; }));
  CHECK(refused([](certificate& c) { c.node = head_office; }));
  CHECK(refused([](certificate& c) { c.role = node_role::hq; }));
  CHECK(refused([](certificate& c) { c.role = static_cast<node_role>(9); }));
  CHECK(refused([](certificate& c) { c.name = ""; }));
  CHECK(refused([](certificate& c) { c.name = std::string(61, 'x'); }));
  CHECK(refused([](certificate& c) { c.name = "a\nb"; }));
  CHECK(refused([](certificate& c) { c.name = "\xff"; }));
  CHECK(refused([](certificate& c) { c.parents.clear(); }));
  CHECK(refused([](certificate& c) { c.parents = {head_office, node_id{900}}; }));
  CHECK(refused([](certificate& c) { c.parents = {head_office, head_office}; }));
  CHECK(refused([](certificate& c) { c.parents = {c.node, head_office}; }));
  CHECK(refused([](certificate& c) { c.parents = {node_id{0}, head_office}; }));
  CHECK(refused([](certificate& c) { c.parents.insert(c.parents.begin(), 7, node_id{5}); }));
  CHECK(refused([](certificate& c) { c.signing = {}; }));
  CHECK(refused([](certificate& c) { c.curve = {}; }));
  CHECK(refused([](certificate& c) { c.epoch = {}; }));
  CHECK(refused([](certificate& c) { c.not_after = c.not_before; }));
  CHECK(refused([](certificate& c) { c.not_before = -1; }));
}

TEST_CASE("the book believes the root and head office, nobody else", "[sync][certificate]") {
  chain net;
  auto store = net.make(7, 1);
  CHECK(net.book.add(net.issue(store)).code() == errc::not_certified);  // head office unknown yet
  auto hq = net.make_hq(1, *net.hq);
  CHECK(net.book.add(sign_certificate(hq, head_office, *net.hq)).code() == errc::not_certified);
  CHECK(net.book.add(sign_certificate(hq, root_issuer, *net.hq)).code() == errc::bad_signature);
  net.with_hq();

  REQUIRE(net.book.add(net.issue(store)).ok());
  CHECK(*net.book.find(node_id{7}).value() == store);
  CHECK(net.book.find_by_signing_key(store.signing).value()->node == node_id{7});
  CHECK(net.book.find_by_curve_key(store.curve).value()->node == node_id{7});
  CHECK(net.book.find(node_id{8}).code() == errc::not_found);
  CHECK(net.book.find_by_signing_key(store.curve).code() == errc::not_found);
  CHECK(net.book.find_by_curve_key(store.signing).code() == errc::not_found);
  CHECK(*net.book.signed_form(node_id{7}) == net.issue(store));
  CHECK(net.book.signed_form(node_id{8}) == nullptr);

  auto stranger = net.keys.make_signer(net.source);
  auto other = net.make(8, 1);
  CHECK(net.book.add(sign_certificate(other, head_office, *stranger)).code() == errc::bad_signature);
  CHECK(net.book.add(sign_certificate(other, root_issuer, *net.root)).code() == errc::not_certified);
  CHECK(net.book.add(sign_certificate(other, node_id{7}, *net.hq)).code() == errc::not_certified);
  auto forged = net.issue(other);
  forged.body[forged.body.size() - 1] ^= 1;
  CHECK(net.book.add(forged).code() == errc::bad_signature);
  // A signature over the bare body, without the line that says what it is.
  CHECK(net.book.add({encode(other), head_office, net.hq->sign(encode(other))}).code() == errc::bad_signature);
  auto foreign = other;
  foreign.chain = "cafe-43";
  CHECK(net.book.add(net.issue(foreign)).code() == errc::not_certified);
  auto thief = other;
  thief.curve = store.curve;
  CHECK(net.book.add(net.issue(thief)).code() == errc::not_certified);
  thief = other;
  thief.signing = store.signing;
  CHECK(net.book.add(net.issue(thief)).code() == errc::not_certified);
  CHECK(net.book.size() == 2);
}

TEST_CASE("the newest serial wins in any order, and repeats change nothing", "[sync][certificate]") {
  chain net;
  net.with_hq();
  std::vector<certificate> c{net.make(7, 1), net.make(7, 5), net.make(7, 9)};
  for (int i : {1, 2, 0, 2})
    REQUIRE(net.book.add(net.issue(c[static_cast<std::size_t>(i)])).ok());
  CHECK(net.book.size() == 4);
  CHECK(net.book.find(node_id{7}).value()->serial == 9);
  // Older keys still check older entries; for a connection only the last but one counts.
  CHECK(net.book.find_by_signing_key(c[0].signing).value()->serial == 1);
  CHECK(net.book.find_by_curve_key(c[2].curve).ok());
  CHECK(net.book.find_by_curve_key(c[1].curve).ok());
  CHECK(net.book.find_by_curve_key(c[0].curve).code() == errc::not_certified);
  auto twin = net.make(7, 5);
  CHECK(net.book.add(net.issue(twin)).code() == errc::bad_proof);
  CHECK(net.book.find_by_curve_key(twin.curve).code() == errc::not_found);
}

TEST_CASE("a renewed key of head office leaves what the old one signed", "[sync][certificate]") {
  chain net;
  net.with_hq();
  auto next = net.keys.make_signer(net.source);
  REQUIRE(net.book.add(sign_certificate(net.make_hq(2, *next), root_issuer, *net.root)).ok());
  CHECK(net.book.add(net.issue(net.make(7, 1))).ok());
  CHECK(net.book.add(sign_certificate(net.make(8, 1), head_office, *next)).ok());
}

TEST_CASE("a revocation closes the door and keeps the entries up to its size", "[sync][certificate]") {
  chain net;
  net.with_hq();
  auto c = net.make(7, 1);
  REQUIRE(net.book.add(net.issue(c)).ok());
  const revocation r{node_id{7}, c.epoch, 120, c.serial};
  REQUIRE(net.book.revoke(r).ok());
  CHECK(net.book.is_revoked(node_id{7}));
  CHECK(net.book.find_by_curve_key(c.curve).code() == errc::not_certified);
  CHECK(net.book.find_by_signing_key(c.signing).ok());
  CHECK(net.book.revocation_of({node_id{7}, c.epoch}) == r);
  CHECK_FALSE(net.book.revocation_of({node_id{7}, epoch_id{}}));
  CHECK(net.book.revoke({node_id{7}, c.epoch, 121, c.serial}).code() == errc::bad_proof);

  auto again = net.make(7, 2);
  REQUIRE(net.book.add(net.issue(again)).ok());
  REQUIRE(net.book.revoke(r).ok());  // a repeat does not reach the new certificate
  chain other;                       // nor does it when the two are read in the other order, as after a restart
  other.with_hq();
  REQUIRE(other.book.add(other.issue(c)).ok());
  REQUIRE(other.book.add(other.issue(again)).ok());
  REQUIRE(other.book.revoke(r).ok());
  CHECK_FALSE(other.book.is_revoked(node_id{7}));
  CHECK_FALSE(net.book.is_revoked(node_id{7}));
  CHECK(net.book.find_by_curve_key(again.curve).ok());
  CHECK(net.book.find_by_curve_key(c.curve).code() == errc::not_certified);

  // A stolen key of head office signs nothing any more.
  REQUIRE(net.book.revoke({head_office, net.book.find(head_office).value()->epoch, 9, 1}).ok());
  CHECK(net.book.add(net.issue(net.make(9, 1))).code() == errc::bad_signature);
}

TEST_CASE("an epoch is signed with the keys that were certified for it", "[sync][certificate]") {
  chain net;
  net.with_hq();
  auto first = net.make(7, 1), second = net.make(7, 2);
  second.epoch.value[0] = static_cast<std::uint8_t>(first.epoch.value[0] ^ 1);
  second.signing[0] = static_cast<std::uint8_t>(first.signing[0] ^ 1);
  REQUIRE(net.book.add(net.issue(first)).ok());
  writer_id old{node_id{7}, first.epoch}, anew{node_id{7}, second.epoch}, later{node_id{7}, epoch_id{{9, 9}}};
  CHECK(net.book.keys_for(later) == std::vector<public_key>{first.signing});  // a restore keeps its keys
  CHECK(net.book.keys_for({node_id{8}, first.epoch}).empty());
  REQUIRE(net.book.add(net.issue(second)).ok());
  CHECK(net.book.keys_for(old) == std::vector<public_key>{first.signing});
  CHECK(net.book.keys_for(anew) == std::vector<public_key>{second.signing});
  CHECK(net.book.keys_for(later) == std::vector<public_key>{second.signing, first.signing});
  REQUIRE(net.book.revoke({node_id{7}, first.epoch, 5, 1}).ok());
  CHECK(net.book.keys_for(old) == std::vector<public_key>{first.signing});  // its entries still verify
  CHECK(net.book.keys_for(later) == std::vector<public_key>{second.signing});
}

TEST_CASE("validity is a question with a time", "[sync][certificate]") {
  chain net;
  auto c = net.make(7, 1);
  CHECK_FALSE(valid_at(c, c.not_before - 1));
  CHECK(valid_at(c, c.not_before));
  CHECK(valid_at(c, c.not_after - 1));
  CHECK_FALSE(valid_at(c, c.not_after));
}
