#include "storage/kv_view.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "storage/memory_kv.hpp"

namespace tally {
namespace {

/// A memory store that counts the reads that reach it, and fails them when told to.
class watched_kv final : public kv_store {
public:
  lookup get(family f, byte_view key, bytes& out) const override {
    ++reads;
    return failing ? lookup::failed : inner.get(f, key, out);
  }
  std::unique_ptr<kv_cursor> scan(family f, byte_view from) const override { return inner.scan(f, from); }
  std::unique_ptr<kv_cursor> seek_last_at_or_before(family f, byte_view key) const override {
    return inner.seek_last_at_or_before(f, key);
  }
  status commit(const kv_batch& batch, bool sync) override { return inner.commit(batch, sync); }
  std::uint64_t disk_free_bytes() const override { return inner.disk_free_bytes(); }

  memory_kv inner;
  mutable std::uint64_t reads = 0;
  bool failing = false;
};

std::optional<bytes> read(const kv_view& v, family f, byte_view key) {
  bytes out;
  auto answer = v.get(f, key, out);
  REQUIRE(answer != lookup::failed);
  return answer == lookup::found ? std::optional(out) : std::nullopt;
}

void settle(kv_view& v, watched_kv& store) {
  REQUIRE(store.commit(v.seal(), true).ok());
  v.settled();
}

}  // namespace

TEST_CASE("a view answers as a map would, whatever it remembers", "[storage][view]") {
  auto seed = GENERATE(1U, 2U, 3U);
  INFO("seed " << seed);
  std::mt19937_64 dice(seed);
  watched_kv store;
  kv_view view(store);
  std::map<bytes, bytes> truth;
  // More keys than are remembered, a few of them in constant use, values on both sides of the bound.
  constexpr std::uint64_t keys = known_keys::slots_max * 2;
  std::optional<kv_batch> flight;
  for (int i = 0; i < 600'000; ++i) {
    auto f = dice() % 8 == 0 ? family::meta : family::state;
    auto key = std::to_string(dice() % 4 == 0 ? dice() % 10 : dice() % keys);
    auto name = static_cast<char>(f) + key;
    switch (dice() % 8) {
      case 0:
      case 1: {
        bytes value(dice() % 20 == 0 ? known_keys::value_max + dice() % 2 : dice() % 9, static_cast<char>(dice()));
        view.put(f, key, value);
        truth[name] = value;
        break;
      }
      case 2:
        view.erase(f, key);
        truth.erase(name);
        break;
      default: {
        auto it = truth.find(name);
        auto expected = it == truth.end() ? std::nullopt : std::optional(it->second);
        if (auto got = read(view, f, key); got != expected) FAIL("key " << key << " at step " << i);
      }
    }
    if (dice() % 50 == 0 && !flight) flight = view.seal();
    if (dice() % 50 == 0 && flight) {
      REQUIRE(store.commit(*flight, true).ok());
      view.settled();
      flight.reset();
    }
  }
  CHECK(store.reads > 0);
}

TEST_CASE("what is known of the state is not read again", "[storage][view]") {
  watched_kv store;
  kv_view view(store);
  CHECK_FALSE(read(view, family::state, "a"));
  CHECK_FALSE(read(view, family::state, "a"));
  CHECK(store.reads == 1);
  view.put(family::state, "b", "1");
  settle(view, store);
  CHECK(read(view, family::state, "b") == bytes("1"));
  view.erase(family::state, "b");
  settle(view, store);
  CHECK_FALSE(read(view, family::state, "b"));
  CHECK(store.reads == 1);
  SECTION("other families are always read, for others write them too") {
    (void)read(view, family::meta, "a");
    (void)read(view, family::meta, "a");
    CHECK(store.reads == 3);
  }
  SECTION("a value over the bound is read each time, and an older one is forgotten") {
    bytes large(known_keys::value_max + 1, 'x');
    view.put(family::state, "a", large);
    settle(view, store);
    CHECK(read(view, family::state, "a") == large);
    CHECK(read(view, family::state, "a") == large);
    CHECK(store.reads == 3);
  }
  SECTION("what is in use stays while others come and go") {
    for (std::size_t i = 0; i < known_keys::slots_max * 2; ++i) {
      (void)read(view, family::state, "k" + std::to_string(i));
      (void)read(view, family::state, "b");
    }
    CHECK(store.reads == 1 + known_keys::slots_max * 2);
  }
}

TEST_CASE("a failed read is not remembered as an answer", "[storage][view]") {
  watched_kv store;
  kv_view view(store);
  store.failing = true;
  bytes out;
  CHECK(view.get(family::state, "a", out) == lookup::failed);
  CHECK(view.read_failed());
  store.failing = false;
  CHECK(view.get(family::state, "a", out) == lookup::absent);
  CHECK(store.reads == 2);
}

}  // namespace tally
