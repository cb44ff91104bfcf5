#include <catch2/catch.hpp>

#include <bit>

#include "storage/memory_kv.hpp"
#include "storage/sha256.hpp"
#include "sync/audit_chain.hpp"
#include "sync/tlog_proof.hpp"
#include "sync/tlog_tiles.hpp"

using namespace tally;
using tally::test::audit_chain;

namespace {

/// RFC 6962 §2.1 word for word.
hash256 mth(std::span<const hash256> leaves) {
  if (leaves.empty()) return sha256({});
  if (leaves.size() == 1) return leaves[0];
  const auto k = std::bit_floor(leaves.size() - 1);
  return merkle_node(mth(leaves.first(k)), mth(leaves.subspan(k)));
}

struct memory_tiles final : tile_sink {
  std::map<std::string, bytes> files;
  std::size_t room = SIZE_MAX;
  status put(const std::string& path, byte_view data) override {
    if (room == 0) return error{errc::full, "no room"};
    --room;
    files[path] = bytes(data);
    return done();
  }
};

/// One node with a journal of its own that grows at will.
struct lone_log {
  test::seeded_entropy random{5};
  ed25519_verifier with;
  ed25519_signer root{make_signing_key(random)}, keys{make_signing_key(random)};
  certificate_book book{"lone", root.key(), with};
  memory_kv store;
  kv_view view{store};
  stream_writer writer{view};
  stream_id id{{head_office, {{1, 2, 3, 4, 5, 6, 7, 8}}}, sub_stream::journal, {}};
  std::vector<hash256> leaves;

  lone_log() {
    certificate c;
    c.chain = "lone";
    c.node = head_office;
    c.name = "hq";
    c.role = node_role::hq;
    c.signing = keys.key();
    random.fill(c.curve);
    c.epoch = id.writer.epoch;
    c.serial = 1;
    c.not_after = INT64_MAX;
    REQUIRE(book.add(sign_certificate(c, root_issuer, root)).ok());
  }
  static bytes text(std::uint64_t n) { return "entry " + std::to_string(n); }
  void commit() {
    writer.flush();
    REQUIRE(store.commit(view.seal(), true).ok());
    view.settled();
  }
  void grow(std::uint64_t until) {
    for (auto n = leaves.size(); n < until; ++n) {
      writer.append_own(id, text(n), std::nullopt);
      leaves.push_back(merkle_leaf(text(n)));
      if (n % 10'000 == 9'999) commit();
    }
    commit();
  }
  stream_log log(bool with_key = true) {
    auto l = stream_log::open({store, book, with_key ? &keys : nullptr, "lone", head_office}, id);
    REQUIRE(l.ok());
    return *l;
  }
  result<tiles_written> write(tile_sink& out) {
    auto l = log();
    return write_tiles(l, store, head_office, l.head()->head, out);
  }
};

/// The files that C2SP tlog-tiles asks for, made from the leaves by its words.
std::map<std::string, bytes> expected_tiles(std::vector<hash256> level) {
  std::map<std::string, bytes> out;
  for (unsigned l = 0; !level.empty(); ++l) {
    std::vector<hash256> above;
    for (std::size_t n = 0; n * 256 < level.size(); ++n) {
      auto part = std::span(level).subspan(n * 256, std::min<std::size_t>(256, level.size() - n * 256));
      bytes data;
      for (const auto& h : part)
        data += view_of(h);
      out[tile_path(l, n, part.size())] = data;
      if (part.size() == 256) above.push_back(mth(part));
    }
    level = std::move(above);
  }
  return out;
}

log_trust trust_of(const stream_log& log) { return {log.key(), {}, {}}; }

}  // namespace

TEST_CASE("tiles have the names of C2SP tlog-tiles", "[sync][tlog]") {
  CHECK(tile_path(0, 1234067, 256) == "tile/0/x001/x234/067");
  CHECK(tile_path(2, 0, 1) == "tile/2/000.p/1");
  CHECK(tile_path(1, 999, 255) == "tile/1/999.p/255");
  CHECK(bundle_path(1000, 256) == "tile/entries/x001/000");
  CHECK(bundle_path(273, 112) == "tile/entries/273.p/112");
}

