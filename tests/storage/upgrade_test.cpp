// Data of an older form is brought to this program's: in order, in pieces, cut off anywhere, once.
#include <catch2/catch.hpp>

#include "storage/faulty_kv.hpp"
#include "storage/streams.hpp"
#include "storage/upgrade.hpp"
#include "storage/varint.hpp"

using namespace tally;

namespace {

bytes number(std::uint64_t v) {
  byte_writer w;
  w.uv(v);
  return w.take();
}

std::uint64_t count_of(const kv_store& s, byte_view key) {
  bytes v;
  return s.get(family::state, key, v) == lookup::found ? byte_reader(v).uv() : 0;
}

/// Adds one to each of `n` keys below a prefix, two at a time: what is done twice shows.
upgrade_step adds_one(std::uint64_t to, const std::string& prefix, int n) {
  return {to, "adds one", [prefix, n](const kv_store& s, bytes& cursor, kv_batch& b) -> result<bool> {
            int i = cursor.empty() ? 0 : std::stoi(std::string(cursor));
            for (int k = 0; k < 2 && i < n; ++k, ++i) {
              auto key = prefix + std::to_string(i);
              b.put(family::state, key, number(count_of(s, key) + 1));
            }
            cursor = std::to_string(i);
            return i == n;
          }};
}

const std::vector<upgrade_step> three{adds_one(1, "a", 5), adds_one(2, "b", 3), adds_one(3, "c", 4)};

void check_all_once(const kv_store& s) {
  for (auto [prefix, n] : {std::pair{"a", 5}, std::pair{"b", 3}, std::pair{"c", 4}})
    for (int i = 0; i < n; ++i)
      CHECK(count_of(s, prefix + std::to_string(i)) == 1);
}

/// A database where something was written and nobody said in what form.
void fill_unnumbered(kv_store& s, int entries) {
  kv_batch b;
  b.put(family::meta, "self", "somebody");
  entry e;
  e.kind = entry_kind::adopt;
  for (int i = 0; i < entries; ++i)
    b.put(family::entries, own_entry_key({}, static_cast<sequence>(i)), encode_entry(e));
  REQUIRE(s.commit(b, true).ok());
}

}  // namespace

TEST_CASE("what is new has the newest form, and what is newer than the program is refused in words", "[storage]") {
  faulty_kv disk;
  CHECK(format_of(disk, format_newest).value() == format_newest);
  kv_batch b;
  b.put(family::meta, "format", number(7));
  REQUIRE(disk.commit(b, true).ok());
  auto refused = upgrade(disk, three);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == errc::unsupported);
  CHECK(refused.error().detail.find("form 7; this program knows forms up to 3") != std::string::npos);
  bytes v;
  CHECK(disk.get(family::meta, "upgrade", v) == lookup::absent);

  b.clear();
  b.put(family::meta, "format", "\xff");
  REQUIRE(disk.commit(b, true).ok());
  CHECK(upgrade(disk, three).code() == errc::corrupt);
  disk.fail_reads(true);
  CHECK(upgrade(disk, three).code() == errc::io);
}

TEST_CASE("steps run in order from where the data is, each piece once, and not again", "[storage]") {
  faulty_kv disk;
  fill_unnumbered(disk, 1);
  auto done = upgrade(disk, three);
  REQUIRE(done.ok());
  CHECK(done->from == 0);
  CHECK(done->to == 3);
  CHECK(done->pieces == 3 + 2 + 2);
  CHECK_FALSE(done->resumed);
  check_all_once(disk);
  auto again = upgrade(disk, three);
  REQUIRE(again.ok());
  CHECK(again->pieces == 0);
  check_all_once(disk);
}

TEST_CASE("cut off after any piece, lost or kept, a later start goes on and does nothing twice", "[storage]") {
  for (std::uint64_t nth = 1; nth <= 7; ++nth) {
    for (auto what : {faulty_kv::outcome::lost, faulty_kv::outcome::kept}) {
      INFO("commit " << nth << (what == faulty_kv::outcome::kept ? ", kept" : ", lost"));
      faulty_kv disk;
      fill_unnumbered(disk, 1);
      disk.fail_commit(nth, what);
      CHECK(upgrade(disk, three).code() == errc::io);
      disk.crash(0);
      auto done = upgrade(disk, three);
      REQUIRE(done.ok());
      CHECK(done->to == 3);
      check_all_once(disk);
      bytes v;
      CHECK(disk.get(family::meta, "upgrade", v) == lookup::absent);
    }
  }
}

TEST_CASE("data without a number is ours when its journal can be read, however long, and refused when not",
          "[storage]") {
  faulty_kv disk;
  fill_unnumbered(disk, 2'500);
  disk.fail_commit(2, faulty_kv::outcome::lost);
  CHECK(upgrade(disk).code() == errc::io);
  disk.crash(0);
  auto done = upgrade(disk);
  REQUIRE(done.ok());
  CHECK(done->resumed);
  CHECK(done->pieces == 2);
  CHECK(format_of(disk).value() == 1);

  faulty_kv spoilt;
  fill_unnumbered(spoilt, 1'500);
  kv_batch b;
  entry whole;
  whole.kind = entry_kind::adopt;
  whole.head = stream_head{};
  auto cut = encode_entry(whole);
  cut.pop_back();
  b.put(family::entries, own_entry_key({}, 1'200), cut);
  REQUIRE(spoilt.commit(b, true).ok());
  CHECK(upgrade(spoilt).code() == errc::corrupt);
  CHECK(format_of(spoilt).value() == 0);
  b.clear();
  b.put(family::entries, own_entry_key({}, 1'200), "no kind that is known");
  REQUIRE(spoilt.commit(b, true).ok());
  CHECK(upgrade(spoilt).code() == errc::unsupported);
}

TEST_CASE("a program that lost a step in between does not skip it", "[storage]") {
  faulty_kv disk;
  fill_unnumbered(disk, 1);
  const std::vector<upgrade_step> gap{three[1], three[2]};
  CHECK(upgrade(disk, gap).code() == errc::unsupported);
}
