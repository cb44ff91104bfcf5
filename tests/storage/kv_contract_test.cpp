// One suite for every store behind the port: what holds here holds for the simulator and for the shop.
#include <catch2/catch.hpp>

#include <atomic>
#include <random>
#include <thread>

#include "storage/faulty_kv.hpp"
#include "storage/rocks_kv.hpp"
#include "temp_dir.hpp"

using namespace tally;

namespace {

struct memory_fixture {
  memory_kv kv;
  kv_store& store() { return kv; }
  void reopen() {}  // memory has no second life
};

struct faulty_fixture {
  faulty_kv kv;
  kv_store& store() { return kv; }
  void reopen() { kv.kill(); }
};

struct rocks_fixture {
  test::temp_dir dir;
  std::unique_ptr<kv_store> kv;
  rocks_fixture() { open(true); }
  kv_store& store() { return *kv; }
  void reopen() {
    kv.reset();
    open(false);
  }
  void open(bool create) {
    auto opened = open_rocks(dir.path() / "db", {.create = create});
    if (!opened) FAIL(opened.error().detail);
    kv = std::move(*opened);
  }
};

/// The value, or a word that no test stores.
std::string read(const kv_store& kv, family f, byte_view key) {
  bytes out = "stale";
  switch (kv.get(f, key, out)) {
    case lookup::found: return out;
    case lookup::absent: return "<absent>";
    case lookup::failed: break;
  }
  return "<failed>";
}

std::vector<std::string> keys_from(std::unique_ptr<kv_cursor> c) {
  std::vector<std::string> out;
  for (; c->valid(); c->next())
    out.emplace_back(c->key());
  CHECK(c->state().ok());
  return out;
}

void put(kv_store& kv, family f, bytes key, bytes value) {
  kv_batch b;
  b.put(f, std::move(key), std::move(value));
  REQUIRE(kv.commit(b, false).ok());
}

using list = std::vector<std::string>;

}  // namespace

#define EVERY_STORE(name) TEMPLATE_TEST_CASE(name, "[storage][kv]", memory_fixture, faulty_fixture, rocks_fixture)

EVERY_STORE("what was put is found, in its family only") {
  TestType t;
  CHECK(read(t.store(), family::state, "a") == "<absent>");
  put(t.store(), family::state, "a", "1");
  CHECK(read(t.store(), family::state, "a") == "1");
  for (std::size_t f = 0; f < family_count; ++f)
    if (family(f) != family::state) CHECK(read(t.store(), family(f), "a") == "<absent>");
  put(t.store(), family::state, "a", "a longer value");
  CHECK(read(t.store(), family::state, "a") == "a longer value");
  t.reopen();
  CHECK(read(t.store(), family::state, "a") == "a longer value");
}

EVERY_STORE("keys and values are octets") {
  TestType t;
  const bytes zero("\0k\xff", 3), high("\xff\xff", 2);
  put(t.store(), family::meta, zero, bytes("\0\0v", 3));
  put(t.store(), family::meta, high, "");
  put(t.store(), family::meta, "", "empty key");
  CHECK(read(t.store(), family::meta, zero) == bytes("\0\0v", 3));
  CHECK(read(t.store(), family::meta, high) == "");
  CHECK(read(t.store(), family::meta, "") == "empty key");
  CHECK(keys_from(t.store().scan(family::meta, "")) == list{"", zero, high});
}

EVERY_STORE("a batch is applied in its order") {
  TestType t;
  put(t.store(), family::entries, "gone", "x");
  kv_batch b;
  b.put(family::entries, "k", "first");
  b.put(family::entries, "k", "second");
  b.put(family::entries, "taken back", "x");
  b.erase(family::entries, "taken back");
  b.erase(family::entries, "back");
  b.put(family::entries, "back", "y");
  b.erase(family::entries, "gone");
  b.erase(family::entries, "never was");
  b.put(family::spool, "k", "another family");
  CHECK(b.size() == 9);
  REQUIRE(t.store().commit(b, true).ok());
  for (int life = 0; life < 2; ++life) {
    CHECK(read(t.store(), family::entries, "k") == "second");
    CHECK(read(t.store(), family::entries, "taken back") == "<absent>");
    CHECK(read(t.store(), family::entries, "back") == "y");
    CHECK(read(t.store(), family::entries, "gone") == "<absent>");
    CHECK(read(t.store(), family::spool, "k") == "another family");
    t.reopen();
  }
  b.clear();
  CHECK(b.empty());
  CHECK(b.octets() == 0);
  CHECK(t.store().commit(b, false).ok());
  CHECK(t.store().commit(b, true).ok());
}

EVERY_STORE("a scan goes forward in the order of unsigned bytes") {
  TestType t;
  CHECK_FALSE(t.store().scan(family::state, "")->valid());
  for (auto key : {"b", "a", "ab", "c", "\x80", "\x7f"})
    put(t.store(), family::state, key, "v");
  put(t.store(), family::segments, "aa", "elsewhere");
  CHECK(keys_from(t.store().scan(family::state, "")) == list{"a", "ab", "b", "c", "\x7f", "\x80"});
  CHECK(keys_from(t.store().scan(family::state, "ab")) == list{"ab", "b", "c", "\x7f", "\x80"});
  CHECK(keys_from(t.store().scan(family::state, "aba")) == list{"b", "c", "\x7f", "\x80"});
  CHECK(keys_from(t.store().scan(family::state, "\x81")).empty());
}

