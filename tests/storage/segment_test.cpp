#include "storage/segment.hpp"

#include "storage/sha256.hpp"

#include <catch2/catch.hpp>

#include "random_entry.hpp"

using namespace tally;
using tally::test::random_entry;

namespace {

segment segment_of(const std::vector<bytes>& entries, std::uint64_t first = 0) {
  segment s;
  s.stream = {{node_id{3}, {{1, 2, 3, 4, 5, 6, 7, 8}}}, sub_stream::journal, {}};
  s.first = first;
  s.entries = static_cast<std::uint32_t>(entries.size());
  s.sign.fill(0x5a);
  s.payload = pack_entries(entries);
  return s;
}

/// A zstd frame of one run: `declared` octets in its header, `real` times the letter x in its only block.
bytes run_frame(std::uint64_t declared, std::uint32_t real) {
  byte_writer w;
  w.raw(byte_view("\x01\x28\xb5\x2f\xfd\xe0", 6));  // form; magic; one segment, 8 octets of content size
  for (int i = 0; i < 8; ++i)
    w.u8(static_cast<std::uint8_t>(declared >> (8 * i)));
  auto block = real << 3 | 1u << 1 | 1u;  // run-length block, the last
  for (int i = 0; i < 3; ++i)
    w.u8(static_cast<std::uint8_t>(block >> (8 * i)));
  w.u8('x');
  return w.take();
}

}  // namespace

TEST_CASE("entries come out of a segment as they went in", "[segment]") {
  random_entry source(21);
  for (int i = 0; i < 200; ++i) {
    std::vector<bytes> entries;
    for (auto n = 1 + source.below(50); n > 0; --n)
      entries.push_back(encode_entry(source.next()));
    auto s = segment_of(entries, source.below(1000));
    auto data = encode_segment(s);
    auto back = decode_segment(data);
    REQUIRE(back.ok());
    REQUIRE(back->stream == s.stream);
    REQUIRE(back->first == s.first);
    REQUIRE(back->size_after() == s.first + entries.size());
    REQUIRE(back->sign == s.sign);
    auto list = unpack_entries(*back);
    REQUIRE(list.ok());
    REQUIRE(*list == entries);
  }
  std::vector<bytes> most(segment_entries_max, bytes("e"));
  CHECK(unpack_entries(segment_of(most))->size() == segment_entries_max);
  // An empty entry and octets that are no entry travel as well: the frame does not look inside.
  std::vector<bytes> odd = {bytes{}, bytes("\0\xff", 2), bytes(entry_bytes_max, 'z')};
  CHECK(*unpack_entries(segment_of(odd)) == odd);
  CHECK(unpack_entries(segment_of(odd))->copies() == odd);
}

TEST_CASE("an opened segment has the hashes of its entries", "[segment]") {
  auto s = segment_of({bytes("one"), bytes("two"), bytes("three")}, 5);
  auto opened = open_segment(s);
  REQUIRE(opened.ok());
  CHECK(opened->run.first() == 5);
  CHECK(opened->run.end() == 8);
  merkle_frontier one_by_one, at_once;
  for (const auto* e : {"a", "b", "c", "d", "e"}) {
    one_by_one.append(merkle_leaf(e));
    at_once.append(merkle_leaf(e));
  }
  for (auto e : opened->entries)
    one_by_one.append(merkle_leaf(e));
  std::vector<merkle_subtree> tiles;
  at_once.append(opened->run, tiles);
  CHECK(at_once == one_by_one);
  s.entries = 2;
  CHECK(open_segment(s).code() == errc::malformed);
}

TEST_CASE("cut and changed segments fail or stay what they say", "[segment]") {
  random_entry source(22);
  std::vector<bytes> entries;
  for (int i = 0; i < 12; ++i)
    entries.push_back(encode_entry(source.next()));
  auto data = encode_segment(segment_of(entries));
  for (std::size_t n = 0; n < data.size(); ++n)
    REQUIRE_FALSE(decode_segment(byte_view(data).substr(0, n)).ok());
  CHECK_FALSE(decode_segment(data + '\0').ok());
  for (std::size_t n = 0; n < data.size(); ++n) {
    auto changed = data;
    for (int v = 0; v < 256; v += n < 24 ? 1 : 17) {
      changed[n] = static_cast<char>(v);
      auto s = decode_segment(changed);
      if (!s) continue;
      REQUIRE(encode_segment(*s) == changed);
      auto list = unpack_entries(*s);
      if (list) REQUIRE(list->size() == s->entries);
    }
  }
}