TEST_CASE("tiles of every shape are those of the text", "[sync][tlog]") {
  lone_log node;
  for (std::uint64_t size : {1u, 2u, 255u, 256u, 257u, 512u, 70'000u}) {
    node.grow(size);
    memory_tiles out;
    auto written = node.write(out);
    REQUIRE(written.ok());
    CHECK(written->size == size);
    CHECK(written->files == out.files.size());
    std::map<std::string, bytes> tiles;
    std::vector<hash256> from_bundles;
    for (const auto& [path, data] : out.files) {
      if (!path.starts_with("tile/entries/")) {
        tiles[path] = data;
        continue;
      }
      byte_view rest = data;
      while (rest.size() >= 2) {
        auto n =
            static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) * 256 + static_cast<unsigned char>(rest[1]));
        REQUIRE(rest.size() >= 2 + n);
        from_bundles.push_back(merkle_leaf(rest.substr(2, n)));
        rest.remove_prefix(2 + n);
      }
      REQUIRE(rest.empty());
    }
    CHECK(from_bundles == node.leaves);  // paths sort as their numbers do
    CHECK(tiles == expected_tiles(node.leaves));
    CHECK(node.log().head()->head.root == mth(node.leaves));
  }
  // The text's own example: 273 whole tiles and one of 112, one whole and one of 17 above, one of 1 on top.
  auto tiles = expected_tiles(node.leaves);
  CHECK(tiles.size() == 273 + 1 + 1 + 1 + 1);
  CHECK(tiles.count("tile/0/273.p/112") + tiles.count("tile/1/001.p/17") + tiles.count("tile/2/000.p/1") == 3);
}

