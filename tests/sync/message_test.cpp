#include "sync/message.hpp"

#include <catch2/catch.hpp>

#include "storage/random_entry.hpp"

using namespace tally;
using tally::test::random_entry;

namespace {

template <std::size_t N>
void fill(random_entry& source, std::array<std::uint8_t, N>& out) {
  for (auto& b : out)
    b = static_cast<std::uint8_t>(source.below(256));
}

segment random_segment(random_entry& source) {
  std::vector<bytes> entries;
  for (auto n = 1 + source.below(3); n > 0; --n)
    entries.push_back(encode_entry(source.next()));
  segment s{source.stream(), source.below(1000), static_cast<std::uint32_t>(entries.size()), {}, pack_entries(entries)};
  fill(source, s.sign);
  return s;
}

message random_message(random_entry& source, std::size_t which) {
  switch (which) {
    case 0: {
      hello_message m{source.small(), source.small(), source.writer(), source.below(2) == 1, source.small()};
      if (m.version_max >= protocol_topics) m.skips = source.small();
      if (m.version_max >= protocol_process) m.process = source.number();
      return m;
    }
    case 1: {
      heads_message m;
      for (auto n = source.below(4); n > 0; --n) {
        auto id = source.stream();
        m.items.push_back({id, source.number()});
      }
      return m;
    }
    case 2: {
      want_message m{source.stream(), source.number(), std::nullopt};
      if (source.below(2)) {
        m.proof.emplace();
        fill(source, m.proof->root);
        fill(source, m.proof->sign);
      }
      return m;
    }
    case 3: return segment_message{random_segment(source)};
    case 4: return have_message{source.stream(), source.number()};
    case 5: {
      cosign_message m{source.stream(), source.number(), {}, node_id{source.small()}, source.any_amount(), {}};
      fill(source, m.root);
      fill(source, m.sign);
      return m;
    }
    case 6: {
      time_message m{source.any_amount(), {}};
      fill(source, m.sign);
      return m;
    }
    case 7:
      return ask_message{source.number(), account_id{source.number()}, source.small(), source.any_amount(),
                         static_cast<std::uint32_t>(source.below(600'001))};
    case 8:
      return told_message{source.number(), source.any_amount(), source.any_amount(), source.any_amount(),
                          static_cast<errc>(source.below(256))};
    case 9: return refuse_message{static_cast<errc>(source.below(256)), source.octets(source.below(501))};
    case 10: {
      below_message m;
      for (auto n = source.below(4); n > 0; --n)
        m.items.push_back({node_id{source.small()}, source.below(2) == 1, source.any_amount(), source.number()});
      return m;
    }
    case 11: {
      auto s = random_segment(source);
      return brief_segment_message{s.first, s.entries, s.sign, s.payload};
    }
    case 14: {
      renew_message m{node_id{source.small()}, source.number(), {}, {}, {}, {}, {}};
      fill(source, m.signing);
      fill(source, m.curve);
      fill(source, m.epoch.value);
      fill(source, m.by_old);
      fill(source, m.by_new);
      return m;
    }
    case 13: return alive_message{source.below(2) == 1};
    case 15: return letter_message{node_id{source.small()}, node_id{source.small()}, source.octets(source.below(200))};
    case 16: return fetch_message{source.stream(), source.below(1'000'000), 1 + source.below(fetch_entries_max)};
    case 17: {
      auto s = random_segment(source);
      return fetched_message{s.stream, s.first, s.entries, s.payload};
    }
    default: {
      brief_cosign_message m{source.number(), node_id{source.small()}, source.any_amount(), {}};
      fill(source, m.sign);
      return m;
    }
  }
}
constexpr std::size_t message_kinds = std::variant_size_v<message>;

}  // namespace

TEST_CASE("messages come back as they were", "[message]") {
  random_entry source(41);
  for (int i = 0; i < 300; ++i)
    for (std::size_t which = 0; which < message_kinds; ++which) {
      auto m = random_message(source, which);
      auto data = encode_message(m);
      auto back = decode_message(data);
      if (!back) FAIL("kind " << which << ": " << to_hex(data));
      REQUIRE(back->index() == which);
      REQUIRE(static_cast<std::size_t>(data[0]) == which + 1);  // the tag of FORMAT.md
      REQUIRE(encode_message(*back) == data);
      if (const auto* a = std::get_if<ask_message>(&m)) REQUIRE(std::get<ask_message>(*back) == *a);
      if (const auto* c = std::get_if<cosign_message>(&m)) REQUIRE(std::get<cosign_message>(*back) == *c);
      if (const auto* w = std::get_if<want_message>(&m)) REQUIRE(std::get<want_message>(*back) == *w);
      if (const auto* b = std::get_if<brief_segment_message>(&m)) REQUIRE(std::get<brief_segment_message>(*back) == *b);
      if (const auto* b = std::get_if<brief_cosign_message>(&m)) REQUIRE(std::get<brief_cosign_message>(*back) == *b);
    }
}

TEST_CASE("every cut and every changed octet of a message fails or is its own spelling", "[message]") {
  random_entry source(42);
  for (int i = 0; i < 4; ++i)
    for (std::size_t which = 0; which < message_kinds; ++which) {
      auto data = encode_message(random_message(source, which));
      for (std::size_t n = 0; n < data.size(); ++n) {
        auto cut = decode_message(byte_view(data).substr(0, n));
        REQUIRE((!cut.ok() || encode_message(*cut) == byte_view(data).substr(0, n)));
        auto changed = data;
        for (int v = 0; v < 256; v += n < 20 ? 1 : 23) {
          changed[n] = static_cast<char>(v);
          auto m = decode_message(changed);
          // A greeting of a later version may go on behind what this one knows.
          const auto* hello = m ? std::get_if<hello_message>(&*m) : nullptr;
          bool later = hello && hello->version_max > protocol_version;
          REQUIRE((!m.ok() || (later ? changed.starts_with(encode_message(*m)) : encode_message(*m) == changed)));
        }
      }
      // The payload of a brief segment and the body of a letter end with the message, and are looked into later.
      auto longer = decode_message(data + '\0');
      auto hello = decode_message(data);
      bool later = std::holds_alternative<hello_message>(*hello) &&
                   std::get<hello_message>(*hello).version_max > protocol_version;
      bool open = std::holds_alternative<brief_segment_message>(*hello) ||
                  std::holds_alternative<letter_message>(*hello) || std::holds_alternative<fetched_message>(*hello);
      CHECK(longer.ok() == (later || open));
    }
}

TEST_CASE("what no node says is malformed", "[message]") {
  CHECK(decode_message({}).code() == errc::malformed);
  bytes odd(61, '\1');
  for (int tag : {0, 12, 13, 127, 128, 255}) {
    odd[0] = static_cast<char>(tag);
    CHECK(decode_message(odd).code() == errc::malformed);
  }
  CHECK(decode_message(bytes(message_bytes_max + 1, '\4')).code() == errc::malformed);
  CHECK(decode_message(encode_message(letter_message{{3}, {1}, bytes(letter_bytes_max, 'x')})).ok());
  CHECK(decode_message(encode_message(letter_message{{3}, {1}, bytes(letter_bytes_max + 1, 'x')})).code() ==
        errc::malformed);
  random_entry source(43);

  heads_message heads;
  heads.items.resize(heads_max);
  CHECK(decode_message(encode_message(heads)).ok());
  heads.items.resize(heads_max + 1);
  CHECK_FALSE(decode_message(encode_message(heads)).ok());
  // A promise of many heads with nothing behind it takes no memory.
  byte_writer promise;
  promise.u8(2);
  promise.uv(heads_max);
  CHECK_FALSE(decode_message(promise.view()).ok());

  CHECK_FALSE(decode_message(encode_message(ask_message{1, account_id{1}, 1, 1, 600'001})).ok());
  refuse_message longer{errc::busy, std::string(600, 'x')};
  auto cut = decode_message(encode_message(longer));
  REQUIRE(cut.ok());
  CHECK(std::get<refuse_message>(*cut).text == std::string(500, 'x'));

  auto want = encode_message(want_message{source.stream(), 5, std::nullopt});
  want.back() = 2;  // neither with proof nor without
  CHECK_FALSE(decode_message(want).ok());
  auto empty = random_segment(source);
  empty.entries = 0;
  CHECK_FALSE(decode_message(encode_message(segment_message{empty})).ok());
}

TEST_CASE("the largest segment fits into a message", "[message]") {
  random_entry source(44);
  std::vector<bytes> entries;
  std::size_t octets = 0;
  for (;;) {  // noise does not compress
    auto e = source.octets(60'000);
    if (octets + e.size() + 3 > segment_bytes_max) break;
    octets += e.size() + 3;
    entries.push_back(std::move(e));
  }
  segment s{source.stream(), UINT64_MAX / 2, static_cast<std::uint32_t>(entries.size()), {}, pack_entries(entries)};
  auto data = encode_message(segment_message{s});
  CHECK(data.size() > segment_bytes_max * 9 / 10);
  CHECK(data.size() <= message_bytes_max);
  auto back = decode_message(data);
  REQUIRE(back.ok());
  CHECK(*unpack_entries(std::get<segment_message>(*back).seg) == entries);
}

TEST_CASE("head office's time is signed under its own heading", "[message]") {
  CHECK(time_text(1'795'348'800) == "tallystick time v1\n1795348800\n");
  CHECK(time_text(-1) == "tallystick time v1\n-1\n");
}