TEST_CASE("a segment that would blow up is refused before it is unpacked", "[segment]") {
  auto s = segment_of({bytes("e")});
  auto refused = [&](bytes payload) {
    s.payload = std::move(payload);
    return unpack_entries(s).code() == errc::malformed;
  };
  CHECK(refused(run_frame(std::uint64_t{1} << 40, 128 * 1024)));
  CHECK(refused(run_frame(UINT64_MAX - 2, 128 * 1024)));
  CHECK(refused(run_frame(segment_bytes_max + 1, 128 * 1024)));
  CHECK(refused(run_frame(10, 128 * 1024)));  // says little, holds much
  CHECK(refused(run_frame(128 * 1024, 10)));  // says much, holds little
  CHECK(refused({}));
  CHECK(refused("\1no frame at all"));
  CHECK(refused("\4a form that there is none of"));
  CHECK(refused(bytes("\x01\x28\xb5\x2f\xfd\x00\x58\x09\x00\x00x", 11)));  // does not say how much it holds
  CHECK(refused(bytes("\x01\x50\x2a\x4d\x18\x00\x00\x00\x00", 9)));        // a frame to be skipped
  CHECK(refused(bytes(1, '\0') + bytes(segment_bytes_max + 1, '\0')));     // as it is, and too long
  // The frame that the refusals above vary is itself a good one: an entry of 120 octets.
  s.payload = run_frame(121, 121);
  REQUIRE(unpack_entries(s).ok());
  CHECK(unpack_entries(s)->front() == bytes(120, 'x'));
}

TEST_CASE("a segment holds as many entries as it says, and nothing behind them", "[segment]") {
  bool plain = GENERATE(true, false);
  auto s = segment_of(plain ? std::vector<bytes>{"one", "two", "three"} : std::vector<bytes>(3, bytes(100, 'x')));
  CHECK((s.payload[0] == 0) == plain);  // what a frame would only lengthen is left as it is
  for (std::uint32_t n : {1u, 2u, 4u, 4096u}) {
    s.entries = n;
    CHECK(unpack_entries(s).code() == errc::malformed);
  }
  s.entries = 3;
  CHECK(unpack_entries(s).ok());
  s.payload += '\0';
  CHECK(unpack_entries(s).code() == errc::malformed);
  s.payload += s.payload.substr(1);  // twice
  s.entries = 2;
  CHECK(unpack_entries(s).code() == errc::malformed);

  s = segment_of({bytes("one")});
  s.entries = 0;
  CHECK_FALSE(decode_segment(encode_segment(s)).ok());
  s.entries = segment_entries_max + 1;
  CHECK_FALSE(decode_segment(encode_segment(s)).ok());
  s.entries = 1;
  s.first = UINT64_MAX / 2;
  CHECK(decode_segment(encode_segment(s)).ok());
  s.first = UINT64_MAX / 2 + 1;
  CHECK_FALSE(decode_segment(encode_segment(s)).ok());
  s.first = 0;
  s.payload = bytes(segment_bytes_max + 64 * 1024 + 1, 'x');
  CHECK_FALSE(decode_segment(encode_segment(s)).ok());
}