TEST_CASE("nothing wrong is exported", "[sync][tlog]") {
  lone_log node;
  node.grow(700);
  memory_tiles out;
  out.room = 2;
  CHECK(node.write(out).code() == errc::full);
  // A changed entry gives another root than the stored one, a missing one has a place.
  auto image = node.store.image();
  kv_batch bad;
  bad.put(family::entries, own_entry_key(node.id.writer.epoch, 300), "another");
  REQUIRE(node.store.commit(bad, true).ok());
  memory_tiles none;
  CHECK(node.write(none).code() == errc::corrupt);
  node.store.reset(image);
  bad.clear();
  bad.erase(family::entries, own_entry_key(node.id.writer.epoch, 300));
  REQUIRE(node.store.commit(bad, true).ok());
  auto missing = node.write(none);
  CHECK(missing.code() == errc::corrupt);
  CHECK(missing.error().detail.find("entry 300") != std::string::npos);
  node.store.reset(image);
  // Longer than a bundle can say.
  node.writer.append_own(node.id, bytes(65'536, 'x'), std::nullopt);
  node.commit();
  CHECK(node.write(none).code() == errc::unsupported);
  // Without the key nobody signs for the node.
  CHECK(node.log(false).head().code() == errc::not_allowed);
  CHECK(node.log().head(702).code() == errc::not_found);
  CHECK(node.log().head(0).code() == errc::not_found);
}

TEST_CASE("proof files read back, and one octet more or less does not", "[sync][tlog]") {
  lone_log node;
  node.grow(77);
  auto log = node.log();
  auto head = log.head();
  REQUIRE(head.ok());
  auto note = log.note(*head, {});
  auto trust = trust_of(log);
  CHECK(verify_note_of(trust, note, node.with)->head == head->head);
  for (std::uint64_t n : {0u, 31u, 76u}) {
    inclusion_file f{{}, n, *log.inclusion(n, 77), note};
    auto text = to_text(f);
    CHECK(text.starts_with("c2sp.org/tlog-proof@v1\nindex " + std::to_string(n) + "\n"));
    auto back = parse_inclusion(text);
    REQUIRE(back.ok());
    CHECK(to_text(*back) == text);
    CHECK(verify_inclusion_file(trust, *back, lone_log::text(n), node.with).ok());
    CHECK(verify_inclusion_file(trust, *back, lone_log::text(n + 1), node.with).code() == errc::bad_proof);
    back->index = n + 1;
    CHECK_FALSE(verify_inclusion_file(trust, *back, lone_log::text(n), node.with).ok());
    f.extra = "whatever";
    CHECK(parse_inclusion(to_text(f))->extra == "whatever");
  }
  auto old = log.head(40);
  REQUIRE(old.ok());
  auto old_note = log.note(*old, {});
  consistency_file c{40, *log.consistency(40, 77), note};
  auto text = to_text(c);
  CHECK(text.starts_with("old 40\n"));
  auto back = parse_consistency(text);
  REQUIRE(back.ok());
  CHECK(to_text(*back) == text);
  CHECK(verify_consistency_file(trust, *back, old_note, node.with)->head.size == 77);
  CHECK(verify_consistency_file(trust, *back, note, node.with).code() == errc::bad_proof);
  CHECK(verify_consistency_file(trust, {41, back->proof, note}, old_note, node.with).code() == errc::bad_proof);
  CHECK(verify_consistency_file(trust, {77, {}, note}, note, node.with).ok());
  CHECK(verify_consistency_file(trust, {77, {}, old_note}, note, node.with).code() == errc::bad_proof);
  for (std::size_t n = 0; n < text.size(); ++n) {
    auto part = parse_consistency(text.substr(0, n));
    CHECK_FALSE((part && verify_consistency_file(trust, *part, old_note, node.with).ok()));
  }
  for (const char* bad : {"", "old 1", "old 01\n\n", "old -1\n\n", "old 1\nAAAA\n\n", "old 1\nx\n\n", "index 1\n\n"})
    CHECK(parse_consistency(bad).code() == errc::malformed);
  for (const char* bad :
       {"", "c2sp.org/tlog-proof@v1\n", "c2sp.org/tlog-proof@v1\nindex 01\n\n", "c2sp.org/tlog-proof@v2\nindex 1\n\n",
        "c2sp.org/tlog-proof@v1\nextra ?\nindex 1\n\n", "c2sp.org/tlog-proof@v1\nindex 1\n",
        "c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\n"})
    CHECK(parse_inclusion(bad).code() == errc::malformed);
}

TEST_CASE("whom a checkpoint must be signed by, and of what log it is", "[sync][tlog]") {
  audit_chain c;
  c.history();
  auto& hq = c.node(1);
  auto& store = c.node(3);
  auto own = stream_log::open(
      {store.store, *store.certificates, store.keys.get(), std::string(audit_chain::name), store.id}, store.journal());
  auto copy = stream_log::open({hq.store, *hq.certificates, hq.keys.get(), std::string(audit_chain::name), hq.id},
                               store.journal());
  REQUIRE(own.ok());
  REQUIRE(copy.ok());
  CHECK(own->size() == copy->size());
  CHECK(own->key() == copy->key());
  CHECK(copy->key().name == own->origin());
  auto mine = own->head(), theirs = copy->head();
  REQUIRE(mine.ok());
  REQUIRE(theirs.ok());
  CHECK(mine->head == theirs->head);
  // The store's signature as head office holds it; head office's cosignature as the store holds it.
  auto size = own->cosigned_size(head_office);
  REQUIRE(size == own->size());
  auto cosigned = own->cosignatures(mine->head);
  REQUIRE_FALSE(cosigned.empty());
  auto note = own->note(*mine, cosigned);
  log_trust trust{own->key(), {}, {*own->cosigner_key(head_office)}};
  auto held = verify_note_of(trust, note, c.with());
  REQUIRE(held.ok());
  CHECK(held->cosigned.at(0).has_value());
  CHECK(verify_note_of(trust, copy->note(*theirs, {}), c.with()).code() == errc::bad_signature);
  CHECK(verify_note_of({own->key(), "another/log", {}}, note, c.with()).code() == errc::bad_proof);
  // Head office's key under the log's name is a key that did not sign.
  note_key wrong{own->origin(), note_algorithm::ed25519, hq.keys->key()};
  CHECK(verify_note_of({wrong, {}, {}}, note, c.with()).code() == errc::bad_signature);
  // Sizes at which the store signed nothing that head office holds have no head there; its segments' ends have.
  std::size_t signed_sizes = 0;
  for (std::uint64_t n = 1; n <= copy->size(); ++n) {
    auto head = copy->head(n);
    if (!head) {
      CHECK(head.code() == errc::not_found);
      continue;
    }
    ++signed_sizes;
    auto text = copy->note(*head, {});
    CHECK(verify_note_of({own->key(), {}, {}}, text, c.with()).ok());
  }
  CHECK(signed_sizes > 0);
  // Damage is told from absence.
  auto tip = stream_reader(hq.store).foreign_segment(store.journal(), copy->size() - 1);
  REQUIRE(tip.ok());
  auto forged = *tip;
  auto entries = unpack_entries(forged)->copies();
  entries.back().back() = static_cast<char>(entries.back().back() ^ 1);
  forged.payload = pack_entries(entries);
  kv_batch bad;
  bad.put(family::segments, segment_key(store.journal(), forged.first), encode_segment(forged));
  memory_kv changed(hq.store.image());
  REQUIRE(changed.commit(bad, true).ok());
  auto broken = stream_log::open({changed, *hq.certificates, hq.keys.get(), std::string(audit_chain::name), hq.id},
                                 store.journal());
  CHECK(broken.code() == errc::corrupt);
}

TEST_CASE("a checkpoint of no entries has the root of no entries", "[sync][tlog]") {
  lone_log lone;
  lone.grow(1);
  const auto log = lone.log();
  auto head = log.head()->head;
  auto signed_note = [&] {
    const std::vector lines{signature_line(log.key().name, log.key().key, sign_checkpoint(lone.keys, head))};
    return make_note(checkpoint_body(head), lines);
  };
  CHECK(verify_note_of(trust_of(log), signed_note(), lone.with).ok());
  head.size = 0;  // the root stays that of one entry
  CHECK(verify_note_of(trust_of(log), signed_note(), lone.with).code() == errc::bad_proof);
  head.root = sha256({});
  CHECK(verify_note_of(trust_of(log), signed_note(), lone.with).ok());
}

TEST_CASE("streams are found by their names", "[sync][tlog]") {
  stream_id id{{node_id{3}, {{0x5f, 0x0c, 0x1a, 0x2b, 0x3c, 0x4d, 0x5e, 0x6f}}}, sub_stream::journal, {}};
  CHECK(parse_stream_name("3.5f0c1a2b3c4d5e6f/journal", "c") == id);
  CHECK(parse_stream_name("tallystick/c/3/5f0c1a2b3c4d5e6f/journal", "c") == id);
  CHECK_FALSE(parse_stream_name("tallystick/d/3/5f0c1a2b3c4d5e6f/journal", "c"));
  id.sub = sub_stream::addressed;
  id.to = node_id{7};
  CHECK(parse_stream_name("3.5f0c1a2b3c4d5e6f/to/7", "c") == id);
  CHECK(parse_stream_name(stream_origin("c", id), "c") == id);
  for (const char* bad :
       {"", "3", "3.5f/journal", "3.5f0c1a2b3c4d5e6f", "3.5f0c1a2b3c4d5e6f/", "03.5f0c1a2b3c4d5e6f/journal",
        "0.5f0c1a2b3c4d5e6f/journal", "3.5F0C1a2b3c4d5e6f/journal", "3.5f0c1a2b3c4d5e6f/to/", "3.5f0c1a2b3c4d5e6f/to/x",
        "3.5f0c1a2b3c4d5e6f/to/07", "3/5f0c1a2b3c4d5e6f/journal"})
    CHECK_FALSE(parse_stream_name(bad, "c"));
}
