#include "storage/faulty_kv.hpp"

#include <catch2/catch.hpp>

using namespace tally;

namespace {

status write(faulty_kv& kv, bytes key, bool sync) {
  kv_batch b;
  b.put(family::entries, key + ".1", "v");
  b.put(family::state, key + ".2", "v");
  return kv.commit(b, sync);
}

/// All or nothing of what `write` wrote.
bool has(const faulty_kv& kv, const bytes& key) {
  bytes out;
  const bool one = kv.get(family::entries, key + ".1", out) == lookup::found;
  const bool two = kv.get(family::state, key + ".2", out) == lookup::found;
  CHECK(one == two);
  return one && two;
}

}  // namespace

TEST_CASE("power loss takes what was not synced, from its end", "[storage][faulty]") {
  const std::size_t keep = GENERATE(0u, 1u, 2u, 3u, 9u);
  faulty_kv kv;
  REQUIRE(write(kv, "a", true).ok());
  for (auto key : {"b", "c", "d"})
    REQUIRE(write(kv, key, false).ok());
  CHECK(kv.unsynced() == 3);
  CHECK(has(kv, "d"));
  kv.crash(keep);
  CHECK(has(kv, "a"));
  CHECK(has(kv, "b") == (keep >= 1));
  CHECK(has(kv, "c") == (keep >= 2));
  CHECK(has(kv, "d") == (keep >= 3));
  CHECK(kv.unsynced() == 0);
  CHECK(write(kv, "e", true).ok());
}

TEST_CASE("a sync makes everything before it durable", "[storage][faulty]") {
  faulty_kv kv;
  REQUIRE(write(kv, "a", false).ok());
  SECTION("with the next batch") { REQUIRE(write(kv, "b", true).ok()); }
  SECTION("with an empty batch") { REQUIRE(kv.commit({}, true).ok()); }
  kv.crash(0);
  CHECK(has(kv, "a"));
}

TEST_CASE("kill -9 takes nothing that was committed", "[storage][faulty]") {
  faulty_kv kv;
  REQUIRE(write(kv, "a", false).ok());
  kv.kill();
  CHECK(has(kv, "a"));
  kv.crash(0);
  CHECK(has(kv, "a"));
}

TEST_CASE("a failed commit is unknown until the restart, and stops the store", "[storage][faulty]") {
  const auto what = GENERATE(faulty_kv::outcome::lost, faulty_kv::outcome::kept);
  const auto code = GENERATE(errc::io, errc::full);
  faulty_kv kv;
  kv.fail_commit(3, what, code);
  REQUIRE(write(kv, "a", true).ok());
  REQUIRE(write(kv, "b", false).ok());
  CHECK(write(kv, "c", true).code() == code);
  CHECK(kv.failed());
  CHECK_FALSE(has(kv, "c"));
  CHECK(has(kv, "b"));
  for (int i = 0; i < 3; ++i)
    CHECK(write(kv, "d", true).code() == errc::io);
  CHECK_FALSE(has(kv, "d"));
  CHECK(kv.commits() == 2);
  kv.crash(0);
  CHECK_FALSE(kv.failed());
  CHECK(has(kv, "a"));
  CHECK(has(kv, "b") == (what == faulty_kv::outcome::kept));  // a later record on the disk implies the earlier ones
  CHECK(has(kv, "c") == (what == faulty_kv::outcome::kept));
  CHECK_FALSE(has(kv, "d"));
  CHECK(write(kv, "e", true).ok());
}

TEST_CASE("a full disk answers full, then io, until there is room and a restart", "[storage][faulty]") {
  faulty_kv kv;
  REQUIRE(write(kv, "a", true).ok());
  kv.set_full(true);
  kv.set_disk_free_bytes(0);
  CHECK(kv.disk_free_bytes() == 0);
  CHECK(write(kv, "b", true).code() == errc::full);
  CHECK(write(kv, "b", true).code() == errc::io);
  kv.kill();
  CHECK(write(kv, "b", true).code() == errc::full);
  kv.set_full(false);
  CHECK(write(kv, "b", true).code() == errc::io);
  kv.kill();
  CHECK(write(kv, "b", true).ok());
  CHECK(has(kv, "a"));
}

TEST_CASE("a disk that does not answer is not an empty disk", "[storage][faulty]") {
  faulty_kv kv;
  REQUIRE(write(kv, "a", true).ok());
  kv.fail_reads(true);
  bytes out;
  CHECK(kv.get(family::entries, "a.1", out) == lookup::failed);
  CHECK(kv.get(family::entries, "nothing", out) == lookup::failed);
  for (bool forward : {true, false}) {
    auto c = forward ? kv.scan(family::entries, "") : kv.seek_last_at_or_before(family::entries, "z");
    CHECK_FALSE(c->valid());
    CHECK(c->state().code() == errc::io);
  }
  kv.fail_reads(false);
  CHECK(has(kv, "a"));
}

TEST_CASE("a copy is a moment, and a restore goes back to it", "[storage][faulty]") {
  faulty_kv kv;
  REQUIRE(write(kv, "a", true).ok());
  const auto old = kv.copy();
  REQUIRE(write(kv, "b", true).ok());
  kv.fail_commit(1, faulty_kv::outcome::kept);
  REQUIRE_FALSE(write(kv, "c", true).ok());
  faulty_kv twin(old);
  CHECK(has(twin, "a"));
  CHECK_FALSE(has(twin, "b"));
  kv.restore(old);
  CHECK(has(kv, "a"));
  CHECK_FALSE(has(kv, "b"));
  CHECK(write(kv, "d", true).ok());
  CHECK_FALSE(has(twin, "d"));
  kv.crash(0);
  CHECK_FALSE(has(kv, "c"));
  CHECK(has(kv, "d"));
}
