#include "storage/streams.hpp"

#include <catch2/catch.hpp>

#include "storage/faulty_kv.hpp"
#include "storage/sha256.hpp"

using namespace tally;

namespace {

const writer_id self{node_id{3}, {{1, 1, 1, 1, 1, 1, 1, 1}}};
const writer_id other{node_id{4}, {{2, 2, 2, 2, 2, 2, 2, 2}}};
const stream_id journal{self, sub_stream::journal, {}};
const stream_id directory{self, sub_stream::directory, {}};
const stream_id to_nine{self, sub_stream::addressed, node_id{9}};

bytes text(std::uint64_t n) { return "entry number " + std::to_string(n) + bytes(n % 90, '.'); }

struct disk {
  memory_kv store;
  kv_view view{store};
  stream_writer writer{view};
  stream_reader reader{store};

  void commit() {
    writer.flush();
    REQUIRE(store.commit(view.seal(), true).ok());
    view.settled();
  }
  /// Every third entry is the directory's too, every fifth goes to node 9.
  void fill(std::uint64_t n, std::uint64_t group = 70) {
    for (auto i = writer.tip(journal).size(); i < n; ++i) {
      std::optional<stream_id> also;
      if (i % 3 == 0)
        also = directory;
      else if (i % 5 == 0)
        also = to_nine;
      REQUIRE(writer.append_own(journal, text(i), also) == i);
      if (i % group == group - 1) commit();
    }
    commit();
  }
};

std::vector<bytes> sub_texts(std::uint64_t n, const stream_id& id) {
  std::vector<bytes> out;
  for (std::uint64_t i = 0; i < n; ++i)
    if (id == journal || (id == directory ? i % 3 == 0 : i % 3 != 0 && i % 5 == 0)) out.push_back(text(i));
  return out;
}
merkle_frontier frontier_of(std::span<const bytes> entries) {
  merkle_frontier f;
  for (const auto& e : entries)
    f.append(merkle_leaf(e));
  return f;
}

/// Every entry of a stream is proved from what the reader has, and roots of all sizes agree.
void prove_all(const stream_reader& reader, const stream_id& id, const writer_id& who,
               const std::vector<bytes>& entries) {
  auto nodes = reader.nodes(id, who);
  merkle_frontier f;
  for (std::size_t n = 0; n < entries.size(); ++n) {
    f.append(merkle_leaf(entries[n]));
    if (n % 37 != 0 && n + 1 != entries.size()) continue;
    auto root = root_at(n + 1, nodes);
    REQUIRE(root.ok());
    REQUIRE(*root == f.root());
    for (std::size_t i = 0; i <= n; i += 1 + n / 9) {
      auto proof = inclusion_proof(i, n + 1, nodes);
      REQUIRE(proof.ok());
      REQUIRE(verify_inclusion(merkle_leaf(entries[i]), i, n + 1, *proof, f.root()));
      REQUIRE_FALSE(verify_inclusion(merkle_leaf("another"), i, n + 1, *proof, f.root()));
      auto consistent = consistency_proof(i + 1, n + 1, nodes);
      REQUIRE(consistent.ok());
      REQUIRE(
          verify_consistency(i + 1, frontier_of(std::span(entries).first(i + 1)).root(), n + 1, f.root(), *consistent));
    }
  }
}

segment cut(const stream_reader& reader, const stream_id& id, std::uint64_t from, std::uint64_t until) {
  auto entries = reader.own_entries(id, from, until, segment_entries_max);
  REQUIRE(entries.ok());
  segment s{id, from, static_cast<std::uint32_t>(entries->size()), {}, pack_entries(*entries)};
  s.sign.fill(static_cast<std::uint8_t>(until));
  return s;
}

void take(stream_writer& w, const segment& s) {
  auto opened = open_segment(s);
  REQUIRE(opened.ok());
  w.append_foreign(s, opened->run);
}

}  // namespace

TEST_CASE("an own journal and its sub-streams are one and the same entries", "[streams]") {
  disk d;
  d.fill(700);
  for (const auto& id : {journal, directory, to_nine}) {
    auto want = sub_texts(700, id);
    CHECK(d.reader.size(id) == want.size());
    CHECK(d.reader.frontier(id)->root() == frontier_of(want).root());
    std::vector<bytes> read;
    while (read.size() < want.size()) {
      auto more = d.reader.own_entries(id, read.size(), want.size(), 100);
      REQUIRE(more.ok());
      REQUIRE(!more->empty());
      for (auto e : *more)
        read.emplace_back(e);
    }
    CHECK(read == want);
    CHECK(*d.reader.entry_of(id, want.size() - 1, self) == want.back());
    CHECK_FALSE(d.reader.entry_of(id, want.size(), self).ok());
    prove_all(d.reader, id, self, want);
  }
  auto list = d.reader.list();
  REQUIRE(list.ok());
  CHECK(*list == std::vector<stream_id>{journal, directory, to_nine});
  CHECK(d.reader.own_entry(self, 700).code() == errc::not_found);
  CHECK(d.reader.own_entries(journal, 690, 800, 100).code() == errc::corrupt);  // promised and missing
  CHECK_FALSE(d.reader.foreign_signature(journal).has_value());
}