namespace {

std::vector<bytes> numbered(std::size_t n) {
  std::vector<bytes> out;
  for (std::size_t i = 0; i < n; ++i)
    out.push_back("entry " + std::to_string(i * 7'919) + " with some octets of its own " + std::to_string(i * i));
  return out;
}

hash256 root_with(const opened_segment& opened, std::uint64_t before) {
  merkle_frontier f;
  for (std::uint64_t i = 0; i < before; ++i)
    f.append(merkle_leaf("before " + std::to_string(i)));
  std::vector<merkle_subtree> tiles;
  f.append(opened.run, tiles);
  return f.root();
}

}  // namespace

TEST_CASE("hashes stand for entries that are left out, whatever the run", "[segment][left_out]") {
  random_entry source(23);
  std::size_t octets_whole = 0, octets_thin = 0;
  for (int i = 0; i < 120; ++i) {
    auto entries = numbered(40 + source.below(700));
    const auto first = source.below(600);
    auto whole = segment_of(entries, first);
    std::vector<entry_run> runs;
    auto at = first > 5 ? first - source.below(5) : first;  // a run may begin before the segment, and end behind it
    while (at < whole.size_after()) {
      runs.push_back({at, 16 + source.below(300)});
      at = runs.back().end() + 1 + source.below(40);
    }
    auto thin = leave_out(whole, runs);
    REQUIRE(thin.ok());
    REQUIRE(thin->is_thin());
    // Of few small entries the hashes may be more than what they stand for.
    octets_whole += whole.payload.size();
    octets_thin += thin->payload.size();
    CHECK(unpack_entries(*thin).code() == errc::left_out);
    auto back = decode_segment(encode_segment(*thin));
    REQUIRE(back.ok());
    auto opened = open_segment(*back), all = open_segment(whole);
    REQUIRE(opened.ok());
    CHECK(root_with(*opened, first) == root_with(*all, first));
    std::uint64_t left = 0;
    for (const auto& t : opened->left_out)
      left += std::uint64_t{1} << t.level;
    CHECK(left + opened->entries.size() == entries.size());
    for (std::size_t n = 0; n < opened->entries.size(); ++n)
      REQUIRE(bytes(opened->entries[n]) == entries[opened->place_of(n) - first]);

    // Put back in pieces of any size, it is octet for octet what it was.
    auto now = *thin;
    for (int turns = 0; now.is_thin(); ++turns) {
      REQUIRE(turns < 2'000);
      auto o = open_segment(now);
      const auto& t = o->left_out[source.below(o->left_out.size())];
      const auto from = t.index << t.level;
      entry_list some;
      for (auto n = from; n < std::min<std::uint64_t>(from + 300, whole.size_after()); ++n)
        some.add(entries[n - first]);
      auto more = put_back(now, from, some);
      REQUIRE(more.ok());
      now = *more;
    }
    CHECK(now.payload == whole.payload);
  }
  CHECK(octets_thin < octets_whole);
}

TEST_CASE("other entries than those that were left out are not put back", "[segment][left_out]") {
  auto entries = numbered(300);
  auto thin = leave_out(segment_of(entries, 0), {{20, 256}});
  REQUIRE(thin.ok());
  entry_list wrong, elsewhere;
  for (std::size_t i = 20; i < 276; ++i)
    wrong.add(i == 100 ? bytes("forged") : entries[i]);
  for (std::size_t i = 0; i < 20; ++i)
    elsewhere.add(entries[i]);
  CHECK(put_back(*thin, 20, wrong).code() == errc::bad_proof);
  CHECK(put_back(*thin, 0, elsewhere).code() == errc::not_found);
  CHECK(put_back(segment_of(entries, 0), 0, elsewhere).code() == errc::not_found);
  auto whole = segment_of(entries, 0);
  CHECK(leave_out(whole, {})->payload == whole.payload);
  CHECK(leave_out(whole, {{300, 20}})->payload == whole.payload);
}

TEST_CASE("a segment with entries left out has one spelling", "[segment][left_out]") {
  auto of = [](std::uint32_t entries, std::uint64_t first, const std::vector<std::pair<int, bytes>>& items) {
    byte_writer w;
    w.u8(2);
    for (const auto& [level, data] : items) {
      if (level < 0) {
        w.uv(data.size() + 1);
        w.raw(data);
      } else {
        w.uv(0);
        w.u8(static_cast<std::uint8_t>(level));
        w.raw(bytes(32, 'h'));
      }
    }
    segment s;
    s.first = first;
    s.entries = entries;
    s.payload = w.take();
    return open_segment(s).code();
  };
  CHECK(of(5, 0, {{2, {}}, {-1, "e"}}) == errc::ok);
  CHECK(of(6, 3, {{0, {}}, {2, {}}, {-1, "e"}}) == errc::ok);
  CHECK(of(5, 0, {{1, {}}, {1, {}}, {-1, "e"}}) == errc::malformed);  // two for what one says
  CHECK(of(5, 0, {{0, {}}, {0, {}}, {1, {}}, {-1, "e"}}) == errc::malformed);
  CHECK(of(5, 1, {{2, {}}, {-1, "e"}}) == errc::malformed);  // not aligned
  CHECK(of(3, 0, {{2, {}}}) == errc::malformed);             // beyond the end
  CHECK(of(5, 0, {{2, {}}}) == errc::malformed);             // short of it
  CHECK(of(4, 0, {{2, {}}, {-1, "e"}}) == errc::malformed);  // behind it
  CHECK(of(512, 0, {{9, {}}}) == errc::malformed);           // larger than any
  CHECK(of(1, 0, {{-1, "e"}}) == errc::malformed);           // a whole one is written as such
}
