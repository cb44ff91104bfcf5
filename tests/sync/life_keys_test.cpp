// Which keys may have signed the journal of a life that no certificate names.
#include "sync/life_keys.hpp"

#include <catch2/catch.hpp>

#include "ledger/closing.hpp"
#include "ledger/state.hpp"
#include "sync/keys_fake.hpp"
#include "sync/seeded.hpp"

using namespace tally;

namespace {

constexpr node_id head{1}, region{2};
epoch_id named(std::uint8_t n) {
  epoch_id e;
  e.value.fill(n);
  return e;
}

struct changed_keys {
  test::seeded_entropy random{7};
  fake_keys with{random};
  std::unique_ptr<signer> root = with.make_signer(random), hq = with.make_signer(random), k1 = with.make_signer(random),
                          k2 = with.make_signer(random);
  certificate_book book{"c", root->key(), with};
  memory_state journals, directory;

  changed_keys() {
    add(head, hq->key(), 99, 1, root_issuer, *root);
    add(region, k1->key(), 1, 1, head, *hq);
    add(region, k2->key(), 2, 2, head, *hq);
  }
  void add(node_id node, const public_key& key, std::uint8_t epoch, std::uint64_t serial, node_id issuer,
           const signer& by) {
    certificate c;
    c.chain = "c";
    c.node = node;
    c.name = "n";
    c.role = node == head ? node_role::hq : node_role::region;
    if (node != head) c.parents = {head};
    c.powers = 127;
    c.signing = key;
    c.curve.fill(static_cast<std::uint8_t>(node.value));
    c.epoch = named(epoch);
    c.serial = serial;
    c.not_after = INT64_MAX;
    c.engine = 1;
    if (node != head) c.owner = 1;
    REQUIRE(book.add(sign_certificate(c, issuer, by)).ok());
  }
  std::vector<public_key> of(std::uint8_t epoch, sub_stream sub, const entry* first = nullptr) {
    return keys_of_life(book, journals, directory,
                        {{region, named(epoch)}, sub, sub == sub_stream::addressed ? node_id{3} : node_id{}}, first);
  }
};

entry begins_behind(std::uint8_t epoch) {
  entry e;
  e.kind = entry_kind::open_epoch;
  e.head = stream_head{{{region, named(epoch)}, sub_stream::journal, {}}, 5, {}};
  return e;
}

}  // namespace

TEST_CASE("a retired key begins no life behind the one that the new keys began", "[sync][keys]") {
  changed_keys c;
  using keys = std::vector<public_key>;
  CHECK(c.of(1, sub_stream::journal) == keys{c.k1->key()});
  CHECK(c.of(2, sub_stream::journal) == keys{c.k2->key()});
  auto behind_new = begins_behind(2), behind_old = begins_behind(1), behind_unknown = begins_behind(50);
  CHECK(c.of(7, sub_stream::journal, &behind_new) == keys{c.k2->key()});
  CHECK(c.of(7, sub_stream::journal, &behind_unknown) == keys{c.k2->key()});
  CHECK(c.of(7, sub_stream::journal) == keys{c.k2->key()});
  // A life of before the change, whose entries come late.
  CHECK(c.of(7, sub_stream::journal, &behind_old) == keys{c.k2->key(), c.k1->key()});
  put_heritage(c.journals, {region, named(7)}, {named(1), 5});
  CHECK(c.of(7, sub_stream::journal) == keys{c.k2->key(), c.k1->key()});
  auto behind_that = begins_behind(7);
  CHECK(c.of(8, sub_stream::journal, &behind_that) == keys{c.k2->key(), c.k1->key()});
}

TEST_CASE("rights of a life that head office does not know come under the newest key alone", "[sync][keys]") {
  changed_keys c;
  using keys = std::vector<public_key>;
  CHECK(c.of(7, sub_stream::addressed) == keys{c.k2->key()});
  put_closing(c.directory, {region, named(7)}, {5, {}, 5, named(2), 20'000});
  CHECK(c.of(7, sub_stream::addressed) == keys{c.k2->key(), c.k1->key()});
}

TEST_CASE("the end of a life comes under its key, also when another machine has the node's place", "[sync][keys]") {
  changed_keys c;
  using keys = std::vector<public_key>;
  REQUIRE(c.book.revoke({region, named(1), 9, 1}).ok());
  REQUIRE(c.book.is_revoked_key(c.k1->key()));
  auto behind_old = begins_behind(1), behind_new = begins_behind(2), behind_unknown = begins_behind(50);
  CHECK(c.of(7, sub_stream::journal, &behind_old) == keys{c.k2->key(), c.k1->key()});
  CHECK(c.of(7, sub_stream::addressed) == keys{c.k2->key()});
  put_heritage(c.journals, {region, named(7)}, {named(1), 5});
  CHECK(c.of(7, sub_stream::journal) == keys{c.k2->key(), c.k1->key()});
  put_closing(c.directory, {region, named(7)}, {5, {}, 5, named(2), 20'000});
  CHECK(c.of(7, sub_stream::addressed) == keys{c.k2->key(), c.k1->key()});
  // Lives of the new machine, and of nobody knows which.
  CHECK(c.of(8, sub_stream::journal, &behind_new) == keys{c.k2->key()});
  CHECK(c.of(8, sub_stream::journal, &behind_unknown) == keys{c.k2->key()});
}
