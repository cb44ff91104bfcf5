// New keys of a node on its disk: which take whose place, and under which name the old ones stay.
#include "node/key_change.hpp"

#include <catch2/catch.hpp>

#include "storage/temp_dir.hpp"
#include "sync/entropy_sodium.hpp"

using namespace tally;

namespace {

/// A store's keys on the disk, and the certificates that head office made of them.
struct keys_on_disk {
  test::temp_dir dir;
  data_layout at{dir.path()};
  system_entropy random;
  ed25519_verifier with;
  ed25519_signer root{make_signing_key(random)}, hq{make_signing_key(random)};
  certificate_book book{"net", root.key(), with};
  const node_id self{7};
  signing_key first = make_signing_key(random);
  curve_key first_door = make_curve_key(random);
  epoch_id first_epoch = drawn();

  keys_on_disk() {
    REQUIRE(make_key_directory(at.keys()).ok());
    REQUIRE(write_key_file(at.signing_key(), first).ok());
    REQUIRE(write_key_file(at.curve_key(), first_door).ok());
    auto c = of(head_office, hq.key(), make_curve_key(random).pub, drawn(), 1);
    REQUIRE(book.add(sign_certificate(c, root_issuer, root)).ok());
    certify(first.pub, first_door.pub, first_epoch, 1);
  }
  epoch_id drawn() {
    epoch_id e;
    random.fill(e.value);
    return e;
  }
  certificate of(node_id node, const public_key& signing, const public_key& curve, const epoch_id& epoch,
                 std::uint64_t serial) {
    certificate c;
    c.chain = "net";
    c.node = node;
    c.name = "node";
    c.role = node == head_office ? node_role::hq : node_role::store;
    if (node != head_office) c.parents = {head_office};
    c.owner = 3;
    c.powers = power::trade | power::load;
    c.signing = signing;
    c.curve = curve;
    c.epoch = epoch;
    c.serial = serial;
    c.not_before = 1'700'000'000;
    c.not_after = 1'800'000'000;
    c.engine = 1;
    return c;
  }
  void certify(const public_key& signing, const public_key& curve, const epoch_id& epoch, std::uint64_t serial) {
    auto added = book.add(sign_certificate(of(self, signing, curve, epoch, serial), head_office, hq));
    INFO((added ? "" : added.error().detail));
    REQUIRE(added.ok());
  }
  next_keys fresh() {
    auto next = make_next_keys(at, false, random);
    REQUIRE(next);
    return std::move(*next);
  }
  /// The key that signs for the first epoch, if it is found.
  std::optional<public_key> old_key() {
    auto all = older_keys(at, book, self);
    auto it = all.find(first_epoch);
    return it == all.end() ? std::nullopt : std::optional(it->second->key());
  }
};

}  // namespace

TEST_CASE("the old key is found again, whatever was certified before the node heard of it", "[node][keys]") {
  keys_on_disk d;
  auto moved_before = GENERATE(false, true), moved_after = GENERATE(false, true);
  INFO("moved before " << moved_before << ", after " << moved_after);
  std::uint64_t serial = 1;
  if (moved_before) d.certify(d.first.pub, d.first_door.pub, d.first_epoch, ++serial);
  auto next = d.fresh();
  d.certify(next.signing->key(), next.curve, next.epoch, ++serial);
  // Head office moves the store under its new keys before the store has heard of either.
  if (moved_after) d.certify(next.signing->key(), next.curve, next.epoch, ++serial);
  REQUIRE(adopt_next_keys(d.at, d.book, d.self).ok());
  auto now = read_signing_key(d.at.signing_key());
  REQUIRE(now);
  CHECK(now->pub == next.signing->key());
  CHECK(d.old_key() == d.first.pub);
  CHECK(read_next_keys(d.at).code() == errc::not_found);
  CHECK(adopt_next_keys(d.at, d.book, d.self).ok());  // again: nothing
  CHECK(d.old_key() == d.first.pub);
}

TEST_CASE("keys that head office has not certified stay where they wait", "[node][keys]") {
  keys_on_disk d;
  auto next = d.fresh();
  d.certify(d.first.pub, d.first_door.pub, d.first_epoch, 2);
  REQUIRE(adopt_next_keys(d.at, d.book, d.self).ok());
  CHECK(read_signing_key(d.at.signing_key())->pub == d.first.pub);
  CHECK(read_next_keys(d.at)->signing->key() == next.signing->key());
}