EVERY_STORE("the last key at or before another") {
  TestType t;
  CHECK_FALSE(t.store().seek_last_at_or_before(family::segments, "z")->valid());
  for (auto key : {"b", "d", "f"})
    put(t.store(), family::segments, key, key);
  CHECK_FALSE(t.store().seek_last_at_or_before(family::segments, "a")->valid());
  CHECK(keys_from(t.store().seek_last_at_or_before(family::segments, "b")) == list{"b", "d", "f"});
  CHECK(keys_from(t.store().seek_last_at_or_before(family::segments, "e")) == list{"d", "f"});
  auto last = t.store().seek_last_at_or_before(family::segments, "zz");
  REQUIRE(last->valid());
  CHECK(last->key() == "f");
  CHECK(last->value() == "f");
}

EVERY_STORE("a cursor sees the moment it was made") {
  TestType t;
  for (auto key : {"a", "b", "c"})
    put(t.store(), family::state, key, "old");
  auto c = t.store().scan(family::state, "");
  kv_batch b;
  b.put(family::state, "b", "new");
  b.put(family::state, "bb", "new");
  b.erase(family::state, "c");
  REQUIRE(t.store().commit(b, true).ok());
  list seen;
  for (; c->valid(); c->next())
    seen.push_back(std::string(c->key()) + "=" + std::string(c->value()));
  CHECK(seen == list{"a=old", "b=old", "c=old"});
  c.reset();
  CHECK(keys_from(t.store().scan(family::state, "")) == list{"a", "b", "bb"});
}

EVERY_STORE("a store equals a map after thousands of random changes") {
  TestType t;
  std::mt19937_64 random(20240601);
  std::map<std::pair<std::size_t, bytes>, bytes> model;
  for (int round = 0; round < 300; ++round) {
    kv_batch b;
    for (int i = 0; i < 20; ++i) {
      const auto f = static_cast<std::size_t>(random() % family_count);
      bytes key = std::to_string(random() % 400);
      if (random() % 4 == 0) {
        b.erase(family(f), key);
        model.erase({f, key});
      } else {
        bytes value(random() % 600, static_cast<char>(random()));
        b.put(family(f), key, value);
        model[{f, key}] = value;
      }
    }
    REQUIRE(t.store().commit(b, round % 7 == 0).ok());
    if (round % 100 == 99) t.reopen();
  }
  std::map<std::pair<std::size_t, bytes>, bytes> stored;
  for (std::size_t f = 0; f < family_count; ++f) {
    auto c = t.store().scan(family(f), "");
    for (; c->valid(); c->next())
      stored[{f, bytes(c->key())}] = bytes(c->value());
    REQUIRE(c->state().ok());
  }
  CHECK(stored == model);
}

EVERY_STORE("large values and large batches") {
  TestType t;
  const bytes large(std::size_t{3} << 20, 'x');
  kv_batch b;
  for (int i = 0; i < 6; ++i)
    b.put(family::segments, "large " + std::to_string(i), large);
  CHECK(b.octets() > 6 * large.size());
  REQUIRE(t.store().commit(b, true).ok());
  t.reopen();
  for (int i = 0; i < 6; ++i)
    CHECK((read(t.store(), family::segments, "large " + std::to_string(i)) == large));
}

EVERY_STORE("readers on other threads see whole batches") {
  TestType t;
  std::atomic<bool> stop = false;
  std::atomic<int> torn = 0, reads = 0;
  put(t.store(), family::state, "a", "0");
  put(t.store(), family::state, "b", "0");
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i)
      readers.emplace_back([&] {
        while (!stop) {
          auto c = t.store().scan(family::state, "");
          bytes a(c->value());
          c->next();
          if (!c->valid() || c->value() != a) ++torn;
          bytes out;
          if (t.store().get(family::state, "a", out) != lookup::found) ++torn;
          ++reads;
        }
      });
    for (int i = 1; i <= 400 || reads == 0; ++i) {
      kv_batch b;
      b.put(family::state, "a", std::to_string(i));
      b.put(family::state, "b", std::to_string(i));
      CHECK(t.store().commit(b, false).ok());
    }
    stop = true;
  }
  CHECK(torn == 0);
}

EVERY_STORE("the room on the disk is known") {
  TestType t;
  CHECK(t.store().disk_free_bytes() > 0);
}

TEST_CASE("names of families are what is on disk", "[storage][kv]") {
  CHECK(family_count == 5);
  CHECK(family_names[static_cast<std::size_t>(family::meta)] == "meta");
  CHECK(family_names[static_cast<std::size_t>(family::entries)] == "entries");
  CHECK(family_names[static_cast<std::size_t>(family::segments)] == "segments");
  CHECK(family_names[static_cast<std::size_t>(family::state)] == "state");
  CHECK(family_names[static_cast<std::size_t>(family::spool)] == "spool");
}
