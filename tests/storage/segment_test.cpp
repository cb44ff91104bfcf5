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
  CHECK(refused("\2a form that there is none of"));
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