TEST_CASE("the list of streams is not confused by other records", "[streams]") {
  disk d;
  d.fill(3);
  for (const char* key : {"format", "self", "time", "stopped", "n/pairing", "k0000", "g", "c"})
    d.view.put(family::meta, key, "x");
  d.commit();
  REQUIRE(d.reader.list().ok());
  CHECK(d.reader.list()->size() == 2);
  d.view.put(family::meta, "hq", "x");  // a head whose name is none
  d.commit();
  CHECK(d.reader.list().code() == errc::corrupt);
}

TEST_CASE("the tip is ahead of the disk until the group is committed", "[streams]") {
  disk d;
  d.fill(10);
  CHECK(d.writer.append_own(journal, text(10), std::nullopt) == 10);
  CHECK(d.writer.tip(journal).size() == 11);
  CHECK(d.reader.size(journal) == 10);
  d.writer.flush();
  auto batch = d.view.seal();
  CHECK(d.writer.append_own(journal, text(11), std::nullopt) == 11);  // the next group, while the disk works
  CHECK(d.reader.size(journal) == 10);
  REQUIRE(d.store.commit(batch, true).ok());
  d.view.settled();
  CHECK(d.reader.size(journal) == 11);
  CHECK(d.reader.frontier(journal)->root() == frontier_of(sub_texts(11, journal)).root());
  d.commit();
  CHECK(d.reader.size(journal) == 12);

  // A writer that starts anew goes on from what is durable.
  kv_view view(d.store);
  stream_writer again(view);
  CHECK(again.tip(journal).size() == 12);
  CHECK(again.tip(journal).root() == frontier_of(sub_texts(12, journal)).root());
}

TEST_CASE("streams of others are kept as signed and proved from there", "[streams]") {
  disk from, at;
  from.fill(900);
  auto entries = sub_texts(900, journal);
  std::uint64_t have = 0;
  std::vector<segment> sent;
  for (std::uint64_t until : {1u, 2u, 255u, 256u, 300u, 812u, 900u}) {
    auto s = cut(from.reader, journal, have, until);
    take(at.writer, s);
    at.commit();
    have = until;
    sent.push_back(s);
  }
  CHECK(at.reader.size(journal) == 900);
  CHECK(at.reader.frontier(journal)->root() == from.reader.frontier(journal)->root());
  CHECK(at.reader.foreign_signature(journal) == sent.back().sign);
  prove_all(at.reader, journal, other, entries);
  for (std::uint64_t n : {0u, 1u, 254u, 255u, 299u, 811u, 812u, 899u}) {
    auto s = at.reader.foreign_segment(journal, n);
    REQUIRE(s.ok());
    CHECK((s->first <= n && n < s->size_after()));
    CHECK(*at.reader.entry_of(journal, n, other) == entries[n]);
  }
  CHECK(encode_segment(*at.reader.foreign_segment(journal, 400)) == encode_segment(sent[5]));
  CHECK(at.reader.foreign_segment(journal, 900).code() == errc::not_found);
  CHECK(at.reader.foreign_segment(directory, 0).code() == errc::not_found);
  CHECK_FALSE(at.reader.entry_of(journal, 900, other).ok());
}

TEST_CASE("two streams whose names are neighbours do not share segments", "[streams]") {
  disk d;
  auto put = [&](const stream_id& id, const bytes& e) {
    std::vector<bytes> list{e};
    take(d.writer, {id, 0, 1, {}, pack_entries(list)});
    d.commit();
  };
  stream_id a{other, sub_stream::addressed, node_id{1}}, b{other, sub_stream::addressed, node_id{2}};
  put(a, "for one");
  CHECK(d.reader.foreign_segment(b, 0).code() == errc::not_found);
  put(b, "for two");
  CHECK(*d.reader.entry_of(a, 0, self) == "for one");
  CHECK(*d.reader.entry_of(b, 0, self) == "for two");
}

TEST_CASE("damage and silence of the disk are told apart from absence", "[streams]") {
  disk d;
  d.fill(300);
  faulty_kv store(d.store.image());
  stream_reader reader(store);
  CHECK(reader.size(journal) == 300);
  store.fail_reads(true);
  CHECK(reader.frontier(journal).code() == errc::io);
  CHECK(reader.size(journal) == 0);
  CHECK(reader.list().code() == errc::io);
  CHECK(reader.own_entry(self, 1).code() == errc::io);
  CHECK(reader.own_entries(journal, 0, 5, 5).code() == errc::io);
  CHECK(reader.foreign_segment(journal, 0).code() == errc::io);
  CHECK_FALSE(root_at(300, reader.nodes(journal, self)).ok());
  store.fail_reads(false);

  kv_batch damage;
  damage.put(family::meta, head_key(journal), "no frontier");
  damage.put(family::segments, segment_key({other, sub_stream::journal, {}}, 0), "no segment");
  damage.erase(family::entries, own_entry_key(self.epoch, 7));
  REQUIRE(store.commit(damage, true).ok());
  CHECK(reader.frontier(journal).code() == errc::corrupt);
  CHECK(reader.foreign_segment({other, sub_stream::journal, {}}, 0).code() == errc::corrupt);
  CHECK(reader.own_entries(journal, 0, 300, 300).code() == errc::corrupt);
  CHECK(reader.own_entries(journal, 8, 300, 300)->size() == 292);
}
